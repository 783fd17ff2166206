/**
 * Whether and how a server serves its clients at present. Only `Clients` changes it; other parts read it when needed.
 */
import type { SessionId } from '../../base/ids.ts'
import type { OpTraits } from '../../protocol/client/operations.ts'
import type { ForwardedRequest } from '../../protocol/peer/peer-message.ts'
import type { LocalSessions } from '../../sessions/local-sessions.ts'

export type Serving =
  | { readonly kind: 'not-serving' }
  | { readonly kind: 'serving'; readonly leader: LeaderRoute }
  /** It has lost its leader, and keeps its clients for the next one; what they ask waits. */
  | { readonly kind: 'waiting'; readonly sinceMs: number }
  /** Serves only reads, without a leader; `sessions` were created in this mode and end with it. */
  | { readonly kind: 'read-only'; readonly sessions: LocalSessions }

/** The route from the clients of a server to the leader, which is this server or another. */
export interface LeaderRoute {
  /**
   * Whether the leader makes a txn of each move of a session to another server. If not, no client may outlive it: its next
   * leader would not know of a move, and could carry out a request of the connection that the client has left.
   */
  readonly recordsMoves: boolean
  /**
   * `op` is the operation of `request.type`. The outcome is a txn whose origin has the sequence, or an answer with it.
   */
  submit(request: ForwardedRequest, op: OpTraits): void
  /** Asks whether a session may continue on this server; `Sessions.revalidated` gets the answer. */
  revalidate(sequence: number, sessionId: SessionId, timeoutMs: number): void
}

export const notServing: Serving = { kind: 'not-serving' }
