/**
 * A chaos run with real processes: `tsx test/compat/chaos.ts [--seconds 60] [--seed 1] [--target zkts|zookeeper] [--clients 6]`.
 * Three servers are killed and frozen while clients write. At the end all data is read from every server, and the checker compares
 * it with the history. SIGKILL does not lose what the kernel has cached; the simulator tests lost fsyncs.
 */
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type FinalState, judge, type Verdict } from './chaos/checker.ts'
import { injectFaults } from './chaos/faults.ts'
import { prepareTree, readEverything } from './chaos/final-state.ts'
import { seededRandom } from './chaos/random.ts'
import { judgeCheckpoints, runWithServers } from './chaos/run-with-servers.ts'
import { newRecorder, runClients } from './chaos/workload.ts'
import type { Servers } from './servers.ts'
import { javaClasspath } from './suites.ts'

const servingTimeoutMs = 60_000

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    target: { type: 'string', default: 'zkts' },
    clients: { type: 'string', default: '6' },
  },
})

async function main(): Promise<number> {
  const projectRoot = resolve(import.meta.dirname, '..', '..')
  const cache = join(projectRoot, '.cache', 'compat')
  mkdirSync(cache, { recursive: true })
  const target = flags.target === 'zookeeper' ? 'zookeeper' : 'zkts'
  const classpath = target === 'zookeeper' ? await javaClasspath({ sources: import.meta.dirname, cache }) : ''
  return runWithServers('chaos', { target, classpath }, runChaos)
}

async function runChaos(servers: Servers): Promise<readonly Verdict[]> {
  await prepareTree(servers)
  const seed = Number(flags.seed)
  const recorder = newRecorder()
  const endMs = Date.now() + Number(flags.seconds) * 1000
  const isOver = (): boolean => Date.now() >= endMs
  const clients = runClients(Number(flags.clients), { ports: servers.clientPorts, seed, recorder, isOver })
  const counts = await injectFaults(servers, seededRandom(seed), isOver)
  await clients
  await servers.waitUntilAllServe(servingTimeoutMs)
  const states: FinalState[] = []
  for (const [index, port] of servers.clientPorts.entries())
    states.push(await readEverything(`server ${index + 1}`, port))
  const writes = [...recorder.values, ...recorder.counters]
  const count = (outcome: string): number => writes.filter((write) => write.outcome === outcome).length
  console.log(
    `# seed ${seed}: ${counts.killed} killed, ${counts.paused} frozen, ${counts.outages} times no quorum; writes: ` +
      `${count('acknowledged')} acknowledged, ${count('unknown')} unknown, ${count('refused')} refused; ` +
      `longest time without an acknowledgement ${recorder.longestSilenceMs} ms`,
  )
  const progress: Verdict = {
    title: 'writes were acknowledged while servers failed',
    violations: count('acknowledged') > Number(flags.seconds) ? [] : [`only ${count('acknowledged')} acknowledged`],
  }
  const checkpoints = flags.target === 'zookeeper' ? [] : [judgeCheckpoints(servers)]
  return [...judge(recorder, states), progress, ...checkpoints]
}

process.exit(await main())
