/**
 * What this process measures of itself, for Prometheus: processor time, memory, garbage collection, delay of the event loop.
 * `process_*` and `jvm_*` are the names that ZooKeeper's provider has for the same facts, so that its dashboards and alerts
 * find them; the heap is that of JavaScript, and znodes
 * are outside it.
 * Measuring costs a timer of 20 ms and an entry for each collection, so it begins when metrics are wanted.
 */
import { readFileSync } from 'node:fs'
import { constants, monitorEventLoopDelay, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import { gauge, type MetricFamily, type MetricSample } from '../base/metric-family.ts'

const delayResolutionMs = 20
const quantiles = [0.5, 0.9, 0.99]

const collectionKinds: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
])

/** The types of Node.js lack `detail`. */
type CollectionEntry = PerformanceEntry & { readonly detail: { readonly kind: number } }

/** Begins to measure. Each call of the result reads the values; the quantiles of the delay are since the call before. */
export function measureProcess(): () => readonly MetricFamily[] {
  const delay = monitorEventLoopDelay({ resolution: delayResolutionMs })
  delay.enable()
  let delayCount = 0
  let delaySumSeconds = 0
  const collections = new Map<string, { count: number; seconds: number }>()
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { detail } = entry as CollectionEntry
      const kind = collectionKinds.get(detail.kind) ?? 'other'
      const total = collections.get(kind) ?? { count: 0, seconds: 0 }
      collections.set(kind, { count: total.count + 1, seconds: total.seconds + entry.duration / 1000 })
    }
  })
  observer.observe({ entryTypes: ['gc'] })

  const delayFamily = (): MetricFamily => {
    // The histogram holds the time between two timers, so the resolution is part of each value.
    const seconds = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - delayResolutionMs / 1000)
    const { count } = delay
    const samples = quantiles.map((quantile): MetricSample => {
      const value = count === 0 ? Number.NaN : seconds(delay.percentile(quantile * 100))
      return { suffix: '', labels: { quantile: String(quantile) }, value }
    })
    if (count > 0) {
      delaySumSeconds += seconds(delay.mean) * count
      delayCount += count
      delay.reset()
    }
    samples.push({ suffix: '_count', labels: {}, value: delayCount })
    samples.push({ suffix: '_sum', labels: {}, value: delaySumSeconds })
    const help = 'seconds by which the event loop came late; quantiles since the last scrape'
    return { name: 'zkts_event_loop_delay_seconds', type: 'summary', help, samples }
  }

  return () => [...processFamilies(), ...heapFamilies(), collectionFamily(collections), delayFamily()]
}

function processFamilies(): readonly MetricFamily[] {
  const { user, system } = process.cpuUsage()
  const cpu = { suffix: '', labels: {}, value: (user + system) / 1e6 } as const
  const virtualBytes = virtualMemoryBytes()
  return [
    { name: 'process_cpu_seconds_total', type: 'counter', help: 'processor time of this process', samples: [cpu] },
    gauge(
      'process_start_time_seconds',
      'seconds since 1970 at the start of this process',
      performance.timeOrigin / 1000,
    ),
    gauge('process_resident_memory_bytes', 'memory of this process', process.memoryUsage.rss()),
    ...(virtualBytes === null
      ? []
      : [gauge('process_virtual_memory_bytes', 'address space of this process', virtualBytes)]),
  ]
}

function virtualMemoryBytes(): number | null {
  try {
    const size = /^VmSize:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))
    return size === null ? null : Number(size[1]) * 1024
  } catch {
    return null // a system without /proc
  }
}

function heapFamilies(): readonly MetricFamily[] {
  const heap = getHeapStatistics()
  const outsideBytes = heap.malloced_memory + heap.external_memory
  const family = (name: string, help: string, areas: readonly (readonly [string, number])[]): MetricFamily => ({
    name,
    type: 'gauge',
    help,
    samples: areas.map(([area, value]) => ({ suffix: '', labels: { area }, value })),
  })
  return [
    family('jvm_memory_bytes_used', 'bytes in use: the heap of JavaScript, and what it holds outside', [
      ['heap', heap.used_heap_size],
      ['nonheap', outsideBytes],
    ]),
    family('jvm_memory_bytes_committed', 'bytes taken from the system', [
      ['heap', heap.total_heap_size],
      ['nonheap', outsideBytes],
    ]),
    family('jvm_memory_bytes_max', 'the limit; -1 = none', [
      ['heap', heap.heap_size_limit],
      ['nonheap', -1],
    ]),
  ]
}

function collectionFamily(collections: ReadonlyMap<string, { count: number; seconds: number }>): MetricFamily {
  const samples = [...collections].flatMap(([gc, { count, seconds }]): MetricSample[] => [
    { suffix: '_count', labels: { gc }, value: count },
    { suffix: '_sum', labels: { gc }, value: seconds },
  ])
  return { name: 'jvm_gc_collection_seconds', type: 'summary', help: 'garbage collections, by kind', samples }
}
