/**
 * One metric for each of many keys, such as one summary for each top-level znode (ZK: AvgMinMaxCounterSet,
 * SimpleCounterSet). Owns: a limit on the number of keys, because clients choose them. Later keys are counted
 * together under a key that no znode can have.
 */
import { metricKeyCountMax } from '../base/limits.ts'
import { Counter } from './counter.ts'
import { Histogram } from './histogram.ts'

/** Keys of znodes hold no slash. */
const overflowKey = '/'

export class KeyedMetrics<Metric extends Counter | Histogram> {
  readonly #create: () => Metric
  readonly #byKey = new Map<string, Metric>()

  constructor(create: () => Metric) {
    this.#create = create
  }

  /** The metric of that key; the first call for a key creates it. */
  of(key: string): Metric {
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    if (this.#byKey.size >= metricKeyCountMax && key !== overflowKey) return this.of(overflowKey)
    const metric = this.#create()
    this.#byKey.set(key, metric)
    return metric
  }

  entries(): IterableIterator<[string, Metric]> {
    return this.#byKey.entries()
  }

  /** As in ZooKeeper the keys stay. */
  reset(): void {
    for (const metric of this.#byKey.values()) metric.reset()
  }
}

export function keyedCounters(): KeyedMetrics<Counter> {
  return new KeyedMetrics(() => new Counter())
}

export function keyedSummaries(): KeyedMetrics<Histogram> {
  return new KeyedMetrics(() => new Histogram())
}
