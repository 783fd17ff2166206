/**
 * A ClickHouse server from Debian's package: an old version that uses only operations of ZooKeeper 3.4. Unlike the embedded
 * one it replicates: other servers can fetch its parts. It represents the versions of ClickHouse before Keeper.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../support/free-ports.ts'
import { eventually } from '../checks.ts'
import { zookeeperSection } from './embedded-clickhouse.ts'

const program = '/usr/sbin/clickhouse-server' // Debian's clickhouse-server
const startTimeoutMs = 30_000
const queryTimeoutMs = 30_000

export interface ReplicatingServer {
  /** The rows as tab-separated lines; rejects with ClickHouse's message. */
  query(sql: string): Promise<string>
  kill(): Promise<void>
}

export interface ReplicatingServersOptions {
  readonly directory: string
  readonly servers: readonly string[] // host:port, of ZooKeeper
  readonly root: string
}

interface Ports {
  readonly http: number
  readonly tcp: number
  readonly interserver: number
}

/** Two servers that know each other as the cluster `both`; `{replica}` is r1 on the first and r2 on the second. */
export async function startReplicatingServers(
  options: ReplicatingServersOptions,
): Promise<readonly [ReplicatingServer, ReplicatingServer]> {
  if (!existsSync(program)) throw new Error(`there is no ${program}: install Debian's package clickhouse-server`)
  const ports: Ports[] = []
  for (let i = 0; i < 2; i++)
    ports.push({ http: await freePort(), tcp: await freePort(), interserver: await freePort() })
  const [first, second] = await Promise.all([startOne(options, ports, 1), startOne(options, ports, 2)])
  return [first!, second!]
}

async function startOne(
  options: ReplicatingServersOptions,
  ports: readonly Ports[],
  id: number,
): Promise<ReplicatingServer> {
  const folder = join(options.directory, `replica-${id}`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'users.xml'), users)
  writeFileSync(join(folder, 'config.xml'), configOf(options, folder, ports, id))
  const command = ['--pdeathsig', 'KILL', program, `--config-file=${join(folder, 'config.xml')}`] // it must not outlive this process
  const child = spawn('setpriv', command, { cwd: folder, stdio: 'ignore' })
  let startError = ''
  child.once('error', (error) => {
    startError = error.message
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  process.once('exit', () => child.kill('SIGKILL'))
  const { http } = ports[id - 1]!
  const server: ReplicatingServer = {
    query: (sql) => query(http, sql),
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
  await eventually(
    async () => {
      if (startError !== '') throw new Error(startError)
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`clickhouse-server ended; its log ends:\n${logTail(folder)}`)
      return server.query('select 1').then(
        () => true,
        () => false,
      )
    },
    startTimeoutMs,
    `ClickHouse server ${id} answers`,
  )
  return server
}

async function query(port: number, sql: string): Promise<string> {
  const signal = AbortSignal.timeout(queryTimeoutMs)
  const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: sql, signal })
  const text = await response.text()
  if (!response.ok) throw new Error(`${sql}: ${text}`)
  return text
}

function logTail(folder: string): string {
  const log = join(folder, 'server.log')
  return existsSync(log) ? readFileSync(log, 'utf8').slice(-1500) : '(no log file)'
}

function configOf(
  { servers, root }: ReplicatingServersOptions,
  folder: string,
  ports: readonly Ports[],
  id: number,
): string {
  const own = ports[id - 1]!
  const replicas = ports.map(({ tcp }) => `<replica><host>127.0.0.1</host><port>${tcp}</port></replica>`).join('')
  return `<yandex>
  <logger><level>warning</level><log>${folder}/server.log</log><errorlog>${folder}/error.log</errorlog></logger>
  <listen_host>127.0.0.1</listen_host>
  <http_port>${own.http}</http_port>
  <tcp_port>${own.tcp}</tcp_port>
  <interserver_http_host>127.0.0.1</interserver_http_host>
  <interserver_http_port>${own.interserver}</interserver_http_port>
  <path>${folder}/data/</path>
  <tmp_path>${folder}/tmp/</tmp_path>
  <users_config>${folder}/users.xml</users_config>
  <default_profile>default</default_profile>
  <default_database>default</default_database>
  <mark_cache_size>10000000</mark_cache_size>
  ${zookeeperSection(servers)}
  <macros><replica>r${id}</replica></macros>
  <remote_servers><both><shard><internal_replication>true</internal_replication>${replicas}</shard></both></remote_servers>
  <distributed_ddl><path>${root}/ddl</path></distributed_ddl>
</yandex>
`
}

const users = `<yandex>
  <profiles><default/></profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <password></password>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
    </default>
  </users>
</yandex>
`
