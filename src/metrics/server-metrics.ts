/**
 * The metrics of one server: an object with one counter, summary or histogram for each row of the table. A part that
 * counts gets the whole object and keeps the metrics that it feeds. A metric allocates nothing before its first value.
 */
import { assertNever } from '../base/assert.ts'
import { Counter } from './counter.ts'
import { Histogram } from './histogram.ts'
import { type KeyedMetrics, keyedCounters, keyedSummaries } from './keyed-metrics.ts'
import { type MetricKind, type MetricName, metricNames, metricTable } from './metric-table.ts'
import type { Summary } from './summary.ts'

interface MetricOfKind {
  readonly counter: Counter
  readonly summary: Histogram
  readonly histogram: Histogram
  readonly 'keyed counter': KeyedMetrics<Counter>
  readonly 'keyed summary': KeyedMetrics<Histogram>
}

type Metric = MetricOfKind[MetricKind]

export type ServerMetrics = { readonly [Name in MetricName]: MetricOfKind[(typeof metricTable)[Name]['kind']] }

export function newMetrics(): ServerMetrics {
  const rows = Object.entries(metricTable).map(([name, { kind }]) => [name, newMetric(kind)] as const)
  return Object.fromEntries(rows) as unknown as ServerMetrics
}

/** srst sets all of them back to zero (ZK: ServerMetrics.resetAll). */
export function resetMetrics(metrics: ServerMetrics): void {
  for (const metric of Object.values(metrics)) metric.reset()
}

/** Each printed name without `zk_`, and its value; those that begin with `avg_` are means and not whole numbers. */
export function metricValues(metrics: ServerMetrics): Map<string, number> {
  const values = new Map<string, number>()
  for (const name of metricNames) addValues(values, name, metrics[name], metricTable[name].kind === 'histogram')
  return values
}

function newMetric(kind: MetricKind): Metric {
  switch (kind) {
    case 'counter':
      return new Counter()
    case 'summary': // the median is for Prometheus
    case 'histogram':
      return new Histogram()
    case 'keyed counter':
      return keyedCounters()
    case 'keyed summary':
      return keyedSummaries()
    default:
      return assertNever(kind)
  }
}

function addValues(values: Map<string, number>, name: string, metric: Metric, hasPercentiles: boolean): void {
  if (metric instanceof Counter) {
    values.set(name, metric.value)
  } else if (metric instanceof Histogram) {
    addSummary(values, name, metric.summary)
    if (!hasPercentiles) return
    values.set(`p50_${name}`, Math.round(metric.percentile(0.5)))
    values.set(`p95_${name}`, Math.round(metric.percentile(0.95)))
    values.set(`p99_${name}`, Math.round(metric.percentile(0.99)))
    values.set(`p999_${name}`, Math.round(metric.percentile(0.999)))
  } else {
    for (const [key, part] of metric.entries()) addValues(values, `${key}_${name}`, part, false)
  }
}

/** Whole numbers, as ZooKeeper's monitors expect; only the mean is finer. */
function addSummary(values: Map<string, number>, name: string, { mean, min, max, count, sum }: Summary): void {
  values.set(`avg_${name}`, mean)
  values.set(`min_${name}`, Math.round(min))
  values.set(`max_${name}`, Math.round(max))
  values.set(`cnt_${name}`, count)
  values.set(`sum_${name}`, Math.round(sum))
}
