/**
 * Logs and counts writes above a quota, on the server that decides them. One line a minute for each quota and resource,
 * since a client above its quota usually repeats its writes; the next line says how many lines were left out
 * (ZK: RateLogger). One object serves all terms of leadership, so that counts only grow.
 */
import { quotaExcessesKeptMax } from '../../base/limits.ts'
import type { ServerMetrics } from '../../metrics/server-metrics.ts'
import type { Log } from '../../ports/log.ts'
import type { QuotaExcess, QuotaPolicy } from '../../transactions/quota-check.ts'
import { namespaceOf } from '../../tree/quota-totals.ts'

interface LastLine {
  readonly atMs: number
  leftOutCount: number
}

const betweenLinesMs = 60_000

export class QuotaExcesses implements QuotaPolicy {
  readonly isEnforced: boolean
  readonly #refused: ServerMetrics['quota_exceeded_error_per_namespace']
  readonly #log: Log
  readonly #nowMs: () => number
  readonly #lastLines = new Map<string, LastLine>() // by quota and resource, the oldest line first

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
    const last = this.#lastLines.get(key)
    if (last !== undefined && nowMs - last.atMs < betweenLinesMs) {
      last.leftOutCount += 1
      return
    }
    this.#lastLines.delete(key)
    if (this.#lastLines.size >= quotaExcessesKeptMax) this.#lastLines.delete(this.#lastLines.keys().next().value!)
    this.#lastLines.set(key, { atMs: nowMs, leftOutCount: 0 })
    this.#logExcess(excess, last?.leftOutCount ?? 0)
  }

  #count(path: string): void {
    const namespace = namespaceOf(path)
    if (namespace !== null) this.#refused.of(namespace).add()
  }

  #logExcess(excess: QuotaExcess, leftOutCount: number): void {
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
