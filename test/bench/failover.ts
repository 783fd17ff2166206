/**
 * `npm run failover`: how long an ensemble of three on loopback accepts no writes when its leader is killed or stopped.
 * Each run has a new ensemble. Time is measured from the signal to the first write that a surviving server acknowledges to
 * a new session, to the next write that clients of both survivors have acknowledged, and to the first `srvr` answer with
 * the mode leader. After SIGTERM the old leader still acknowledges some writes, so the longest time between two
 * acknowledgements is measured too. What these clients notice is reported: closed connections, failed writes, writes that
 * were done twice, lost watches. Other work on the machine changes the figures, so the load average is printed with them.
 * Exit codes: 0 measured, 1 a run failed, 2 wrong usage.
 */
import { loadavg, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { connect } from '../../src/client/index.ts'
import { findZooKeeperClasspath } from './apache-zookeeper.ts'
import { startEnsemble } from './ensemble.ts'
import { limitMs, pause, serverAt, whenLeading, whenWritten } from './failover-probes.ts'
import { type IdleOutcome, idlePlaces, measureIdle } from './idle-failover.ts'
import { type Target, targets } from './options.ts'
import type { RunningServer } from './server-process.ts'
import { type Noticed, SurvivingClients } from './surviving-clients.ts'

const faults = ['kill', 'terminate', 'stop-follower-then-kill'] as const
type Fault = (typeof faults)[number]

const usage = `npm run failover -- [options]
  --runs N         runs of each fault (20)
  --fault NAME     ${faults.join(' | ')} (all)
                   kill: SIGKILL to the leader;
                   terminate: SIGTERM to the leader, which then closes in order;
                   stop-follower-then-kill: the follower with the lower id is stopped, the leader killed, and the
                   follower goes on after 150 ms: it receives the other's vote before it notices the leader's death
  --idle-sessions N  instead of clients that write, N sessions that wait, with watches, through a kill of the leader:
                   how many connections close, how many events are lost, how much CPU the new leader takes
  --watches N      watches of each of them (10)
  --idle-on PLACE  survivors | leader (survivors): the servers of these sessions; those of the leader reconnect at once
  --target NAME    zkts | zookeeper (zkts); give it twice to measure both, in turns
  --zookeeper-jars DIR   as for npm run bench
  --build DIR      the build to measure, to compare two of them (this one, built by npm run failover)
  --data-dir DIR   parent of the servers' folders (default: the system's folder for temporary files)`

const pauseMs = 150
const warmUpMs = 200

interface Outcome {
  readonly leaderMs: number
  readonly writeMs: number
  readonly noticed: Noticed
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

try {
  process.exitCode = await main()
} catch (cause) {
  console.error(cause instanceof Error ? cause.message : cause)
  process.exitCode = 1
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '20' },
      fault: { type: 'string', multiple: true, default: [...faults] },
      'idle-sessions': { type: 'string', default: '0' },
      watches: { type: 'string', default: '10' },
      'idle-on': { type: 'string', default: 'survivors' },
      target: { type: 'string', multiple: true, default: ['zkts'] },
      'zookeeper-jars': { type: 'string' },
      build: { type: 'string', default: '.' },
      'data-dir': { type: 'string', default: tmpdir() },
      help: { type: 'boolean', default: false },
    },
  })
  const runs = Number(values.runs)
  const unknown = values.fault.find((fault) => !(faults as readonly string[]).includes(fault))
  const isTarget = values.target.every((target) => (targets as readonly string[]).includes(target))
  const idle = { sessionCount: Number(values['idle-sessions']), watchesEach: Number(values.watches) }
  const place = idlePlaces.find((each) => each === values['idle-on'])
  const isIdle = idle.sessionCount >= 0 && idle.watchesEach >= 0 && place !== undefined
  if (values.help || !(runs >= 1) || unknown !== undefined || !isTarget || !isIdle) {
    console.log(usage)
    return values.help ? 0 : 2
  }
  const program = join(resolve(values.build), 'bin/zkts-server.js')
  const wanted = values.target as readonly Target[]
  const classpath = wanted.includes('zookeeper') ? await findZooKeeperClasspath(values['zookeeper-jars']) : ''
  const common = { program, classpath, dataDir: values['data-dir'] }
  if (idle.sessionCount > 0) {
    for (const target of wanted) {
      const outcomes: IdleOutcome[] = []
      for (let i = 0; i < runs; i++) outcomes.push(await measureIdle({ ...common, ...idle, target, place }))
      reportIdle(`${target}, kill, ${idle.sessionCount} idle sessions on ${place}`, outcomes)
    }
    return 0
  }
  for (const fault of values.fault as readonly Fault[]) {
    const outcomes = new Map<Target, Outcome[]>(wanted.map((target) => [target, []]))
    for (let i = 0; i < runs; i++) {
      for (const [target, all] of outcomes) {
        all.push(await measure({ ...common, target, fault }))
      }
    }
    for (const [target, all] of outcomes) report(`${target}, ${fault}`, all)
  }
  return 0
}

