/**
 * What the replica knows of one client: who it is, its session, and its requests in the order in which they came.
 * Replies leave in that order (invariant 5), so a read waits until the writes before it are answered.
 */
import type { AuthId } from '../../auth/auth-id.ts'
import { addressId } from '../../auth/authenticate.ts'
import type { ErrorName } from '../../base/errors.ts'
import type { ConnectionId, SessionId } from '../../base/ids.ts'
import type { ClientRequest } from '../../protocol/client/client-request.ts'
import type { ReplicaCloseReason } from '../contract.ts'

export interface ClientSession {
  readonly id: SessionId
  readonly timeoutMs: number
  /** Lives on this server only; becomes false when the session is made global. */
  isLocal: boolean
}

/** A request that waits for its turn, or for what becomes of it. */
export interface PendingRequest {
  readonly kind: 'request'
  readonly client: Client
  readonly request: ClientRequest
  readonly authIds: readonly AuthId[] // as they were when the request was read from the socket
  state: RequestState
}

export type RequestState =
  | { readonly kind: 'held' } // an earlier request keeps it from starting
  | { readonly kind: 'with-leader' } // a txn or an answer will come back
  /** This server answers it, from its own state, when its turn comes. A sync gets here once the leader has confirmed it. */
  | { readonly kind: 'local' }
  | DecidedRequest

/** All but the turn of the reply is settled. */
export interface DecidedRequest {
  readonly kind: 'decided'
  readonly zxid: number | null // null: of the last txn applied when it is answered
  readonly error: ErrorName | null
  readonly body: Uint8Array | null
}

/** What is settled about a request when it is read. */
export type Verdict =
  /** It is answered: in its turn, or at once if it is an auth or a sasl. */
  | DecidedRequest
  /** It is answered at once, if with anything, and the connection ends. */
  | { readonly kind: 'closed'; readonly error: ErrorName | null; readonly reason: ReplicaCloseReason }

export const held: RequestState = { kind: 'held' }
export const withLeader: RequestState = { kind: 'with-leader' }
export const local: RequestState = { kind: 'local' }

export class Client {
  readonly connectionId: ConnectionId
  readonly remoteAddress: string
  authIds: readonly AuthId[]
  session: ClientSession | null = null
  wasHeardFrom = false // since sessions were last touched
  isGone = false
  hadLargeReply = false // that the log told of
  readonly queue: PendingRequest[] = []
  /** So many from the front of the queue have started, or start when they come to the front. */
  startedCount = 0
  isDraining = false
  lastAnsweredNumber = 0 // of the requests that are answered in their turn
  /** It asked what ClickHouse Keeper can do, and so expects the answers to be in the form that Keeper gives them. */
  speaksKeeper = false

  constructor(connectionId: ConnectionId, remoteAddress: string) {
    this.connectionId = connectionId
    this.remoteAddress = remoteAddress
    this.authIds = [addressId(remoteAddress)]
  }
}
