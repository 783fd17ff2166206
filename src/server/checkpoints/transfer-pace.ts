/**
 * Limits the rate at which a leader sends copies of its state, to all learners together. Each chunk costs the event loop
 * and the network some time, during which requests wait; spread out, they leave room for requests between them.
 */
export class TransferPace {
  readonly #bytesPerMs: number
  #freeAtMs = 0 // by then the chunks so far have had their time

  constructor(kibPerSecond: number) {
    this.#bytesPerMs = (kibPerSecond * 1024) / 1000
  }

  /** How long the chunk has to wait. */
  delayMs(sizeBytes: number, nowMs: number): number {
    const startsAtMs = Math.max(nowMs, this.#freeAtMs)
    this.#freeAtMs = startsAtMs + sizeBytes / this.#bytesPerMs
    return startsAtMs - nowMs
  }
}
