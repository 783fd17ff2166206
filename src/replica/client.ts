/**
 * What the replica knows of one client connection: who it is, its session, and its requests in the order in
 * which they came. Replies leave in that order (invariant 5), so a read waits behind the writes before it.
 */
import type { AuthId } from '../auth/auth-id.ts'
import { addressId } from '../auth/authenticate.ts'
import type { ErrorName } from '../base/errors.ts'
import type { ConnectionId, SessionId, Xid } from '../base/ids.ts'
import type { OpName } from '../protocol/client/operations.ts'

export interface ClientSession {
  readonly id: SessionId
  readonly timeoutMs: number
  /** Lives on this server only; becomes false when the session is made global. */
  isLocal: boolean
}

export interface PendingRequest {
  readonly xid: Xid
  readonly op: OpName
  readonly type: number
  readonly body: Uint8Array
  readonly authIds: readonly AuthId[] // as they were when the request was read from the socket
  /** held: behind a sync; sent: on its way through the leader; done: `outcome` says how it went. */
  state: 'held' | 'sent' | 'confirmed' | 'done'
  outcome: RequestOutcome | null
}

export interface RequestOutcome {
  readonly zxid: number | null // null: of the last txn applied when it is answered
  readonly error: ErrorName | null
  readonly body: Uint8Array | null
}

export class Client {
  readonly connection: ConnectionId
  readonly remoteAddress: string
  authIds: readonly AuthId[]
  session: ClientSession | null = null
  wasHeardFrom = false // since sessions were last touched
  isGone = false
  hadLargeReply = false // that the log told of
  readonly queue: PendingRequest[] = []
  /** So many from the front of the queue were sent on their way, or need not be. */
  lookedAtCount = 0
  isDraining = false
  /** It asked what ClickHouse Keeper can do, and so expects the answers to be in the form that Keeper gives them. */
  speaksKeeper = false

  constructor(connection: ConnectionId, remoteAddress: string) {
    this.connection = connection
    this.remoteAddress = remoteAddress
    this.authIds = [addressId(remoteAddress)]
  }
}
