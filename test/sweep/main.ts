/**
 * The sweep from the command line.
 *   npx tsx test/sweep/main.ts      crashes at every disk call of the script, in two processes
 *   npx tsx test/sweep/main.ts --act A --victim V --call C --mode M --scope S [--trace]      one crash again
 * Prints how many crashes there were. Exit code 1 if one of them went wrong.
 */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { ServerId } from '../../src/base/ids.ts'
import { type CrashVerdict, crashModes, crashScopes, playCrashes, prepareScript } from './sweep.ts'

const workerCount = 2
const failuresShown = 5

const { values } = parseArgs({
  options: {
    act: { type: 'string' },
    victim: { type: 'string', default: '1' },
    call: { type: 'string', default: '1' },
    mode: { type: 'string', default: 'drop-all' },
    scope: { type: 'string', default: 'one' },
    trace: { type: 'boolean', default: false },
    worker: { type: 'string' },
  },
})

if (values.worker !== undefined) await work(Number(values.worker))
else if (values.act !== undefined) process.exitCode = await playAgain(Number(values.act))
else process.exitCode = await sweepAll()

async function playAgain(act: number): Promise<number> {
  const [mode, scope] = [crashModes, crashScopes].map((names, index) => {
    const wanted = index === 0 ? values.mode : values.scope
    const name = names.find((each) => each === wanted)
    if (name === undefined) throw new Error(`${wanted} is none of ${names.join(', ')}`)
    return name
  }) as [(typeof crashModes)[number], (typeof crashScopes)[number]]
  const crash = { act, victim: Number(values.victim) as ServerId, call: Number(values.call), mode, scope }
  const trace = values.trace ? (line: string): void => console.log(line) : null
  let failure: CrashVerdict = null
  const report = (verdict: CrashVerdict): void => {
    failure = verdict
  }
  await playCrashes(await prepareScript(), [crash], report, trace)
  console.log(failure === null ? '1 passed, 0 failed' : `${failure}\n0 passed, 1 failed`)
  return failure === null ? 0 : 1
}

async function sweepAll(): Promise<number> {
  const { callCount, crashes, writeCount } = await prepareScript()
  const failures: string[] = []
  let playedCount = 0
  const onVerdict = (verdict: CrashVerdict): void => {
    playedCount += 1
    if (verdict === null) return
    failures.push(verdict)
    if (failures.length <= failuresShown) console.log(verdict)
  }
  await Promise.all(Array.from({ length: workerCount }, (_, worker) => runWorker(worker, onVerdict)))
  const missing = crashes.length - playedCount
  if (missing > 0) console.log(`${missing} crashes were not played: a process ended`)
  const crashCount = callCount * crashScopes.length * crashModes.length
  console.log(
    `${crashCount} crashes at ${callCount} disk calls of three servers, in a script of ${writeCount} writes; ` +
      `${crashes.length} of them differ and were played`,
  )
  console.log(`${playedCount - failures.length} passed, ${failures.length + missing} failed`)
  return failures.length + missing === 0 ? 0 : 1
}

function runWorker(worker: number, onVerdict: (verdict: CrashVerdict) => void): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), ['--worker', String(worker)])
  child.on('message', ({ verdict }: { verdict: CrashVerdict }) => onVerdict(verdict))
  return new Promise((resolve) => child.on('exit', () => resolve()))
}

async function work(worker: number): Promise<void> {
  const script = await prepareScript()
  const share = script.crashes.filter((_, index) => index % workerCount === worker)
  await playCrashes(
    script,
    share,
    (verdict) => new Promise<void>((resolve) => process.send!({ verdict }, () => resolve())),
  )
  process.disconnect()
}
