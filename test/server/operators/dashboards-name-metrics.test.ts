import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { statusFamilies } from '../../../src/admin/status-families.ts'
import { measureProcess } from '../../../src/io/process-metrics.ts'
import { latencyFamily, metricFamilies } from '../../../src/metrics/metric-families.ts'
import { OperationLatencies } from '../../../src/metrics/operation-latencies.ts'
import { newMetrics } from '../../../src/metrics/server-metrics.ts'
import { leading } from '../../admin/admin-sources.ts'

/** All that a leader can show, with the lines that each type has. */
function namesShown(): ReadonlySet<string> {
  const learner = { id: 2, isSynced: true, txnCount: 0, unacknowledgedSizeBytes: 0, silentMs: 0 }
  const load = { waitingConnectionCount: 0, learners: [learner], quotas: [] }
  const status = { ...leading, lastCheckpoint: { zxid: 1, sizeBytes: 1, ageMs: 1 } }
  const families = [
    ...statusFamilies(status, load, { openCount: 1, maxCount: 2 }),
    ...metricFamilies(newMetrics()),
    latencyFamily(new OperationLatencies()),
    ...measureProcess()(),
  ]
  const suffixes = {
    counter: [''],
    gauge: [''],
    summary: ['', '_count', '_sum'],
    histogram: ['_bucket', '_count', '_sum'],
  }
  return new Set(families.flatMap(({ name, type }) => suffixes[type].map((suffix) => `${name}${suffix}`)))
}

const notMetrics = new Set(
  'up by le or and sum rate increase floor histogram_quantile label_values instance operation reason learner'.split(
    ' ',
  ),
)

/** The metrics in an expression of PromQL. */
function metricsIn(expression: string): readonly string[] {
  const bare = expression
    .replace(/"[^"]*"/g, '""')
    .replace(/\{[^}]*\}/g, '')
    .replace(/\[[^\]]*\]/g, '')
  return [...bare.matchAll(/[a-z_][a-z0-9_]*/g)].map(([word]) => word).filter((word) => !notMetrics.has(word))
}

function confFile(name: string): string {
  return readFileSync(new URL(`../../../conf/monitoring/${name}`, import.meta.url), 'utf8')
}

function unknownIn(expressions: readonly string[]): readonly string[] {
  const shown = namesShown()
  return expressions.flatMap(metricsIn).filter((name) => !shown.has(name))
}

test('each metric of the alert rules exists', () => {
  const expressions = [...confFile('alerts.yml').matchAll(/^ +expr: (.*)$/gm)].map(([, expression]) => expression!)
  expect(expressions.length).toBeGreaterThan(10)
  expect(expressions.flatMap(metricsIn)).toContain('zkts_request_duration_seconds_bucket')
  expect(unknownIn(expressions)).toEqual([])
})

test('each metric of the dashboard exists', () => {
  const { panels } = JSON.parse(confFile('grafana-dashboard.json')) as {
    readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[]
  }
  const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
  expect(expressions.length).toBeGreaterThan(20)
  expect(unknownIn(expressions)).toEqual([])
})

test("each metric of ZooKeeper's own alert examples exists", () => {
  // From the section on alerting in the monitor guide of ZooKeeper 3.9.
  const expressions = [
    'znode_count > 1000000',
    'num_alive_connections > 50',
    'approximate_data_size /1024 /1024 > 1 * 1024',
    'watch_count > 10000',
    'increase(election_time_count[5m]) > 0',
    'open_file_descriptor_count > 300',
    'rate(fsynctime_sum[1m]) > 100',
    'rate(snapshottime_sum[5m]) > 100',
    'avg_latency > 100',
    'jvm_memory_bytes_used / jvm_memory_bytes_max{area="heap"} > 0.8',
  ]
  expect(unknownIn(expressions)).toEqual([])
})

test('a metric that does not exist is found', () => {
  expect(unknownIn(['rate(no_such_metric{a="b"}[5m]) > 0'])).toEqual(['no_such_metric'])
})
