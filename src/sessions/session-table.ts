/**
 * Which sessions exist, and which server each is attached to, as replicated state: equal on every server at the same
 * zxid, part of checkpoints. Changed only by applying committed txns. Only the leader knows when a session expires, and
 * of moves that are not committed yet; `SessionTracker` holds that.
 */
import type { ServerId, SessionId } from '../base/ids.ts'

export class SessionTable {
  readonly #timeoutMsById = new Map<SessionId, number>()
  readonly #attachedTo = new Map<SessionId, ServerId>() // has no entry for a session whose server is not known

  /** A session was created, or has moved to another server. A second time changes nothing. */
  put(sessionId: SessionId, timeoutMs: number, attachedTo: ServerId | null = null): void {
    this.#timeoutMsById.set(sessionId, timeoutMs)
    if (attachedTo === null) this.#attachedTo.delete(sessionId)
    else this.#attachedTo.set(sessionId, attachedTo)
  }

  /** A session was closed. A second time changes nothing. */
  remove(sessionId: SessionId): void {
    this.#timeoutMsById.delete(sessionId)
    this.#attachedTo.delete(sessionId)
  }

  has(sessionId: SessionId): boolean {
    return this.#timeoutMsById.has(sessionId)
  }

  /** The timeout negotiated when the session was created or moved; null if the session does not exist. */
  timeoutMsOf(sessionId: SessionId): number | null {
    return this.#timeoutMsById.get(sessionId) ?? null
  }

  /** The server that last created or took over the session; null if that is not known. */
  attachedTo(sessionId: SessionId): ServerId | null {
    return this.#attachedTo.get(sessionId) ?? null
  }

  /** In the order of creation, which is the same on every server. */
  entries(): IterableIterator<[SessionId, number]> {
    return this.#timeoutMsById.entries()
  }

  get count(): number {
    return this.#timeoutMsById.size
  }
}
