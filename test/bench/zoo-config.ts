/**
 * The zoo.cfg with which both servers under test are started.
 * Owns: the settings of the comparison, which are the same for both. A key that is not written here has the default of
 * each server. Assumes: loopback only.
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
  /** A new folder for the configuration, the log file and the data of this server. The caller removes it. */
  readonly dir: string
  readonly clientPort: number
  /** All members, including this one. Absent: standalone. */
  readonly ensemble?: { readonly self: number; readonly members: readonly EnsembleMember[] }
  /** Further lines of zoo.cfg, after the others, so that they override them. */
  readonly settings?: Readonly<Record<string, string>>
  /** The limit of the wait until the server serves. */
  readonly timeoutMs?: number
  /** The entry file of another build of zkts, to compare the two. */
  readonly program?: string
  /** The limit of the heap of JavaScript, or of the JVM. */
  readonly heapSizeMibMax?: number
  /** The nice value of the process, 0 to 19. */
  readonly niceness?: number
}

export const startTimeoutMsDefault = 60_000
export const heapSizeMibMaxDefault = 1024

const settings: Readonly<Record<string, string>> = {
  tickTime: '2000',
  initLimit: '10',
  syncLimit: '5',
  maxClientCnxns: '0',
  forceSync: 'yes',
  '4lw.commands.whitelist': '*',
  'admin.enableServer': 'false',
}

/** Writes zoo.cfg, the data folder and myid. Returns the path of zoo.cfg. */
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

/** For the report: the settings of both. */
export function describeSettings(): string {
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ')
}
