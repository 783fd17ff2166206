import { expect, test } from 'vitest'
import { diskFullRetryMs } from '../../../src/base/limits.ts'
import type { ZktsServer } from '../../../src/server/create-server.ts'
import { connectFrame } from '../../support/conversation.ts'
import { placeIdentity1 } from '../../support/identity-files.ts'
import { createFrame, getDataFrame } from '../../support/requests.ts'
import { ensembleConfig, ServerRig, standaloneConfig } from '../../support/server-rig.ts'

async function shown(rig: ServerRig, host?: string): Promise<readonly (number | undefined)[]> {
  const metrics = await rig.metrics(host)
  return [metrics.get('disk_full'), metrics.get('disk_full_time')]
}

test('while writes wait for space, mntr shows it and for how long, and no longer when space has returned', async () => {
  const rig = new ServerRig()
  const disk = rig.disk()
  await rig.started(standaloneConfig(), disk)
  expect(await shown(rig)).toEqual([0, 0])
  disk.faults.full = true
  const client = await rig.connect()
  const data = new Uint8Array(900_000)
  client.send(connectFrame(), createFrame(1, '/a', data), getDataFrame(2, '/'))
  await rig.run(10_000)
  expect(client.replies()).toEqual([])
  const [isFull, timeMs] = await shown(rig)
  expect(isFull).toBe(1)
  expect(timeMs).toBeGreaterThan(9_000)
  expect(timeMs).toBeLessThan(10_100)
  await rig.run(5_000)
  expect((await shown(rig))[1]).toBeGreaterThan(14_000) // an attempt that fails does not begin it again
  disk.faults.full = false
  await rig.run(3 * diskFullRetryMs)
  expect(client.replies().map(({ xid, error }) => [xid, error])).toEqual([
    [1, 0],
    [2, 0],
  ])
  expect(await shown(rig)).toEqual([0, 0])
  expect(rig.events('disk-full')).toHaveLength(1)
  expect(rig.events('disk-space-returned')).toHaveLength(1)
})

test('a read-only server whose identity waits for space shows it', async () => {
  const rig = new ServerRig()
  const ids = [1, 2]
  const disks = ids.map((id) => rig.disk(id))
  const hostOf = (id: number): string => `10.0.0.${id}`
  const start = async (id: number): Promise<ZktsServer> => {
    const config = { ...ensembleConfig(id), readOnlyModeEnabled: true }
    const { server } = rig.server(config, disks[id - 1], hostOf(id))
    expect((await rig.settle(server.start())).ok).toBe(true)
    return server
  }
  const startAll = async (): Promise<readonly ZktsServer[]> => {
    const servers = [await start(1), await start(2)]
    await rig.run(1_000)
    return servers
  }
  for (const server of await startAll()) await rig.settle(server.close())
  // The first segment of the log exists and has room; the identity of an earlier version becomes a new file.
  await rig.settle(placeIdentity1(disks[1]!, '/data'))
  disks[1]!.faults.full = true
  const [first] = await startAll()
  expect(rig.events('disk-full')).toMatchObject([{ serverId: 2, path: '/data' }])
  await rig.settle(first!.close())
  await rig.run(15_000)
  expect(await rig.ask('srvr', hostOf(2))).toContain('Mode: read-only')
  const [isFull, timeMs] = await shown(rig, hostOf(2))
  expect(isFull).toBe(1)
  expect(timeMs).toBeGreaterThan(15_000)
  disks[1]!.faults.full = false
  await rig.run(3 * diskFullRetryMs)
  expect(await shown(rig, hostOf(2))).toEqual([0, 0])
})
