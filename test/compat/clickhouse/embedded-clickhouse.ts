/**
 * A current ClickHouse as a library, from the Python package chdb. embedded.py runs it in a process of its own.
 * It stores its state in ZooKeeper as a server does, but never opens a port for other replicas. So its replicated tables
 * can be created and dropped, and stay read-only (replicating-server.ts tests the rest).
 */
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface Embedded {
  /** The rows as tab-separated lines; rejects with ClickHouse's message. */
  query(sql: string): Promise<string>
  kill(): Promise<void>
}

export interface EmbeddedOptions {
  readonly python: string
  readonly directory: string
  readonly name: string
  readonly servers: readonly string[] // host:port
  readonly root: string // the path below which it stores its znodes
  /**
   * Use `root`, which must exist, as its chroot. All embedded ClickHouses use the same ephemeral znode,
   * /clickhouse/sessions/zookeeper/<nil>; if two share it, each ends the session of the other.
   */
  readonly hasChroot?: boolean
}

interface Waiting {
  resolve(text: string): void
  reject(error: Error): void
}

export function startEmbedded(options: EmbeddedOptions): Embedded {
  const folder = join(options.directory, options.name)
  mkdirSync(folder, { recursive: true })
  const config = join(folder, 'config.xml')
  writeFileSync(config, configOf(options, folder))
  const program = join(import.meta.dirname, 'embedded.py')
  const child = spawn(options.python, [program, `${join(folder, 'data')}?config-file=${config}`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const waiting: Waiting[] = []
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const giveUp = (): void => {
    for (const each of waiting.splice(0)) each.reject(new Error(`${options.name}: the process has ended`))
  }
  child.once('error', giveUp)
  child.once('close', giveUp)
  child.stdin.on('error', giveUp)
  createInterface({ input: child.stdout }).on('line', (line) => {
    const answer = JSON.parse(line) as { readonly text?: string; readonly error?: string }
    const next = waiting.shift()
    if (answer.text === undefined) next?.reject(new Error(`${options.name}: ${answer.error}`))
    else next?.resolve(answer.text)
  })
  process.once('exit', () => child.kill('SIGKILL'))
  return {
    query(sql) {
      return new Promise((resolve, reject) => {
        if (child.exitCode !== null || child.signalCode !== null) return reject(new Error('the process has ended'))
        waiting.push({ resolve, reject })
        child.stdin.write(`${JSON.stringify(sql)}\n`)
      })
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

function configOf({ servers, root, hasChroot }: EmbeddedOptions, folder: string): string {
  const prefix = hasChroot === true ? '' : root
  return `<clickhouse>
  ${zookeeperSection(servers, hasChroot === true ? `<root>${root}</root>` : '')}
  <logger><level>warning</level><log>${join(folder, 'clickhouse.log')}</log></logger>
  <keeper_map_path_prefix>${prefix}/keeper_map</keeper_map_path_prefix>
  <series_keeper_path>${prefix}/series</series_keeper_path>
  <user_defined_zookeeper_path>${prefix}/functions</user_defined_zookeeper_path>
  <named_collections_storage>
    <type>zookeeper</type><path>${prefix}/collections</path><update_timeout_ms>1000</update_timeout_ms>
  </named_collections_storage>
</clickhouse>
`
}

export function zookeeperSection(servers: readonly string[], more = ''): string {
  const nodes = servers.map((server) => {
    const [host, port] = server.split(':')
    return `<node><host>${host}</host><port>${port}</port></node>`
  })
  return `<zookeeper>${nodes.join('')}<session_timeout_ms>6000</session_timeout_ms>${more}</zookeeper>`
}
