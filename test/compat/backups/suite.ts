/**
 * Backups of real servers: three members under writes are backed up by zkts-cli, the file is continued, and three members
 * with fresh folders are restored from it. One client writes numbered znodes one after another, so a restored tree is right
 * if it has the numbers from the first to some last one, and that is not before what was acknowledged when the
 * backup began. It has servers of its own. Apache ZooKeeper has no such command, so against it nothing is checked.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Client, connect } from '../../../src/client/index.ts'
import { type Check, expectEqual, expectTrue, runChecks } from '../checks.ts'
import { dataDirectory, type Servers, startServers } from '../servers.ts'

const projectRoot = resolve(import.meta.dirname, '../../..')
const servingTimeoutMs = 30_000
const ids = [1, 2, 3]

interface Ran {
  readonly out: string
  readonly err: string
  readonly status: number | null
}

function zktsCli(...args: readonly string[]): Promise<Ran> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [join(projectRoot, 'bin/zkts-cli.js'), ...args], { stdio: 'pipe' })
    const texts = { out: '', err: '' }
    child.stdout.on('data', (bytes: Buffer) => {
      texts.out += bytes.toString()
    })
    child.stderr.on('data', (bytes: Buffer) => {
      texts.err += bytes.toString()
    })
    child.once('error', failed)
    child.once('close', (status) => done({ ...texts, status }))
  })
}

/** Creates /w/1, /w/2, … and never two at a time. */
class Writer {
  readonly #client: Client
  acknowledged = 0
  #isStopped = false
  #done: Promise<void> = Promise.resolve()

  constructor(client: Client) {
    this.#client = client
  }

  async start(): Promise<void> {
    if (this.acknowledged === 0) await this.#client.create('/w', new Uint8Array(0))
    this.#isStopped = false
    this.#done = this.#write()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#done
  }

  /** Resolves when `count` more znodes were acknowledged. */
  async more(count: number): Promise<void> {
    const end = this.acknowledged + count
    while (this.acknowledged < end) await new Promise((resolve) => setImmediate(resolve))
  }

  async #write(): Promise<void> {
    while (!this.#isStopped) {
      const next = this.acknowledged + 1
      await this.#client.create(`/w/${next}`, new TextEncoder().encode(`value ${next}`))
      this.acknowledged = next
    }
  }
}

class Story {
  readonly servers: Servers
  readonly directory: string

  constructor(servers: Servers, directory: string) {
    this.servers = servers
    this.directory = directory
  }

  config(id: number): string {
    return join(this.directory, `server-${id}`, 'zoo.cfg')
  }

  get file(): string {
    return join(this.directory, 'zk.backup')
  }

  client(id: number): Promise<Client> {
    return connect({ servers: `127.0.0.1:${this.servers.clientPorts[id - 1]}` })
  }

  async succeeds(...args: readonly string[]): Promise<Record<string, unknown>> {
    const ran = await zktsCli('--json', ...args)
    expectEqual({ status: ran.status, err: ran.err }, { status: 0, err: '' }, args.join(' '))
    return JSON.parse(ran.out) as Record<string, unknown>
  }

  /** While a client writes. `acknowledged`: what was, when each of the two began. */
  async backUpTwice(writeCount: number): Promise<{
    readonly first: Record<string, unknown>
    readonly second: Record<string, unknown>
    readonly acknowledged: readonly [number, number]
  }> {
    const client = await this.client(1)
    const writer = new Writer(client)
    await writer.start()
    await writer.more(writeCount)
    const beforeFirst = writer.acknowledged
    const first = await this.succeeds('backup', '--config', this.config(2), '--to', this.file)
    await writer.more(100)
    const beforeSecond = writer.acknowledged
    const second = await this.succeeds('backup', '--config', this.config(3), '--append', this.file)
    await writer.more(20)
    await writer.stop()
    await client.close()
    return { first, second, acknowledged: [beforeFirst, beforeSecond] }
  }

  async killAndEmptyAll(): Promise<void> {
    for (const id of ids) await this.servers.kill(id)
    for (const id of ids) this.servers.empty(id)
  }

  /** The numbers that a server holds below /w, ascending; fails if a znode has another value than its own. */
  async heldBy(id: number): Promise<readonly number[]> {
    const client = await this.client(id)
    try {
      const { children: names } = await client.getChildren('/w')
      for (const name of names) {
        const { data } = await client.getData(`/w/${name}`)
        expectEqual(new TextDecoder().decode(data ?? undefined), `value ${name}`, `/w/${name} on server ${id}`)
      }
      return names.map(Number).sort((a, b) => a - b)
    } finally {
      await client.close()
    }
  }

