/** The way from the clients of a server to the leader, be it this server or another. */
import type { SessionId } from '../base/ids.ts'
import type { ForwardedRequest } from '../protocol/peer/peer-message.ts'

export interface WriteRoute {
  submit(request: ForwardedRequest): void
  /** Asks whether a session may continue here; answered by `revalidated`. */
  revalidate(sequence: number, sessionId: SessionId, timeoutMs: number): void
}
