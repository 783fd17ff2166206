/**
 * Maps sequence numbers to the requests that this server forwarded to the leader. A number comes back once, in the
 * origin of a txn or in an answer, and is then removed. Numbers are never reused while the process lives, so a late
 * outcome, after `clear`, matches no request and is ignored.
 */
import type { SessionId } from '../../base/ids.ts'
import type { Client, PendingRequest } from './client.ts'

/** A session that is being created, or that a client wants to continue on this server. */
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

  /** A number for a request whose outcome is ignored. */
  next(): number {
    return ++this.#lastSequence
  }

  /** Returns the number to send with the request. */
  add(awaited: Awaited): number {
    const sequence = this.next()
    this.#bySequence.set(sequence, awaited)
    return sequence
  }

  /** Undefined: the request is no longer awaited. */
  take(sequence: number): Awaited | undefined {
    const awaited = this.#bySequence.get(sequence)
    if (awaited !== undefined) this.#bySequence.delete(sequence)
    return awaited
  }

  clear(): void {
    this.#bySequence.clear()
  }
}
