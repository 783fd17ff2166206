/**
 * All events and effects between a replica and the driver that runs it (design D1). A replica turns events
 * into effects and has no other outputs; a new kind of event or effect is a design decision.
 *
 * Effects start in list order. The storage effects (`persist`, `truncate-log`, `restart-log`) run one after another and
 * answer with `persisted`, `log-truncated` and `log-restarted` in the same order; other effects do not wait for them.
 * The driver stamps each event with the time; logic never asks what time it is.
 */

import type { ErrorName } from '../base/errors.ts'
import type { ConnectionId, ServerId, SessionId, Xid, Zxid } from '../base/ids.ts'
import type { HistoryPoint } from '../ports/checkpoints.ts'
import type { OpenBackupReply, ReadBackupReply } from '../protocol/client/backup-records.ts'
import type { ClientRequest } from '../protocol/client/client-request.ts'
import type { PeerMessage } from '../protocol/peer/peer-message.ts'
import type { CopyAnswer, CopyStep, HandOverTarget, LogRead, PersistTag, StorageEffect } from '../zab/zab-contract.ts'
import type { StateContents } from './applying/replicated-state.ts'

export interface Stamp {
  /** Does not advance while the process is paused, so latencies do not include pauses. */
  readonly monotonicMs: number
  readonly wallMs: number
}

/** The first request of a connection. */
export interface SessionRequest {
  readonly kind: 'connect'
  readonly lastZxidSeen: bigint // int64 as the client sent it
  readonly timeoutMs: number
  readonly sessionId: SessionId // 0 = a new session
  readonly password: Uint8Array | null
  readonly canBeReadOnly: boolean // accepts a server that serves only reads
}

/**
 * One step of a backup that a client takes from this server; `backup-answer` answers each, by its sequence. A session reaches
 * only the backups that it has opened.
 */
export type BackupStep = {
  readonly sequence: number
  readonly sessionId: SessionId
} & (
  | { readonly kind: 'open'; readonly after: HistoryPoint | null } // null: it begins with a checkpoint
  | { readonly kind: 'read'; readonly backupId: number; readonly number: number }
  | { readonly kind: 'close'; readonly backupId: number }
)

/** The reply to a step; to `close` it is null. */
export type BackupAnswer = OpenBackupReply | ReadBackupReply | null

export type ReplicaEvent =
  | { readonly kind: 'connection-opened'; readonly connectionId: ConnectionId; readonly remoteAddress: string }
  | { readonly kind: 'request'; readonly connectionId: ConnectionId; readonly request: SessionRequest | ClientRequest }
  /** The client sent something that this server does not read, since it closes: its session is in use. */
  | { readonly kind: 'client-heard'; readonly connectionId: ConnectionId }
  | { readonly kind: 'connection-closed'; readonly connectionId: ConnectionId }
  | { readonly kind: 'peer-connected'; readonly peer: ServerId }
  /** `wasSilent`: its link was closed because it sent nothing for peerTimeoutMs. */
  | { readonly kind: 'peer-disconnected'; readonly peer: ServerId; readonly wasSilent: boolean }
  | { readonly kind: 'peer-message'; readonly peer: ServerId; readonly message: PeerMessage }
  | { readonly kind: 'persisted'; readonly tag: PersistTag }
  | { readonly kind: 'log-truncated'; readonly zxid: Zxid }
  /**
   * Answers `read-log`: the last txn at or before the requested zxid and the txns after it, or that the log begins
   * later.
   */
  | ({ readonly kind: 'log-read' } & LogRead)
  | { readonly kind: 'log-restarted'; readonly zxid: Zxid }
  /** Answers a `copy-step`. */
  | { readonly kind: 'copy-answer'; readonly answer: Exclude<CopyAnswer, { readonly kind: 'received' }> }
  /** Answers the `copy-step` `finish`: the copy is the checkpoint of this server, and `contents` were loaded from it. */
  | { readonly kind: 'copy-received'; readonly ticket: number; readonly contents: StateContents }
  /** Answers a `backup-step`. */
  | { readonly kind: 'backup-answer'; readonly sequence: number; readonly answer: BackupAnswer }
  | { readonly kind: 'persist-failed'; readonly cause: string }
  /**
   * Another server is to lead: `to`, or the best voter in step if it is null. A leader hands over, a follower asks its leader
   * to. Answered by `hand-over-ended`.
   */
  | { readonly kind: 'hand-over'; readonly to: HandOverTarget }
  /** The event loop of this server stood still for this long, at least `handOverSlowLeaderMs`. Comes before the next `tick`. */
  | { readonly kind: 'paused'; readonly durationMs: number }
  | { readonly kind: 'tick' }
  /** All events of this turn of the loop were handled: the messages gathered in it leave now, in batches (D2). */
  | { readonly kind: 'turn-ended' }

