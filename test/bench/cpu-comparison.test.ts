import { expect, test } from 'vitest'
import { type LimitedLoad, verdictsOn } from './cpu-comparison.ts'
import type { CellOutcome } from './measurements.ts'

const shape = { connections: 51, inFlight: 1 }
const load: LimitedLoad = { workload: 'set', shape, ratioMax: 1.5 }
const latencyUs = { p50: 1, p99: 1, p999: 1, max: 1 }

function measured(serversCpuMs: number | undefined, operations = 1000): CellOutcome {
  const result = { operations, elapsedMs: 1000, latencyUs, generatorCpuMs: 1 }
  return { kind: 'measured', result: serversCpuMs === undefined ? result : { ...result, serversCpuMs } }
}

function cell(outcome: CellOutcome, workload: 'get' | 'set' = 'set', inFlight = 1) {
  return { cell: { workload, shape: { connections: 51, inFlight } }, outcome }
}

test('a load is within its limit up to the ratio of the limit, the limit included', () => {
  expect(verdictsOn([load], [cell(measured(30))], [cell(measured(20))])).toEqual([
    {
      isWithinLimit: true,
      text: 'set, 51 × 1: 30.0 µs, Apache ZooKeeper 20.0 µs, ratio 1.50, at most 1.50',
    },
  ])
  expect(verdictsOn([load], [cell(measured(31))], [cell(measured(20))])).toEqual([
    {
      isWithinLimit: false,
      text: 'set, 51 × 1: 31.0 µs, Apache ZooKeeper 20.0 µs, ratio 1.55, at most 1.50',
    },
  ])
})

test('of several measurements of a load the one with the lowest cost of a request counts, on both servers', () => {
  const ours = [cell(measured(90)), cell(measured(60, 2000)), cell(measured(70))]
  const theirs = [cell(measured(50)), cell(measured(20))]
  expect(verdictsOn([load], ours, theirs)[0]!.text).toContain('30.0 µs, Apache ZooKeeper 20.0 µs')
})

test('measurements of other loads do not count', () => {
  const ours = [cell(measured(1), 'get'), cell(measured(1), 'set', 50), cell(measured(30))]
  expect(verdictsOn([load], ours, [cell(measured(20))])[0]!.text).toContain('30.0 µs, Apache ZooKeeper 20.0 µs')
})

test('a load without a measurement on either server is not within its limit', () => {
  const failed: CellOutcome = { kind: 'failed', reason: 'it ended' }
  const some = [cell(measured(10))]
  const textsOf = (ours: readonly ReturnType<typeof cell>[], theirs: readonly ReturnType<typeof cell>[]) =>
    verdictsOn([load], ours, theirs)
  for (const none of [[], [cell(failed)], [cell(measured(undefined))], [cell(measured(10, 0))]]) {
    expect(textsOf(none, some)).toEqual([
      { isWithinLimit: false, text: 'set, 51 × 1: no processor time was measured of zkts' },
    ])
    expect(textsOf(some, none)).toEqual([
      { isWithinLimit: false, text: 'set, 51 × 1: no processor time was measured of Apache ZooKeeper' },
    ])
  }
})
