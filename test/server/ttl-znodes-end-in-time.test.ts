import { expect, test } from 'vitest'
import { connectWith } from '../../src/client/connect.ts'
import type { Client } from '../../src/client/types.ts'
import { clientPorts } from '../client/client-ports.ts'
import { clientPort, ServerRig, serverHost, standaloneConfig } from '../support/server-rig.ts'

async function started(checkIntervalMs: number): Promise<{ readonly rig: ServerRig; readonly client: Client }> {
  const rig = new ServerRig()
  await rig.started(standaloneConfig([`znode.container.checkIntervalMs=${checkIntervalMs}`]))
  const client = await rig.settle(connectWith({ servers: `${serverHost}:${clientPort}` }, 1000, clientPorts(rig)))
  return { rig, client }
}

/** Repeated, so that a tick of another timer cannot make every round pass by accident. */
const times = 6
/** A write to the disk, and the network in both directions. */
const writeMs = 12

test.each([1, 5, 50])(
  'a sweep every %d ms removes a TTL znode at the next sweep after its time',
  async (intervalMs) => {
    const { rig, client } = await started(intervalMs)
    for (let i = 0; i < times; i++) {
      await rig.settle(client.create('/t', null, { mode: 'persistent', ttlMs: 10 }))
      expect(await rig.settle(client.exists('/t'))).not.toBeNull()
      await rig.run(10 + intervalMs + writeMs)
      expect(await rig.settle(client.exists('/t'))).toBeNull()
    }
  },
)

test('a container is deleted at the next sweep after its last child', async () => {
  const { rig, client } = await started(2)
  for (let i = 0; i < times; i++) {
    await rig.settle(client.create('/c', null, { mode: 'container' }))
    await rig.settle(client.create('/c/child', null))
    await rig.run(200)
    expect(await rig.settle(client.exists('/c'))).not.toBeNull()
    await rig.settle(client.delete('/c/child'))
    await rig.run(2 + writeMs)
    expect(await rig.settle(client.exists('/c'))).toBeNull()
  }
})
