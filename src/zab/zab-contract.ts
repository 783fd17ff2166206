/**
 * What goes into and comes out of the broadcast protocol (docs/internals/zab.md). Payloads are opaque bytes: zab orders
 * them and never decodes them. The driver runs storage effects one after another; their answers come in that order.
 */
import type { ChainHash } from '../base/chain-hash.ts'
import type { Epoch, ServerId, Zxid } from '../base/ids.ts'
import type { Membership } from '../membership/membership.ts'
import type { ClusterId, LogRecord, TxnEntry } from '../protocol/disk/log-record.ts'
import type { ZabMessage } from '../protocol/peer/peer-message.ts'

export interface ZabSettings {
  readonly self: ServerId
  /** The membership at the start; self belongs to it. */
  readonly membership: Membership
  /** A role that waits for other servers to connect or to answer gives up after this. */
  readonly peerTimeoutMs: number
  /** A role that waits for disks or for a long synchronisation gives up after this (initLimit). */
  readonly initLimitMs: number
  readonly heartbeatIntervalMs: number
  /** How long a server waits for the remaining voters once a quorum agrees. */
  readonly settleMs: number
  /** Role incarnations count up from this number. It is random, so that those of an earlier process do not match. */
  readonly firstIncarnation: number
  /** The cluster id that this server gives to a new ensemble if it becomes its first leader. */
  readonly freshClusterId: ClusterId
  /**
   * Whether this server counts while its log is empty. If false, its data may have been lost: the server takes no part
   * in an election and no leader counts it, until a leader that has a quorum without it has brought it up (ZK:
   * db.autocreate, the initialize file; ZOOKEEPER-261).
   */
  readonly trustsEmptyLog: boolean
}

/** What the log holds when the server starts. */
export interface RecoveredHistory {
  readonly acceptedEpoch: Epoch
  readonly acceptedLeader: ServerId | null
  readonly currentEpoch: Epoch
  readonly clusterId: ClusterId
  readonly committed: Zxid // known to be committed, and applied already
  readonly committedHash: ChainHash
  readonly tail: readonly TxnEntry[] // the txns after `committed`; the next leader commits or cuts them
}

/** Comes back with `persisted`: what became durable, and which role asked for it. */
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

/** `start` is the last txn at or before the requested zxid, `entries` are the txns that follow it. */
export interface LogStretch {
  readonly start: { readonly zxid: Zxid; readonly hash: ChainHash }
  readonly entries: readonly TxnEntry[]
}

/** The log begins after the requested zxid: its front was removed. */
export interface OlderThanLog {
  readonly start: null
  readonly oldest: { readonly zxid: Zxid; readonly hash: ChainHash }
}

export type LogRead = { readonly ticket: number } & (LogStretch | OlderThanLog)

export type ZabEffect =
  | SendEffect
  | StorageEffect
  /** A committed txn; one effect for each zxid, in order. */
  | { readonly kind: 'deliver'; readonly entry: TxnEntry }
  /** `votersLeft`: this server was elected, and too many voters follow another leader for a quorum to follow it. */
  | { readonly kind: 'stopped-serving'; readonly reason: string; readonly votersLeft: boolean }
  | { readonly kind: 'serving-as-leader'; readonly epoch: Epoch }
  | { readonly kind: 'serving-as-follower'; readonly leader: ServerId; readonly epoch: Epoch; readonly syncId: number }
  /** A quorum that still follows this leader has answered heartbeat round `sequence`. */
  | { readonly kind: 'leadership-confirmed'; readonly sequence: number }
  | { readonly kind: 'stop'; readonly reason: string }
