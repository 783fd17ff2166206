/**
 * Notes how late the ticks of the event loop come (ZK: JvmPauseMonitor): because of a long turn, garbage collection, a
 * process that was stopped, or a machine that had no time for it. ZooKeeper measures a thread that sleeps beside its
 * others; here the loop itself is measured, since a loop that stands still answers no client.
 * Assumes: `ticked` gets durations by the machine's clock. The running clock leaves out what is measured here.
 */
import type { PauseThresholds } from '../config/config.ts'
import type { Histogram } from '../metrics/histogram.ts'
import type { ServerMetrics } from '../metrics/server-metrics.ts'
import type { Log } from '../ports/log.ts'

export class PauseMonitor {
  readonly #thresholds: PauseThresholds
  readonly #pauseTime: Histogram
  readonly #log: Log

  constructor(thresholds: PauseThresholds, metrics: ServerMetrics, log: Log) {
    this.#thresholds = thresholds
    this.#pauseTime = metrics.jvm_pause_time_ms
    this.#log = log
  }

  /** A tick has come, this much later than it was due. */
  ticked(pauseMs: number): void {
    this.#pauseTime.note(pauseMs)
    const { warnMs, infoMs } = this.#thresholds
    const fields = { durationMs: Math.round(pauseMs) }
    if (pauseMs > warnMs) this.#log.warn('process-paused', fields)
    else if (pauseMs > infoMs) this.#log.info('process-paused', fields)
  }
}
