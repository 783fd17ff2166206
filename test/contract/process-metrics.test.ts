import { expect, test } from 'vitest'
import type { MetricFamily } from '../../src/base/metric-family.ts'
import { nodeHost } from '../../src/io/node-host.ts'

function sampleOf(
  families: readonly MetricFamily[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const family = families.find((each) => each.name === name)
  const sample = family?.samples.find((each) => JSON.stringify(each.labels) === JSON.stringify(labels))
  if (sample === undefined) throw new Error(`${name} has no such sample`)
  return sample.value
}

test('a process shows its memory, its processor time and when it started', () => {
  const read = nodeHost({ lostLogLines: () => 0 }).measureProcess()
  const first = read()
  expect(sampleOf(first, 'process_resident_memory_bytes')).toBeGreaterThan(10e6)
  expect(sampleOf(first, 'jvm_memory_bytes_used', { area: 'heap' })).toBeGreaterThan(1e6)
  expect(sampleOf(first, 'jvm_memory_bytes_max', { area: 'heap' })).toBeGreaterThan(
    sampleOf(first, 'jvm_memory_bytes_used', { area: 'heap' }),
  )
  expect(sampleOf(first, 'process_start_time_seconds')).toBeLessThanOrEqual(Date.now() / 1000)
  const cpuSeconds = sampleOf(first, 'process_cpu_seconds_total')
  expect(sampleOf(read(), 'process_cpu_seconds_total')).toBeGreaterThanOrEqual(cpuSeconds)
})

test('the count of the delays of the event loop grows while the process runs', async () => {
  const read = nodeHost({ lostLogLines: () => 0 }).measureProcess()
  const countOf = (): number =>
    read()
      .find(({ name }) => name === 'zkts_event_loop_delay_seconds')!
      .samples.find(({ suffix }) => suffix === '_count')!.value
  const before = countOf()
  let after = before
  while (after <= before) {
    await new Promise((resolve) => setImmediate(resolve))
    after = countOf()
  }
  expect(after).toBeGreaterThan(before)
})
