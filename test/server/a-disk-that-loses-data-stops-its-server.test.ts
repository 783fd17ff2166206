/**
 * What a leader reads for its learners is no longer what it has written: the log rots, or files of the checkpoint are
 * damaged. A member with a rotten log stops (invariant 8). A leader that can give no copy of its state keeps the rest of its log.
 */
import { expect, test } from 'vitest'
import { connectWith } from '../../src/client/connect.ts'
import type { Client } from '../../src/client/types.ts'
import type { ZktsServer } from '../../src/server/create-server.ts'
import { localKeyPath } from '../../src/storage/local-key-file.ts'
import { clientPorts, connectedClient } from '../client/client-ports.ts'
import type { SimDisk } from '../simulator/sim-disk.ts'
import { clientPort, configOf, ServerRig } from '../support/server-rig.ts'
import { CheckpointRig, changeCheckpoints, copiesOf, keepingConfig, oftenConfig } from './checkpoints/checkpoint-rig.ts'

class EnsembleRig {
  readonly rig = new ServerRig()
  readonly servers = new Map<number, ZktsServer>()
  readonly disks = new Map<number, SimDisk>([1, 2, 3].map((id) => [id, this.rig.disk(id)]))
  readonly #lines: readonly string[]

  constructor(lines: readonly string[]) {
    const members = [1, 2, 3].map((id) => `server.${id}=10.0.0.${id}:2888:3888;10.0.0.${id}:${clientPort}`)
    this.#lines = ['dataDir=/data', 'tickTime=1000', 'initLimit=10', 'syncLimit=5', ...lines, ...members]
  }

