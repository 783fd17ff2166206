/**
 * The ordinary ZooKeeper configuration that both servers under test are started with.
 * Owns: the one place where the settings of the comparison are chosen, so that they cannot differ.
 * Assumes: loopback only. Everything not written here has the server's own default.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface EnsembleMember {
  readonly serverId: number
  readonly quorumPort: number
  readonly electionPort: number
  readonly clientPort: number
}

export interface ServerOptions {
  /** A fresh folder of this server's own: configuration, log file and data live in it. The caller removes it. */
  readonly dir: string
  readonly clientPort: number
  /** All members, this one included; absent means standalone. */
  readonly ensemble?: { readonly self: number; readonly members: readonly EnsembleMember[] }
  /** Further lines of zoo.cfg, later than ours, so they win. */
  readonly settings?: Readonly<Record<string, string>>
  /** How long to wait until it serves. */
  readonly timeoutMs?: number
  /** Our server's entry file in another build, to compare the two. */
  readonly program?: string
}

export const startTimeoutMsDefault = 60_000

const settings: Readonly<Record<string, string>> = {
  tickTime: '2000',
  initLimit: '10',
  syncLimit: '5',
  maxClientCnxns: '0',
  forceSync: 'yes',
  '4lw.commands.whitelist': '*',
  'admin.enableServer': 'false',
}

/** Writes zoo.cfg, the data folder and myid; answers the path of zoo.cfg. */
export async function writeZooConfig(options: ServerOptions): Promise<string> {
  const dataDir = join(options.dir, 'data')
  await mkdir(dataDir, { recursive: true })
  if (options.ensemble !== undefined) await writeFile(join(dataDir, 'myid'), `${options.ensemble.self}\n`)
  const path = join(options.dir, 'zoo.cfg')
  await writeFile(path, zooConfigText(options, dataDir))
  return path
}

export function zooConfigText(options: ServerOptions, dataDir: string): string {
  const lines = [`dataDir=${dataDir}`]
  for (const [key, value] of Object.entries({ ...settings, ...options.settings })) lines.push(`${key}=${value}`)
  if (options.ensemble === undefined) {
    lines.push(`clientPort=${options.clientPort}`, 'clientPortAddress=127.0.0.1')
  } else {
    for (const { serverId, quorumPort, electionPort, clientPort } of options.ensemble.members) {
      lines.push(`server.${serverId}=127.0.0.1:${quorumPort}:${electionPort};127.0.0.1:${clientPort}`)
    }
  }
  return `${lines.join('\n')}\n`
}

/** For the report: what both were told alike. */
export function describeSettings(): string {
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ')
}
