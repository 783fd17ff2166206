/**
 * The credentials of a client. On the server's side they belong to a connection, so they are kept here and given again
 * on each new one, in the order in which they came. Replies to them carry no number: they come in that order too, and
 * only the first one to each is told.
 */
import type { ErrorName } from '../base/errors.ts'
import type { Outcome } from './outcome.ts'

interface Kept {
  readonly body: Uint8Array
  waiting: ((outcome: Outcome) => void) | null
}

export class Credentials {
  readonly #write: (body: Uint8Array) => void
  #kept: Kept[] = []
  #underWayCount = 0 // the last so many of those kept

  constructor(write: (body: Uint8Array) => void) {
    this.#write = write
  }

  add(body: Uint8Array, done: (outcome: Outcome) => void): void {
    this.#kept.push({ body, waiting: done })
  }

  giveAll(): void {
    for (const kept of this.#kept) this.#give(kept)
  }

  giveLast(): void {
    this.#give(this.#kept.at(-1)!)
  }

  #give({ body }: Kept): void {
    this.#underWayCount++
    this.#write(body)
  }

  replied(outcome: Outcome): void {
    const kept = this.#kept[this.#kept.length - this.#underWayCount]
    this.#underWayCount--
    if (kept === undefined) return
    const { waiting } = kept
    kept.waiting = null
    waiting?.(outcome)
  }

  /** What was under way has no reply; it is given again on the next connection. */
  linkLost(): void {
    this.#underWayCount = 0
  }

  /** The session is over. */
  forget(error: ErrorName): void {
    const kept = this.#kept
    this.#kept = []
    for (const { waiting } of kept) waiting?.({ ok: false, error })
  }
}
