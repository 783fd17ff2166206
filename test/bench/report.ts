/**
 * Renders visits as tables in Markdown, for the terminal and for docs/benchmarks.md.
 * Owns: medians over rounds and the format of the figures. A ratio is always the figure of zkts divided by ZooKeeper's.
 */
import type { BareLoopCells } from './bare-loop-visit.ts'
import { type FaultVisit, failoverTable, failoverText } from './failover-rows.ts'
import { type FanOutResult, type FanOutRound, type FanOutWatch, fanOutWatches, type LoadResult } from './load-job.ts'
import { type Cell, cellsOf, describeCell, type Visit } from './measurements.ts'
import { type BenchOptions, describeShape, type Target } from './options.ts'
import { describeSettings } from './zoo-config.ts'

export const targetNames: Readonly<Record<Target, string>> = { zkts: 'zkts', zookeeper: 'ZooKeeper' }

/** A column: one number for each target, absent if it could not be measured. */
interface Figure<Row> {
  readonly title: string
  readonly digits: number
  of(target: Target, row: Row): number | undefined
}

export interface Measured {
  readonly visits: readonly Visit[]
  /** One for each round that measured one server of zkts. */
  readonly bareLoops: readonly BareLoopCells[]
  readonly faultVisits: readonly FaultVisit[]
}

export function reportTables(options: BenchOptions, { visits, bareLoops, faultVisits }: Measured): string {
  const tables = options.workloads.length === 0 ? [] : loadTables(options, visits)
  if (bareLoops.length > 0) tables.push(bareLoopTable(options, visits, bareLoops))
  if (options.faultRows.length > 0) tables.push(failoverTable(options, faultVisits))
  return `${tables.join('\n\n')}\n`
}

function loadTables(options: BenchOptions, visits: readonly Visit[]): string[] {
  const cells = options.ensembleSizes.flatMap((size) => cellsOf(size, options))
  const cellTable = table(
    ['servers', 'workload', 'load'],
    cells.map((cell) => ({ row: cell, labels: [String(cell.size), cell.workload, describeShape(cell.shape)] })),
    cellFigures(visits),
    options.targets,
  )
  const serverTable = table(
    ['servers'],
    options.ensembleSizes.map((size) => ({ row: size, labels: [String(size)] })),
    serverFigures(visits),
    options.targets,
  )
  const fanOutTable = table(
    ['servers', 'watch'],
    options.ensembleSizes.flatMap((size) =>
      fanOutWatches.map((watch) => ({ row: { size, watch }, labels: [String(size), watch] })),
    ),
    fanOutFigures(visits, options.watchers),
    options.targets,
  )
  return options.watchers === 0 ? [cellTable, serverTable] : [cellTable, fanOutTable, serverTable]
}

/** One server of zkts beside the bare loop. */
function bareLoopTable(options: BenchOptions, visits: readonly Visit[], bareLoops: readonly BareLoopCells[]): string {
  const read = [
    { title: 'ops/s (zkts / bare loop)', of: (result: LoadResult) => (result.operations * 1000) / result.elapsedMs },
    { title: 'CPU µs (zkts / bare loop)', of: cpuUsOf },
  ]
  const lines = cellsOf(1, options).map((cell) => [
    cell.workload,
    describeShape(cell.shape),
    ...read.map(({ of }) => {
      const ours = resultsOf(visits, 'zkts', cell).flatMap((result) => of(result) ?? [])
      const bare = measuredIn(bareLoops.flat(), cell).flatMap((result) => of(result) ?? [])
      return formatValues([median(ours), median(bare)], 0)
    }),
  ])
  return renderTable(['workload', 'load', ...read.map(({ title }) => title)], lines)
}

function cpuUsOf({ serversCpuMs, operations }: LoadResult): number | undefined {
  return serversCpuMs === undefined ? undefined : (1000 * serversCpuMs) / operations
}

