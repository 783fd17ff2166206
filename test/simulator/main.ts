/**
 * The simulator from the command line.
 *   npm run sim -- --seed N [--trace]        replays one seed
 *   npm run sim -- --seeds N [--from K]      runs seeds K .. K+N-1, in two processes
 * Exit code 1 if any seed fails; the first failing seed is printed with the end of its trace.
 */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { describeEntry } from './describe-event.ts'
import { describeCounts, describeFailure, describeSeed, type SeedSummary, summarize } from './seed-report.ts'
import { chaosMsDefault, simulateSeed } from './simulate.ts'

const workerCount = 2

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    step: { type: 'string', default: '1' },
    'chaos-ms': { type: 'string', default: String(chaosMsDefault) },
    trace: { type: 'boolean', default: false },
    worker: { type: 'boolean', default: false },
  },
})
const chaosMs = Number(values['chaos-ms'])

if (values.worker) await work(Number(values.seeds), Number(values.from), Number(values.step))
else if (values.seeds !== undefined) process.exitCode = await runMany(Number(values.seeds), Number(values.from))
else process.exitCode = await replay(Number(values.seed ?? 1))

async function replay(seed: number): Promise<number> {
  const result = await simulateSeed(seed, { chaosMs })
  if (values.trace) for (const entry of result.trace.entries) console.log(describeEntry(entry))
  console.log(describeSeed(summarize(result)))
  const hasFailed = result.trace.violations.length > 0
  if (hasFailed) console.log(describeFailure(result))
  console.log(hasFailed ? '0 passed, 1 failed' : '1 passed, 0 failed')
  return hasFailed ? 1 : 0
}

async function runMany(count: number, from: number): Promise<number> {
  const summaries: SeedSummary[] = []
  const shares = Array.from({ length: Math.min(workerCount, count) }, (_, i) => i)
  const onSummary = (summary: SeedSummary): void => {
    summaries.push(summary)
    if (summary.failure !== null) console.log(`seed ${summary.seed} failed`)
  }
  await Promise.all(shares.map((i) => runWorker(count, from + i, shares.length, onSummary)))
  const failed = summaries.filter(({ failure }) => failure !== null).sort((a, b) => a.seed - b.seed)
  if (failed[0]?.failure) console.log(failed[0].failure)
  if (failed.length > 0) console.log(`failing seeds: ${failed.map(({ seed }) => seed).join(' ')}`)
  const missing = count - summaries.length
  if (missing > 0) console.log(`${missing} seeds did not finish`)
  console.log(`${summaries.length} seeds: ${describeCounts(summaries.map(({ counts }) => counts))}`)
  console.log(`${summaries.length - failed.length} passed, ${failed.length + missing} failed`)
  return failed.length + missing > 0 ? 1 : 0
}

function runWorker(
  count: number,
  from: number,
  step: number,
  onSummary: (summary: SeedSummary) => void,
): Promise<void> {
  const share = Math.ceil((count - ((from - Number(values.from)) % step)) / step)
  const args = ['--worker', '--seeds', String(share), '--from', String(from), '--step', String(step)]
  const child = fork(fileURLToPath(import.meta.url), [...args, '--chaos-ms', String(chaosMs)])
  child.on('message', (summary) => onSummary(summary as SeedSummary))
  return new Promise((resolve) => child.on('exit', () => resolve()))
}

async function work(count: number, from: number, step: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const summary = summarize(await simulateSeed(from + i * step, { chaosMs }))
    await new Promise<void>((resolve) => process.send!(summary, () => resolve()))
  }
  process.disconnect()
}
