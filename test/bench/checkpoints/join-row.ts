/**
 * An empty learner joins an ensemble of three with a large tree, while clients of the other two read and write at a fixed
 * rate. "Before" is the same load on the same two servers while the third is stopped. A learner has a machine of its own
 * in production, and here it takes the processor from those that serve. So it joins twice: as any process, which is the
 * time of the join at its worst, and at the lowest priority, which shows what the servers pay that bring it up. The last
 * figures are the limit of the machine: two processes that only compute run in the place of the learner, and no server does
 * anything for them.
 */
import { spawn } from 'node:child_process'
import type { PacedResult } from '../load-job.ts'
import { firstAnswerMs } from './members.ts'
import { type CheckpointRow, quotient, type RowContext, type RowFigure, type RowValues } from './row.ts'

export const joinRow: CheckpointRow = {
  figures: [
    { key: 'joinMs', title: 'start of an empty server until it serves, ms', digits: 0, aim: 'ratio ≤ 1.00' },
    { key: 'readBefore', title: 'reads, p99 before, µs', digits: 0 },
    { key: 'writeBefore', title: 'writes, p99 before, µs', digits: 0 },
    ...figuresOf('shared', 'the learner shares the processor', {}),
    ...figuresOf('apart', 'the learner has the lowest priority', { aim: 'ours < 2.00' }),
    { key: 'apartJoinMs', title: 'start of that learner until it serves, ms', digits: 0 },
    ...figuresOf('busy', 'no learner, two busy loops', {}),
    ...figuresOf('busyApart', 'no learner, two busy loops at the lowest priority', {}),
  ],
  measure,
}

function figuresOf(key: string, how: string, aimed: Pick<RowFigure, 'aim'>): readonly RowFigure[] {
  return [
    { key: `${key}ReadWhile`, title: `${how}: reads, p99 meanwhile, µs`, digits: 0 },
    { key: `${key}ReadGrowth`, title: `${how}: reads, meanwhile / before`, digits: 2, ...aimed },
    { key: `${key}ReadMax`, title: `${how}: reads, longest meanwhile, ms`, digits: 0 },
    { key: `${key}WriteWhile`, title: `${how}: writes, p99 meanwhile, µs`, digits: 0 },
    { key: `${key}WriteGrowth`, title: `${how}: writes, meanwhile / before`, digits: 2, ...aimed },
    { key: `${key}WriteMax`, title: `${how}: writes, longest meanwhile, ms`, digits: 0 },
  ]
}

/** Ticks that a learner may take to copy the tree; the default would end ZooKeeper's transfer on a slow disk. */
export const joinSettings = { initLimit: '60' }

const lowestPriority = 19

async function measure(context: RowContext): Promise<RowValues> {
  const { members, options } = context
  const leader = await members.leaderIndex()
  const learner = leader === 0 ? 1 : 0
  const others = [0, 1, 2].filter((index) => index !== learner)
  await members.stop(learner)
  await underLoad(context, others, options.warmUpMs, async () => {})
  const before = await underLoad(context, others, options.measureMs, async () => {})
  const shared = await joined(context, learner, others, 0)
  await members.stop(learner)
  const apart = await joined(context, learner, others, lowestPriority)
  await members.stop(learner)
  const busy = await besideBusyLoops(context, others, 0)
  const busyApart = await besideBusyLoops(context, others, lowestPriority)
  return {
    joinMs: shared.joinMs,
    readBefore: before.reads.p99Us,
    writeBefore: before.writes.p99Us,
    ...valuesOf('shared', before, shared.load),
    ...valuesOf('apart', before, apart.load),
    apartJoinMs: apart.joinMs,
    ...valuesOf('busy', before, busy),
    ...valuesOf('busyApart', before, busyApart),
  }
}

/** The learner, which is stopped, loses its data and joins. */
async function joined(
  context: RowContext,
  learner: number,
  others: readonly number[],
  niceness: number,
): Promise<{ readonly joinMs: number; readonly load: PacedResult }> {
  const { members, options, progress } = context
  await members.wipe(learner)
  let joinMs = 0
  const load = await underLoad(context, others, 0, async () => {
    joinMs = await firstAnswerMs(await members.start(learner, joinSettings, niceness), options.znodes)
  })
  progress(
    `join at nice ${niceness}: ${Math.round(joinMs)} ms; p99 of reads ${load.reads.p99Us} µs (${load.reads.count}), ` +
      `of writes ${load.writes.p99Us}`,
  )
  return { joinMs, load }
}

/** A learner keeps two processors busy: one thread receives and stores, another loads. */
const busyLoopCount = 2

async function besideBusyLoops(context: RowContext, others: readonly number[], niceness: number): Promise<PacedResult> {
  const loop = ['-n', String(niceness), process.execPath, '-e', 'for (;;);']
  const loops = Array.from({ length: busyLoopCount }, () => spawn('nice', loop, { stdio: 'ignore' }))
  try {
    const load = await underLoad(context, others, context.options.measureMs, async () => {})
    context.progress(
      `busy loops at nice ${niceness}: p99 of reads ${load.reads.p99Us} µs, of writes ${load.writes.p99Us}`,
    )
    return load
  } finally {
    for (const each of loops) each.kill('SIGKILL')
  }
}

function valuesOf(key: string, before: PacedResult, meanwhile: PacedResult): RowValues {
  return {
    [`${key}ReadWhile`]: meanwhile.reads.p99Us,
    [`${key}ReadGrowth`]: quotient(meanwhile.reads.p99Us, before.reads.p99Us),
    [`${key}ReadMax`]: meanwhile.reads.maxUs / 1000,
    [`${key}WriteWhile`]: meanwhile.writes.p99Us,
    [`${key}WriteGrowth`]: quotient(meanwhile.writes.p99Us, before.writes.p99Us),
    [`${key}WriteMax`]: meanwhile.writes.maxUs / 1000,
  }
}

/** The load lasts as long as `work`, and at least `durationMs`. */
async function underLoad(
  { members, options, generator }: RowContext,
  indexes: readonly number[],
  durationMs: number,
  work: () => Promise<void>,
): Promise<PacedResult> {
  const ports = indexes.map((index) => members.clientPort(index))
  const { requestsPerSecond, dataSizeBytes } = options
  const answered = generator.run({ kind: 'paced', ports, requestsPerSecond, dataSizeBytes })
  answered.catch(() => undefined) // if `work` fails first, its error is the one to report
  const ended = Promise.all([work(), new Promise((resolve) => setTimeout(resolve, durationMs))])
  await Promise.race([ended, answered]) // the load ends earlier only if it fails
  generator.endPaced()
  const answer = await answered
  if (answer.kind !== 'paced') throw new Error(`the load generator answered ${answer.kind}`)
  return answer.result
}
