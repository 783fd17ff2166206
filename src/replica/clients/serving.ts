/**
 * What a server does for its clients at the moment. It changes in `Clients` and nowhere else; who needs to know asks.
 */
import type { SessionId } from '../../base/ids.ts'
import type { OpTraits } from '../../protocol/client/operations.ts'
import type { ForwardedRequest } from '../../protocol/peer/peer-message.ts'
import type { LocalSessions } from '../../sessions/local-sessions.ts'

export type Serving =
  | { readonly kind: 'not-serving' }
  | { readonly kind: 'serving'; readonly leader: LeaderRoute }
  /** Serves reads alone, for want of a leader; the sessions are those that were made in this mode, and end with it. */
  | { readonly kind: 'read-only'; readonly sessions: LocalSessions }

/** The way from the clients of a server to the leader, be it this server or another. */
export interface LeaderRoute {
  /** `op` is what `request.type` names. The outcome is a txn with the sequence in its origin, or an answer with it. */
  submit(request: ForwardedRequest, op: OpTraits): void
  /** Asks whether a session may continue here; answered by `revalidated`. */
  revalidate(sequence: number, sessionId: SessionId, timeoutMs: number): void
}

export const notServing: Serving = { kind: 'not-serving' }
