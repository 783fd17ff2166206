/** The checkpoint of a leader cannot be read and its log has no front, and a server without data needs a copy. */
import { expect, test } from 'vitest'
import { connectWith } from '../../../src/client/connect.ts'
import { clientPorts } from '../../client/client-ports.ts'
import { clientPort, configOf, ServerRig } from '../../support/server-rig.ts'
import { changeCheckpoints } from './checkpoint-rig.ts'

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

/** Servers 2 and 3 have data, without the front of their logs; server 1 has none. `unreadable`: cannot read their checkpoints. */
async function ensembleWith(unreadable: readonly number[]): Promise<ServerRig> {
  const rig = new ServerRig()
  let areRead = true
  changeCheckpoints(rig, (real, serverId) => ({
    copy: (hasChecksums) => {
      if (areRead || !unreadable.includes(serverId)) return real.copy(hasChecksums)
      return Promise.reject(Object.assign(new Error('EIO: /data/checkpoint'), { code: 'EIO' }))
    },
  }))
  const start = async (id: number, disk = rig.disk(id)): Promise<() => Promise<void>> => {
    const { server } = rig.server(configOf(lines, `${id}\n`), disk, `10.0.0.${id}`)
    expect((await rig.settle(server.start())).ok).toBe(true)
    return () => rig.settle(server.close())
  }
  const disks = [rig.disk(2), rig.disk(3)]
  const stops = [await start(2, disks[0]), await start(3, disks[1])]
  await rig.run(2000)
  const client = await rig.settle(connectWith({ servers: `10.0.0.2:${clientPort}` }, 5000, clientPorts(rig)))
  for (let i = 0; i < 50; i++) {
    await rig.settle(client.create(`/n${i}`, new Uint8Array(300).fill(i)))
    await rig.run(100)
  }
  await rig.settle(client.close())
  for (const stop of stops) await stop()
  rig.lines.length = 0
  await start(2, disks[0]) // its memory no longer reaches back
  await start(3, disks[1])
  await rig.run(3000)
  areRead = false
  expect(rig.events('serving-as-leader')).toMatchObject([{ serverId: 3 }])
  await start(1)
  return rig
}

test('hands over to a voter in step, which brings the server up', async () => {
  const rig = await ensembleWith([3])
  await rig.run(15_000)
  expect(rig.events('learners-not-brought-up')).toMatchObject([
    { serverId: 3, peerIds: [1], reason: 'EIO: /data/checkpoint', problem: null },
  ])
  expect(rig.events('leadership-handed-over').filter(({ serverId }) => serverId === 3)).toHaveLength(1)
  expect(rig.events('serving-as-leader').map(({ serverId }) => serverId)).toEqual([3, 2])
  expect(rig.events('became-looking').filter(({ serverId }) => serverId !== 1)).toEqual([])
  expect(rig.events('checkpoint-installed')).toMatchObject([{ serverId: 1 }])
  expect(rig.events('serving-as-follower').at(-1)).toMatchObject({ serverId: 1, peerId: 2 })
})

test('does that once in a while only, if the next leader cannot bring the server up either', async () => {
  const rig = await ensembleWith([2, 3])
  await rig.run(60_000)
  const leaders = (): readonly unknown[] => rig.events('serving-as-leader').map(({ serverId }) => serverId)
  expect(leaders()).toEqual([3, 2, 3])
  expect(rig.events('learners-not-brought-up').map(({ serverId }) => serverId)).toEqual([3, 2])
  expect(rig.events('checkpoint-installed')).toEqual([])
})
