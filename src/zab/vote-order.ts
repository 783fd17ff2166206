/**
 * Which of two candidates should lead: one with txns before one without any, then the later epoch, then the longer
 * history, then the higher id. Apart from the first it is ZAB's order (ZK: totalOrderPredicate). The first keeps servers
 * whose disks were emptied, and which have elected each other since, from winning over the last copy of the data by
 * their later epochs. It takes nothing from ZAB: a committed txn is in the log of one of each quorum, so where there is
 * one, an empty history is never needed (docs/internals/zab.md, "Why it is safe", 5).
 */
import type { Epoch, Zxid } from '../base/ids.ts'
import type { Vote } from '../protocol/peer/peer-message.ts'

export function isBetterVote(a: Vote, b: Vote): boolean {
  if (isMoreRecent(a.epoch, a.zxid, b.epoch, b.zxid)) return true
  return a.epoch === b.epoch && a.zxid === b.zxid && a.leader > b.leader
}

export function isSameVote(a: Vote, b: Vote): boolean {
  return a.leader === b.leader && a.epoch === b.epoch && a.zxid === b.zxid
}

/** Whether a history is more recent than another, whoever holds it. */
export function isMoreRecent(epochA: Epoch, zxidA: Zxid, epochB: Epoch, zxidB: Zxid): boolean {
  if ((zxidA === 0) !== (zxidB === 0)) return zxidB === 0
  return epochA !== epochB ? epochA > epochB : zxidA > zxidB
}
