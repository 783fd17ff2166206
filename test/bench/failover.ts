/**
 * `npm run failover`: how long an ensemble of three on loopback accepts no writes after its leader was killed.
 * Each run has a new ensemble. Time is measured from the SIGKILL to the first write that a surviving server
 * acknowledges to a new session, and to the first `srvr` answer with the mode leader. Other work on the machine changes
 * the figures, so the load average is printed with them. Exit codes: 0 measured, 1 a run failed, 2 wrong usage.
 */
import { loadavg, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { connect } from '../../src/client/index.ts'
import { startEnsemble } from './ensemble.ts'
import { fourLetterWord, type RunningServer } from './server-process.ts'

const faults = ['kill', 'stop-follower-then-kill'] as const
type Fault = (typeof faults)[number]

const usage = `npm run failover -- [options]
  --runs N         runs of each fault (20)
  --fault NAME     ${faults.join(' | ')} (both)
                   kill: SIGKILL to the leader;
                   stop-follower-then-kill: the follower with the lower id is stopped, the leader killed, and the
                   follower goes on after 150 ms: it receives the other's vote before it notices the leader's death
  --build DIR      the build to measure, to compare two of them (this one, built by npm run failover)
  --data-dir DIR   parent of the servers' folders (default: the system's folder for temporary files)`

const pauseMs = 150
const probeIntervalMs = 2
const limitMs = 30_000

interface Outcome {
  readonly leaderMs: number
  readonly writeMs: number
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
      build: { type: 'string', default: '.' },
      'data-dir': { type: 'string', default: tmpdir() },
      help: { type: 'boolean', default: false },
    },
  })
  const runs = Number(values.runs)
  const unknown = values.fault.find((fault) => !(faults as readonly string[]).includes(fault))
  if (values.help || !(runs >= 1) || unknown !== undefined) {
    console.log(usage)
    return values.help ? 0 : 2
  }
  const program = join(resolve(values.build), 'bin/zkts-server.js')
  for (const fault of values.fault as readonly Fault[]) {
    const outcomes: Outcome[] = []
    for (let i = 0; i < runs; i++) outcomes.push(await measure(fault, program, values['data-dir']))
    console.log(`${fault}, ${runs} runs, load average ${loadavg()[0]!.toFixed(1)}`)
    console.log(`  new leader, ms:  ${summary(outcomes.map(({ leaderMs }) => leaderMs))}`)
    console.log(`  write done, ms:  ${summary(outcomes.map(({ writeMs }) => writeMs))}`)
  }
  return 0
}

async function measure(fault: Fault, program: string, dataDir: string): Promise<Outcome> {
  const ensemble = await startEnsemble('zkts', 3, dataDir, '', { program })
  try {
    const [first, second, leader] = ensemble.clientPorts.map((port) => serverAt(ensemble.servers, port)) as [
      RunningServer,
      RunningServer,
      RunningServer,
    ]
    const setUp = await connect(`127.0.0.1:${leader.clientPort}`)
    await setUp.create('/failover', new Uint8Array(1))
    await setUp.close()
    if (fault === 'stop-follower-then-kill') process.kill(first.pid, 'SIGSTOP')
    process.kill(leader.pid, 'SIGKILL')
    const fromMs = performance.now()
    if (fault === 'stop-follower-then-kill') setTimeout(() => process.kill(first.pid, 'SIGCONT'), pauseMs)
    const survivors = [first.clientPort, second.clientPort]
    const [leaderMs, writeMs] = await Promise.all([whenLeading(survivors, fromMs), whenWritten(survivors, fromMs)])
    return { leaderMs, writeMs }
  } finally {
    await ensemble.stop()
  }
}

function serverAt(servers: readonly RunningServer[], clientPort: number): RunningServer {
  return servers.find((server) => server.clientPort === clientPort)!
}

async function whenLeading(ports: readonly number[], fromMs: number): Promise<number> {
  let foundMs: number | null = null
  const probe = async (port: number): Promise<void> => {
    const answer = await fourLetterWord(port, 'srvr', 1_000).catch(() => '')
    if (answer.includes('Mode: leader')) foundMs ??= performance.now() - fromMs
  }
  while (foundMs === null) {
    assertInTime(fromMs)
    await Promise.race([Promise.all(ports.map(probe)), pause(10 * probeIntervalMs)])
    await pause(probeIntervalMs)
  }
  return foundMs
}

/** Each attempt opens a new session, so that the retry delay of a client is not measured. */
async function whenWritten(ports: readonly number[], fromMs: number): Promise<number> {
  const servers = ports.map((port) => `127.0.0.1:${port}`).join(',')
  for (;;) {
    assertInTime(fromMs)
    try {
      const client = await connect({
        servers,
        connectTimeoutMs: 200,
        dialTimeoutMs: 100,
        retryDelayMs: probeIntervalMs,
      })
      await client.setData('/failover', new Uint8Array(2))
      const writtenMs = performance.now() - fromMs
      client.abandon()
      return writtenMs
    } catch {
      await pause(probeIntervalMs)
    }
  }
}

function assertInTime(fromMs: number): void {
  if (performance.now() - fromMs > limitMs) throw new Error(`no leader after ${limitMs} ms`)
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolvePause) => setTimeout(resolvePause, durationMs))
}

function summary(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b).map(Math.round)
  return `median ${sorted[sorted.length >> 1]}, worst ${sorted.at(-1)} (${sorted.join(' ')})`
}
