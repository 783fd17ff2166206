/**
 * What goes into and comes out of the broadcast protocol (docs/internals/zab.md). Payloads are opaque
 * bytes: zab orders them and never looks inside. Storage effects run one after another and answer in order.
 */
import type { ChainHash } from '../base/chain-hash.ts'
import type { Epoch, ServerId, Zxid } from '../base/ids.ts'
import type { Membership } from '../membership/membership.ts'
import type { ClusterId, LogRecord, TxnEntry } from '../protocol/disk/log-record.ts'
import type { ZabMessage } from '../protocol/peer/peer-message.ts'

export interface ZabSettings {
  readonly self: ServerId
  /** As it is at the start; self belongs to it. */
  readonly membership: Membership
  /** A role that waits for others to turn up gives up after this. */
  readonly peerTimeoutMs: number
  /** A role that waits for disks or for a long synchronisation gives up after this (initLimit). */
  readonly initLimitMs: number
  readonly heartbeatIntervalMs: number
  /** How long a quorum that agrees waits for the voters it has not heard from. */
  readonly settleMs: number
  /** Role incarnations count up from here; drawn at random, so those of an earlier process do not match. */
  readonly firstIncarnation: number
  /** The name this server would give to a new ensemble, should it be its first leader. */
  readonly freshClusterId: ClusterId
  /**
   * Whether this server counts while its log is empty. If not, an empty log may be the rest of a lost one: the server
   * takes no part in an election and no leader counts it, until a leader that has a quorum without it has brought it up
   * (ZK: db.autocreate, the initialize file; ZOOKEEPER-261).
   */
  readonly trustsEmptyLog: boolean
}

/** What the log says when the server starts. */
export interface RecoveredHistory {
  readonly acceptedEpoch: Epoch
  readonly acceptedLeader: ServerId | null
  readonly currentEpoch: Epoch
  readonly clusterId: ClusterId
  readonly committed: Zxid // known to be committed, and applied already
  readonly committedHash: ChainHash
  readonly tail: readonly TxnEntry[] // what the log holds beyond; fate unknown
}

/** Comes back with `persisted`: what became durable, and in which role it was asked for. */
export interface PersistTag {
  readonly incarnation: number
  readonly step: 'txns' | 'accepted-epoch' | 'current-epoch'
  readonly zxid: Zxid // the last txn of the log up to and including these records
}

export interface SendEffect {
  readonly kind: 'send'
  readonly to: ServerId
  readonly message: ZabMessage
}

export type StorageEffect =
  | {
      readonly kind: 'persist'
      readonly records: readonly LogRecord[]
      readonly tag: PersistTag
      readonly whenDurable: readonly SendEffect[] // leave only when the records are durable
    }
  | { readonly kind: 'truncate-log'; readonly zxid: Zxid }
  /** Answered by `log-read`. */
  | { readonly kind: 'read-log'; readonly ticket: number; readonly after: Zxid; readonly sizeBytesMax: number }

/** `start` is the last txn at or before the asked zxid, `entries` those that follow it. */
export interface LogStretch {
  readonly start: { readonly zxid: Zxid; readonly hash: ChainHash }
  readonly entries: readonly TxnEntry[]
}

/** The log begins after the asked zxid: its front was removed. */
export interface OlderThanLog {
  readonly start: null
  readonly oldest: { readonly zxid: Zxid; readonly hash: ChainHash }
}

export type LogRead = { readonly ticket: number } & (LogStretch | OlderThanLog)

export type ZabEffect =
  | SendEffect
  | StorageEffect
  /** Committed; comes once for each zxid, in order. */
  | { readonly kind: 'deliver'; readonly entry: TxnEntry }
  | { readonly kind: 'stopped-serving'; readonly reason: string }
  | { readonly kind: 'serving-as-leader'; readonly epoch: Epoch }
  | { readonly kind: 'serving-as-follower'; readonly leader: ServerId; readonly epoch: Epoch; readonly syncId: number }
  /** Heartbeat round `sequence` was answered by a quorum that still follows us. */
  | { readonly kind: 'leadership-confirmed'; readonly sequence: number }
  | { readonly kind: 'stop'; readonly reason: string }
