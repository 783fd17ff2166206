/**
 * The servers under test as child processes: zkts, or Apache ZooKeeper to validate the suites.
 * Owns ports, data folders and processes. A killed server keeps its data and its ports, so that it can be started again.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { freePort } from '../support/free-ports.ts'

export type Target = 'zkts' | 'zookeeper'

export interface ServersOptions {
  readonly target: Target
  readonly serverCount: number
  readonly directory: string
  readonly projectRoot: string
  readonly classpath: string // of Apache ZooKeeper; unused for zkts
  readonly tickTimeMs: number
  /** TTL znodes are enabled, and empty containers and TTL znodes are deleted within about a second. Otherwise ZooKeeper's defaults. */
  readonly isExtended?: boolean
  /** Sessions are local until they create an ephemeral, and a server without a leader serves reads. */
  readonly hasSessionModes?: boolean
  /** `compatibility=strict`, a key that ZooKeeper ignores. */
  readonly isStrict?: boolean
  /** Only for zkts: sockets are used through documented fields of Node.js only. */
  readonly plainSockets?: boolean
  /** Further lines of zoo.cfg. */
  readonly settings?: Readonly<Record<string, string>>
}

const containerCheckIntervalMs = 500

/**
 * Only for zkts: after a few writes a server has made a checkpoint, and after some more it has removed the front of its log.
 * So every suite works on such servers, and a server that starts again starts from a checkpoint. Apache ZooKeeper keeps its
 * defaults: its snapshots would only test ZooKeeper.
 */
export const checkpointSettings: Readonly<Record<string, string>> = {
  snapCount: '3',
  txnLogSizeLimitInKb: '2',
  logRetentionSizeInKb: '0',
}

/** What a server logs about its checkpoints. */
export type CheckpointEvent = 'checkpoint-made' | 'checkpoint-loaded' | 'log-purged'

export interface Servers {
  readonly clientPorts: readonly number[]
  start(id: number): Promise<void>
  kill(id: number): Promise<void>
  /** SIGTERM. Rejects if the process does not end by itself with exit code 0. */
  stop(id: number): Promise<void>
  /** Removes all data of a server that does not run. Only the file that says which member it is stays. */
  empty(id: number): void
  pause(id: number): void
  resume(id: number): void
  isRunning(id: number): boolean
  leader(): Promise<number | undefined>
  waitUntilServing(id: number, timeoutMs: number): Promise<void>
  waitUntilAllServe(timeoutMs: number): Promise<void>
  logTail(id: number): string
  /** How often all servers together have logged it, over all starts. */
  loggedCount(event: CheckpointEvent): number
  stopAll(): Promise<void>
}

interface Ports {
  readonly client: number
  readonly quorum: number
  readonly election: number
}

export async function startServers(options: ServersOptions): Promise<Servers> {
  const ids = Array.from({ length: options.serverCount }, (_, index) => index + 1)
  const ports: Ports[] = []
  for (const _ of ids) ports.push({ client: await freePort(), quorum: await freePort(), election: await freePort() })
  const processes = new Map<number, ChildProcess>()
  for (const id of ids) writeConfig(options, ports, id)
  const servers = describeServers(options, ports, ids, processes)
  process.once('exit', () => {
    for (const child of processes.values()) child.kill('SIGKILL')
  })
  for (const id of ids) await servers.start(id)
  return servers
}

