import { expect, test } from 'vitest'
import { failedFaults, failoverTable } from './failover-rows.ts'
import { parseOptions } from './options.ts'

const options = parseOptions(['--only', 'failover', '--faults', 'kill,stop'])!

function measured(gapMs: number, failedCount: number) {
  const noticed = { gapMs, closedCount: 0, failedCount, twiceCount: 0, lostCount: 0 }
  return { kind: 'measured', outcome: { version: 'x', noticed, times: {}, counts: {} } } as const
}

test('the table of faults has the median and the worst gap of each target, and adds up its counts', () => {
  const visits = [
    { target: 'zkts', row: 'kill', outcome: measured(50, 0) },
    { target: 'zookeeper', row: 'kill', outcome: measured(400, 1) },
    { target: 'zkts', row: 'kill', outcome: measured(100, 0) },
    { target: 'zookeeper', row: 'kill', outcome: measured(600, 2) },
    { target: 'zkts', row: 'stop', outcome: { kind: 'failed', reason: 'no leader' } },
  ] as const
  const rows = failoverTable(options, visits).split('\n').slice(2)
  const cells = rows.map((row) => row.split('|').map((cell) => cell.trim()))
  expect(cells[0]!.slice(1, 7)).toEqual([
    'kill',
    '2 / 2',
    '0.15 (75 / 500)',
    '0.17 (100 / 600)',
    '– (0 / 0)',
    '0.00 (0 / 3)',
  ])
  expect(cells[1]!.slice(1, 4)).toEqual(['stop', '0 / 0', 'n/a / n/a'])
  expect(failedFaults(visits)).toEqual(['zkts, stop: no leader'])
})