  async start(...ids: readonly number[]): Promise<void> {
    for (const id of ids) {
      const { server } = this.rig.server(
        configOf(this.#lines.join('\n'), `${id}\n`),
        this.disks.get(id)!,
        `10.0.0.${id}`,
      )
      const outcome = await this.rig.settle(server.start())
      if (!outcome.ok) throw new Error(outcome.error.message)
      this.servers.set(id, server)
    }
    await this.rig.run(3000)
  }

  async stop(...ids: readonly number[]): Promise<void> {
    for (const id of ids) await this.rig.settle(this.servers.get(id)!.close())
  }

  connect(id: number): Promise<Client> {
    return this.rig.settle(connectWith({ servers: `10.0.0.${id}:${clientPort}` }, 5000, clientPorts(this.rig)))
  }

  /** Creates `count` znodes /a0, /a1, … */
  async write(prefix: string, count: number, at: number): Promise<void> {
    const client = await this.connect(at)
    for (let i = 0; i < count; i++) {
      await this.rig.settle(client.create(`/${prefix}${i}`, new Uint8Array(300).fill(i)))
      await this.rig.run(100)
    }
    await this.rig.settle(client.close())
  }

  mode(id: number): Promise<string> {
    return this.rig.ask('srvr', `10.0.0.${id}`)
  }
}

/** Changes a bit of the last batch with this text in the log. Returns the path of its file. */
function damage(disk: SimDisk, text: string): string {
  const path = disk.paths().find((each) => each.endsWith('.log') && textIn(disk, each).includes(text))!
  disk.flipBit(path, 8 * textIn(disk, path).lastIndexOf(text))
  return path
}

function textIn(disk: SimDisk, path: string): string {
  return Buffer.from(disk.contents(path)).toString('latin1')
}

test('a leader whose log no longer reads back stops, names the place, and the others go on', async () => {
  const ensemble = new EnsembleRig(['snapCount=1000000', 'logRetentionSizeInKb=-1'])
  const { rig, disks } = ensemble
  await ensemble.start(1, 2, 3)
  await ensemble.write('a', 5, 2)
  await ensemble.stop(1)
  await ensemble.write('b', 20, 2)
  await ensemble.stop(2, 3)
  // No checkpoint: the starts read the whole log, and the memory of the next leader begins at its end.
  for (const disk of disks.values()) {
    for (const path of disk.paths()) if (path.startsWith('/data/checkpoint/')) disk.removeAtOnce(path)
  }
  await ensemble.start(2, 3)
  expect(await ensemble.mode(3)).toContain('Mode: leader')
  const disk = disks.get(3)!
  const path = damage(disk, '/b10')
  await ensemble.start(1)
  const stopped = rig.events('server-must-stop')
  expect(stopped).toMatchObject([{ serverId: 3, reason: expect.stringContaining('no longer reads back') }])
  expect(stopped[0]!['reason']).toContain(`${path}, offset `)
  await rig.run(3000)
  expect(await ensemble.mode(2)).toContain('Mode: leader')
  const client = await ensemble.connect(1)
  expect((await rig.settle(client.getData('/b19'))).data?.[0]).toBe(19)
  await rig.settle(client.create('/c', null))
})

test('a follower stops whose log no longer reads back when it is folded into the checkpoint', async () => {
  const ensemble = new EnsembleRig(['snapCount=30'])
  const { rig, disks } = ensemble
  await ensemble.start(1, 2, 3)
  await ensemble.write('a', 10, 3)
  const path = damage(disks.get(1)!, '/a7')
  await ensemble.write('b', 30, 3)
  await rig.run(3000)
  expect(rig.events('server-must-stop')).toMatchObject([
    { serverId: 1, reason: expect.stringContaining('no longer reads back') },
  ])
  expect(rig.events('server-must-stop')[0]!['reason']).toContain(`${path}, offset `)
  const client = await ensemble.connect(2)
  expect((await rig.settle(client.getData('/a7'))).data?.[0]).toBe(7)
})

test('a standalone server whose log no longer reads back goes on with what it has in memory, and says so once', async () => {
  const standalone = new CheckpointRig()
  await standalone.start(keepingConfig)
  await standalone.write(5)
  const path = damage(standalone.disk, '/n3')
  await standalone.write(20)
  await standalone.rig.run(30_000)
  expect(await standalone.ask('ckpt')).toContain('no longer reads back')
  const [line, ...more] = standalone.rig.events('log-damaged')
  expect(String(line?.['err'])).toContain(`${path}, offset `)
  expect([more, standalone.rig.events('checkpoint-failed'), standalone.rig.events('server-must-stop')]).toEqual([
    [],
    [],
    [],
  ])
  await standalone.expectAll()
})

test('a backup that finds the log damaged has the same effect', async () => {
  const standalone = new CheckpointRig()
  await standalone.start(oftenConfig('snapCount=1000'))
  await standalone.write(5)
  expect(await standalone.ask('ckpt')).toContain('Zxid')
  await standalone.write(5)
  damage(standalone.disk, '/n8')
  const { rig, disk } = standalone
  const client = await connectedClient(rig)
  await rig.settle(client.addAuth('local', disk.contents(localKeyPath('/data'))))
  const read = async (): Promise<void> => {
    for await (const _ of await client.openBackup());
  }
  await expect(rig.settle(read())).rejects.toMatchObject({ refusal: 'failed' })
  expect(rig.events('log-damaged')).toHaveLength(1)
})

test('a leader whose checkpoint is found damaged by the copy for a learner removes no more of its log', async () => {
  const ensemble = new EnsembleRig(['snapCount=10', 'txnLogSizeLimitInKb=2', 'logRetentionSizeInKb=0'])
  const { rig, disks } = ensemble
  let isDamaged = false
  changeCheckpoints(rig, (real, serverId) => (serverId === 3 ? { copy: copiesOf(real, () => isDamaged) } : {}))
  await ensemble.start(1, 2, 3)
  await ensemble.write('a', 60, 2)
  await ensemble.stop(1, 2, 3)
  await ensemble.start(2, 3)
  expect(await ensemble.mode(3)).toContain('Mode: leader')
  isDamaged = true
  disks.set(1, rig.disk(11))
  await ensemble.start(1)
  await rig.run(5000)
  expect(rig.events('checkpoint-lost')).toMatchObject([
    { serverId: 3, text: expect.stringContaining('a block was changed') },
  ])
  expect((await rig.metrics('10.0.0.3')).get('checkpoint_damaged')).toBe(1)
  const purgeCount = (): number => rig.events('log-purged').filter(({ serverId }) => serverId === 3).length
  const before = purgeCount()
  await ensemble.write('b', 40, 2)
  await rig.run(3000)
  expect(purgeCount()).toBe(before)
})
