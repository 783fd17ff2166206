/**
 * One run of `npm run failover` with sessions that only wait: the leader is killed, and what the takeover costs is
 * measured. Owns: the ensemble and the sessions of the run.
 */
import { connect } from '../../src/client/index.ts'
import { startEnsemble } from './ensemble.ts'
import { pause, serverAt, whenLeading, whenWritten } from './failover-probes.ts'
import { IdleSessions } from './idle-sessions.ts'
import type { Target } from './options.ts'
import { readProcessUsage } from './process-usage.ts'
import { fourLetterWord } from './server-process.ts'

export const idlePlaces = ['survivors', 'leader'] as const
export type IdlePlace = (typeof idlePlaces)[number]

export interface IdleRun {
  readonly target: Target
  readonly program: string | null
  readonly classpath: string
  readonly dataDir: string
  readonly sessionCount: number
  readonly watchesEach: number
  readonly place: IdlePlace
}

export interface IdleOutcome {
  readonly leaderMs: number
  readonly writeMs: number
  readonly leaderCpuMs: number
  readonly followerCpuMs: number
  readonly idleCpuMs: number
  readonly closedCount: number
  /** From the kill until each session whose connection closed has one again; 0: none closed. */
  readonly backMs: number
  /** Sessions that reconnect do not register their watches again, so these are counted as lost. */
  readonly lostCount: number
}

const measuredMs = 2_000
const settleMs = 1_000

export async function measureIdle(run: IdleRun): Promise<IdleOutcome> {
  const { target, program, classpath, dataDir, sessionCount, watchesEach, place } = run
  const settings = { maxClientCnxns: '0' }
  const extras = { settings, ...(target === 'zkts' && program !== null && { program }) }
  const ensemble = await startEnsemble(target, 3, dataDir, classpath, extras)
  const idle = new IdleSessions(watchesEach)
  try {
    const servers = ensemble.clientPorts.map((port) => serverAt(ensemble.servers, port))
    const [survivors, leader] = [servers.slice(0, 2), servers[2]!]
    const ports = survivors.map(({ clientPort }) => clientPort)
    const setUp = await connect(`127.0.0.1:${leader.clientPort}`)
    await setUp.create('/failover', new Uint8Array(1))
    await setUp.close()
    await idle.open(sessionCount, place === 'leader' ? [leader.clientPort] : ports)
    const cpuMs = (): readonly number[] => survivors.map(({ pid }) => readProcessUsage(pid)?.cpuMs ?? Number.NaN)
    await pause(settleMs)
    const before = cpuMs()
    await pause(measuredMs)
    const atKill = cpuMs()
    process.kill(leader.pid, 'SIGKILL')
    const fromMs = performance.now()
    const window = pause(measuredMs).then(cpuMs)
    const [leaderMs, writeMs, backMs] = await Promise.all([
      whenLeading(ports, fromMs),
      whenWritten(ports, fromMs),
      place === 'leader' ? idle.reconnect(ports, fromMs) : 0,
    ])
    const after = await window
    await pause(settleMs)
    const answers = await Promise.all(ports.map((port) => fourLetterWord(port, 'srvr')))
    const index = answers.findIndex((answer) => answer.includes('Mode: leader'))
    const lostCount = await idle.lostEvents(ports[0]!)
    return {
      leaderMs,
      writeMs,
      leaderCpuMs: after[index]! - atKill[index]!,
      followerCpuMs: after[1 - index]! - atKill[1 - index]!,
      idleCpuMs: atKill[index]! - before[index]!,
      closedCount: idle.closedCount,
      backMs,
      lostCount,
    }
  } finally {
    idle.abandon()
    await ensemble.stop()
  }
}
