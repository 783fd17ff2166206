/** Minimum, mean and maximum of a stream of latencies, in constant memory. */
import type { LatencyStatus } from '../../admin/server-status.ts'

export class Latency {
  #count = 0
  #sumMs = 0
  #minMs = Number.POSITIVE_INFINITY
  #maxMs = 0
  #lastMs = 0

  note(latencyMs: number): void {
    this.#count++
    this.#sumMs += latencyMs
    this.#lastMs = latencyMs
    if (latencyMs < this.#minMs) this.#minMs = latencyMs
    if (latencyMs > this.#maxMs) this.#maxMs = latencyMs
  }

  reset(): void {
    this.#count = 0
    this.#sumMs = 0
    this.#minMs = Number.POSITIVE_INFINITY
    this.#maxMs = 0
    this.#lastMs = 0
  }

  get lastMs(): number {
    return this.#lastMs
  }

  /** All zero before the first sample. */
  status(): LatencyStatus {
    if (this.#count === 0) return { minMs: 0, avgMs: 0, maxMs: 0 }
    return { minMs: this.#minMs, avgMs: this.#sumMs / this.#count, maxMs: this.#maxMs }
  }
}
