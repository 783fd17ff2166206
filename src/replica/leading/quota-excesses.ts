/**
 * What becomes known of writes over a quota, on the server that decides them: a line in the log and a count. One
 * line a minute for each quota and resource, since a client over its quota mostly goes on trying; the next line says
 * how many were left out (ZK: RateLogger). Outlives terms of leadership, so that counts only grow.
 */
import { quotaExcessesKeptMax } from '../../base/limits.ts'
import type { ServerMetrics } from '../../metrics/server-metrics.ts'
import type { Log } from '../../ports/log.ts'
import type { QuotaExcess, QuotaPolicy } from '../../transactions/quota-check.ts'
import { namespaceOf } from '../../tree/quota-totals.ts'

interface Told {
  readonly atMs: number
  leftOutCount: number
}

const betweenLinesMs = 60_000

export class QuotaExcesses implements QuotaPolicy {
  readonly isEnforced: boolean
  readonly #refused: ServerMetrics['quota_exceeded_error_per_namespace']
  readonly #log: Log
  readonly #nowMs: () => number
  readonly #told = new Map<string, Told>() // by quota and resource, the oldest line first

  /** `nowMs` reads the monotonic time of the event being handled. */
  constructor(isEnforced: boolean, metrics: ServerMetrics, log: Log, nowMs: () => number) {
    this.isEnforced = isEnforced
    this.#refused = metrics.quota_exceeded_error_per_namespace
    this.#log = log
    this.#nowMs = nowMs
  }

  exceeded(excess: QuotaExcess): void {
    if (excess.isRefused) this.#count(excess.path)
    const key = `${excess.resource} ${excess.quotaPath}`
    const nowMs = this.#nowMs()
    const told = this.#told.get(key)
    if (told !== undefined && nowMs - told.atMs < betweenLinesMs) {
      told.leftOutCount += 1
      return
    }
    this.#told.delete(key)
    if (this.#told.size >= quotaExcessesKeptMax) this.#told.delete(this.#told.keys().next().value!)
    this.#told.set(key, { atMs: nowMs, leftOutCount: 0 })
    this.#tell(excess, told?.leftOutCount ?? 0)
  }

  #count(path: string): void {
    const namespace = namespaceOf(path)
    if (namespace !== null) this.#refused.of(namespace).add()
  }

  #tell(excess: QuotaExcess, leftOutCount: number): void {
    const { path, quotaPath, resource, wanted, limit, isHard, isRefused } = excess
    this.#log.warn('quota-exceeded', {
      path,
      quotaPath,
      resource,
      limit: Number(limit),
      wanted: Number(wanted),
      isHard,
      isRefused,
      leftOutCount,
    })
  }
}
