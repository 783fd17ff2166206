/**
 * Counts bytes for each top-level znode (ZK: DataTree.updateReadStat, updateWriteStat). Owns: a cache of the last
 * namespace. A client mostly works in one namespace, so the next request needs no lookup.
 */
import type { Histogram } from './histogram.ts'
import type { KeyedMetrics } from './keyed-metrics.ts'

export class NamespaceBytes {
  readonly #summaries: KeyedMetrics<Histogram>
  #last: Histogram | null = null
  #lastPath = ''
  #lastBelow = ''

  constructor(summaries: KeyedMetrics<Histogram>) {
    this.#summaries = summaries
  }

  /** The root is in no namespace. */
  note(path: string, sizeBytes: number): void {
    if (this.#last === null || (path !== this.#lastPath && !path.startsWith(this.#lastBelow))) {
      const end = path.indexOf('/', 1)
      const namespace = end < 0 ? path.slice(1) : path.slice(1, end)
      if (namespace === '') return
      this.#last = this.#summaries.of(namespace)
      this.#lastPath = `/${namespace}`
      this.#lastBelow = `/${namespace}/`
    }
    this.#last.note(sizeBytes)
  }
}
