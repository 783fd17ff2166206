/**
 * All that the checkers see: the trace events of servers, what clients sent and received, and the faults. Znode data
 * is text here, and every request writes a text of its own, so that an effect can be traced to the request that
 * caused it.
 */
import type { ErrorName } from '../../src/base/errors.ts'
import type { ServerId, SessionId, Zxid } from '../../src/base/ids.ts'
import type { OpName } from '../../src/protocol/client/operations.ts'
import type { Stat } from '../../src/protocol/client/stat.ts'
import type { WatchEventType } from '../../src/protocol/client/watch-event.ts'
import type { Change, Txn } from '../../src/protocol/txn/txn.ts'
import type { TraceEvent } from '../../src/replica/trace-event.ts'

export type WriteRequest =
  | {
      readonly kind: 'create'
      readonly path: string
      readonly data: string | null
      readonly ephemeral: boolean
      readonly sequential: boolean
      readonly withStat: boolean
      /** Every client may read it; all else needs the user that the session authenticates as. */
      readonly guarded: boolean
    }
  | { readonly kind: 'delete'; readonly path: string; readonly version: number }
  | { readonly kind: 'set-data'; readonly path: string; readonly data: string | null; readonly version: number }
  | { readonly kind: 'check'; readonly path: string; readonly version: number } // only inside a multi
  | KeeperWriteRequest

/** Of the dialect of ClickHouse Keeper. */
export type KeeperWriteRequest =
  | {
      readonly kind: 'create-if-not-exists'
      readonly path: string
      readonly data: string | null
      readonly ephemeral: boolean
    }
  | { readonly kind: 'try-remove'; readonly path: string; readonly version: number }
  | { readonly kind: 'remove-recursive'; readonly path: string; readonly countMax: number }

const userCount = 3n

/** The user that the connections of a session authenticate as: a few users for all sessions, so that rights differ. */
export function userOfSession(sessionId: SessionId): string {
  return `user${sessionId % userCount}`
}

export type ReadRequest = {
  readonly kind: 'exists' | 'get-data' | 'get-children' | 'get-children2'
  readonly path: string
  readonly watch: boolean
}

export interface SetWatches {
  readonly kind: 'set-watches'
  readonly relativeZxid: Zxid
  readonly data: readonly string[]
  readonly exist: readonly string[]
  readonly child: readonly string[]
}

export type ClientRequest =
  | WriteRequest
  | { readonly kind: 'multi'; readonly parts: readonly WriteRequest[] }
  | ReadRequest
  | SetWatches
  | { readonly kind: 'sync'; readonly path: string }
  | { readonly kind: 'ping' }
  | { readonly kind: 'close-session' }
  /** One step of a backup; the body is made by the client's own code. */
  | { readonly kind: 'backup'; readonly op: OpName; readonly bytes: Uint8Array }

/** Changes the tree, or would: answered only after a quorum has it. */
export function isWrite(request: ClientRequest): boolean {
  switch (request.kind) {
    case 'create':
    case 'delete':
    case 'set-data':
    case 'create-if-not-exists':
    case 'try-remove':
    case 'remove-recursive':
    case 'multi':
    case 'close-session':
      return true
    default:
      return false
  }
}

export type PartResult =
  | { readonly kind: 'create'; readonly path: string; readonly stat: Stat | null }
  | { readonly kind: 'delete' }
  | { readonly kind: 'set-data'; readonly stat: Stat }
  | { readonly kind: 'check' }
  | { readonly kind: KeeperWriteRequest['kind']; readonly path: string | null } // the path of a create alone
  | { readonly kind: 'error'; readonly code: number } // 0 for parts before the one that failed

export type ReplyBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'created'; readonly path: string; readonly stat: Stat | null }
  | { readonly kind: 'stat'; readonly stat: Stat }
  | { readonly kind: 'data'; readonly data: string | null; readonly stat: Stat }
  | { readonly kind: 'children'; readonly names: readonly string[]; readonly stat: Stat | null }
  | { readonly kind: 'multi'; readonly results: readonly PartResult[] }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array } // of a step of a backup

/** The changes of a txn one by one, with what is inside its bundles. */
export function plainChangesOf(txn: Txn): readonly Change[] {
  return txn.changes.flatMap((change): readonly Change[] => (change.kind === 'bundle' ? change.changes : [change]))
}

/** A reply that says that the write happened. A refused multi says so in its parts only. */
export function isDoneWrite(request: ClientRequest, error: ErrorName | null, body: ReplyBody): boolean {
  if (!isWrite(request) || error !== null) return false
  return body.kind !== 'multi' || body.results.every((result) => result.kind !== 'error')
}

export type FaultEvent = { readonly kind: 'fault'; readonly text: string }

export type ClientEvent =
  | {
      readonly kind: 'attached'
      readonly client: number
      readonly connection: number
      readonly serverId: ServerId
      readonly sessionId: SessionId
      readonly isNew: boolean
      readonly readOnly: boolean // as the server said: it has no leader
      readonly timeoutMs: number
      readonly askedAtUs: number // when the connect request left
      readonly lastZxidSeen: Zxid // as the connect request said
    }
  | {
      readonly kind: 'session-refused'
      readonly client: number
      readonly connection: number
      readonly sessionId: SessionId
    }
  | {
      readonly kind: 'request'
      readonly connection: number
      readonly sessionId: SessionId
      readonly requestId: number // unique in the run
      readonly xid: number
      readonly request: ClientRequest
    }
  | {
      readonly kind: 'reply'
      readonly connection: number
      readonly requestId: number
      readonly xid: number
      readonly zxid: Zxid
      readonly error: ErrorName | null
      readonly body: ReplyBody
    }
  | {
      readonly kind: 'watch-event'
      readonly connection: number
      readonly zxid: number // -1: catch-up of set-watches
      readonly type: WatchEventType
      readonly path: string
    }
  | { readonly kind: 'closed'; readonly connection: number; readonly by: 'client' | 'server'; readonly reason: string }
  /** Its client will not use this session again; it has to expire. */
  | { readonly kind: 'abandoned'; readonly sessionId: SessionId }

export type SimEvent =
  | { readonly kind: 'server'; readonly serverId: ServerId; readonly event: TraceEvent }
  | { readonly kind: 'server-started'; readonly serverId: ServerId }
  /** Stopped by the system, or resumed. */
  | { readonly kind: 'server-paused'; readonly serverId: ServerId; readonly isPaused: boolean }
  /** As by SIGTERM. */
  | { readonly kind: 'server-asked-to-stop'; readonly serverId: ServerId }
  | { readonly kind: 'server-crashed'; readonly serverId: ServerId; readonly how: string }
  /**
   * Its disk is empty, or a copy of another one or of an earlier moment. What it held before counts until a leader has
   * brought it up to date again.
   */
  | { readonly kind: 'disk-wiped'; readonly serverId: ServerId }
  /** It starts with the committed txns up to `zxid`, which were on the copy. */
  | { readonly kind: 'disk-adopted'; readonly serverId: ServerId; readonly zxid: Zxid }
  | { readonly kind: 'server-log'; readonly serverId: ServerId; readonly text: string }
  | { readonly kind: 'phase'; readonly phase: 'chaos' | 'healed' | 'calm' }
  | FaultEvent
  /** The operator says what became of a backup. */
  | { readonly kind: 'backup'; readonly text: string }
  | ClientEvent

export interface TraceEntry {
  readonly atUs: number
  readonly event: SimEvent
}
