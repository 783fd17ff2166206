/**
 * Requests that a leader may answer only once it knows that it still leads: a sync, a refusal, the end of a session.
 * A leader that was deposed without having noticed would refuse on old state what has long become possible. One round
 * of heartbeats, begun after the requests came, confirms all of a turn (design D9); they are then decided again, so that
 * the answer is of the state in which it is given.
 * What a session asks after such a request waits too: if it overtook, a read between the two would see the later one.
 */
import type { SessionId } from '../../base/ids.ts'
import type { OpTraits } from '../../protocol/client/operations.ts'
import type { ForwardedRequest } from '../../protocol/peer/peer-message.ts'
import type { Asker, RequestSource } from './write-decider.ts'

export interface WriteOrSync {
  readonly kind: 'request'
  readonly sessionId: SessionId
  readonly source: RequestSource
  readonly request: ForwardedRequest
  readonly op: OpTraits | null // what `request.type` names
}

/** A session came back at a server. */
export interface Revalidation {
  readonly kind: 'revalidation'
  readonly sessionId: SessionId
  readonly source: Asker
  readonly sequence: number
  readonly timeoutMs: number
}

export type LeaderRequest = WriteOrSync | Revalidation

interface Waiting {
  readonly asked: LeaderRequest
  round: number | null // that has to be answered; null until the turn ends
}

export class UnconfirmedRequests {
  #waiting: Waiting[] = []
  readonly #behind = new Map<SessionId, LeaderRequest[]>() // an entry for each session with a request that waits

  add(asked: LeaderRequest): void {
    this.#waiting.push({ asked, round: null })
    if (!this.#behind.has(asked.sessionId)) this.#behind.set(asked.sessionId, [])
  }

  /** An earlier request of the session waits, so a later one has to wait here too. */
  isWaiting(sessionId: SessionId): boolean {
    return this.#behind.size > 0 && this.#behind.has(sessionId)
  }

  /** Keeps a request of a session that is waiting. */
  hold(asked: LeaderRequest): void {
    this.#behind.get(asked.sessionId)!.push(asked)
  }

  get needsRound(): boolean {
    return this.#waiting.some((waiting) => waiting.round === null)
  }

  roundBegan(sequence: number): void {
    for (const waiting of this.#waiting) waiting.round ??= sequence
  }

  /** What round `sequence` confirms, and what may be decided for the first time after that; each in order. */
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
    for (const [sessionId, behind] of this.#behind) {
      if (blocked.has(sessionId)) continue
      this.#behind.delete(sessionId)
      next.push(...behind)
    }
    return { confirmed, next }
  }

  clear(): void {
    this.#waiting = []
    this.#behind.clear()
  }
}
