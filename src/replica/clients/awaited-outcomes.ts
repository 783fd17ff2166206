/**
 * Maps sequence numbers to the requests that this server forwarded to the leader. A number comes back once, in the
 * origin of a txn or in an answer, and is then removed. A request that is sent again, to this leader or the next, keeps
 * its number: if it were sent under two, two txns of it could be taken for two requests. Numbers are never reused while
 * the process lives, so a late outcome of a request that is no longer awaited is ignored.
 */
import { dropFirst } from '../../base/drop-first.ts'
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

/** Above this number of requests after it, a request that is still awaited is kept in the map. */
const windowCountMax = 8192
/** Numbers that are no longer awaited are cut off when there are this many. */
const cutCountMin = 1024

export class AwaitedOutcomes {
  /**
   * What was sent last, by its number minus #windowStart; undefined: no longer awaited. Outcomes come back nearly in the
   * order in which the requests were sent, and a list costs a third of a map.
   */
  readonly #window: (Awaited | undefined)[] = []
  #windowStart = 1
  #windowFirst = 0 // index of the first one in use
  /** What was sent before, and is still awaited. */
  readonly #older = new Map<number, Awaited>()
  #lastSequence = 0

  /** Returns the number to send with the request. */
  add(awaited: Awaited): number {
    const sequence = ++this.#lastSequence
    this.#window.push(awaited)
    if (this.#window.length - this.#windowFirst > windowCountMax) this.#keepFirstAsOlder()
    return sequence
  }

  /** Undefined: the request is no longer awaited. */
  take(sequence: number): Awaited | undefined {
    const index = sequence - this.#windowStart
    if (index < this.#windowFirst) return this.#takeOlder(sequence)
    const awaited = this.#window[index]
    if (awaited === undefined) return undefined
    this.#window[index] = undefined
    if (index === this.#windowFirst) this.#dropTaken()
    return awaited
  }

  /** In the order of their numbers. */
  entries(): readonly (readonly [number, Awaited])[] {
    const entries: [number, Awaited][] = [...this.#older]
    for (let i = this.#windowFirst; i < this.#window.length; i++) {
      const awaited = this.#window[i]
      if (awaited !== undefined) entries.push([this.#windowStart + i, awaited])
    }
    return entries
  }

  /** The connections of all clients close. Sessions that are becoming global live on. */
  forgetClients(): void {
    for (const [sequence, { kind }] of this.entries()) if (kind !== 'upgrade') this.take(sequence)
  }

  #takeOlder(sequence: number): Awaited | undefined {
    const awaited = this.#older.get(sequence)
    if (awaited !== undefined) this.#older.delete(sequence)
    return awaited
  }

  #keepFirstAsOlder(): void {
    const awaited = this.#window[this.#windowFirst]
    if (awaited !== undefined) this.#older.set(this.#windowStart + this.#windowFirst, awaited)
    this.#window[this.#windowFirst] = undefined
    this.#dropTaken()
  }

  #dropTaken(): void {
    const { length } = this.#window
    let first = this.#windowFirst
    while (first < length && this.#window[first] === undefined) first++
    if (first >= cutCountMin) {
      dropFirst(this.#window, first)
      this.#windowStart += first
      first = 0
    }
    this.#windowFirst = first
  }
}
