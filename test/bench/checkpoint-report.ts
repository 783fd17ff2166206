/**
 * Renders the rows about checkpoints as a table in Markdown, for the terminal and for a file.
 * Owns: their texts. The figure of several rounds is their median.
 */
import { type CheckpointVisit, checkpointRows } from './checkpoint-rows.ts'
import type { RowFigure } from './checkpoints/row.ts'
import type { BenchOptions, CheckpointRowName, Target } from './options.ts'
import { formatValues, median, renderTable, targetNames } from './report.ts'
import { describeSettings } from './zoo-config.ts'

export function checkpointTable(options: BenchOptions, visits: readonly CheckpointVisit[]): string {
  const lines = options.checkpointRows.flatMap((row) =>
    checkpointRows[row].figures.map((figure) => [
      row,
      figure.title,
      formatValues(
        options.targets.map((target) => figureValue(visits, target, row, figure)),
        figure.digits,
      ),
      figure.aim ?? '',
    ]),
  )
  return `${renderTable(['row', 'figure', 'value', 'aim'], lines)}\n`
}

export function checkpointDocument(
  options: BenchOptions,
  visits: readonly CheckpointVisit[],
  machine: readonly string[],
  date: string,
): string {
  const { znodes, dataSizeBytes, measureMs, snapCount, requestsPerSecond, diskSets } = options.checkpoints
  const versionOf = (target: Target): string => visits.find((visit) => visit.target === target)?.version ?? 'unknown'
  const versions = options.targets.map((target) => `${targetNames[target]} ${versionOf(target)}`).join(', ')
  const facts = [`Date: ${date}`, `Servers: ${versions}`, ...machine, `Settings of both: ${describeSettings()}`]
  return `# Benchmarks of checkpoints

Written by \`npm run bench -- --checkpoints all\`. A checkpoint of zkts stands beside a snapshot of ZooKeeper.

${facts.map((fact) => `- ${fact}`).join('\n')}
- Each target runs alone, in turn. Rounds: ${options.rounds}, a figure is their median. Heap limit of each server: 2 GB.
- The tree has ${znodes} znodes of ${dataSizeBytes} bytes, in parents of 1000 children, made with the default settings.

A value reads *ratio (ours / ZooKeeper's)*.

- restart: one server. The first answer is that to a session that reads a znode. RSS is read without load.
- bytes: one server. Each of four times 1 % of the znodes change, then a checkpoint is taken; all bytes that the process
  writes for it are counted, until it writes nothing more. A full one is the size of the files.
- creates: one server, 51 sessions with one request in flight each, ${measureMs / 1000} s. Without checkpoints
  snapCount=1000000000, with them snapCount=${snapCount}.
- join: three servers. One follower is stopped, its data removed, and it is started again. Meanwhile clients of the other
  two send ${requestsPerSecond} requests each second, half of them reads, whether or not earlier ones have been answered.
  With two busy loops in the place of the learner, no server has anything to do for it: what they cost is the share of this machine.
- disk: one server with default settings, ${diskSets} sets on 1000 znodes of ${dataSizeBytes} bytes.

${checkpointTable(options, visits)}`
}

export function failedRows(visits: readonly CheckpointVisit[]): readonly string[] {
  return visits.flatMap(({ target, rows }) =>
    rows.flatMap(({ row, outcome }) =>
      outcome.kind === 'failed' ? [`${targetNames[target]}, ${row}: ${outcome.reason}`] : [],
    ),
  )
}

function figureValue(
  visits: readonly CheckpointVisit[],
  target: Target,
  row: CheckpointRowName,
  figure: RowFigure,
): number | undefined {
  const rows = visits.filter((visit) => visit.target === target).flatMap((visit) => visit.rows)
  return median(
    rows.flatMap((each) =>
      each.row === row && each.outcome.kind === 'measured' ? (each.outcome.values[figure.key] ?? []) : [],
    ),
  )
}
