/**
 * Which sessions exist, as replicated state: equal on every server at the same zxid, part of checkpoints.
 * Changed only by applying committed txns. Who is attached where, and who is about to expire, is the leader's
 * private knowledge and lives in `SessionTracker`.
 */
import type { SessionId } from '../base/ids.ts'
import type { Change } from '../protocol/txn/txn.ts'

export class SessionTable {
  readonly #timeoutMsById = new Map<SessionId, number>()

  /** Changes of znodes are none of its business. Applying one twice changes nothing. */
  apply(change: Change): void {
    if (change.kind === 'create-session') this.#timeoutMsById.set(change.sessionId, change.timeoutMs)
    else if (change.kind === 'close-session') this.#timeoutMsById.delete(change.sessionId)
  }

  has(sessionId: SessionId): boolean {
    return this.#timeoutMsById.has(sessionId)
  }

  /** What was negotiated when the session was created; null if there is no such session. */
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
