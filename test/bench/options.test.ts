import { expect, test } from 'vitest'
import { parseOptions } from './options.ts'

test('the benchmark refuses an unknown value of an option and lists the known ones', () => {
  expect(() => parseOptions(['--target', 'etcd'])).toThrow('--target etcd: expected zkts, zookeeper, both')
  expect(() => parseOptions(['--only', 'get,put'])).toThrow('--only put: expected get, set, create, mix, failover')
  expect(() => parseOptions(['--seconds', 'soon'])).toThrow('--seconds soon: expected a number')
})

test('the benchmark writes its report only when both targets run in full', () => {
  expect(parseOptions([])?.outputFile).toBe('docs/benchmarks.md')
  expect(parseOptions(['--quick'])?.outputFile).toBeUndefined()
  expect(parseOptions(['--only', 'failover'])?.outputFile).toBeUndefined()
  expect(parseOptions(['--faults', 'kill'])?.outputFile).toBeUndefined()
  expect(parseOptions(['--target', 'zkts'])?.outputFile).toBeUndefined()
  expect(parseOptions(['--target', 'zkts', '--output', 'x.md'])?.outputFile).toBe('x.md')
})

test('the benchmark measures the rows about checkpoints only when they are named, each once and in their order', () => {
  expect(parseOptions([])?.checkpointRows).toEqual([])
  expect(parseOptions(['--checkpoints', 'disk,restart,disk'])?.checkpointRows).toEqual(['restart', 'disk'])
  expect(parseOptions(['--checkpoints', 'all'])?.checkpointRows).toEqual([
    'restart',
    'bytes',
    'creates',
    'join',
    'disk',
  ])
  expect(() => parseOptions(['--checkpoints', 'start'])).toThrow('--checkpoints start: expected restart, bytes')
  expect(() => parseOptions(['--znodes', '1e3.5'])).toThrow('--znodes 1e3.5: expected a whole number from 1000')
})

test('the benchmark measures faults by default, without the loads when only they are named, and not in a quick run', () => {
  const all = ['kill', 'terminate', 'stop', 'cut', 'restart-3', 'restart-5']
  expect(parseOptions([])?.faultRows).toEqual(all)
  expect(parseOptions(['--quick'])?.faultRows).toEqual([])
  const alone = parseOptions(['--only', 'failover', '--faults', 'stop,cut', '--fault-runs', '20'])
  expect(alone).toMatchObject({ workloads: [], faultRows: ['stop', 'cut'], faultRuns: 20 })
  expect(() => parseOptions(['--faults', 'fire'])).toThrow('--faults fire: expected kill, terminate')
})

test('the rows about checkpoints have a report of their own, written only when all of them run in full', () => {
  expect(parseOptions(['--checkpoints', 'all'])?.outputFile).toBe('docs/benchmarks-checkpoints.md')
  expect(parseOptions(['--checkpoints', 'restart'])?.outputFile).toBeUndefined()
  expect(parseOptions(['--checkpoints', 'all', '--quick'])?.outputFile).toBeUndefined()
})
