/** Restart of one server with a large tree: to its first answer, and its memory before and after. */
import { readProcessUsage, readRssPeakBytes } from '../process-usage.ts'
import { firstAnswerMs, pause } from './members.ts'
import { type CheckpointRow, mib, quotient, type RowContext, type RowValues } from './row.ts'

export const restartRow: CheckpointRow = {
  figures: [
    { key: 'stopMs', title: 'orderly stop, ms', digits: 0 },
    { key: 'startMs', title: 'start after it to the first answer, ms', digits: 0, aim: 'ratio ≤ 0.50' },
    { key: 'killedStartMs', title: 'start after SIGKILL to the first answer, ms', digits: 0, aim: 'ratio ≤ 0.50' },
    { key: 'rssBefore', title: 'RSS before, MiB', digits: 0 },
    { key: 'rssAfter', title: 'RSS after the start, MiB', digits: 0 },
    { key: 'rssGrowth', title: 'RSS after / before', digits: 2, aim: 'ours ≤ 1.10' },
    { key: 'rssPeak', title: 'largest RSS until the first answer, MiB', digits: 0 },
  ],
  measure,
}

async function measure({ members, options, progress }: RowContext): Promise<RowValues> {
  await pause(options.settleMs)
  const rssBefore = readProcessUsage(members.server(0).pid)?.rssBytes
  const stoppingAtMs = performance.now()
  await members.stop(0)
  const stopMs = performance.now() - stoppingAtMs
  const restarted = await members.start(0, {})
  const startMs = await firstAnswerMs(restarted, options.znodes)
  const rssPeak = readRssPeakBytes(restarted.pid)
  progress(`restart: stopped in ${Math.round(stopMs)} ms, first answer after ${Math.round(startMs)} ms`)
  await pause(options.settleMs)
  const rssAfter = readProcessUsage(restarted.pid)?.rssBytes
  await members.kill(0)
  const killedStartMs = await firstAnswerMs(await members.start(0, {}), options.znodes)
  progress(`restart: first answer ${Math.round(killedStartMs)} ms after a SIGKILL`)
  return {
    stopMs,
    startMs,
    killedStartMs,
    rssBefore: mib(rssBefore),
    rssAfter: mib(rssAfter),
    rssGrowth: quotient(rssAfter, rssBefore),
    rssPeak: mib(rssPeak),
  }
}
