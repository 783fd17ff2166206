/**
 * What goes into and comes out of the broadcast protocol (docs/internals/zab.md). Payloads are opaque bytes: zab orders
 * them and never decodes them. The driver runs storage effects one after another; their answers come in that order.
 */
import type { ChainHash } from '../base/chain-hash.ts'
import type { Epoch, ServerId, Zxid } from '../base/ids.ts'
import type { Membership } from '../membership/membership.ts'
import type { ClusterId, LogRecord, TxnEntry } from '../protocol/disk/log-record.ts'
import type { SyncId, ZabMessage } from '../protocol/peer/peer-message.ts'
import type { SlowLeaderFinding } from './slow-leader.ts'

export interface ZabSettings {
  readonly self: ServerId
  /** The membership at the start; self belongs to it. */
  readonly membership: Membership
  /** A role that waits for other servers to connect or to answer gives up after this. */
  readonly peerTimeoutMs: number
  /** A role that waits for disks or for a long synchronisation gives up after this (initLimit). */
  readonly initLimitMs: number
  readonly heartbeatIntervalMs: number
  /** A leader that is slow for this long several times hands over (step H5); 0: never. */
  readonly slowLeaderMs: number
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
  /** To how many learners a leader sends a copy of its state at once (ZK: leader.maxConcurrentSnapSyncs). */
  readonly copiesAtOnceMax: number
  /** Of committed txns in memory. Left out: as many as src/base/limits.ts says. */
  readonly retainedTxnCountMax?: number | undefined
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
  /**
   * The log was adopted: it is a copy of another log or of an older one, so it may lack what this server has acknowledged or
   * promised. Like an empty log that is not trusted, it does not count until this server was in step with a leader that
   * has a quorum without it.
   */
  readonly mustSync: boolean
}

/** Comes back with `persisted`: what became durable, and which role asked for it. */
export interface PersistTag {
  readonly incarnation: number
  readonly step: 'txns' | 'accepted-epoch' | 'current-epoch'
  readonly zxid: Zxid // the last txn of the log up to and including these records
}

/** Which server is to lead; null: the best voter in step. */
export type HandOverTarget = ServerId | null

/** What a request to hand over has started. */
export type HandOverStart =
  | { readonly kind: 'began' } // this server leads; `hand-over-ended` says how it ends
  | { readonly kind: 'leader-asked' } // this server follows, and has sent the request to its leader
  | { readonly kind: 'refused'; readonly problem: string }

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
  /**
   * A copy of the state has replaced the history, which goes on from here; the log keeps its epochs. Zxid 0: the copy is
   * given up, and the checkpoint with it, once the log has restarted. Answered by `log-restarted`.
   */
  | { readonly kind: 'restart-log'; readonly zxid: Zxid; readonly hash: ChainHash; readonly clusterId: ClusterId }
  /**
   * Answered by `log-read`. `mayCopy`: the answer may be as if the log began later, if a copy of the state brings up the
   * learner more quickly than the log.
   */
  | {
      readonly kind: 'read-log'
      readonly ticket: number
      readonly after: Zxid
      readonly sizeBytesMax: number
      readonly mayCopy: boolean
    }

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

/**
 * What a server does with copies of the state, which it keeps outside of its memory. Each step but `close`, `abort` and
 * `hold-log` is answered by a `copy-answer`, whatever role the server has by then.
 */
export type CopyStep =
  /** A leader opens a copy of its checkpoint. The log after the copy is kept until `close`. Answer: `opened`, `failed`. */
  | { readonly kind: 'open'; readonly copyId: number }
  /** Answer: `chunk`, for the attempt `syncId` of `learner`; as soon as the limit of the rate allows. */
  | {
      readonly kind: 'read'
      readonly copyId: number
      readonly number: number
      readonly learner: ServerId
      readonly syncId: SyncId
    }
  | { readonly kind: 'close'; readonly copyId: number }
  /** The log after this zxid is kept, since learners need it; null: none does. Replaces what was asked for before. */
  | { readonly kind: 'hold-log'; readonly after: Zxid | null }
  /** A learner begins to receive a copy. */
  | { readonly kind: 'receive'; readonly ticket: number }
  /** Answer: `added`. One at a time. */
  | { readonly kind: 'add'; readonly ticket: number; readonly number: number; readonly chunk: Uint8Array }
  /**
   * All chunks are added: the copy is verified, becomes durably the checkpoint of this server, and is loaded. Answer:
   * `received`, `refused`.
   */
  | { readonly kind: 'finish'; readonly ticket: number }
  | { readonly kind: 'abort'; readonly ticket: number }

export type CopyAnswer =
  | {
      readonly kind: 'opened'
      readonly copyId: number
      readonly zxid: Zxid
      readonly hash: ChainHash
      readonly sizeBytes: number
    }
  | { readonly kind: 'failed'; readonly copyId: number; readonly reason: string }
  | {
      readonly kind: 'chunk'
      readonly copyId: number
      readonly number: number
      readonly learner: ServerId
      readonly syncId: SyncId
      readonly chunk: Uint8Array | null // null: `number` is after the last one
    }
  /** `isGood` false: the chunk was damaged and is not used; it may be added again. */
  | { readonly kind: 'added'; readonly ticket: number; readonly number: number; readonly isGood: boolean }
  | { readonly kind: 'received'; readonly ticket: number; readonly zxid: Zxid; readonly hash: ChainHash }
  | { readonly kind: 'refused'; readonly ticket: number; readonly reason: string }

export type ZabEffect =
  | SendEffect
  | StorageEffect
  | { readonly kind: 'copy-step'; readonly step: CopyStep }
  /**
   * The received copy replaces the state; zxid 0: an empty state does, since the copy is given up. Txns are delivered
   * from here on.
   */
  | { readonly kind: 'install'; readonly zxid: Zxid; readonly hash: ChainHash }
  /** A committed txn; one effect for each zxid, in order. */
  | { readonly kind: 'deliver'; readonly entry: TxnEntry }
  /** `votersLeft`: this server was elected, and too many voters follow another leader for a quorum to follow it. */
  | { readonly kind: 'stopped-serving'; readonly reason: string; readonly votersLeft: boolean }
  | { readonly kind: 'serving-as-leader'; readonly epoch: Epoch }
  | {
      readonly kind: 'serving-as-follower'
      readonly leader: ServerId
      readonly epoch: Epoch
      readonly syncId: number
      readonly recordsMoves: boolean // as the leader says
    }
  /** This leader hands over. Until the hand-over has ended, no txn is proposed. */
  | { readonly kind: 'hand-over-began' }
  /**
   * `asked`: to which servers it was asked to. `problem` null: another server has been given the leadership; otherwise why not.
   */
  | {
      readonly kind: 'hand-over-ended'
      readonly asked: readonly HandOverTarget[]
      readonly problem: string | null
    }
  /** This leader was slow several times; it hands over to `to`, or stays if no other voter works better. */
  | ({ readonly kind: 'leader-slow' } & SlowLeaderFinding)
  /** A quorum that still follows this leader has answered heartbeat round `sequence`. */
  | { readonly kind: 'leadership-confirmed'; readonly sequence: number }
  | { readonly kind: 'stop'; readonly reason: string }
