import { expect, test } from 'vitest'
import { metricKeyCountMax } from '../../src/base/limits.ts'
import { Histogram } from '../../src/metrics/histogram.ts'
import { keyedCounters } from '../../src/metrics/keyed-metrics.ts'
import { metricTable } from '../../src/metrics/metric-table.ts'
import { metricValues, newMetrics, resetMetrics } from '../../src/metrics/server-metrics.ts'
import { SeededRandom } from '../support/seeded-random.ts'

test('every metric of the table begins at zero and is printed by its name', () => {
  const values = metricValues(newMetrics())
  for (const [name, { kind }] of Object.entries(metricTable)) {
    if (kind === 'counter') expect(values.get(name)).toBe(0)
    if (kind === 'summary' || kind === 'histogram') expect(values.get(`cnt_${name}`)).toBe(0)
  }
  expect(new Set(values.values())).toEqual(new Set([0]))
})

test('a summary prints mean, least, greatest, count and sum', () => {
  const metrics = newMetrics()
  for (const ms of [1.5, 2, 4]) metrics.fsynctime.note(ms)
  const values = metricValues(metrics)
  expect([...values].filter(([name]) => name.endsWith('fsynctime'))).toEqual([
    ['avg_fsynctime', 2.5],
    ['min_fsynctime', 2],
    ['max_fsynctime', 4],
    ['cnt_fsynctime', 3],
    ['sum_fsynctime', 8],
  ])
})

test('a keyed metric prints its key before its name', () => {
  const metrics = newMetrics()
  metrics.read_per_namespace.of('app').note(100)
  metrics.quota_exceeded_error_per_namespace.of('app').add(2)
  const values = metricValues(metrics)
  expect(values.get('cnt_app_read_per_namespace')).toBe(1)
  expect(values.get('app_quota_exceeded_error_per_namespace')).toBe(2)
})

test('a reset sets each metric to zero', () => {
  const metrics = newMetrics()
  metrics.commit_count.add()
  metrics.readlatency.note(3)
  metrics.write_per_namespace.of('a').note(1)
  resetMetrics(metrics)
  expect(new Set(metricValues(metrics).values())).toEqual(new Set([0]))
})

test('keys beyond the limit of a keyed metric are counted together', () => {
  const counters = keyedCounters()
  for (let i = 0; i < metricKeyCountMax + 10; i++) counters.of(`key${i}`).add()
  expect([...counters.entries()]).toHaveLength(metricKeyCountMax + 1)
  expect(counters.of('/').value).toBe(10)
})

test('a percentile of a histogram is never below the truth and at most a sixteenth above it', () => {
  const random = new SeededRandom(7)
  for (const scale of [0.01, 1, 100, 50_000]) {
    const histogram = new Histogram()
    const values = Array.from(
      { length: 2000 },
      () => Math.round((random.below(1_000_000) / 1_000_000) ** 3 * scale * 1000) / 1000,
    )
    for (const value of values) histogram.note(value)
    values.sort((a, b) => a - b)
    for (const fraction of [0.5, 0.95, 0.99, 0.999, 1]) {
      const truth = values[Math.ceil(fraction * values.length) - 1]!
      const reported = histogram.percentile(fraction)
      expect(reported).toBeGreaterThanOrEqual(truth)
      expect(reported).toBeLessThanOrEqual(truth * (17 / 16) + 0.001)
    }
  }
})

test('the counts up to ascending bounds contain each value once its bound is reached, and at most a sixteenth earlier', () => {
  const histogram = new Histogram()
  expect(histogram.countsUpTo([1, 2])).toEqual([0, 0])
  for (const value of [0.1, 0.9, 1, 1.5, 3, 100]) histogram.note(value)
  expect(histogram.countsUpTo([0.125, 0.5, 1, 2, 4, 64, 128])).toEqual([1, 1, 3, 4, 5, 5, 6])
  const random = new SeededRandom(8)
  const values = Array.from({ length: 1000 }, () => random.below(64_000) / 1000)
  const other = new Histogram()
  for (const value of values) other.note(value)
  const bounds = [0.125, 0.5, 2, 8, 32, 64]
  other.countsUpTo(bounds).forEach((count, index) => {
    const bound = bounds[index]!
    expect(count).toBeGreaterThanOrEqual(values.filter((value) => value <= bound).length)
    expect(count).toBeLessThanOrEqual(values.filter((value) => value <= bound * (17 / 16) + 0.001).length)
  })
})
