import { expect, test } from 'vitest'
import { codeOf } from '../../../src/base/errors.ts'
import { connectFrame, joined, textBytes } from '../../support/conversation.ts'
import { authFrame, createFrame } from '../../support/requests.ts'
import { type RawClient, standaloneConfig, World } from '../../support/server-rig.ts'

// Auth is answered at once, ahead of writes that wait for the disk, as in ZooKeeper. Each reply is booked on its own
// request all the same: its latency, whether it was a write, and the bytes that it held.

async function connected(world: World): Promise<RawClient> {
  const client = await world.connect()
  client.send(connectFrame())
  await world.run(50)
  return client
}

async function metricsOf(world: World): Promise<ReadonlyMap<string, number>> {
  const probe = await world.connect('10.0.9.9')
  probe.send(textBytes('mntr'))
  await world.run(50)
  const rows = probe.text.split('\n').map((line) => line.split('\t'))
  return new Map(rows.map(([key, value]) => [key!.replace(/^zk_/, ''), Number(value)]))
}

test('the latency of a write is its own when an auth that came after it is answered first', async () => {
  const world = new World()
  await world.started()
  const client = await connected(world)
  client.send(joined(createFrame(1, '/a'), authFrame(-4, 'digest', 'u:p')))
  await world.run(100)
  expect(client.replies().map(({ xid, error }) => [xid, error])).toEqual([
    [-4, 0],
    [1, 0],
  ])
  const metrics = await metricsOf(world)
  expect([metrics.get('cnt_readlatency'), metrics.get('cnt_updatelatency')]).toEqual([1, 1])
  expect(metrics.get('max_readlatency')).toBe(0) // answered in the turn in which it came
  expect(metrics.get('min_updatelatency')).toBeGreaterThan(0) // the disk took its time
})

test('the bytes of a large write stay taken when an auth that came after it is answered first', async () => {
  const world = new World()
  const disk = world.disk()
  await world.started(standaloneConfig(['largeRequestThreshold=1000', 'largeRequestMaxBytes=5000']), disk)
  const client = await connected(world)
  client.send(joined(createFrame(1, '/a', new Uint8Array(3000)), authFrame(-4, 'digest', 'u:p')))
  await world.run(0.15)
  client.send(createFrame(2, '/b', new Uint8Array(3000)))
  await world.run(100)
  expect(client.replies().map(({ xid, error }) => [xid, error])).toEqual([
    [-4, 0],
    [1, 0],
    [2, codeOf('throttled-op')],
  ])
  client.send(createFrame(3, '/c', new Uint8Array(3000)))
  await world.run(100)
  expect(client.replies().at(-1)).toMatchObject({ xid: 3, error: 0 })
})
