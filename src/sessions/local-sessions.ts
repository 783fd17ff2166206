/**
 * The sessions that live on this server alone: known to no other server, part of no txn, over when the process ends
 * (ZK: LocalSessionTracker). They expire in the same buckets as global ones, by this server's own ticks.
 * Assumes: nobody but this server gives out ids with its number in them, so an id here names no global session.
 */
import type { SessionId } from '../base/ids.ts'
import { type ExpiryBucket, SessionTracker } from './session-tracker.ts'

export class LocalSessions {
  readonly #tracker: SessionTracker
  readonly #timeoutMsById = new Map<SessionId, number>()

  constructor(tickMs: number) {
    this.#tracker = new SessionTracker(tickMs)
  }

  has(sessionId: SessionId): boolean {
    return this.#timeoutMsById.has(sessionId)
  }

  get count(): number {
    return this.#timeoutMsById.size
  }

  /** A new one, or one that came back with a timeout negotiated anew. */
  put(sessionId: SessionId, timeoutMs: number, nowMs: number): void {
    this.#timeoutMsById.set(sessionId, timeoutMs)
    this.#tracker.track(sessionId, timeoutMs, nowMs, null)
  }

  /** The client was heard from. False: there is no such session here. */
  touch(sessionId: SessionId, nowMs: number): boolean {
    const timeoutMs = this.#timeoutMsById.get(sessionId)
    return timeoutMs !== undefined && this.#tracker.touch(sessionId, timeoutMs, nowMs)
  }

  remove(sessionId: SessionId): void {
    this.#timeoutMsById.delete(sessionId)
    this.#tracker.remove(sessionId)
  }

  /** Removes and returns those whose time has come. */
  expiredBy(nowMs: number): readonly SessionId[] {
    const expired = this.#tracker.expiredBy(nowMs)
    for (const sessionId of expired) this.remove(sessionId)
    return expired
  }

  /** While the server served nobody, nobody could be heard from: each timeout starts afresh. */
  restartAll(nowMs: number): void {
    this.#tracker.restartAll(this.#timeoutMsById, nowMs)
  }

  /** What `dump` prints, soonest first. */
  expiryBuckets(): readonly ExpiryBucket[] {
    return this.#tracker.expiryBuckets()
  }
}
