/**
 * What the sequence numbers stand for that this server gave to requests which it sent on to the leader. A number
 * comes back once, in the origin of a txn or in an answer, and is forgotten then. Numbers are never reused while
 * the process lives, so what comes back late, after `clear`, finds nothing and harms nobody.
 */
import type { SessionId } from '../../base/ids.ts'
import type { Client, PendingRequest } from './client.ts'

/** A session that is being made, or that asks to continue here. */
export interface PendingSession {
  readonly kind: 'session'
  readonly client: Client
  readonly id: SessionId
  readonly timeoutMs: number
}

export type Awaited = PendingRequest | PendingSession

export class AwaitedOutcomes {
  readonly #bySequence = new Map<number, Awaited>()
  #lastSequence = 0

  /** A number for what nobody waits for. */
  next(): number {
    return ++this.#lastSequence
  }

  /** Gives the number to send along. */
  add(awaited: Awaited): number {
    const sequence = this.next()
    this.#bySequence.set(sequence, awaited)
    return sequence
  }

  /** Undefined: nobody waits for it any more. */
  take(sequence: number): Awaited | undefined {
    const awaited = this.#bySequence.get(sequence)
    if (awaited !== undefined) this.#bySequence.delete(sequence)
    return awaited
  }

  clear(): void {
    this.#bySequence.clear()
  }
}
