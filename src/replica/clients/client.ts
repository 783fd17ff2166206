/**
 * What the replica knows of one client: its ids, its session, and its requests in the order in which they arrived.
 * Replies leave in that order (invariant 5), so a read waits until the writes before it are answered.
 */
import type { AuthId } from '../../auth/auth-id.ts'
import { addressId } from '../../auth/authenticate.ts'
import type { ErrorName } from '../../base/errors.ts'
import type { ConnectionId, SessionId } from '../../base/ids.ts'
import type { ClientRequest } from '../../protocol/client/client-request.ts'
import type { ForwardedRequest } from '../../protocol/peer/peer-message.ts'
import type { ReplicaCloseReason } from '../contract.ts'

export interface ClientSession {
  readonly id: SessionId
  readonly timeoutMs: number
  /** Lives on this server only; becomes false when the session is made global. */
  isLocal: boolean
}

/** A request that waits to start or to be answered. */
export interface PendingRequest {
  readonly kind: 'request'
  readonly client: Client
  readonly request: ClientRequest
  readonly authIds: readonly AuthId[] // as they were when the request was read from the socket
  state: RequestState
  /** As it went to the leader; null until then, and for a step of a backup. */
  sent: ForwardedRequest | null
}

export type RequestState =
  | { readonly kind: 'held' } // an earlier request keeps it from starting
  | { readonly kind: 'with-leader' } // a txn or an answer will come back
  | { readonly kind: 'with-driver' } // it is a step of a backup, whose answer will come back
  /**
   * This server answers it from its own state when it is first in the queue; a sync after the leader has confirmed it.
   */
  | { readonly kind: 'local' }
  | DecidedRequest

/** The reply is decided and leaves when the request is first in the queue. */
export interface DecidedRequest {
  readonly kind: 'decided'
  readonly zxid: number | null // null: of the last txn applied when it is answered
  readonly error: ErrorName | null
  readonly body: Uint8Array | null
}

/** A decision that is made when a request is read. */
export type Verdict =
  /** It is answered: in request order, or at once if it is an auth or a sasl. */
  | DecidedRequest
  /** Its connection is closed, after a reply with `error` if that is not null. */
  | {
      readonly kind: 'closed'
      readonly error: ErrorName | null
      readonly zxid: number
      readonly reason: ReplicaCloseReason
    }

export const held: RequestState = { kind: 'held' }
export const withLeader: RequestState = { kind: 'with-leader' }
export const withDriver: RequestState = { kind: 'with-driver' }
export const local: RequestState = { kind: 'local' }

export class Client {
  readonly connectionId: ConnectionId
  readonly remoteAddress: string
  authIds: readonly AuthId[]
  session: ClientSession | null = null
  timeoutMs = 0 // as negotiated with the connect request
  wasHeardFrom = false // since sessions were last touched
  isGone = false
  hadLargeReply = false // one was logged
  takesBackups = false
  readonly queue: PendingRequest[] = []
  /** The number of requests at the front of the queue that have started, or start when they are first. */
  startedCount = 0
  isDraining = false
  lastAnsweredNumber = 0 // of the requests that are answered in request order
  /** It read the feature flags of ClickHouse Keeper, so it expects answers in Keeper's form. */
  speaksKeeper = false

  /** `idText` is what the `ip` id of the client says. */
  constructor(connectionId: ConnectionId, remoteAddress: string, idText: string = remoteAddress) {
    this.connectionId = connectionId
    this.remoteAddress = remoteAddress
    this.authIds = [addressId(idText)]
  }
}
