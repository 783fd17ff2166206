/**
 * Requests that a leader may answer only after it knows that it still leads: a sync, a refusal, the end of a session.
 * A leader that was replaced and does not know it yet would decide on an old state. One round of heartbeats, begun
 * after the requests arrived, confirms all requests of a turn (design D9). Each is then decided again, so that its
 * answer reflects the state at that time.
 * Later requests of the same session wait too: if one overtook, a read between the two would see its write.
 */
import type { SessionId } from '../../base/ids.ts'
import type { OpTraits } from '../../protocol/client/operations.ts'
import type { ForwardedRequest } from '../../protocol/peer/peer-message.ts'
import type { RequestSource, Resumption } from './write-decider.ts'

export interface WriteOrSync {
  readonly kind: 'request'
  readonly sessionId: SessionId
  readonly source: RequestSource
  readonly request: ForwardedRequest
  readonly op: OpTraits | null // the operation of `request.type`
}

/** A client wants to continue its session on a server. */
export interface Revalidation extends Resumption {
  readonly kind: 'revalidation'
}

export type LeaderRequest = WriteOrSync | Revalidation

interface Waiting {
  readonly asked: LeaderRequest
  round: number | null // the heartbeat round that confirms it; null until the turn ends
}

export class UnconfirmedRequests {
  #waiting: Waiting[] = []
  /** Has an entry for each session with a waiting request: the later requests of that session. */
  readonly #heldBySession = new Map<SessionId, LeaderRequest[]>()

  add(asked: LeaderRequest): void {
    this.#waiting.push({ asked, round: null })
    if (!this.#heldBySession.has(asked.sessionId)) this.#heldBySession.set(asked.sessionId, [])
  }

  /** Whether a request of the session waits, so that its later ones have to wait too. */
  isWaiting(sessionId: SessionId): boolean {
    return this.#heldBySession.size > 0 && this.#heldBySession.has(sessionId)
  }

  /** Keeps a later request of a session for which `isWaiting` is true. */
  hold(asked: LeaderRequest): void {
    this.#heldBySession.get(asked.sessionId)!.push(asked)
  }

  get needsRound(): boolean {
    return this.#waiting.some((waiting) => waiting.round === null)
  }

  roundBegan(sequence: number): void {
    for (const waiting of this.#waiting) waiting.round ??= sequence
  }

  /** The requests that round `sequence` confirms, and the held ones that may be decided next; each in order. */
  confirmed(sequence: number): {
    readonly confirmed: readonly LeaderRequest[]
    readonly next: readonly LeaderRequest[]
  } {
    const confirmed: LeaderRequest[] = []
    const stillWaiting: Waiting[] = []
    for (const waiting of this.#waiting) {
      if (waiting.round !== null && waiting.round <= sequence) confirmed.push(waiting.asked)
      else stillWaiting.push(waiting)
    }
    this.#waiting = stillWaiting
    const blocked = new Set(stillWaiting.map((waiting) => waiting.asked.sessionId))
    const next: LeaderRequest[] = []
    for (const [sessionId, held] of this.#heldBySession) {
      if (blocked.has(sessionId)) continue
      this.#heldBySession.delete(sessionId)
      next.push(...held)
    }
    return { confirmed, next }
  }

  clear(): void {
    this.#waiting = []
    this.#heldBySession.clear()
  }
}
