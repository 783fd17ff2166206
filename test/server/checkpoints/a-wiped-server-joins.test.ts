/** A whole ensemble whose logs no longer begin at the beginning: a server without data joins it and serves. */
import { expect, test } from 'vitest'
import { connectWith } from '../../../src/client/connect.ts'
import type { Client } from '../../../src/client/types.ts'
import type { ZktsServer } from '../../../src/server/create-server.ts'
import { clientPorts } from '../../client/client-ports.ts'
import type { SimProcess } from '../../simulator/scheduler.ts'
import type { CrashMode, SimDisk } from '../../simulator/sim-disk.ts'
import { clientPort, configOf, ServerRig } from '../../support/server-rig.ts'

const lines = [
  'dataDir=/data',
  'tickTime=1000',
  'initLimit=10',
  'syncLimit=5',
  'snapCount=10',
  'txnLogSizeLimitInKb=2',
  'logRetentionSizeInKb=0',
  ...[1, 2, 3].map((id) => `server.${id}=10.0.0.${id}:2888:3888;10.0.0.${id}:${clientPort}`),
].join('\n')

class EnsembleRig {
  readonly rig = new ServerRig()
  readonly servers = new Map<number, ZktsServer>()
  readonly disks = new Map<number, SimDisk>([1, 2, 3].map((id) => [id, this.rig.disk(id)]))

  async start(id: number): Promise<SimProcess> {
    const { server, process } = this.rig.server(configOf(lines, `${id}\n`), this.disks.get(id)!, `10.0.0.${id}`)
    const outcome = await this.rig.settle(server.start())
    if (!outcome.ok) throw new Error(outcome.error.message)
    this.servers.set(id, server)
    return process
  }

  async stop(id: number): Promise<void> {
    await this.rig.settle(this.servers.get(id)!.close())
    this.servers.delete(id)
  }

  connect(id: number): Promise<Client> {
    return this.rig.settle(connectWith({ servers: `10.0.0.${id}:${clientPort}` }, 5000, clientPorts(this.rig)))
  }

  firstSegment(id: number): string {
    return this.disks
      .get(id)!
      .paths()
      .find((path) => path.endsWith('.log'))!
  }
}

async function ensembleWithoutFronts(): Promise<EnsembleRig> {
  const ensemble = new EnsembleRig()
  const { rig } = ensemble
  for (const id of [1, 2, 3]) await ensemble.start(id)
  await rig.run(3000)
  const client = await ensemble.connect(1)
  for (let i = 0; i < 60; i++) {
    await rig.settle(client.create(`/n${i}`, new Uint8Array(300).fill(i)))
    await rig.run(200)
  }
  await rig.settle(client.close())
  return ensemble
}

test('a wiped server gets a copy of the state, serves, makes checkpoints of its own, and starts again from them', async () => {
  const ensemble = await ensembleWithoutFronts()
  const { rig } = ensemble
  for (const id of [1, 2, 3]) expect(ensemble.firstSegment(id)).not.toContain('-00000001.log')
  for (const id of [1, 2, 3]) await ensemble.stop(id)
  for (const id of [2, 3]) await ensemble.start(id) // their memory no longer reaches back
  await rig.run(3000)
  ensemble.disks.set(1, rig.disk(11))
  await ensemble.start(1)
  await rig.run(5000)
  const events = rig.lines.filter(({ fields }) => fields['serverId'] === 1).map(({ event }) => event)
  expect(events).toContain('checkpoint-received')
  const { zxid, znodeCount } = rig.events('checkpoint-installed')[0]!
  // The leader has made it, and counts alike: /, /zookeeper and its three, and as many of the 60 as it had then.
  const made = [...rig.events('checkpoint-made'), ...rig.events('checkpoint-loaded')].filter(
    (line) => line['zxid'] === zxid,
  )
  expect(new Set(made.map((line) => line['znodeCount']))).toEqual(new Set([znodeCount]))
  const client = await ensemble.connect(1)
  expect((await rig.settle(client.getData('/n59'))).data?.[0]).toBe(59)
  for (let i = 0; i < 60; i++) {
    await rig.settle(client.create(`/m${i}`, new Uint8Array(300).fill(i)))
    await rig.run(200)
  }
  expect(rig.lines.filter(({ level }) => level === 'error')).toEqual([])
  expect(
    rig.lines.filter(({ event, fields }) => event === 'checkpoint-made' && fields['serverId'] === 1).length,
  ).toBeGreaterThan(6)
  await rig.settle(client.close())
  await ensemble.stop(1)
  await ensemble.start(1)
  await rig.run(5000)
  const again = await ensemble.connect(1)
  for (const path of ['/n0', '/n59', '/m0', '/m59']) expect(await rig.settle(again.exists(path))).not.toBeNull()
  expect(rig.lines.filter(({ level }) => level === 'error')).toEqual([])
  expect(rig.events('tree-digest-differs')).toEqual([])
}, 60_000)

const modes: readonly CrashMode[] = ['keep-all', 'drop-all', 'random', 'torn']

test('a server that loses power at any moment of a transfer joins after it, with all that was acknowledged', async () => {
  const ensemble = await ensembleWithoutFronts()
  const { rig, disks } = ensemble
  for (const id of [1, 2, 3]) await ensemble.stop(id)
  for (const id of [2, 3]) await ensemble.start(id)
  await rig.run(3000)
  for (let operation = 1; ; operation += 5) {
    disks.set(1, rig.disk(100 + operation))
    const disk = disks.get(1)!
    const process = await ensemble.start(1)
    const isOver = (): boolean => disk.operationCount >= operation
    await rig.scheduler.runUntil(rig.scheduler.nowUs + 5_000_000, isOver)
    rig.scheduler.kill(process)
    rig.network.crash('10.0.0.1', process, 'kill')
    disks.set(1, disk.crash(modes[operation % 4]!))
    await rig.run(50)
    await ensemble.start(1)
    await rig.run(5000)
    const client = await ensemble.connect(1)
    expect(await rig.settle(client.exists('/n59'))).not.toBeNull()
    await rig.settle(client.create('/x', null))
    await rig.settle(client.delete('/x'))
    await rig.settle(client.close())
    await ensemble.stop(1)
    if (!isOver()) break
    expect(operation).toBeLessThan(400)
  }
  expect(rig.lines.filter(({ level }) => level === 'error')).toEqual([])
  expect(rig.events('tree-digest-differs')).toEqual([])
}, 200_000)
