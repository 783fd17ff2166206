/**
 * The fuzzer of the client port from the command line.
 *   npm run fuzz -- --inputs N [--seed K]    batches of seeds K, K+1, … in two processes, N inputs in all
 *   npm run fuzz -- --seed K [--show]        replays one batch, and shows what the failed round had sent
 * Exit code 1 if a batch finds a violation, or if an operation or an error was never reached.
 */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runBatch } from './campaign.ts'
import { FuzzCounts } from './fuzz-counts.ts'
import { neverReached } from './reach.ts'

const workerCount = 2
const inputsPerBatch = 25_000
/** A campaign of fewer inputs need not reach every operation and error. */
const reachableInputs = 100_000

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    inputs: { type: 'string', default: String(inputsPerBatch) },
    show: { type: 'boolean', default: false },
    worker: { type: 'string' },
  },
})

/** A batch as it travels between processes. */
interface BatchMessage {
  readonly seed: number
  readonly counts: FuzzCounts
  readonly violation: string | null
  readonly lastRound: readonly string[]
}

const firstSeed = Number(values.seed)
const batchCount = Math.max(1, Math.ceil(Number(values.inputs) / inputsPerBatch))
if (values.worker !== undefined) await work(Number(values.worker))
else process.exitCode = await main()

async function main(): Promise<number> {
  const total = new FuzzCounts()
  const failedSeeds: number[] = []
  let doneCount = 0
  const onBatch = ({ seed, counts, violation, lastRound }: BatchMessage): void => {
    doneCount++
    total.add(counts)
    if (violation === null) return
    failedSeeds.push(seed)
    console.log(`seed ${seed}: ${violation}`)
    if (values.show) console.log(`what its last round sent:\n${lastRound.join('\n')}`)
    else console.log(`replay: npm run fuzz -- --seed ${seed} --show`)
  }
  const workers = Array.from({ length: Math.min(workerCount, batchCount) }, (_, index) => runWorker(index, onBatch))
  await Promise.all(workers)
  console.log(total.describe())
  const missing = total.inputs >= reachableInputs ? neverReached(total) : []
  for (const what of missing) console.log(`never reached: ${what}`)
  const failed = failedSeeds.length + (batchCount - doneCount) + missing.length
  console.log(`${doneCount - failedSeeds.length} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}

function runWorker(index: number, onBatch: (message: BatchMessage) => void): Promise<void> {
  const args = ['--worker', String(index), '--seed', values.seed, '--inputs', values.inputs]
  const child = fork(fileURLToPath(import.meta.url), args, { serialization: 'advanced' })
  child.on('message', (message) => onBatch(message as BatchMessage))
  return new Promise((resolve) => child.on('exit', () => resolve()))
}

async function work(index: number): Promise<void> {
  for (let batch = index; batch < batchCount; batch += workerCount) {
    const seed = firstSeed + batch
    const result = await runBatch(seed, inputsPerBatch)
    await new Promise<void>((resolve) => process.send!({ seed, ...result }, () => resolve()))
  }
  process.disconnect()
}
