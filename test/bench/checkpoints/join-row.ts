/**
 * An empty learner joins an ensemble of three with a large tree, while clients of the other two read and write at a fixed
 * rate. "Before" is the same load on the same two servers while the third is stopped.
 */
import type { PacedResult } from '../load-job.ts'
import { firstAnswerMs } from './members.ts'
import { type CheckpointRow, quotient, type RowContext, type RowValues } from './row.ts'

export const joinRow: CheckpointRow = {
  figures: [
    { key: 'joinMs', title: 'start of an empty server until it serves, ms', digits: 0, aim: 'ratio ≤ 1.00' },
    { key: 'readBefore', title: 'reads, p99 before, µs', digits: 0 },
    { key: 'readWhile', title: 'reads, p99 meanwhile, µs', digits: 0 },
    { key: 'readGrowth', title: 'reads, meanwhile / before', digits: 2, aim: 'ours < 2.00' },
    { key: 'readMax', title: 'reads, longest meanwhile, ms', digits: 0 },
    { key: 'writeBefore', title: 'writes, p99 before, µs', digits: 0 },
    { key: 'writeWhile', title: 'writes, p99 meanwhile, µs', digits: 0 },
    { key: 'writeGrowth', title: 'writes, meanwhile / before', digits: 2, aim: 'ours < 2.00' },
    { key: 'writeMax', title: 'writes, longest meanwhile, ms', digits: 0 },
  ],
  measure,
}

/** Ticks that a learner may take to copy the tree; the default would end ZooKeeper's transfer on a slow disk. */
export const joinSettings = { initLimit: '60' }

async function measure(context: RowContext): Promise<RowValues> {
  const { members, options, progress } = context
  const leader = await members.leaderIndex()
  const learner = leader === 0 ? 1 : 0
  const others = [0, 1, 2].filter((index) => index !== learner)
  await members.stop(learner)
  await members.wipe(learner)
  await underLoad(context, others, options.warmUpMs, async () => {})
  const before = await underLoad(context, others, options.measureMs, async () => {})
  let joinMs = 0
  const meanwhile = await underLoad(context, others, 0, async () => {
    joinMs = await firstAnswerMs(await members.start(learner, joinSettings), options.znodes)
  })
  progress(
    `join: ${Math.round(joinMs)} ms; p99 of reads ${before.reads.p99Us} µs before, ${meanwhile.reads.p99Us} meanwhile` +
      ` (${meanwhile.reads.count}), of writes ${before.writes.p99Us}, ${meanwhile.writes.p99Us}`,
  )
  return {
    joinMs,
    readBefore: before.reads.p99Us,
    readWhile: meanwhile.reads.p99Us,
    readGrowth: quotient(meanwhile.reads.p99Us, before.reads.p99Us),
    readMax: meanwhile.reads.maxUs / 1000,
    writeBefore: before.writes.p99Us,
    writeWhile: meanwhile.writes.p99Us,
    writeGrowth: quotient(meanwhile.writes.p99Us, before.writes.p99Us),
    writeMax: meanwhile.writes.maxUs / 1000,
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
