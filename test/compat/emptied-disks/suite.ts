/**
 * What real servers do when disks were emptied: three members, some writes, all stopped, the folders of two emptied. It has
 * servers of its own, since it destroys their data. Apache ZooKeeper loses the last copy in the first story, so against it
 * nothing is checked.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Check, eventually, expectEqual, expectTrue, runChecks } from '../checks.ts'
import { bodies, connectRaw, opcodes } from '../raw-client.ts'
import { fourLetterWord, type Servers, startServers } from '../servers.ts'

const servingTimeoutMs = 30_000
const noNode = -101
const paths = ['/a', '/b', '/c', '/d', '/e']

class Story {
  readonly servers: Servers
  readonly #directory: string

  constructor(servers: Servers, directory: string) {
    this.servers = servers
    this.#directory = directory
  }

  port(id: number): number {
    return this.servers.clientPorts[id - 1]!
  }

  async create(id: number, made: readonly string[]): Promise<void> {
    const session = await connectRaw({ port: this.port(id) })
    for (const [xid, path] of made.entries()) {
      const { err } = await session.request(xid + 1, opcodes.create, bodies.create(path, Buffer.from(path), 0))
      expectEqual(err, 0, `create ${path}`)
    }
    await session.request(99, opcodes.closeSession)
  }

  /** Which of `paths` a server holds. */
  async held(id: number): Promise<readonly string[]> {
    const session = await connectRaw({ port: this.port(id) })
    const found: string[] = []
    for (const [xid, path] of paths.entries()) {
      const { err } = await session.request(xid + 1, opcodes.exists, bodies.pathAndWatch(path, false))
      if (err === 0) found.push(path)
      else expectEqual(err, noNode, `exists ${path}`)
    }
    await session.request(99, opcodes.closeSession)
    return found
  }

  /** The lines that server `id` has logged at level error, with the reason that links give. */
  errors(id: number): readonly string[] {
    const log = readFileSync(join(this.#directory, `server-${id}`, 'server.log'), 'utf8')
    return log.split('\n').filter((line) => /"level":"?(error|50)"?/.test(line))
  }

  async killAll(): Promise<void> {
    for (const id of [1, 2, 3]) await this.servers.kill(id)
  }

  /** All servers hold `paths` and are stopped; servers 2 and 3 lose their disks, and serve without server 1. */
  async serveFromEmptiedDisks(): Promise<void> {
    await this.create(1, paths)
    await this.killAll()
    for (const id of [2, 3]) this.servers.empty(id)
    for (const id of [2, 3]) await this.servers.start(id)
    for (const id of [2, 3]) await this.servers.waitUntilServing(id, servingTimeoutMs)
  }
}

async function withServers(tell: (story: Story) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'zkts-data-'))
  const servers = await startServers({
    target: 'zkts',
    serverCount: 3,
    directory,
    projectRoot: resolve(import.meta.dirname, '../../..'),
    classpath: '',
    tickTimeMs: 500,
  })
  try {
    await servers.waitUntilAllServe(servingTimeoutMs)
    await tell(new Story(servers, directory))
    const hasMadeSome = (): boolean => servers.loggedCount('checkpoint-made') > 0
    await eventually(hasMadeSome, servingTimeoutMs, 'a checkpoint was made')
  } finally {
    await servers.stopAll()
    rmSync(directory, { recursive: true })
  }
}

const checks: readonly Check[] = [
  {
    title: 'the last copy of the data is not cut by two emptied servers that have written since',
    run: () =>
      withServers(async (story) => {
        const { servers } = story
        await story.serveFromEmptiedDisks()
        await story.create(2, ['/other'])
        await servers.start(1)
        await eventually(() => story.errors(1).length > 0, servingTimeoutMs, 'server 1 says what is wrong')
        const [line] = story.errors(1)
        expectTrue(/cluster 0x[0-9a-f]+.*0x[0-9a-f]+/.test(line!), `both clusters are named: ${line}`)
        expectTrue(line!.includes('serves nothing') && line!.includes('move their data folder away'), `advice: ${line}`)
        expectTrue(servers.isRunning(1), 'server 1 stays up')
        expectEqual(await fourLetterWord(story.port(1), 'ruok'), 'imok', 'ruok')
        expectTrue((await fourLetterWord(story.port(1), 'srvr')).includes('not currently serving'), 'srvr of server 1')
        await story.create(3, ['/undisturbed'])
        // The way out that the line names.
        await story.killAll()
        for (const id of [2, 3]) servers.empty(id)
        for (const id of [1, 2, 3]) await servers.start(id)
        await servers.waitUntilAllServe(servingTimeoutMs)
        for (const id of [1, 2, 3]) expectEqual(await story.held(id), paths, `znodes on server ${id}`)
      }),
  },
  {
    title: 'two emptied servers that have written nothing give way to the server with data',
    run: () =>
      withServers(async (story) => {
        const { servers } = story
        await story.serveFromEmptiedDisks()
        await servers.start(1)
        await eventually(async () => (await servers.leader()) === 1, servingTimeoutMs, 'the server with data leads')
        await servers.waitUntilAllServe(servingTimeoutMs)
        for (const id of [1, 2, 3]) expectEqual(await story.held(id), paths, `znodes on server ${id}`)
      }),
  },
]

process.exit(process.env['ZK_TARGET'] === 'zookeeper' ? 0 : await runChecks(checks))
