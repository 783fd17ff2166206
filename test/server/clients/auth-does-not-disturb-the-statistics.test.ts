import { expect, test } from 'vitest'
import { codeOf } from '../../../src/base/errors.ts'
import { connectFrame, joined } from '../../support/conversation.ts'
import { authFrame, createFrame } from '../../support/requests.ts'
import { type RawClient, ServerRig, standaloneConfig } from '../../support/server-rig.ts'

// Auth is answered at once, before earlier writes that wait for the disk, as in ZooKeeper. Each reply must still be
// counted for its own request: its latency, whether it was a write, and the bytes that it held.

async function connected(rig: ServerRig): Promise<RawClient> {
  const client = await rig.connect()
  client.send(connectFrame())
  await rig.run(50)
  return client
}

test('the latency of a write is measured correctly when a later auth is answered first', async () => {
  const rig = new ServerRig()
  await rig.started()
  const client = await connected(rig)
  client.send(joined(createFrame(1, '/a'), authFrame(-4, 'digest', 'u:p')))
  await rig.run(100)
  expect(client.replies().map(({ xid, error }) => [xid, error])).toEqual([
    [-4, 0],
    [1, 0],
  ])
  const metrics = await rig.metrics()
  expect([metrics.get('cnt_readlatency'), metrics.get('cnt_updatelatency')]).toEqual([1, 1])
  expect(metrics.get('max_readlatency')).toBe(0) // answered in the turn in which it arrived
  expect(metrics.get('min_updatelatency')).toBeGreaterThan(0) // it waited for the disk
})

test('the bytes of a large write stay reserved when a later auth is answered first', async () => {
  const rig = new ServerRig()
  const disk = rig.disk()
  await rig.started(standaloneConfig(['largeRequestThreshold=1000', 'largeRequestMaxBytes=5000']), disk)
  const client = await connected(rig)
  client.send(joined(createFrame(1, '/a', new Uint8Array(3000)), authFrame(-4, 'digest', 'u:p')))
  await rig.run(0.15)
  client.send(createFrame(2, '/b', new Uint8Array(3000)))
  await rig.run(100)
  expect(client.replies().map(({ xid, error }) => [xid, error])).toEqual([
    [-4, 0],
    [1, 0],
    [2, codeOf('throttled-op')],
  ])
  client.send(createFrame(3, '/c', new Uint8Array(3000)))
  await rig.run(100)
  expect(client.replies().at(-1)).toMatchObject({ xid: 3, error: 0 })
})
