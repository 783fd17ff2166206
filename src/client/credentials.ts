/**
 * The credentials of a client. For a server they belong to a connection, so the client keeps them and sends them again
 * on each new connection, in the order of the calls. Replies to them have no xid of their own and arrive in the same
 * order. The caller gets the first reply to its credentials; replies after a reconnect go to no caller.
 */
import type { ErrorName } from '../base/errors.ts'
import { failed, type Outcome } from './outcome.ts'

interface Kept {
  readonly body: Uint8Array
  waiting: ((outcome: Outcome) => void) | null
}

export class Credentials {
  readonly #write: (body: Uint8Array) => void
  #kept: Kept[] = []
  #unansweredCount = 0 // the last ones of #kept

  constructor(write: (body: Uint8Array) => void) {
    this.#write = write
  }

  add(body: Uint8Array, done: (outcome: Outcome) => void): void {
    this.#kept.push({ body, waiting: done })
  }

  sendAll(): void {
    for (const kept of this.#kept) this.#send(kept)
  }

  sendLast(): void {
    this.#send(this.#kept.at(-1)!)
  }

  #send({ body }: Kept): void {
    this.#unansweredCount++
    this.#write(body)
  }

  replied(outcome: Outcome): void {
    const kept = this.#kept[this.#kept.length - this.#unansweredCount]
    this.#unansweredCount--
    if (kept === undefined) return
    const { waiting } = kept
    kept.waiting = null
    waiting?.(outcome)
  }

  /** Requests without a reply get none on this connection. The credentials are sent again on the next one. */
  linkLost(): void {
    this.#unansweredCount = 0
  }

  /** The session is over. */
  forget(error: ErrorName): void {
    const kept = this.#kept
    this.#kept = []
    for (const { waiting } of kept) waiting?.(failed(error))
  }
}