export type Effect =
  | { readonly kind: 'send'; readonly to: ServerId; readonly message: PeerMessage }
  | StorageEffect
  /** A copy of the state is sent to a learner, or received from a leader; see CopyStep. */
  | { readonly kind: 'copy-step'; readonly step: CopyStep }
  /** A client with rights to this server takes a backup of it. */
  | { readonly kind: 'backup-step'; readonly step: BackupStep }
  /** The connection ended of a client that takes backups. `mayReturn`: its session lives, and may come back for them. */
  | { readonly kind: 'backups-left'; readonly sessionId: SessionId; readonly mayReturn: boolean }
  | Reply
  | { readonly kind: 'notify'; readonly connectionId: ConnectionId; readonly event: WatchNotice }
  /**
   * `to` as in the event. `problem` null: `to` has been given the leadership by this server, or a follower has asked its leader
   * to do that. Otherwise why not; a leader goes on leading then, unless it has lost the leadership.
   */
  | { readonly kind: 'hand-over-ended'; readonly to: HandOverTarget; readonly problem: string | null }
  | { readonly kind: 'close-connection'; readonly connectionId: ConnectionId; readonly reason: ReplicaCloseReason }
  | { readonly kind: 'stop'; readonly reason: string }

export type Reply =
  | {
      readonly kind: 'connect-response'
      readonly connectionId: ConnectionId
      readonly timeoutMs: number // 0: the session is not valid, the connection closes
      readonly sessionId: SessionId
      readonly password: Uint8Array
      readonly readOnly: boolean // without a leader: only reads, of the txns that this server knows to be committed
    }
  | {
      readonly kind: 'reply'
      readonly connectionId: ConnectionId
      readonly request: ClientRequest // the answered request
      readonly xid: Xid // of the request; the reply to a ping has a fixed one
      readonly zxid: number // a zxid; 0 for auth, -1 for an unknown operation
      readonly error: ErrorName | null
      readonly body: Uint8Array | null
    }

export interface WatchNotice {
  readonly type: 1 | 2 | 3 | 4 // created, deleted, data changed, children changed
  readonly path: string
  readonly zxid: number // of the txn that caused it; -1 for catch-up events of setWatches
}

/** Why a replica closes a client's connection; one sentence each in docs/reference/log-events.md. */
export const replicaCloseReasons = [
  'not-serving', // no leader, or not yet in step with it
  'read-only-mode', // no leader, and the client wants to write
  'session-needs-quorum', // no leader, and only a leader knows whether the session is still alive
  'read-only-ended', // this server has a leader again; the client should reconnect to read and write
  'client-is-ahead', // the client has seen a zxid that this server has not
  'session-invalid', // unknown, expired, or the wrong password
  'session-moved', // the session is attached to another server
  'session-replaced', // the client resumed the session on another connection of this server
  'session-closed', // by its client
  'session-expired',
  'auth-failed',
  'auth-required', // the client sent a request before it authenticated with one of enforce.auth.schemes
  'auth-malformed', // with compatibility=strict: an auth or a sasl that cannot be decoded
  'unimplemented', // with compatibility=strict: the client sent an operation that the server does not serve
  'wrong-ensemble', // the client expects an ensemble of another name
  'leader-lost', // the outcome of requests in flight is unknown
] as const
export type ReplicaCloseReason = (typeof replicaCloseReasons)[number]
