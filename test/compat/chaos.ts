/**
 * A chaos run with real processes: `tsx test/compat/chaos.ts [--seconds 60] [--seed 1] [--target zkts|zookeeper] [--clients 6]`.
 * Three servers are killed and frozen while clients write. At the end all data is read from every server, and the checker compares
 * it with the history. SIGKILL does not lose what the kernel has cached; the simulator tests lost fsyncs.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type FinalState, judge, type Verdict } from './chaos/checker.ts'
import { injectFaults } from './chaos/faults.ts'
import { seededRandom } from './chaos/random.ts'
import { answered, chaosPaths, counterCount, pauseMs, type Recorder, runClient } from './chaos/workload.ts'
import { bodies, connectRaw, opcodes, type RawSession, readStat } from './raw-client.ts'
import { type Servers, startServers } from './servers.ts'
import { javaClasspath } from './suites.ts'

const servingTimeoutMs = 60_000
const sessionsGoneTimeoutMs = 30_000
const violationsShown = 10

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
  const directory = mkdtempSync(join(tmpdir(), 'zkts-chaos-'))
  const servers = await startServers({ target, serverCount: 3, directory, projectRoot, classpath, tickTimeMs: 500 })
  let failed = 1
  try {
    await servers.waitUntilAllServe(servingTimeoutMs)
    const verdicts = await runChaos(servers)
    failed = reportVerdicts(verdicts)
  } catch (error) {
    console.log(`not ok chaos: the run completes: ${error instanceof Error ? error.message : String(error)}`)
    console.log('0 passed, 1 failed')
  } finally {
    await servers.stopAll()
    if (failed === 0) rmSync(directory, { recursive: true, force: true })
    else console.log(`# data and logs are kept in ${directory}`)
  }
  return failed === 0 ? 0 : 1
}

async function runChaos(servers: Servers): Promise<readonly Verdict[]> {
  await prepareTree(servers)
  const seed = Number(flags.seed)
  const recorder: Recorder = { values: [], counters: [], staleReads: [], lastAckAtMs: Date.now(), longestSilenceMs: 0 }
  const endMs = Date.now() + Number(flags.seconds) * 1000
  const isOver = (): boolean => Date.now() >= endMs
  const clients = Array.from({ length: Number(flags.clients) }, (_, index) =>
    runClient({
      name: `c${index}`,
      ports: servers.clientPorts,
      random: seededRandom(seed * 1000 + index),
      recorder,
      isOver,
    }),
  )
  const counts = await injectFaults(servers, seededRandom(seed), isOver)
  await Promise.all(clients)
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
  return [...judge(recorder, states), progress]
}

async function prepareTree(servers: Servers): Promise<void> {
  const session = await connectRaw({ port: servers.clientPorts[0]! })
  const counters = Array.from({ length: counterCount }, (_, index) => `${chaosPaths.counters}/${index}`)
  for (const path of [...Object.values(chaosPaths), ...counters]) {
    const { err } = await answered(session, opcodes.create, bodies.create(path, null, 0))
    if (err !== 0) throw new Error(`create ${path}: ${err}`)
  }
  await answered(session, opcodes.closeSession, Buffer.alloc(0))
}

async function readEverything(server: string, port: number): Promise<FinalState> {
  const session = await connectRaw({ port, timeoutMs: 10_000 })
  await answered(session, opcodes.sync, bodies.path('/'))
  const values = new Map<string, string>()
  for (const parent of [chaosPaths.values, chaosPaths.sequential]) {
    const paths = (await children(session, parent)).map((name) => `${parent}/${name}`)
    for (let start = 0; start < paths.length; start += 500) {
      const batch = paths.slice(start, start + 500)
      const replies = await Promise.all(
        batch.map((path) => answered(session, opcodes.getData, bodies.pathAndWatch(path, false))),
      )
      for (const [index, reply] of replies.entries())
        values.set(batch[index]!, reply.body.buffer()?.toString('utf8') ?? '')
    }
  }
  const counterVersions = new Map<string, number>()
  for (const name of await children(session, chaosPaths.counters)) {
    const path = `${chaosPaths.counters}/${name}`
    const reply = await answered(session, opcodes.exists, bodies.pathAndWatch(path, false))
    counterVersions.set(path, readStat(reply.body).version)
  }
  const ephemerals = await waitForNoEphemerals(session)
  await answered(session, opcodes.closeSession, Buffer.alloc(0))
  return { server, values, counterVersions, ephemerals }
}

/** Sessions that were not closed expire after their timeout. An ephemeral that exists long after that has outlived its session. */
async function waitForNoEphemerals(session: RawSession): Promise<readonly string[]> {
  const deadline = Date.now() + sessionsGoneTimeoutMs
  for (;;) {
    const left = await children(session, chaosPaths.live)
    if (left.length === 0 || Date.now() > deadline) return left
    await pauseMs(200)
  }
}

async function children(session: RawSession, path: string): Promise<readonly string[]> {
  const reply = await answered(session, opcodes.getChildren, bodies.pathAndWatch(path, false))
  if (reply.err !== 0) throw new Error(`getChildren ${path}: ${reply.err}`)
  return reply.body.ustrings()
}

function reportVerdicts(verdicts: readonly Verdict[]): number {
  let failed = 0
  for (const { title, violations } of verdicts) {
    if (violations.length === 0) {
      console.log(`ok chaos: ${title}`)
      continue
    }
    failed += 1
    console.log(
      `not ok chaos: ${title}: ${violations.length} violations: ${violations.slice(0, violationsShown).join('; ')}`,
    )
  }
  console.log(`${verdicts.length - failed} passed, ${failed} failed`)
  return failed
}

process.exit(await main())
