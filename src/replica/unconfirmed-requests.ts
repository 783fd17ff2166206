/**
 * Requests that a leader may answer only once it knows that it still leads: a sync, a refusal, the end of a session.
 * A leader that was deposed without having noticed would refuse on old state what has long become possible. One round
 * of heartbeats, begun after the requests came, confirms all of a turn (design D9); they are then decided anew, so that
 * the answer is of the state in which it is given.
 * What a session asks behind such a request waits too: if it overtook, a read between the two would see the later one.
 */
import type { SessionId } from '../base/ids.ts'
import type { ForwardedRequest } from '../protocol/peer/peer-message.ts'
import type { Asker, RequestSource } from './leader-desk.ts'

export interface WriteOrSync {
  readonly kind: 'request'
  readonly sessionId: SessionId
  readonly source: RequestSource
  readonly request: ForwardedRequest
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

  /** True if an earlier request of the session waits; this one is then kept here. */
  holdBehind(asked: LeaderRequest): boolean {
    const behind = this.#behind.get(asked.sessionId)
    behind?.push(asked)
    return behind !== undefined
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
