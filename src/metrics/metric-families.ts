/**
 * The counters of a server as Prometheus reads them, with the names, types and labels of ZooKeeper's Prometheus provider
 * (ZK: PrometheusMetricsProvider): a summary has the quantile 0.5, a histogram 0.5, 0.9 and 0.99, and a keyed metric the
 * label `key`. What ZooKeeper does not have begins with `zkts_`.
 * Nothing is counted for this alone: a scrape reads what mntr reads. Percentiles cover all values since the start or the last
 * srst; those of ZooKeeper cover the last ten minutes.
 */
import { assertNever } from '../base/assert.ts'
import type { MetricFamily, MetricSample } from '../base/metric-family.ts'
import type { Counter } from './counter.ts'
import type { Histogram } from './histogram.ts'
import type { KeyedMetrics } from './keyed-metrics.ts'
import { type MetricRow, metricNames, metricTable } from './metric-table.ts'
import type { OperationLatencies } from './operation-latencies.ts'
import type { ServerMetrics } from './server-metrics.ts'

const summaryQuantiles = [0.5]
const histogramQuantiles = [0.5, 0.9, 0.99]

/** Milliseconds: from an eighth of one to sixteen seconds, each twice the one before. */
const latencyBoundsMs = Array.from({ length: 18 }, (_, index) => 2 ** (index - 3))

export function metricFamilies(metrics: ServerMetrics): readonly MetricFamily[] {
  return metricNames.map((name) => {
    const { kind, meaning, isOwn, label = 'key' }: MetricRow = metricTable[name]
    const family = { name: isOwn === true ? `zkts_${name}` : name, help: meaning }
    const metric: unknown = metrics[name]
    switch (kind) {
      case 'counter':
        return { ...family, type: 'counter', samples: [plain((metric as Counter).value)] }
      case 'summary':
        return { ...family, type: 'summary', samples: quantiles(metric as Histogram, {}, summaryQuantiles) }
      case 'histogram':
        return { ...family, type: 'summary', samples: quantiles(metric as Histogram, {}, histogramQuantiles) }
      case 'keyed counter': {
        const entries = [...(metric as KeyedMetrics<Counter>).entries()]
        const samples = entries.map(([key, { value }]) => ({ suffix: '', labels: { [label]: key }, value }) as const)
        return { ...family, type: 'counter', samples }
      }
      case 'keyed summary': {
        const entries = [...(metric as KeyedMetrics<Histogram>).entries()]
        const samples = entries.flatMap(([key, part]) => quantiles(part, { [label]: key }, summaryQuantiles))
        return { ...family, type: 'summary', samples }
      }
      default:
        return assertNever(kind)
    }
  })
}

/** In seconds, as Prometheus recommends: the name is ours. */
export function latencyFamily(latencies: OperationLatencies): MetricFamily {
  const samples = [...latencies.entries()].flatMap(([operation, histogram]): MetricSample[] => {
    const { count, sum } = histogram.summary
    const counts = histogram.countsUpTo(latencyBoundsMs)
    return [
      ...counts.map((value, index) => {
        const le = String(latencyBoundsMs[index]! / 1000)
        return { suffix: '_bucket', labels: { operation, le }, value } as const
      }),
      { suffix: '_bucket', labels: { operation, le: '+Inf' }, value: count },
      { suffix: '_sum', labels: { operation }, value: sum / 1000 },
      { suffix: '_count', labels: { operation }, value: count },
    ]
  })
  const help = 'seconds from a request to its reply, by operation'
  return { name: 'zkts_request_duration_seconds', type: 'histogram', help, samples }
}

function plain(value: number): MetricSample {
  return { suffix: '', labels: {}, value }
}

/** Without a value the quantiles are NaN, as Prometheus' Java client prints them. */
function quantiles(
  histogram: Histogram,
  labels: Readonly<Record<string, string>>,
  fractions: readonly number[],
): readonly MetricSample[] {
  const { count, sum } = histogram.summary
  return [
    ...fractions.map((fraction) => ({
      suffix: '' as const,
      labels: { ...labels, quantile: String(fraction) },
      value: count === 0 ? Number.NaN : histogram.percentile(fraction),
    })),
    { suffix: '_count', labels, value: count },
    { suffix: '_sum', labels, value: sum },
  ]
}