export function reportDocument(
  options: BenchOptions,
  measured: Measured,
  machine: readonly string[],
  date: string,
): string {
  const versions = options.targets.map((target) => `${targetNames[target]} ${versionOf(target, measured)}`).join(', ')
  const facts = [`Date: ${date}`, `Servers: ${versions}`, ...machine, `Settings of both: ${describeSettings()}`]
  return `# Benchmarks

Written by \`npm run bench\`. Clients, load generator and all servers of an ensemble share one machine, so these
figures compare two servers under the same conditions; they do not say what either does on machines of its own.

Restart, memory, creates while checkpoints run, bytes of a checkpoint, a learner that joins, and disk in use are measured
by \`npm run bench -- --checkpoints all\`, which takes much longer and writes docs/benchmarks-checkpoints.md.

${facts.map((fact) => `- ${fact}`).join('\n')}
- Each target runs alone, in turn. Rounds: ${options.rounds}, a figure is their median. Seconds for each row: ${options.measureMs / 1000}.
  Seconds of load before the first row, not counted: ${options.ensembleWarmUpMs / 1000}. Heap limit of each server: 1 GB.

A cell reads *ratio (ours / ZooKeeper's)*. "load" is connections × requests in flight on each; a single connection
goes to a follower, 51 go round all servers. Data of ${options.dataSizeBytes} bytes; \`mix\` is 10 % set and 90 % get; latency in µs.
"CPU µs" is the CPU time of all servers for one operation, "generator" the load generator's share of one core.
The loop is closed: each connection sends its next request when the reply has come.
The bare loop is what Node.js can do on this machine: it cuts frames, writes the bodies of writes into a file with one durable write
at a time, and answers. It keeps no znodes, and checks nothing.
In the table of watches ${options.watchers} sessions, spread over all servers, watch one znode; times are from the write to it until half of
the sessions, and the last of them, had the event, read by one process on the same machine; "lost" is how many never had it.
${options.faultRows.length === 0 ? '' : `${failoverText}\n`}
${reportTables(options, measured)}`
}

export function failuresOf(visits: readonly Visit[]): readonly string[] {
  return visits.flatMap((visit) => {
    const name = targetNames[visit.target]
    return [
      ...visit.cells.flatMap(({ cell, outcome }) =>
        outcome.kind === 'failed' ? [`${name}, ${describeCell(cell)}: ${outcome.reason}`] : [],
      ),
      ...visit.fanOuts.flatMap(({ watch, outcome }) =>
        outcome.kind === 'failed' ? [`${name}, ${visit.size} servers, ${watch} watches: ${outcome.reason}`] : [],
      ),
    ]
  })
}

export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)]
  const lower = sorted[Math.floor((sorted.length - 1) / 2)]
  return upper === undefined || lower === undefined ? undefined : (upper + lower) / 2
}

function cellFigures(visits: readonly Visit[]): readonly Figure<Cell>[] {
  const figure = (title: string, digits: number, read: (result: LoadResult) => number | undefined): Figure<Cell> => ({
    title,
    digits,
    of: (target, cell) => median(resultsOf(visits, target, cell).flatMap((result) => read(result) ?? [])),
  })
  return [
    figure('ops/s', 0, (result) => (result.operations * 1000) / result.elapsedMs),
    figure('p50', 0, (result) => result.latencyUs.p50),
    figure('p99', 0, (result) => result.latencyUs.p99),
    figure('p99.9', 0, (result) => result.latencyUs.p999),
    figure('CPU µs', 0, cpuUsOf),
    figure('generator %', 0, (result) => (100 * result.generatorCpuMs) / result.elapsedMs),
  ]
}

interface FanOutRow {
  readonly size: number
  readonly watch: FanOutWatch
}

