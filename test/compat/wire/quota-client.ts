/**
 * One session that writes below a path and reads the usage that the server has counted for it.
 */
import { expectEqual } from '../checks.ts'
import { bodies, opcodes, type RawReply, type RawSession, readStat, type Stat, Writer } from '../raw-client.ts'

export interface MultiPart {
  readonly type: number
  readonly body: Buffer
}

/** `path` is the subtree that has, or will have, the quota. */
export class QuotaClient {
  readonly session: RawSession
  readonly path: string

  constructor(session: RawSession, path: string) {
    this.session = session
    this.path = path
  }

  get limitsPath(): string {
    return `/zookeeper/quota${this.path}/zookeeper_limits`
  }

  get usagePath(): string {
    return `/zookeeper/quota${this.path}/zookeeper_stats`
  }

  /** In the order of zkCli: limits first. */
  async makeQuota(limits: string, path = this.path): Promise<void> {
    await this.makeParents(path)
    await this.create(`/zookeeper/quota${path}/zookeeper_limits`, limits)
    await this.create(`/zookeeper/quota${path}/zookeeper_stats`, 'count=0,bytes=0')
  }

  async makeParents(path: string): Promise<void> {
    let parent = '/zookeeper/quota'
    for (const name of path.split('/').slice(1)) {
      parent = `${parent}/${name}`
      await this.tryCreate(parent, null)
    }
  }

  async create(path: string, data: string | null): Promise<void> {
    expectEqual(await this.tryCreate(path, data), 0, `create ${path}`)
  }

  async set(path: string, data: string | null): Promise<void> {
    expectEqual(await this.trySet(path, data), 0, `setData ${path}`)
  }

  async delete(path: string): Promise<void> {
    expectEqual(
      (await this.session.request(1, opcodes.delete, bodies.pathAndVersion(path, -1))).err,
      0,
      `delete ${path}`,
    )
  }

  async tryCreate(path: string, data: string | null, flags = 0): Promise<number> {
    return (await this.session.request(1, opcodes.create, bodies.create(path, bufferOf(data), flags))).err
  }

  async trySet(path: string, data: string | null, version = -1): Promise<number> {
    return (await this.session.request(1, opcodes.setData, bodies.setData(path, bufferOf(data), version))).err
  }

  usage(path = this.path): Promise<string> {
    return this.text(`/zookeeper/quota${path}/zookeeper_stats`)
  }

  async text(path: string): Promise<string> {
    return (await this.#get(path)).body.buffer()?.toString('utf8') ?? '(null)'
  }

  async stat(path: string): Promise<Stat> {
    const { body } = await this.#get(path)
    body.buffer()
    return readStat(body)
  }

  async descendants(path: string): Promise<number> {
    const { body } = await this.session.request(1, 104, bodies.path(path))
    return body.int()
  }

  partOfCreate(path: string): MultiPart {
    return { type: opcodes.create, body: bodies.create(path, null, 0) }
  }

  /** The error in the header, and that of each part. */
  async multi(parts: readonly MultiPart[]): Promise<{ readonly err: number; readonly results: readonly number[] }> {
    const request = new Writer()
    for (const { type, body } of parts) request.int(type).bool(false).int(-1).raw(body)
    const reply = await this.session.request(1, opcodes.multi, request.int(-1).bool(true).int(-1).bytes())
    const results: number[] = []
    while (reply.body.remaining > 9) {
      const type = reply.body.int()
      reply.body.bool()
      reply.body.int()
      if (type === -1) results.push(reply.body.int())
      else {
        reply.body.ustring()
        results.push(0)
      }
    }
    return { err: reply.err, results }
  }

  async #get(path: string): Promise<RawReply> {
    const reply = await this.session.request(1, opcodes.getData, bodies.pathAndWatch(path, false))
    expectEqual(reply.err, 0, `getData ${path}`)
    return reply
  }
}

function bufferOf(data: string | null): Buffer | null {
  return data === null ? null : Buffer.from(data)
}
