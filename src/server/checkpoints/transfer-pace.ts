/**
 * Limits the rate at which a server sends copies of its state and backups, to all readers together. Each chunk costs the
 * event loop and the network some time, during which requests wait; spread out, they leave room for requests between them.
 * Owns: the chunks that wait. A reader that begins a new attempt does not get those of its earlier one: if their time were
 * counted, a learner whose link breaks often would wait longer with each attempt.
 */
import type { Clock } from '../../ports/clock.ts'
import type { Timers } from '../../ports/timers.ts'

export interface PacedChunk {
  readonly sizeBytes: number
  readonly reader: string // a learner or a backup
  readonly attempt: number
  readonly give: () => void
}

/**
 * A timer fires later than it was set for, by a millisecond or by a turn of the event loop. Chunks make up for at most this
 * much, so the rate is kept, and a reader that was slow for longer gets no burst.
 */
const latenessMsMax = 20

export class TransferPace {
  readonly #bytesPerMs: number
  readonly #clock: Clock
  readonly #timers: Timers
  #waiting: PacedChunk[] = []
  #freeAtMs = 0 // by then the chunks that were given have had their time
  #isTimed = false

  constructor(kibPerSecond: number, clock: Clock, timers: Timers) {
    this.#bytesPerMs = (kibPerSecond * 1024) / 1000
    this.#clock = clock
    this.#timers = timers
  }

  /** Calls `give` when it is the turn of the chunk: at once, if none is before it. */
  add(chunk: PacedChunk): void {
    this.#waiting = this.#waiting.filter(({ reader, attempt }) => reader !== chunk.reader || attempt === chunk.attempt)
    this.#waiting.push(chunk)
    this.#giveDue()
  }

  #giveDue(): void {
    if (this.#isTimed) return
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const nowMs = this.#clock.monotonicMs()
      if (nowMs < this.#freeAtMs) return this.#wait(this.#freeAtMs - nowMs)
      this.#waiting.shift()
      this.#freeAtMs = Math.max(this.#freeAtMs, nowMs - latenessMsMax) + next.sizeBytes / this.#bytesPerMs
      next.give()
    }
  }

  #wait(delayMs: number): void {
    this.#isTimed = true
    this.#timers.after(delayMs, () => {
      this.#isTimed = false
      this.#giveDue()
    })
  }
}