function fanOutFigures(visits: readonly Visit[], sessions: number): readonly Figure<FanOutRow>[] {
  const resultsFor = (target: Target, { size, watch }: FanOutRow): readonly FanOutResult[] =>
    visits
      .filter((visit) => visit.target === target && visit.size === size)
      .flatMap((visit) => visit.fanOuts)
      .flatMap((entry) => (entry.watch === watch && entry.outcome.kind === 'measured' ? [entry.outcome.result] : []))
  const ofRounds = (title: string, read: (round: FanOutRound) => number): Figure<FanOutRow> => ({
    title,
    digits: 0,
    of: (target, row) => median(resultsFor(target, row).flatMap(({ rounds }) => rounds.map(read))),
  })
  return [
    ofRounds('half notified, ms', (round) => round.halfMs),
    ofRounds('all notified, ms', (round) => round.lastMs),
    {
      title: 'lost',
      digits: 0,
      of: (target, row) => {
        const counts = resultsFor(target, row).flatMap(({ rounds }) => rounds.map((round) => round.lostCount))
        return counts.length === 0 ? undefined : counts.reduce((sum, count) => sum + count, 0)
      },
    },
    {
      title: 'sessions opened/s',
      digits: 0,
      of: (target, row) => median(resultsFor(target, row).map(({ openMs }) => (sessions * 1000) / openMs)),
    },
  ]
}

function serverFigures(visits: readonly Visit[]): readonly Figure<number>[] {
  const figure = (title: string, digits: number, read: (visit: Visit) => number | undefined): Figure<number> => ({
    title,
    digits,
    of: (target, size) =>
      median(
        visits.filter((visit) => visit.target === target && visit.size === size).flatMap((visit) => read(visit) ?? []),
      ),
  })
  const mib = (bytes: number | undefined): number | undefined => (bytes === undefined ? undefined : bytes / 2 ** 20)
  return [
    figure('start to first answer, ms', 0, (visit) => visit.startMs),
    figure('idle CPU, % of a core', 2, (visit) =>
      visit.idle === undefined ? undefined : 100 * visit.idle.cpuFraction,
    ),
    figure('idle RSS, MiB', 0, (visit) => mib(visit.idle?.rssBytes)),
    figure('RSS after the load, MiB', 0, (visit) => mib(visit.rssBytesAfterLoad)),
  ]
}

function resultsOf(visits: readonly Visit[], target: Target, cell: Cell): readonly LoadResult[] {
  const cells = visits.filter((visit) => visit.target === target).flatMap((visit) => visit.cells)
  return measuredIn(cells, cell)
}

function measuredIn(cells: Visit['cells'], cell: Cell): readonly LoadResult[] {
  return cells
    .filter((entry) => describeCell(entry.cell) === describeCell(cell))
    .flatMap(({ outcome }) => (outcome.kind === 'measured' ? [outcome.result] : []))
}

function versionOf(target: Target, { visits, faultVisits }: Measured): string {
  const ofFaults = faultVisits.flatMap((visit) =>
    visit.target === target && visit.outcome.kind === 'measured' ? [visit.outcome.outcome.version] : [],
  )
  return visits.find((visit) => visit.target === target)?.version ?? ofFaults[0] ?? 'not measured'
}

function table<Row>(
  labelTitles: readonly string[],
  rows: readonly { readonly row: Row; readonly labels: readonly string[] }[],
  figures: readonly Figure<Row>[],
  targets: readonly Target[],
): string {
  const titles = [...labelTitles, ...figures.map((figure) => figure.title)]
  const lines = rows.map(({ row, labels }) => [
    ...labels,
    ...figures.map((figure) => formatFigure(figure, row, targets)),
  ])
  return renderTable(titles, lines)
}

export function renderTable(titles: readonly string[], lines: readonly (readonly string[])[]): string {
  const widths = titles.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column]!.length)))
  const render = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`
  return [render(titles), render(widths.map((width) => '-'.repeat(width))), ...lines.map(render)].join('\n')
}

function formatFigure<Row>(figure: Figure<Row>, row: Row, targets: readonly Target[]): string {
  return formatValues(
    targets.map((target) => figure.of(target, row)),
    figure.digits,
  )
}

/** One value, or ours and ZooKeeper's after their ratio. */
export function formatValues(values: readonly (number | undefined)[], digits: number): string {
  const texts = values.map((value) => value?.toFixed(digits) ?? 'n/a')
  const [ours, theirs] = values
  if (values.length === 1 || ours === undefined || theirs === undefined) return texts.join(' / ')
  const ratio = theirs === 0 ? '–' : (ours / theirs).toFixed(2)
  return `${ratio} (${texts.join(' / ')})`
}
