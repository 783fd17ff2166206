/**
 * The rows about checkpoints, ZooKeeper's snapshots: restart, creates while checkpoints run, bytes written, a learner that
 * joins, and disk in use. They take minutes, so they are measured only when `--checkpoints` names them.
 * Owns: the order of the rows on one target, and the ensembles that several rows share.
 * A row that fails is reported as a failure and the others go on.
 */
import { bytesRow } from './checkpoints/bytes-row.ts'
import { createsRow } from './checkpoints/creates-row.ts'
import { diskRow } from './checkpoints/disk-row.ts'
import { joinRow, joinSettings } from './checkpoints/join-row.ts'
import { Members, type Settings } from './checkpoints/members.ts'
import { restartRow } from './checkpoints/restart-row.ts'
import type { CheckpointRow, RowContext, RowValues } from './checkpoints/row.ts'
import { GeneratorProcess } from './generator-process.ts'
import type { BenchOptions, CheckpointRowName, Target } from './options.ts'

export const checkpointRows: Readonly<Record<CheckpointRowName, CheckpointRow>> = {
  restart: restartRow,
  bytes: bytesRow,
  creates: createsRow,
  join: joinRow,
  disk: diskRow,
}

export type RowOutcome =
  | { readonly kind: 'measured'; readonly values: RowValues }
  | { readonly kind: 'failed'; readonly reason: string }

export interface CheckpointVisit {
  readonly target: Target
  readonly version: string
  readonly rows: readonly { readonly row: CheckpointRowName; readonly outcome: RowOutcome }[]
}

/** Rows that share one ensemble, in the order in which they are measured on it. */
const groups: readonly {
  readonly size: number
  readonly rows: readonly CheckpointRowName[]
  readonly settings: Settings
  readonly hasTree: boolean
}[] = [
  { size: 1, rows: ['restart', 'bytes', 'creates'], settings: {}, hasTree: true },
  { size: 3, rows: ['join'], settings: joinSettings, hasTree: true },
  { size: 1, rows: ['disk'], settings: {}, hasTree: false },
]

export async function visitCheckpoints(
  target: Target,
  options: BenchOptions,
  zookeeperClasspath: string,
  progress: (line: string) => void,
): Promise<CheckpointVisit> {
  const outcomes: { row: CheckpointRowName; outcome: RowOutcome }[] = []
  let version = 'unknown'
  for (const group of groups) {
    const rows = group.rows.filter((row) => options.checkpointRows.includes(row))
    if (rows.length === 0) continue
    const members = await Members.create(target, group.size, options.dataDir, zookeeperClasspath)
    const generator = new GeneratorProcess()
    const context: RowContext = { target, options: options.checkpoints, members, generator, progress }
    try {
      await members.startAll(group.settings)
      version = await members.version(0)
      await prepare(context, group.size, group.hasTree)
      for (const row of rows) {
        const outcome = await measureRow(row, context)
        outcomes.push({ row, outcome })
        if (outcome.kind === 'failed') break // the state of the servers and of the load generator is unknown
      }
    } finally {
      generator.stop()
      await members.remove()
    }
  }
  return { target, version, rows: outcomes }
}

async function prepare(context: RowContext, size: number, hasTree: boolean): Promise<void> {
  const { members, generator, options, progress } = context
  const port = members.clientPort(size === 1 ? 0 : await members.leaderIndex())
  const { dataSizeBytes, znodes } = options
  await generator.run({ kind: 'prepare', port, dataSizeBytes })
  if (!hasTree) return
  const startedAtMs = performance.now()
  await generator.run({ kind: 'fill', port, znodes, dataSizeBytes })
  const seconds = (performance.now() - startedAtMs) / 1000
  progress(`${size} ${size === 1 ? 'server' : 'servers'}, ${znodes} znodes created in ${seconds.toFixed(1)} s`)
}

async function measureRow(row: CheckpointRowName, context: RowContext): Promise<RowOutcome> {
  try {
    return { kind: 'measured', values: await checkpointRows[row].measure(context) }
  } catch (cause) {
    const obituaries = context.members.obituaries()
    const reason = [cause instanceof Error ? cause.message : String(cause), ...obituaries].join('\n')
    context.progress(`${row}: failed, ${reason}`)
    return { kind: 'failed', reason }
  }
}
