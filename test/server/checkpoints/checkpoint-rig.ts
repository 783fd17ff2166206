/** A server that makes checkpoints often, on simulated ports; it is killed and started again, on the same disk. */
import { expect } from 'vitest'
import { damageCode } from '../../../src/base/disk-failure.ts'
import type { Config } from '../../../src/config/config.ts'
import type { CheckpointCopy, Checkpoints } from '../../../src/ports/checkpoints.ts'
import type { ZktsServer } from '../../../src/server/create-server.ts'
import type { SimProcess } from '../../simulator/scheduler.ts'
import type { SimDisk } from '../../simulator/sim-disk.ts'
import { connectFrame, textBytes } from '../../support/conversation.ts'
import { createFrame, getDataFrame } from '../../support/requests.ts'
import { type RawClient, ServerRig, serverHost, standaloneConfig } from '../../support/server-rig.ts'

/** Tiny segments, a checkpoint after ten txns, and no part of the log kept beside them. */
const often = ['snapCount=10', 'txnLogSizeLimitInKb=4', 'logRetentionSizeInKb=0', '4lw.commands.whitelist=*']
export const oftenConfig = (...lines: readonly string[]): Config => standaloneConfig([...often, ...lines])
export const keepingConfig = oftenConfig('logRetentionSizeInKb=-1')

/** Changes what the keepers of the next servers do. */
export function changeCheckpoints(
  rig: ServerRig,
  changes: (real: Checkpoints, serverId: number) => Partial<Checkpoints>,
): void {
  const { checkpointsOn } = rig
  rig.checkpointsOn = (disk) => (options) => {
    const real = checkpointsOn(disk)(options)
    const bound: Checkpoints = {
      open: () => real.open(),
      clean: () => real.clean(),
      discard: (store) => real.discard(store),
      advance: (through) => real.advance(through),
      verify: () => real.verify(),
      copy: (hasChecksums) => real.copy(hasChecksums),
      history: (after, through) => real.history(after, through),
      receive: () => real.receive(),
      sizeBytes: () => real.sizeBytes(),
      close: () => real.close(),
    }
    return { ...bound, ...changes(bound, options.serverId) }
  }
}

/** Copies as `real` gives them; while `isDamaged`, each chunk is found damaged when it is read. */
export function copiesOf(real: Checkpoints, isDamaged: () => boolean): Checkpoints['copy'] {
  return async (hasChecksums) => {
    const copy = await real.copy(hasChecksums)
    const chunk: CheckpointCopy['chunk'] = (number) => {
      if (!isDamaged()) return copy.chunk(number)
      return Promise.reject(Object.assign(new Error('a block was changed'), { code: damageCode }))
    }
    const { facts, chunkCount } = copy
    return { facts, hasChecksums: copy.hasChecksums, chunkCount, chunk, close: () => copy.close() }
  }
}

export class CheckpointRig {
  readonly rig = new ServerRig()
  disk: SimDisk
  #process: SimProcess | null = null
  #nextName = 1
  #xid = 0

  constructor() {
    this.disk = this.rig.disk()
  }

  change(changes: (real: Checkpoints) => Partial<Checkpoints>): void {
    changeCheckpoints(this.rig, changes)
  }

  async start(config = oftenConfig()): Promise<ZktsServer> {
    const { server, process } = this.rig.server(config, this.disk)
    this.#process = process
    const outcome = await this.rig.settle(server.start())
    if (!outcome.ok) throw new Error(outcome.error.message)
    await this.rig.run(100)
    return server
  }

  async refusal(config = oftenConfig()) {
    const outcome = await this.rig.settle(this.rig.server(config, this.disk).server.start())
    if (outcome.ok) throw new Error('the server has started')
    return outcome.error
  }

  async client(): Promise<RawClient> {
    const client = await this.rig.connect()
    client.send(connectFrame(false, 20_000))
    await this.rig.run(50)
    return client
  }

  /** Creates `count` further znodes `/n1`, `/n2`, … of 100 bytes. */
  async write(count: number): Promise<void> {
    const client = await this.client()
    for (let i = 0; i < count; i++) {
      client.send(createFrame(++this.#xid, `/n${this.#nextName++}`, 'x'.repeat(100)))
      await this.rig.run(20)
    }
    const errors = client.replies().map(({ error }) => error)
    expect(errors).toEqual(new Array(count).fill(0))
    client.stream.destroy()
    await this.rig.run(10)
  }

  /** All znodes that were written can be read. */
  async expectAll(): Promise<void> {
    const client = await this.client()
    for (let name = 1; name < this.#nextName; name++) client.send(getDataFrame(++this.#xid, `/n${name}`))
    await this.rig.run(500)
    expect(client.replies().map(({ error }) => error)).toEqual(new Array(this.#nextName - 1).fill(0))
    client.stream.destroy()
    await this.rig.run(10)
  }

  async ask(word: string): Promise<string> {
    const client = await this.rig.connect('10.0.1.9')
    client.send(textBytes(word))
    await this.rig.run(3000)
    expect(client.isClosed).toBe(true)
    return client.text
  }

  async metric(name: string): Promise<number> {
    return Number(new RegExp(`^zk_${name}\t(.*)$`, 'm').exec(await this.ask('mntr'))?.[1])
  }

  /** The process ends at once; what it has written stays. */
  kill(): void {
    if (this.#process !== null) {
      this.rig.scheduler.kill(this.#process)
      this.rig.network.crash(serverHost, this.#process, 'kill')
      this.#process = null
    }
    this.disk = this.disk.kill()
  }

  /** A server that has made a checkpoint, still has its whole log, and was killed. */
  static async withWholeLog(txnCount: number): Promise<CheckpointRig> {
    const rig = new CheckpointRig()
    await rig.start(keepingConfig)
    await rig.write(txnCount)
    await rig.rig.run(1000)
    rig.kill()
    return rig
  }

  /** The same without the beginning of its log. */
  static async withoutLogFront(): Promise<CheckpointRig> {
    const rig = new CheckpointRig()
    await rig.start()
    await rig.write(90)
    await rig.rig.run(1500)
    expect(rig.firstSegment()).toBeGreaterThan(1)
    rig.kill()
    return rig
  }

  segments(): readonly string[] {
    return this.disk.paths().filter((path) => path.startsWith('/data/wal/') && path.endsWith('.log'))
  }

  firstSegment(): number {
    return Number.parseInt(/-([0-9a-f]+)\.log$/.exec(this.segments()[0]!)![1]!, 16)
  }
}
