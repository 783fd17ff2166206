/**
 * The leader's view of live sessions: when each expires, which server it is attached to, whether its close is
 * already proposed (ZK: SessionTrackerImpl, ExpiryQueue). Time is the driver's monotonic clock.
 * Only the leader expires sessions. A new leader begins with `restartAll`, so an election costs clients no time.
 * Invariant: every tracked session that is not closing sits in exactly one bucket, in the future of `expiredBy`.
 */
import { assert } from '../base/assert.ts'
import type { ServerId, SessionId } from '../base/ids.ts'

interface Tracked {
  owner: ServerId | null // null until the first request: the replicated state does not name it
  bucket: number // index of the tick at whose start it expires; -1 when closing
  isClosing: boolean
}

export type SessionRefusal = 'unknown-session' | 'session-expired' | 'session-moved'

export interface ExpiryBucket {
  readonly expiresAtMs: number
  readonly sessionIds: readonly SessionId[]
}

export class SessionTracker {
  readonly #tickMs: number
  readonly #sessions = new Map<SessionId, Tracked>()
  readonly #buckets = new Map<number, Set<SessionId>>()
  #lastExpiredBucket = Number.NEGATIVE_INFINITY

  constructor(tickMs: number) {
    assert(tickMs > 0, 'a tick has a length', { tickMs })
    this.#tickMs = tickMs
  }

  /** A new leader restarts the timeout of each session and forgets what it knew in an earlier role. */
  restartAll(
    sessions: Iterable<readonly [SessionId, number]>,
    nowMs: number,
    attachedTo: (sessionId: SessionId) => ServerId | null = () => null,
  ): void {
    this.#sessions.clear()
    this.#buckets.clear()
    this.#lastExpiredBucket = Number.NEGATIVE_INFINITY
    for (const [id, timeoutMs] of sessions) this.track(id, timeoutMs, nowMs, attachedTo(id))
  }

  /** Called when the creation is proposed, so that no client gets a session that would never expire. */
  track(sessionId: SessionId, timeoutMs: number, nowMs: number, owner: ServerId | null): void {
    const known = this.#sessions.get(sessionId)
    if (known === undefined) this.#sessions.set(sessionId, { owner, bucket: -1, isClosing: false })
    else if (!known.isClosing) known.owner = owner
    this.touch(sessionId, timeoutMs, nowMs)
  }

  /** The client sent something. False: the session does not exist, or it is closing and cannot be kept. */
  touch(sessionId: SessionId, timeoutMs: number, nowMs: number): boolean {
    const session = this.#sessions.get(sessionId)
    if (session === undefined || session.isClosing) return false
    const bucket = Math.floor((nowMs + timeoutMs) / this.#tickMs) + 1
    if (bucket !== session.bucket) {
      this.#leaveBucket(sessionId, session)
      this.#enterBucket(sessionId, session, bucket)
    }
    return true
  }

  /** Marks as closing, and returns, every session whose time has come; the caller proposes their ends. */
  expiredBy(nowMs: number): readonly SessionId[] {
    const current = Math.floor(nowMs / this.#tickMs)
    if (current <= this.#lastExpiredBucket) return []
    this.#lastExpiredBucket = current
    const due = [...this.#buckets.keys()].filter((bucket) => bucket <= current).sort((a, b) => a - b)
    const expired = due.flatMap((bucket) => [...this.#buckets.get(bucket)!])
    for (const sessionId of expired) this.markClosing(sessionId)
    return expired
  }

  /** Its close is proposed: from now on no request of the session succeeds and no touch keeps it alive. */
  markClosing(sessionId: SessionId): void {
    const session = this.#sessions.get(sessionId)
    if (session === undefined || session.isClosing) return
    this.#leaveBucket(sessionId, session)
    session.isClosing = true
  }

  /** Its close was applied. */
  remove(sessionId: SessionId): void {
    const session = this.#sessions.get(sessionId)
    if (session === undefined) return
    this.#leaveBucket(sessionId, session)
    this.#sessions.delete(sessionId)
  }

  /**
   * Whether a request of this session that `server` accepted may be executed (ZK: SessionTrackerImpl.checkSession).
   * If the owner is not known, the first server that asks becomes the owner.
   */
  check(sessionId: SessionId, server: ServerId): SessionRefusal | null {
    const session = this.#sessions.get(sessionId)
    if (session === undefined) return 'unknown-session'
    if (session.isClosing) return 'session-expired'
    session.owner ??= server
    return session.owner === server ? null : 'session-moved'
  }

  /** The session reattached at `owner`. False, as for `touch`: it does not exist or is closing. */
  setOwner(sessionId: SessionId, owner: ServerId): boolean {
    const session = this.#sessions.get(sessionId)
    if (session === undefined || session.isClosing) return false
    session.owner = owner
    return true
  }

  ownerOf(sessionId: SessionId): ServerId | null {
    return this.#sessions.get(sessionId)?.owner ?? null
  }

  isTracking(sessionId: SessionId): boolean {
    return this.#sessions.has(sessionId)
  }

  isClosing(sessionId: SessionId): boolean {
    return this.#sessions.get(sessionId)?.isClosing ?? false
  }

  get count(): number {
    return this.#sessions.size
  }

  /** What `dump` prints, soonest first. */
  expiryBuckets(): readonly ExpiryBucket[] {
    return [...this.#buckets]
      .sort(([a], [b]) => a - b)
      .map(([bucket, sessionIds]) => ({ expiresAtMs: bucket * this.#tickMs, sessionIds: [...sessionIds] }))
  }

  #enterBucket(sessionId: SessionId, session: Tracked, bucket: number): void {
    const members = this.#buckets.get(bucket)
    if (members === undefined) this.#buckets.set(bucket, new Set([sessionId]))
    else members.add(sessionId)
    session.bucket = bucket
  }

  #leaveBucket(sessionId: SessionId, session: Tracked): void {
    const members = this.#buckets.get(session.bucket)
    if (members !== undefined) {
      members.delete(sessionId)
      if (members.size === 0) this.#buckets.delete(session.bucket)
    }
    session.bucket = -1
  }
}
