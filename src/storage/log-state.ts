/**
 * What a log says once all its records have been followed in order: the last txn, the epochs, the commit
 * mark. One object per stage that needs it (recovery, what is durable); every segment header carries a
 * copy, so that a hole between two segments shows as a contradiction.
 * If a record changed meaning here, old logs would be read differently: give it a new kind instead.
 */
import { assertNever } from '../base/assert.ts'
import { type ChainHash, emptyChainHash } from '../base/chain-hash.ts'
import { type Epoch, type ServerId, type Zxid, zeroEpoch, zeroZxid } from '../base/ids.ts'
import type { ClusterId, LogRecord } from '../protocol/disk/log-record.ts'

/**
 * Takes back every txn after `zxid`. A truncation is a record like any other, so it is atomic, it is ordered
 * with the appends around it, and no epoch or commit mark written behind the cut can be lost with it.
 */
export interface TruncateRecord {
  readonly kind: 'truncate'
  readonly zxid: Zxid
  readonly hash: ChainHash // of the history up to and including `zxid`
}

export type StoredRecord = LogRecord | TruncateRecord

/** A place in the history of txns. The hash is that of all of them up to and including `zxid`. */
export interface LogPoint {
  readonly zxid: Zxid
  readonly hash: ChainHash
}

export interface LogState {
  readonly lastZxid: Zxid
  readonly lastHash: ChainHash
  readonly acceptedEpoch: Epoch
  readonly acceptedLeader: ServerId | null
  readonly currentEpoch: Epoch
  readonly clusterId: ClusterId
  readonly committed: Zxid // invariant: committed <= lastZxid
}

export const emptyLogState: LogState = {
  lastZxid: zeroZxid,
  lastHash: emptyChainHash,
  acceptedEpoch: zeroEpoch,
  acceptedLeader: null,
  currentEpoch: zeroEpoch,
  clusterId: 0 as ClusterId,
  committed: zeroZxid,
}

export type MutableLogState = { -readonly [K in keyof LogState]: LogState[K] }

/** Follows one record. Callers have checked what only they can: order of zxids, the chain of hashes. */
export function followRecord(state: MutableLogState, record: StoredRecord): void {
  switch (record.kind) {
    case 'txn':
    case 'truncate':
      state.lastZxid = record.zxid
      state.lastHash = record.hash
      return
    case 'accepted-epoch':
      state.acceptedEpoch = record.epoch
      state.acceptedLeader = record.leader
      return
    case 'current-epoch':
      state.currentEpoch = record.epoch
      state.clusterId = record.clusterId
      return
    case 'committed':
      if (record.zxid > state.committed) state.committed = record.zxid
      return
    default:
      return assertNever(record)
  }
}
