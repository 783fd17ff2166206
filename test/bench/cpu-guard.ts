/**
 * `tsx test/bench/cpu-guard.ts`: fails if a get or a set costs one server much more processor time than the same request costs
 * Apache ZooKeeper in the same run. Takes about a minute. It finds what makes requests about twice as dear; `npm run bench`
 * shows smaller differences.
 * Owns: the loads. Assumes Linux, of which the processor time of the servers is read. The last line is `N passed, N failed`;
 * the exit code is 0 if and only if none failed.
 */
import { findZooKeeperClasspath } from './apache-zookeeper.ts'
import { type LimitedLoad, verdictsOn } from './cpu-comparison.ts'
import { startEnsemble } from './ensemble.ts'
import { loadEnsemble, type Visit } from './measurements.ts'
import { type BenchOptions, parseOptions, type Target } from './options.ts'
import { assertZktsServerExists } from './zkts-server.ts'

const [few, many] = [
  { connections: 51, inFlight: 1 },
  { connections: 10, inFlight: 50 },
]

/**
 * Each limit is at least 1.6 times the largest ratio of four runs on a machine with two processors that was shared with other
 * work: 0.63, 0.29, 1.20 and 1.00.
 */
const loads: readonly LimitedLoad[] = [
  { workload: 'get', shape: few, ratioMax: 1 },
  { workload: 'get', shape: many, ratioMax: 0.5 },
  { workload: 'set', shape: few, ratioMax: 2 },
  { workload: 'set', shape: many, ratioMax: 1.75 },
]

const times = 2
const options: BenchOptions = {
  ...parseOptions([])!,
  workloads: ['get', 'set'],
  shapes: Array.from({ length: times }, () => [few, many]).flat(),
  measureMs: 2000,
  ensembleWarmUpMs: 9000,
}

// On exit the servers are killed and their folders removed: see startServerProcess and startEnsemble.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))
process.exit(await main())

async function main(): Promise<number> {
  assertZktsServerExists()
  const classpath = await findZooKeeperClasspath()
  const theirs = await measure('zookeeper', classpath)
  const ours = await measure('zkts', classpath)
  const verdicts = verdictsOn(loads, ours, theirs)
  for (const { isWithinLimit, text } of verdicts) console.log(`${isWithinLimit ? 'ok' : 'not ok'} - ${text}`)
  const failedCount = verdicts.filter(({ isWithinLimit }) => !isWithinLimit).length
  console.log(`${verdicts.length - failedCount} passed, ${failedCount} failed`)
  return failedCount === 0 ? 0 : 1
}

async function measure(target: Target, classpath: string): Promise<Visit['cells']> {
  const ensemble = await startEnsemble(target, 1, options.dataDir, classpath)
  try {
    return await loadEnsemble(ensemble, 1, options, (line) => console.log(`${target}, ${line}`))
  } finally {
    await ensemble.stop()
  }
}