  /** Restores all members alike, starts them, and returns what each of them holds. */
  async restoreAll(...point: readonly string[]): Promise<readonly number[]> {
    await this.killAndEmptyAll()
    const first = await this.succeeds('restore', '--from', this.file, '--config', this.config(1), ...point)
    for (const id of ids.slice(1)) {
      const other = await this.succeeds(
        ...['restore', '--from', this.file, '--config', this.config(id), ...point],
        ...['--cluster-id', String(first['clusterId']), '--epoch', String(first['epoch'])],
      )
      for (const key of ['digest', 'zxid', 'znodeCount', 'clusterId', 'epoch']) expectEqual(other[key], first[key], key)
    }
    for (const id of ids) await this.servers.start(id)
    await this.servers.waitUntilAllServe(servingTimeoutMs)
    const held = await this.heldBy(1)
    for (const id of ids.slice(1)) expectEqual(await this.heldBy(id), held, `znodes on server ${id}`)
    return held
  }
}

async function withServers(tell: (story: Story) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'zkts-backups-'))
  // Small files and frequent checkpoints, so that a backup has both, and the front of the log is removed.
  const settings = { snapCount: '200', txnLogSizeLimitInKb: '64', logRetentionSizeInKb: '256' }
  const servers = await startServers({
    target: 'zkts',
    serverCount: 3,
    directory,
    projectRoot,
    classpath: '',
    tickTimeMs: 500,
    settings,
  })
  try {
    await servers.waitUntilAllServe(servingTimeoutMs)
    await tell(new Story(servers, directory))
  } finally {
    await servers.stopAll()
    rmSync(directory, { recursive: true })
  }
}

function upTo(last: number): readonly number[] {
  return Array.from({ length: last }, (_, i) => i + 1)
}

const checks: readonly Check[] = [
  {
    title: 'a backup of an ensemble under writes, continued from another member, is restored to its end',
    run: () =>
      withServers(async (story) => {
        const { first, second, acknowledged } = await story.backUpTwice(500)
        expectTrue(existsSync(join(dataDirectory(story, 1), 'checkpoint')), 'the servers have made checkpoints')
        const checked = await story.succeeds('backup', '--check', story.file)
        expectEqual(checked['zxid'], second['zxid'], 'the end of the file')
        expectEqual(checked['partCount'], 2, 'parts of the file')
        expectTrue(first['zxid'] !== second['zxid'], 'the continuation has txns')
        const held = await story.restoreAll()
        expectEqual(held, upTo(held.length), 'the numbers that were restored')
        expectTrue(held.length >= acknowledged[1], `${held.length} of at least ${acknowledged[1]} writes were restored`)
      }),
  },
  {
    title: 'a backup is restored to the end of its first part, and the restored ensemble is backed up in turn',
    run: () =>
      withServers(async (story) => {
        const { first, acknowledged } = await story.backUpTwice(200)
        const held = await story.restoreAll('--to-zxid', String(first['zxid']))
        expectEqual(held, upTo(held.length), 'the numbers that were restored')
        const isFirst = held.length >= acknowledged[0] && held.length < acknowledged[1]
        expectTrue(isFirst, `${held.length} writes, of ${acknowledged[0]} before the first end`)
        const after = await story.client(2)
        await after.create('/after', new Uint8Array(0))
        await after.close()
        const folder = join(story.directory, 'more')
        await story.succeeds('backup', '--config', story.config(1), '--to', `${folder}/`)
        expectEqual(readdirSync(folder).length, 1, 'files in the folder')
      }),
  },
  {
    title: 'a member that is not restored starts empty and gets the data of the restored majority',
    run: () =>
      withServers(async (story) => {
        const client = await story.client(1)
        const writer = new Writer(client)
        await writer.start()
        await writer.more(100)
        await writer.stop()
        await client.close()
        await story.succeeds('backup', '--config', story.config(1), '--to', story.file)
        await story.killAndEmptyAll()
        const { clusterId } = await story.succeeds('restore', '--from', story.file, '--config', story.config(1))
        await story.succeeds(
          ...['restore', '--from', story.file, '--config', story.config(2), '--cluster-id', String(clusterId)],
        )
        for (const id of ids) await story.servers.start(id)
        await story.servers.waitUntilAllServe(servingTimeoutMs)
        const written = upTo(writer.acknowledged)
        for (const id of ids) expectEqual(await story.heldBy(id), written, `znodes on server ${id}`)
      }),
  },
  {
    title: 'a backup without the key of the server or the rights of the super user is refused',
    run: () =>
      withServers(async (story) => {
        const server = `127.0.0.1:${story.servers.clientPorts[0]}`
        const without = await zktsCli('-s', server, 'backup', '--to', story.file)
        expectEqual(without.status, 1, `status, after ${without.err}`)
        const wrong = mkdtempSync(join(story.directory, 'wrong-'))
        writeFileSync(join(wrong, 'local-key'), `${'0'.repeat(64)}\n`)
        const foreign = await zktsCli('-s', server, 'backup', '--data-dir', wrong, '--to', story.file)
        expectTrue(foreign.status !== 0, 'the status with the key of another server')
        expectTrue(!existsSync(story.file) && !existsSync(`${story.file}.unfinished`), 'no file is left')
        const key = dataDirectory(story, 1)
        await story.succeeds('-s', server, 'backup', '--data-dir', key, '--to', story.file)
      }),
  },
]

process.exit(process.env['ZK_TARGET'] === 'zookeeper' ? 0 : await runChecks(checks))
