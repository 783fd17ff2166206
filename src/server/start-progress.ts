/**
 * The log lines of a start that takes long: one each second, from the first full second on. They come from the reading
 * itself and not from a timer, so a line also shows that the reading goes on.
 */
import { startProgressIntervalMs } from '../base/limits.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { ReadProgress } from '../storage/recover-log.ts'

export class StartProgress {
  readonly #clock: Clock
  readonly #log: Log
  readonly #beganAtMs: number
  #nextLineAtMs: number

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
    this.#beganAtMs = clock.monotonicMs()
    this.#nextLineAtMs = this.#beganAtMs + startProgressIntervalMs
  }

  checkpointRead(znodeCount: number, znodeCountTotal: number): void {
    if (!this.#isDue()) return
    const percent = percentOf(znodeCount, znodeCountTotal)
    this.#log.info('start-progress', { reads: 'checkpoint', znodeCount, znodeCountTotal, percent, ...this.#passed() })
  }

  /** Segments are of about the same size, so the part of them that was read shows how long the rest will take. */
  logRead({ segmentCount, offset, segmentCountTotal }: ReadProgress, segmentSizeBytes: number, txnCount: number): void {
    if (!this.#isDue()) return
    const read = segmentCount + Math.min(1, offset / segmentSizeBytes)
    const percent = percentOf(read, segmentCountTotal)
    this.#log.info('start-progress', { reads: 'log', txnCount, segmentCountTotal, percent, ...this.#passed() })
  }

  #isDue(): boolean {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs < this.#nextLineAtMs) return false
    this.#nextLineAtMs = nowMs + startProgressIntervalMs
    return true
  }

  #passed(): { readonly durationMs: number } {
    return { durationMs: Math.round(this.#clock.monotonicMs() - this.#beganAtMs) }
  }
}

function percentOf(part: number, whole: number): number {
  return whole === 0 ? 100 : Math.min(100, Math.floor((100 * part) / whole))
}
