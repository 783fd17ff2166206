/**
 * `npm run failover`: how long an ensemble on loopback accepts no writes when its leader is killed, stopped, or cut off,
 * or when all servers are restarted in turn. Each run has a new ensemble. Time is measured from the fault to the first
 * write that a surviving server acknowledges to a new session, to the next write that a client of each survivor has
 * acknowledged, and to the first `srvr` answer with the mode leader. After SIGTERM the old leader still acknowledges some
 * writes, so the longest time between two acknowledgements is measured too. What these clients notice is reported: closed
 * connections, failed writes, writes that were done twice, lost watches. Other work on the machine changes the figures,
 * so the load average is printed with them. Exit codes: 0 measured, 1 a run failed, 2 wrong usage.
 */
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { findZooKeeperClasspath } from './apache-zookeeper.ts'
import { type Fault, type FaultRun, faults, measureFault } from './failover-faults.ts'
import { describeOutcomes, type FaultOutcome, heading, summary } from './failover-outcome.ts'
import { type IdleOutcome, type IdlePlace, idlePlaces, measureIdle } from './idle-failover.ts'
import { type Target, targets } from './options.ts'

const usage = `npm run failover -- [options]
  --runs N         runs of each fault (20)
  --fault NAME     ${faults.join(' | ')} (all but none)
                   kill: SIGKILL to the leader;
                   terminate: SIGTERM to the leader, which then closes in order;
                   stop: SIGSTOP to the leader: its connections stay open, and nothing comes from it;
                   cut: no byte passes between the leader and the other servers, in connections that stay open; its
                   clients still reach it;
                   stop-follower-then-kill: the follower with the lower id is stopped, the leader killed, and the
                   follower goes on after 150 ms: it receives the other's vote before it notices the leader's death;
                   restart: 51 clients write, each server in turn gets SIGTERM and is started again, and the next one
                   follows when it serves;
                   none: 51 clients write and nothing happens; a leader that changes all the same is counted
  --servers N      servers of the ensemble, 3 or 5 (3)
  --setting KEY=VALUE  a further line of zoo.cfg; may be given several times
  --seconds N      duration of a run of the fault none (60)
  --idle-sessions N  instead of clients that write, N sessions that wait, with watches, through a kill of the leader:
                   how many connections close, how many events are lost, how much CPU the new leader takes
  --watches N      watches of each of them (10)
  --idle-on PLACE  survivors | leader (survivors): the servers of these sessions; those of the leader reconnect at once
  --target NAME    zkts | zookeeper (zkts); give it twice to measure both, in turns
  --zookeeper-jars DIR   as for npm run bench
  --build DIR      the build to measure, to compare two of them (this one, built by npm run failover)
  --data-dir DIR   parent of the servers' folders (default: the system's folder for temporary files)`

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

try {
  process.exitCode = await main()
} catch (cause) {
  console.error(cause instanceof Error ? cause.message : cause)
  process.exitCode = 1
}

interface Wanted {
  readonly runs: number
  readonly faults: readonly Fault[]
  readonly targets: readonly Target[]
  readonly common: Omit<FaultRun, 'target' | 'fault'>
  readonly idle: { readonly sessionCount: number; readonly watchesEach: number; readonly place: IdlePlace }
}

async function main(): Promise<number> {
  const wanted = await parseWanted()
  if (wanted === 'help' || wanted === 'wrong') {
    console.log(usage)
    return wanted === 'help' ? 0 : 2
  }
  if (wanted.idle.sessionCount > 0) await measureIdleRuns(wanted)
  else await measureFaults(wanted)
  return 0
}

async function parseWanted(): Promise<Wanted | 'help' | 'wrong'> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '20' },
      fault: { type: 'string', multiple: true, default: faults.filter((fault) => fault !== 'none') },
      servers: { type: 'string', default: '3' },
      setting: { type: 'string', multiple: true, default: [] },
      seconds: { type: 'string', default: '60' },
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
  if (values.help) return 'help'
  const knownFaults = values.fault.flatMap((name) => faults.find((fault) => fault === name) ?? [])
  const knownTargets = values.target.flatMap((name) => targets.find((target) => target === name) ?? [])
  const place = idlePlaces.find((each) => each === values['idle-on'])
  const idle = { sessionCount: Number(values['idle-sessions']), watchesEach: Number(values.watches) }
  const [runs, size, seconds] = [Number(values.runs), Number(values.servers), Number(values.seconds)]
  const settings = values.setting.map((line) => /^([^=]+)=(.*)$/.exec(line))
  const areNamesKnown = knownFaults.length === values.fault.length && knownTargets.length === values.target.length
  const areNumbersRight = runs >= 1 && seconds > 0 && idle.sessionCount >= 0 && idle.watchesEach >= 0
  if (place === undefined || !areNamesKnown || !areNumbersRight || (size !== 3 && size !== 5)) return 'wrong'
  if (settings.includes(null)) return 'wrong'
  return {
    runs,
    faults: knownFaults,
    targets: knownTargets,
    common: {
      size,
      calmMs: 1_000 * seconds,
      settings: Object.fromEntries(settings.map((found) => [found![1]!, found![2]!])),
      program: join(resolve(values.build), 'bin/zkts-server.js'),
      classpath: knownTargets.includes('zookeeper') ? await findZooKeeperClasspath(values['zookeeper-jars']) : '',
      dataDir: values['data-dir'],
    },
    idle: { ...idle, place },
  }
}

async function measureFaults({ runs, faults: wantedFaults, targets: wantedTargets, common }: Wanted): Promise<void> {
  for (const fault of wantedFaults) {
    const outcomes = new Map<Target, FaultOutcome[]>(wantedTargets.map((target) => [target, []]))
    for (let i = 0; i < runs; i++) {
      for (const [target, all] of outcomes) all.push(await measureFault({ ...common, target, fault }))
    }
    for (const [target, all] of outcomes) {
      console.log(describeOutcomes(`${target}, ${fault}, ${common.size} servers`, all))
    }
  }
}

async function measureIdleRuns({ runs, targets: wantedTargets, common, idle }: Wanted): Promise<void> {
  for (const target of wantedTargets) {
    const outcomes: IdleOutcome[] = []
    for (let i = 0; i < runs; i++) {
      outcomes.push(await measureIdle({ ...common, ...idle, target }))
    }
    reportIdle(`${target}, kill, ${idle.sessionCount} idle sessions on ${idle.place}`, outcomes)
  }
}

function reportIdle(title: string, outcomes: readonly IdleOutcome[]): void {
  const figures = (pick: (outcome: IdleOutcome) => number): string => summary(outcomes.map(pick))
  console.log(heading(title, outcomes.length))
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
