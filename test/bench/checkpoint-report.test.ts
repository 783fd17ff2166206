import { expect, test } from 'vitest'
import { checkpointTable, failedRows } from './checkpoint-report.ts'
import type { CheckpointVisit } from './checkpoint-rows.ts'
import { parseOptions } from './options.ts'

const visit = (target: CheckpointVisit['target'], startMs: number, rssGrowth: number): CheckpointVisit => ({
  target,
  version: '1',
  rows: [{ row: 'restart', outcome: { kind: 'measured', values: { startMs, rssGrowth } } }],
})

test('the table of checkpoints shows medians of both targets, their ratio and the aim', () => {
  const options = parseOptions(['--checkpoints', 'restart'])!
  const visits = [visit('zkts', 900, 1), visit('zookeeper', 4000, 2), visit('zkts', 1100, 1.1)]
  const lines = checkpointTable(options, visits).split('\n')
  const lineOf = (title: string): readonly string[] =>
    lines
      .find((line) => line.includes(title))!
      .split('|')
      .map((cell) => cell.trim())
  expect(lineOf('start after it').slice(3, 5)).toEqual(['0.25 (1000 / 4000)', 'ratio ≤ 0.50'])
  expect(lineOf('RSS after / before').slice(3, 5)).toEqual(['0.53 (1.05 / 2.00)', 'ours ≤ 1.10'])
  expect(lineOf('orderly stop').slice(3, 5)).toEqual(['n/a / n/a', ''])
})

test('a row that failed is a failure of the benchmark', () => {
  const failed = { row: 'join', outcome: { kind: 'failed', reason: 'no leader' } } as const
  expect(failedRows([{ target: 'zookeeper', version: '1', rows: [failed] }, visit('zkts', 1, 1)])).toEqual([
    'ZooKeeper, join: no leader',
  ])
})
