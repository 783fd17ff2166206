/**
 * Maps sequence numbers to the requests that this server forwarded to the leader. A number comes back once, in the
 * origin of a txn or in an answer, and is then removed. A request that is sent again, to this leader or the next, keeps
 * its number: if it were sent under two, two txns of it could be taken for two requests. Numbers are never reused while
 * the process lives, so a late outcome of a request that is no longer awaited is ignored.
 */
import type { SessionId } from '../../base/ids.ts'
import type { Client, PendingRequest } from './client.ts'

/** A session that is being created, or that a client wants to continue on this server. */
export interface PendingSession {
  readonly kind: 'session'
  readonly isNew: boolean
  readonly client: Client
  readonly id: SessionId
  readonly timeoutMs: number
}

/** A local session that becomes global, whether its client is still connected or not. */
export interface PendingUpgrade {
  readonly kind: 'upgrade'
  readonly id: SessionId
  readonly timeoutMs: number
}

export type Awaited = PendingRequest | PendingSession | PendingUpgrade

export class AwaitedOutcomes {
  readonly #bySequence = new Map<number, Awaited>()
  #lastSequence = 0

  /** Returns the number to send with the request. */
  add(awaited: Awaited): number {
    const sequence = ++this.#lastSequence
    this.#bySequence.set(sequence, awaited)
    return sequence
  }

  /** Undefined: the request is no longer awaited. */
  take(sequence: number): Awaited | undefined {
    const awaited = this.#bySequence.get(sequence)
    if (awaited !== undefined) this.#bySequence.delete(sequence)
    return awaited
  }

  /** In the order of their numbers. */
  entries(): readonly (readonly [number, Awaited])[] {
    return [...this.#bySequence]
  }

  /** The connections of all clients close. Sessions that are becoming global live on. */
  forgetClients(): void {
    for (const [sequence, { kind }] of this.#bySequence) if (kind !== 'upgrade') this.#bySequence.delete(sequence)
  }
}
