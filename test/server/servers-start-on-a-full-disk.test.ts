/** A server that runs waits while its disk is full. So does one that starts: it reads its data, and serves reads. */
import { expect, test } from 'vitest'
import { connectWith } from '../../src/client/connect.ts'
import type { ZktsServer } from '../../src/server/create-server.ts'
import { readIdentity } from '../../src/storage/data-identity.ts'
import { clientPorts } from '../client/client-ports.ts'
import type { SimDisk } from '../simulator/sim-disk.ts'
import { placeIdentity1 } from '../support/identity-files.ts'
import { clientPort, ensembleConfig, ServerRig, standaloneConfig } from '../support/server-rig.ts'

async function start(rig: ServerRig, disk: SimDisk, lines: readonly string[] = []): Promise<ZktsServer> {
  return rig.started(standaloneConfig(lines), disk)
}

function epochOnDisk(disk: SimDisk): number {
  const reading = readIdentity(disk.contents('/data/identity'))
  if (reading.kind !== 'valid') throw new Error(reading.kind)
  return reading.identity.currentEpoch
}

test('a server whose disk is full starts and notes the epoch, which needs no space', async () => {
  const rig = new ServerRig()
  const disk = rig.disk()
  await rig.settle((await start(rig, disk)).close())
  const before = epochOnDisk(disk)
  disk.faults.full = true
  await start(rig, disk)
  expect(epochOnDisk(disk)).toBe(before + 1)
  expect((await rig.metrics()).get('disk_full')).toBe(0)
})

test('a server whose disk is full starts and serves reads; a new identity file is written when space returns', async () => {
  const rig = new ServerRig()
  const disk = rig.disk()
  await rig.settle((await start(rig, disk)).close())
  await rig.settle(placeIdentity1(disk, '/data'))
  const before = epochOnDisk(disk)
  disk.faults.full = true
  await start(rig, disk)
  const client = await rig.settle(connectWith({ servers: `10.0.0.1:${clientPort}` }, 5000, clientPorts(rig)))
  expect((await rig.settle(client.getChildren('/'))).children).toEqual(['zookeeper'])
  expect((await rig.metrics()).get('disk_full')).toBe(1)
  await rig.run(5000)
  expect(epochOnDisk(disk)).toBe(before)
  disk.faults.full = false
  await rig.run(2000)
  expect(epochOnDisk(disk)).toBe(before + 1)
  expect((await rig.metrics()).get('disk_full')).toBe(0)
  expect(rig.events('disk-full')).toHaveLength(1)
  await rig.settle(client.create('/a', null))
})

test('a server whose log folder was moved starts on a full disk, and records the new place when space returns', async () => {
  const rig = new ServerRig()
  const disk = rig.disk()
  await rig.settle((await start(rig, disk)).close())
  await rig.settle(disk.makeFolder('/log/wal'))
  for (const path of disk.paths()) {
    if (path.startsWith('/data/wal/')) await rig.settle(disk.rename(path, path.replace('/data/', '/log/')))
  }
  disk.faults.full = true
  const server = await start(rig, disk, ['dataLogDir=/log'])
  expect(new TextDecoder().decode(disk.contents('/data/identity'))).toContain('log=/data/wal')
  disk.faults.full = false
  await rig.run(2000)
  expect(new TextDecoder().decode(disk.contents('/data/identity'))).toContain('log=/log/wal')
  await rig.settle(server.close())
})

test('a server that never held data does not start on a full disk: its log would come before its identity', async () => {
  const rig = new ServerRig()
  const disk = rig.disk()
  disk.faults.full = true
  const outcome = await rig.settle(rig.server(standaloneConfig(), disk).server.start())
  expect(outcome).toMatchObject({ ok: false, error: { kind: 'io' } })
})

test('a server closes while its identity waits for space', async () => {
  const rig = new ServerRig()
  const disk = rig.disk()
  await rig.settle((await start(rig, disk)).close())
  await rig.settle(placeIdentity1(disk, '/data'))
  disk.faults.full = true
  const server = await start(rig, disk)
  await rig.settle(server.close())
  disk.faults.full = false
  const { length } = disk.paths()
  await rig.run(5000)
  expect(disk.paths()).toHaveLength(length)
  await start(rig, disk)
})

test('the members of an ensemble start on full disks and elect a leader', async () => {
  const rig = new ServerRig()
  const disks = [1, 2, 3].map((id) => rig.disk(id))
  const startAll = async (): Promise<readonly ZktsServer[]> => {
    const servers: ZktsServer[] = []
    for (const id of [1, 2, 3]) {
      const { server } = rig.server(ensembleConfig(id), disks[id - 1], `10.0.0.${id}`)
      expect(await rig.settle(server.start())).toMatchObject({ ok: true })
      servers.push(server)
    }
    await rig.run(3000)
    return servers
  }
  for (const server of await startAll()) await rig.settle(server.close())
  for (const disk of disks) disk.faults.full = true
  await startAll()
  for (const id of [1, 2, 3]) expect(await rig.ask('srvr', `10.0.0.${id}`)).toMatch(/Mode: (leader|follower)/)
})