function describeServers(
  options: ServersOptions,
  ports: readonly Ports[],
  ids: readonly number[],
  processes: Map<number, ChildProcess>,
): Servers {
  const clientPort = (id: number): number => ports[id - 1]!.client
  const servers: Servers = {
    clientPorts: ports.map((each) => each.client),
    async start(id) {
      if (!processes.has(id))
        processes.set(
          id,
          spawnServer(options, id, () => processes.delete(id)),
        )
    },
    async kill(id) {
      const child = processes.get(id)
      if (child === undefined) return
      const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
      child.kill('SIGKILL')
      await gone
    },
    async stop(id) {
      const child = processes.get(id)
      if (child === undefined) return
      const exit = new Promise<string>((resolve) =>
        child.once('exit', (code, signal) => resolve(String(signal ?? code))),
      )
      child.kill('SIGTERM')
      const how = await exit
      if (how !== '0') throw new Error(`server ${id} ends with ${how}; its log ends:\n${servers.logTail(id)}`)
    },
    empty(id) {
      const folder = dataDirectory(options, id)
      for (const name of readdirSync(folder)) if (name !== 'myid') rmSync(join(folder, name), { recursive: true })
    },
    pause: (id) => void processes.get(id)?.kill('SIGSTOP'),
    resume: (id) => void processes.get(id)?.kill('SIGCONT'),
    isRunning: (id) => processes.has(id),
    async leader() {
      for (const id of ids) if (/^Mode: leader$/m.test(await fourLetterWord(clientPort(id), 'srvr'))) return id
      return undefined
    },
    async waitUntilServing(id, timeoutMs) {
      const deadline = Date.now() + timeoutMs
      while (!/^Mode: /m.test(await fourLetterWord(clientPort(id), 'srvr'))) {
        if (!processes.has(id)) throw new Error(`server ${id} ended; its log ends:\n${servers.logTail(id)}`)
        if (Date.now() > deadline) {
          throw new Error(`server ${id} does not serve after ${timeoutMs} ms; its log ends:\n${servers.logTail(id)}`)
        }
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    },
    async waitUntilAllServe(timeoutMs) {
      await Promise.all(ids.map((id) => servers.waitUntilServing(id, timeoutMs)))
    },
    logTail: (id) => logText(options, id).split('\n').slice(-30).join('\n'),
    loggedCount: (event) => ids.reduce((sum, id) => sum + logText(options, id).split(`"${event}"`).length - 1, 0),
    async stopAll() {
      for (const id of ids) servers.resume(id)
      await Promise.all(ids.map((id) => servers.kill(id)))
    },
  }
  return servers
}

function serverDirectory(options: Pick<ServersOptions, 'directory'>, id: number): string {
  return join(options.directory, `server-${id}`)
}

function logText(options: ServersOptions, id: number): string {
  return readFileSync(join(serverDirectory(options, id), 'server.log'), 'utf8')
}

export function dataDirectory(options: Pick<ServersOptions, 'directory'>, id: number): string {
  return join(serverDirectory(options, id), 'data')
}

function writeConfig(options: ServersOptions, ports: readonly Ports[], id: number): void {
  const directory = serverDirectory(options, id)
  mkdirSync(dataDirectory(options, id), { recursive: true })
  const lines = [
    `dataDir=${dataDirectory(options, id)}`,
    `tickTime=${options.tickTimeMs}`,
    'initLimit=10',
    'syncLimit=5',
    'maxClientCnxns=0',
    'admin.enableServer=false',
    '4lw.commands.whitelist=*',
    `extendedTypesEnabled=${options.isExtended === true}`, // ZooKeeper's default is false, that of zkts is true
    'enforceQuota=true',
  ]
  if (options.isExtended === true) lines.push(`znode.container.checkIntervalMs=${containerCheckIntervalMs}`)
  if (options.isStrict === true) lines.push('compatibility=strict')
  if (options.hasSessionModes === true) {
    lines.push('localSessionsEnabled=true', 'localSessionsUpgradingEnabled=true', 'readonlymode.enabled=true')
  }
  if (ports.length === 1) {
    lines.push(`clientPort=${ports[0]!.client}`, 'clientPortAddress=127.0.0.1')
  } else {
    for (const [index, each] of ports.entries()) {
      lines.push(`server.${index + 1}=127.0.0.1:${each.quorum}:${each.election};127.0.0.1:${each.client}`)
    }
    writeFileSync(join(dataDirectory(options, id), 'myid'), `${id}\n`)
  }
  const settings = { ...(options.target === 'zkts' ? checkpointSettings : {}), ...options.settings }
  for (const [key, value] of Object.entries(settings)) lines.push(`${key}=${value}`)
  writeFileSync(join(directory, 'zoo.cfg'), `${lines.join('\n')}\n`)
}

function spawnServer(options: ServersOptions, id: number, onExit: () => void): ChildProcess {
  const directory = serverDirectory(options, id)
  const config = join(directory, 'zoo.cfg')
  const [command, args] =
    options.target === 'zkts'
      ? [
          process.execPath,
          [
            join(options.projectRoot, 'bin', 'zkts-server.js'),
            '--config',
            config,
            ...(options.plainSockets === true ? ['--plain-sockets'] : []),
          ],
        ]
      : ['java', [...javaFlags(options), 'org.apache.zookeeper.server.quorum.QuorumPeerMain', config]]
  const log = openSync(join(directory, 'server.log'), 'a')
  const child = spawn(command, args, { cwd: directory, stdio: ['ignore', log, log] })
  closeSync(log)
  child.once('exit', onExit)
  return child
}

/** ZooKeeper reads the container interval and the read-only mode only as system properties, not from zoo.cfg. */
function javaFlags({ classpath, isExtended, hasSessionModes }: ServersOptions): readonly string[] {
  const readOnly = hasSessionModes === true ? ['-Dreadonlymode.enabled=true'] : []
  const interval = isExtended === true ? [`-Dznode.container.checkIntervalMs=${containerCheckIntervalMs}`] : []
  return ['-Xmx256m', ...interval, ...readOnly, '-cp', classpath]
}

/** The whole answer to a four-letter word, or '' if no server answers in time. */
export function fourLetterWord(port: number, word: string): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write(word))
    socket.setTimeout(1000, () => socket.destroy())
    socket.on('data', (chunk) => {
      text += chunk.toString('utf8')
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => resolve(text))
  })
}
