/**
 * Creates on one server with a large tree: without checkpoints, then with as many as `snapCount` makes.
 * Assumes: the count of checkpoints is `zk_cnt_snapshottime` of the word `mntr`; it is absent on a server without them.
 */
import type { LoadJob, LoadResult } from '../load-job.ts'
import { fourLetterWord } from '../server-process.ts'
import { firstAnswerMs } from './members.ts'
import { type CheckpointRow, neverSnapCount, quotient, type RowContext, type RowValues } from './row.ts'

export const createsRow: CheckpointRow = {
  figures: [
    { key: 'rateWithout', title: 'creates/s without checkpoints', digits: 0 },
    { key: 'rateWith', title: 'creates/s with checkpoints', digits: 0 },
    { key: 'rateKept', title: 'with / without', digits: 2, aim: 'ours ≥ 0.90' },
    { key: 'p999Without', title: 'p99.9 without, µs', digits: 0 },
    { key: 'p999With', title: 'p99.9 with, µs', digits: 0, aim: 'ratio ≤ 0.25' },
    { key: 'maxWithout', title: 'longest without, ms', digits: 0 },
    { key: 'maxWith', title: 'longest with, ms', digits: 0 },
    { key: 'checkpoints', title: 'checkpoints taken meanwhile', digits: 0 },
  ],
  measure,
}

const shape = { connections: 51, inFlight: 1 }

async function measure(context: RowContext): Promise<RowValues> {
  const { options, progress } = context
  const without = await createUnder(context, neverSnapCount)
  const withThem = await createUnder(context, String(options.snapCount))
  for (const [name, { result }] of Object.entries({ without, with: withThem })) {
    progress(`creates ${name} checkpoints: ${Math.round(rateOf(result))}/s, p99.9 ${result.latencyUs.p999} µs`)
  }
  return {
    rateWithout: rateOf(without.result),
    rateWith: rateOf(withThem.result),
    rateKept: rateOf(withThem.result) / rateOf(without.result),
    p999Without: without.result.latencyUs.p999,
    p999With: withThem.result.latencyUs.p999,
    maxWithout: quotient(without.result.latencyUs.max, 1000),
    maxWith: quotient(withThem.result.latencyUs.max, 1000),
    checkpoints: withThem.checkpoints,
  }
}

interface Creates {
  readonly result: LoadResult
  readonly checkpoints: number | undefined
}

async function createUnder(context: RowContext, snapCount: string): Promise<Creates> {
  const { members, options, generator } = context
  await members.stop(0)
  await firstAnswerMs(await members.start(0, { snapCount }), options.znodes)
  const job = (workload: 'set' | 'create', measureMs: number): LoadJob => ({
    kind: 'measure',
    ports: [members.clientPort(0)],
    workload,
    shape,
    dataSizeBytes: options.dataSizeBytes,
    parentName: `creates-${snapCount}`,
    warmUpMs: workload === 'create' ? 1000 : 0,
    measureMs,
    serverPids: [members.server(0).pid],
  })
  await generator.run(job('set', options.warmUpMs)) // the JIT compilers, without more znodes
  const before = await checkpointCount(members.clientPort(0))
  const answer = await generator.run(job('create', options.measureMs))
  if (answer.kind !== 'measured') throw new Error(`the load generator answered ${answer.kind}`)
  const after = await checkpointCount(members.clientPort(0))
  const checkpoints = before === undefined || after === undefined ? undefined : after - before
  return { result: answer.result, checkpoints }
}

async function checkpointCount(port: number): Promise<number | undefined> {
  return checkpointCountOf(await fourLetterWord(port, 'mntr'))
}

export function checkpointCountOf(mntrAnswer: string): number | undefined {
  const found = /^zk_cnt_snapshottime\t(\d+)/m.exec(mntrAnswer)
  return found === null ? undefined : Number(found[1])
}

function rateOf(result: LoadResult): number {
  return (result.operations * 1000) / result.elapsedMs
}
