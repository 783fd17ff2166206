/** Which of two candidates should lead: the later epoch, then the longer history, then the higher id (ZAB; ZK: totalOrderPredicate). */
import type { Epoch, Zxid } from '../base/ids.ts'
import type { Vote } from '../protocol/peer/peer-message.ts'

export function isBetterVote(a: Vote, b: Vote): boolean {
  if (a.epoch !== b.epoch) return a.epoch > b.epoch
  if (a.zxid !== b.zxid) return a.zxid > b.zxid
  return a.leader > b.leader
}

export function isSameVote(a: Vote, b: Vote): boolean {
  return a.leader === b.leader && a.epoch === b.epoch && a.zxid === b.zxid
}

/** Whether a history is more recent than another, whoever holds it. */
export function isMoreRecent(epochA: Epoch, zxidA: Zxid, epochB: Epoch, zxidB: Zxid): boolean {
  return epochA !== epochB ? epochA > epochB : zxidA > zxidB
}
