/**
 * The state that results from the records of a log in order: the last txn, the epochs, the commit mark. Recovery has
 * one such object and the writer has one for what is durable. Every segment header carries a copy, so that a hole
 * between two segments contradicts the header after it. If a record changed its meaning here, old logs would be read
 * differently: give the record a new kind instead.
 */
import { assertNever } from '../base/assert.ts'
import { type ChainHash, emptyChainHash } from '../base/chain-hash.ts'
import { type Epoch, type ServerId, type Zxid, zeroEpoch, zeroZxid } from '../base/ids.ts'
import type { CheckpointFacts } from '../ports/checkpoints.ts'
import type { ClusterId, LogRecord } from '../protocol/disk/log-record.ts'

/**
 * Takes back every txn after `zxid`. A truncation is a record like any other, so it is atomic, it is ordered with the
 * appends around it, and no epoch or commit mark that was written after the txns is lost with them.
 */
export interface TruncateRecord {
  readonly kind: 'truncate'
  readonly zxid: Zxid
  readonly hash: ChainHash // of the history up to and including `zxid`
}

export type StoredRecord = LogRecord | TruncateRecord

/** A point in the history of txns. `hash` covers all of them up to and including `zxid`. */
export interface LogPoint {
  readonly zxid: Zxid
  readonly hash: ChainHash
}

/** What a checkpoint holds, and where its content came from; as `CheckpointFacts` has it. */
export type LogBase = Pick<CheckpointFacts, 'zxid' | 'hash' | 'origin' | 'clusterId' | 'epoch'>

export interface LogState {
  readonly lastZxid: Zxid
  readonly lastHash: ChainHash
  readonly acceptedEpoch: Epoch
  readonly acceptedLeader: ServerId | null
  readonly currentEpoch: Epoch
  readonly clusterId: ClusterId
  readonly committed: Zxid // invariant: committed <= lastZxid
  /**
   * The log was adopted from elsewhere (adopt-log.ts), and this server has not been in step with a leader since. What the
   * server has acknowledged or promised may be missing, so it counts in no quorum.
   */
  readonly mustSync: boolean
}

export const emptyLogState: LogState = {
  lastZxid: zeroZxid,
  lastHash: emptyChainHash,
  acceptedEpoch: zeroEpoch,
  acceptedLeader: null,
  currentEpoch: zeroEpoch,
  clusterId: 0 as ClusterId,
  committed: zeroZxid,
  mustSync: false,
}

export type MutableLogState = { -readonly [K in keyof LogState]: LogState[K] }

/**
 * The state of a log that restarts at `point`: it keeps its epochs, which are promises, and nothing of its txns. The
 * cluster id of the new history takes effect when the server is in step with its leader (as in ZabCore.beginSyncWith).
 */
export function restartedState(before: LogState, point: LogPoint, clusterId: ClusterId): LogState {
  return { ...before, lastZxid: point.zxid, lastHash: point.hash, committed: point.zxid, clusterId }
}

/** A log is replaced by the base when the server starts: a crash has interrupted `restartAt`, or a backup was restored. */
export function replacedState(before: LogState, base: LogBase): LogState {
  const clusterId = base.clusterId as ClusterId
  if (base.origin !== 'restored') {
    return restartedState(before, base, before.clusterId === clusterId ? clusterId : (0 as ClusterId))
  }
  const epoch = base.epoch as Epoch
  const isNewer = epoch > before.acceptedEpoch
  return {
    ...restartedState(before, base, clusterId),
    acceptedEpoch: isNewer ? epoch : before.acceptedEpoch,
    acceptedLeader: isNewer ? null : before.acceptedLeader,
    currentEpoch: Math.max(epoch, before.currentEpoch) as Epoch,
  }
}

/** Changes the state by one record. The caller has checked the order of zxids and the chain of hashes. */
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
      // With the id 0 the server is between two clusters, and not in step (ZabCore.beginSyncWith).
      if (record.clusterId !== 0) state.mustSync = false
      return
    case 'committed':
      if (record.zxid > state.committed) state.committed = record.zxid
      return
    default:
      return assertNever(record)
  }
}
