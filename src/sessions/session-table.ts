/**
 * Which sessions exist, as replicated state: equal on every server at the same zxid, part of checkpoints.
 * Changed only by applying committed txns. Only the leader knows which server a session is attached to and when it
 * expires; `SessionTracker` holds that.
 */
import type { SessionId } from '../base/ids.ts'

export class SessionTable {
  readonly #timeoutMsById = new Map<SessionId, number>()

  /** A session was created. A second time changes nothing. */
  put(sessionId: SessionId, timeoutMs: number): void {
    this.#timeoutMsById.set(sessionId, timeoutMs)
  }

  /** A session was closed. A second time changes nothing. */
  remove(sessionId: SessionId): void {
    this.#timeoutMsById.delete(sessionId)
  }

  has(sessionId: SessionId): boolean {
    return this.#timeoutMsById.has(sessionId)
  }

  /** The timeout negotiated when the session was created; null if the session does not exist. */
  timeoutMsOf(sessionId: SessionId): number | null {
    return this.#timeoutMsById.get(sessionId) ?? null
  }

  /** In the order of creation, which is the same on every server. */
  entries(): IterableIterator<[SessionId, number]> {
    return this.#timeoutMsById.entries()
  }

  get count(): number {
    return this.#timeoutMsById.size
  }
}
