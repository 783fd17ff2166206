/**
 * Starts 1, 3 or 5 servers of one target in new folders. Stops them and removes the folders afterwards.
 * Owns: ports, folders and processes of one ensemble. Assumes: no other ensemble under test runs at the same time.
 */
import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from '../support/free-ports.ts'
import { startZooKeeperServer } from './apache-zookeeper.ts'
import type { Target } from './options.ts'
import type { PeerLinkProxies } from './peer-link-proxies.ts'
import { fourLetterWord, type RunningServer } from './server-process.ts'
import { startZktsServer } from './zkts-server.ts'
import type { EnsembleMember, ServerOptions } from './zoo-config.ts'

export interface Ensemble {
  readonly servers: readonly RunningServer[]
  /**
   * Followers first, the leader last. A single connection goes to the first port, since most clients of a real ensemble
   * are connected to a follower.
   */
  readonly clientPorts: readonly number[]
  readonly version: string
  /** From the start of the first server until the last one serves. */
  readonly startMs: number
  /** SIGTERM, and once the process has ended, it is started again. Resolves when it serves. */
  restart(index: number): Promise<void>
  stop(): Promise<void>
}

/**
 * Further settings for a comparison of behaviour, the same for both targets. System properties are only for ZooKeeper.
 */
export interface EnsembleExtras {
  readonly settings?: Readonly<Record<string, string>>
  readonly systemProperties?: Readonly<Record<string, string>>
  /** The entry file of another build of zkts. */
  readonly program?: string
  /** The links between the servers go through these proxies, which the caller closes. */
  readonly links?: PeerLinkProxies
}

export async function startEnsemble(
  target: Target,
  size: number,
  dataDir: string,
  zookeeperClasspath: string,
  extras: EnsembleExtras = {},
): Promise<Ensemble> {
  const dir = await mkdtemp(join(dataDir, `zkts-bench-${target}-`))
  const removeOnExit = (): void => rmSync(dir, { recursive: true, force: true, maxRetries: 3 })
  process.on('exit', removeOnExit)
  const optionsOfAll = await serverOptions(dir, size, extras.links)
  const outcomes = await Promise.allSettled(
    optionsOfAll.map((options) => startMember(target, options, zookeeperClasspath, extras)),
  )
  const servers = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()))
    await rm(dir, { recursive: true, force: true })
    process.off('exit', removeOnExit)
  }
  const failure = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failure !== undefined) {
    await stop()
    throw failure.reason
  }
  const answers = await Promise.all(servers.map((server) => fourLetterWord(server.clientPort, 'srvr')))
  const order = servers.map((_, index) => index).sort((a, b) => leaderRank(answers[a]!) - leaderRank(answers[b]!))
  return {
    servers,
    clientPorts: order.map((index) => servers[index]!.clientPort),
    version: /version: ([^\s,]+?)(?:-[0-9a-f]{40})?[\s,]/.exec(answers[0]!)?.[1] ?? 'unknown',
    startMs: Math.max(...servers.map((server) => server.startMs)),
    async restart(index) {
      await servers[index]!.stop()
      servers[index] = await startMember(target, optionsOfAll[index]!, zookeeperClasspath, extras)
    },
    stop,
  }
}

/** Resolves once the server serves: members of an ensemble must therefore be started together. */
export function startMember(
  target: Target,
  options: ServerOptions,
  zookeeperClasspath: string,
  extras: EnsembleExtras,
): Promise<RunningServer> {
  if (target === 'zookeeper') return startZooKeeperServer({ ...options, ...extras, classpath: zookeeperClasspath })
  return startZktsServer({
    ...options,
    settings: extras.settings ?? {},
    ...(extras.program && { program: extras.program }),
  })
}

/** The options of each member, with free ports, and its folder in `dir`. */
export async function serverOptions(
  dir: string,
  size: number,
  links?: PeerLinkProxies,
): Promise<readonly ServerOptions[]> {
  const ports = await freePorts(3 * size)
  const members = Array.from({ length: size }, (_, index): EnsembleMember => {
    const [clientPort, quorumPort, electionPort] = ports.slice(3 * index) as [number, number, number]
    return { serverId: index + 1, clientPort, quorumPort, electionPort }
  })
  await links?.start(members)
  const optionsOfAll = members.map(
    ({ serverId, clientPort }): ServerOptions => ({
      dir: join(dir, `server-${serverId}`),
      clientPort,
      ...(size > 1 && { ensemble: { self: serverId, members: links?.membersSeenBy(serverId) ?? members } }),
    }),
  )
  for (const options of optionsOfAll) await mkdir(options.dir, { recursive: true })
  return optionsOfAll
}

function leaderRank(srvrAnswer: string): number {
  return srvrAnswer.includes('Mode: leader') ? 1 : 0
}
