/**
 * One run of `npm run failover`: a new ensemble, clients that write, one fault, and what the clients noticed of it.
 * Owns: the faults, and for each of them which servers survive it.
 */
import { type Client, connect } from '../../src/client/index.ts'
import { type Ensemble, startEnsemble } from './ensemble.ts'
import type { FaultOutcome } from './failover-outcome.ts'
import { limitMs, pause, serverAt, whenLeading, whenWritten } from './failover-probes.ts'
import { OldLeaderClient } from './old-leader-client.ts'
import type { Target } from './options.ts'
import { PeerLinkProxies } from './peer-link-proxies.ts'
import { measureCalm, measureRestart } from './rolling-restart.ts'
import type { RunningServer } from './server-process.ts'
import { SurvivingClients } from './surviving-clients.ts'

/** `none` shows that no leader changes under load; it is measured only when it is named. */
export const faults = ['kill', 'terminate', 'stop', 'cut', 'stop-follower-then-kill', 'restart', 'none'] as const
export type Fault = (typeof faults)[number]

export interface FaultRun {
  readonly target: Target
  readonly fault: Fault
  /** The number of servers. */
  readonly size: number
  /** The duration of a run without a fault. */
  readonly calmMs: number
  /** Further lines of zoo.cfg. */
  readonly settings: Readonly<Record<string, string>>
  /** The entry file of the build of zkts to measure; null: this one. */
  readonly program: string | null
  readonly classpath: string
  readonly dataDir: string
}

type LeaderFault = Exclude<Fault, 'restart' | 'none'>

const pauseMs = 150
const warmUpMs = 200

export async function measureFault(run: FaultRun): Promise<FaultOutcome> {
  const links = run.fault === 'cut' ? new PeerLinkProxies() : null
  const { target, size, dataDir, classpath, settings, program } = run
  const extras = { settings, ...(target === 'zkts' && program !== null && { program }), ...(links && { links }) }
  try {
    const ensemble = await startEnsemble(target, size, dataDir, classpath, extras)
    try {
      if (run.fault === 'restart') return await measureRestart(ensemble)
      if (run.fault === 'none') return await measureCalm(ensemble, run.calmMs)
      return await measureLeaderFault(run.fault, ensemble, links)
    } finally {
      await ensemble.stop()
    }
  } finally {
    links?.close()
  }
}

async function measureLeaderFault(
  fault: LeaderFault,
  ensemble: Ensemble,
  links: PeerLinkProxies | null,
): Promise<FaultOutcome> {
  const servers = ensemble.clientPorts.map((port) => serverAt(ensemble.servers, port))
  const [leader, survivors] = [servers.at(-1)!, servers.slice(0, -1)]
  const ports = survivors.map(({ clientPort }) => clientPort)
  await createProbedZnode(leader.clientPort)
  const clients = await SurvivingClients.start(ports)
  const oldClient = fault === 'cut' ? await OldLeaderClient.start(leader.clientPort) : null
  try {
    await pause(warmUpMs)
    const fromMs = performance.now()
    oldClient?.faultBegins()
    strike(fault, leader, survivors[0]!, () => links?.holdLinksOf(ensemble.servers.indexOf(leader) + 1))
    const [leaderMs, writeMs] = await Promise.all([whenLeading(ports, fromMs), whenWritten(ports, fromMs)])
    const noticed = await clients.finish(fromMs, fromMs + leaderMs, limitMs)
    const old = (await oldClient?.finish(ports)) ?? null
    const times = {
      'new leader': leaderMs,
      'new session writes': writeMs,
      'survivors write': noticed.writeMs,
      'longest gap': noticed.gapMs,
    }
    const counts = {
      clients: ports.length,
      'connections closed': noticed.connectionsClosed,
      'writes failed': noticed.writesFailed,
      'done twice': noticed.writesDoubled,
      'watches lost': noticed.watchesLost,
      ...(old && {
        'acknowledged by the cut leader': old.acknowledgedCount,
        'of its acknowledged writes lost': old.lostCount,
      }),
    }
    return {
      version: ensemble.version,
      noticed: {
        gapMs: noticed.gapMs,
        closedCount: noticed.connectionsClosed,
        failedCount: noticed.writesFailed,
        twiceCount: noticed.writesDoubled,
        lostCount: noticed.watchesLost + (old?.lostCount ?? 0),
      },
      times,
      counts,
    }
  } finally {
    clients.abandon()
    oldClient?.abandon()
    if (fault === 'stop') process.kill(leader.pid, 'SIGCONT')
  }
}

function strike(fault: LeaderFault, leader: RunningServer, follower: RunningServer, cutLinks: () => void): void {
  switch (fault) {
    case 'kill':
      process.kill(leader.pid, 'SIGKILL')
      return
    case 'terminate':
      process.kill(leader.pid, 'SIGTERM')
      return
    case 'stop':
      process.kill(leader.pid, 'SIGSTOP')
      return
    case 'cut':
      cutLinks()
      return
    case 'stop-follower-then-kill':
      process.kill(follower.pid, 'SIGSTOP')
      process.kill(leader.pid, 'SIGKILL')
      setTimeout(() => process.kill(follower.pid, 'SIGCONT'), pauseMs)
      return
  }
}

/** The znode that `whenWritten` writes. */
async function createProbedZnode(port: number): Promise<void> {
  const client: Client = await connect(`127.0.0.1:${port}`)
  await client.create('/failover', new Uint8Array(1))
  await client.close()
}
