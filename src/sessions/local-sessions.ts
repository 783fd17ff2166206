/**
 * The sessions that exist on this server only. No other server knows them, no txn holds them, and they end with the process
 * (ZK: LocalSessionTracker). They expire in the same buckets as global ones, by this server's own ticks.
 * Assumes: only this server makes ids with its number in them, so an id in this table names no global session.
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

  /** Adds a new session, or sets the newly negotiated timeout of one that reconnected. */
  put(sessionId: SessionId, timeoutMs: number, nowMs: number): void {
    this.#timeoutMsById.set(sessionId, timeoutMs)
    this.#tracker.track(sessionId, timeoutMs, nowMs, null)
  }

  /** The client sent something. False: no such local session exists. */
  touch(sessionId: SessionId, nowMs: number): boolean {
    const timeoutMs = this.#timeoutMsById.get(sessionId)
    return timeoutMs !== undefined && this.#tracker.touch(sessionId, timeoutMs, nowMs)
  }

  remove(sessionId: SessionId): void {
    this.#timeoutMsById.delete(sessionId)
    this.#tracker.remove(sessionId)
  }

  /** Removes and returns the expired sessions. */
  expiredBy(nowMs: number): readonly SessionId[] {
    const expired = this.#tracker.expiredBy(nowMs)
    for (const sessionId of expired) this.remove(sessionId)
    return expired
  }

  /** Restarts each timeout, because clients could not send anything while the server served no requests. */
  restartAll(nowMs: number): void {
    this.#tracker.restartAll(this.#timeoutMsById, nowMs)
  }

  /** What `dump` prints, soonest first. */
  expiryBuckets(): readonly ExpiryBucket[] {
    return this.#tracker.expiryBuckets()
  }
}