function report(title: string, outcomes: readonly Outcome[]): void {
  const sum = (pick: (noticed: Noticed) => number): number =>
    outcomes.reduce((total, { noticed }) => total + pick(noticed), 0)
  console.log(`${title}, ${outcomes.length} runs, load average ${loadavg()[0]!.toFixed(1)}`)
  console.log(`  new leader, ms:         ${summary(outcomes.map(({ leaderMs }) => leaderMs))}`)
  console.log(`  new session writes, ms: ${summary(outcomes.map(({ writeMs }) => writeMs))}`)
  console.log(`  survivors write, ms:    ${summary(outcomes.map(({ noticed }) => noticed.writeMs))}`)
  console.log(`  longest gap, ms:        ${summary(outcomes.map(({ noticed }) => noticed.gapMs))}`)
  console.log(
    `  clients of survivors:   ${2 * outcomes.length}; connections closed ${sum(({ connectionsClosed }) => connectionsClosed)}, ` +
      `writes failed ${sum(({ writesFailed }) => writesFailed)}, done twice ${sum(({ writesDoubled }) => writesDoubled)}, ` +
      `watches lost ${sum(({ watchesLost }) => watchesLost)}`,
  )
}

function reportIdle(title: string, outcomes: readonly IdleOutcome[]): void {
  const figures = (pick: (outcome: IdleOutcome) => number): string => summary(outcomes.map(pick))
  console.log(`${title}, ${outcomes.length} runs, load average ${loadavg()[0]!.toFixed(1)}`)
  console.log(`  new leader, ms:         ${figures(({ leaderMs }) => leaderMs)}`)
  console.log(`  new session writes, ms: ${figures(({ writeMs }) => writeMs)}`)
  console.log(
    `  CPU of the new leader in the two seconds after the kill, ms: ${figures(({ leaderCpuMs }) => leaderCpuMs)}`,
  )
  console.log(`  its CPU in two seconds before, ms:  ${figures(({ idleCpuMs }) => idleCpuMs)}`)
  console.log(`  CPU of the other, ms:   ${figures(({ followerCpuMs }) => followerCpuMs)}`)
  console.log(`  connections closed:     ${figures(({ closedCount }) => closedCount)}`)
  console.log(`  all sessions back, ms:  ${figures(({ backMs }) => backMs)}`)
  console.log(`  events lost:            ${figures(({ lostCount }) => lostCount)}`)
}

interface Run {
  readonly target: Target
  readonly fault: Fault
  readonly program: string
  readonly classpath: string
  readonly dataDir: string
}

async function measure({ target, fault, program, classpath, dataDir }: Run): Promise<Outcome> {
  const ensemble = await startEnsemble(target, 3, dataDir, classpath, target === 'zkts' ? { program } : {})
  let clients: SurvivingClients | null = null
  try {
    const [first, second, leader] = ensemble.clientPorts.map((port) => serverAt(ensemble.servers, port)) as [
      RunningServer,
      RunningServer,
      RunningServer,
    ]
    const setUp = await connect(`127.0.0.1:${leader.clientPort}`)
    await setUp.create('/failover', new Uint8Array(1))
    await setUp.close()
    const survivors = [first.clientPort, second.clientPort]
    clients = await SurvivingClients.start(survivors)
    await pause(warmUpMs)
    if (fault === 'stop-follower-then-kill') process.kill(first.pid, 'SIGSTOP')
    process.kill(leader.pid, fault === 'terminate' ? 'SIGTERM' : 'SIGKILL')
    const fromMs = performance.now()
    if (fault === 'stop-follower-then-kill') setTimeout(() => process.kill(first.pid, 'SIGCONT'), pauseMs)
    const [leaderMs, writeMs] = await Promise.all([whenLeading(survivors, fromMs), whenWritten(survivors, fromMs)])
    const noticed = await clients.finish(fromMs, fromMs + leaderMs, limitMs)
    return { leaderMs, writeMs, noticed }
  } finally {
    clients?.abandon()
    await ensemble.stop()
  }
}

function summary(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b).map(Math.round)
  return `median ${sorted[sorted.length >> 1]}, worst ${sorted.at(-1)} (${sorted.join(' ')})`
}
