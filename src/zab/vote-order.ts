/**
 * Which of two candidates should lead: one with txns before one without any, then the later epoch, then the longer
 * history, then the higher id. All but the first rule are ZAB's (ZK: totalOrderPredicate). Servers whose disks were
 * emptied can elect each other and so reach later epochs; the first rule keeps them from winning over the last copy of
 * the data. ZAB stays safe: every quorum has a server with each committed txn in its log, so once a txn is committed,
 * an empty history need not win (docs/internals/zab.md, "Why it is safe", 5).
 */
import type { Epoch, ServerId, Zxid } from '../base/ids.ts'
import type { ZabMessage } from '../protocol/peer/peer-message.ts'

/** A candidate, and how recent the history of the sender is. */
export type VoteMessage = Extract<ZabMessage, { readonly kind: 'vote' }>

/** A server that may lead, and how recent its history is. */
export interface Candidate {
  readonly id: ServerId
  readonly epoch: Epoch // its current epoch
  readonly zxid: Zxid // the last of its history
}

export function senderOf(vote: VoteMessage, from: ServerId): Candidate {
  return { id: from, epoch: vote.epoch, zxid: vote.zxid }
}

export function isBetterCandidate(a: Candidate, b: Candidate): boolean {
  if (isMoreRecent(a.epoch, a.zxid, b.epoch, b.zxid)) return true
  return a.epoch === b.epoch && a.zxid === b.zxid && a.id > b.id
}

/** Whether history A is more recent than history B, regardless of the ids of their servers. */
export function isMoreRecent(epochA: Epoch, zxidA: Zxid, epochB: Epoch, zxidB: Zxid): boolean {
  if ((zxidA === 0) !== (zxidB === 0)) return zxidB === 0
  return epochA !== epochB ? epochA > epochB : zxidA > zxidB
}
