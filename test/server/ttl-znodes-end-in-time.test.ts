import { expect, test } from 'vitest'
import { connectWith } from '../../src/client/connect.ts'
import type { Client } from '../../src/client/types.ts'
import { clientPorts } from '../client/client-ports.ts'
import { clientPort, serverHost, standaloneConfig, World } from '../support/server-rig.ts'

async function started(checkIntervalMs: number): Promise<{ readonly world: World; readonly client: Client }> {
  const world = new World()
  await world.started(standaloneConfig([`znode.container.checkIntervalMs=${checkIntervalMs}`]))
  const client = await world.settle(connectWith({ servers: `${serverHost}:${clientPort}` }, 1000, clientPorts(world)))
  return { world, client }
}

/** Several times, so that no tick of another purpose comes in time for all. */
const times = 6
/** A write to the disk, and the way there and back. */
const writeMs = 12

test.each([1, 5, 50])(
  'a sweep every %d ms removes a TTL znode at the next sweep after its time',
  async (intervalMs) => {
    const { world, client } = await started(intervalMs)
    for (let i = 0; i < times; i++) {
      await world.settle(client.create('/t', null, { mode: 'persistent', ttlMs: 10 }))
      expect(await world.settle(client.exists('/t'))).not.toBeNull()
      await world.run(10 + intervalMs + writeMs)
      expect(await world.settle(client.exists('/t'))).toBeNull()
    }
  },
)

test('a container goes at the next sweep after its last child', async () => {
  const { world, client } = await started(2)
  for (let i = 0; i < times; i++) {
    await world.settle(client.create('/c', null, { mode: 'container' }))
    await world.settle(client.create('/c/child', null))
    await world.run(200)
    expect(await world.settle(client.exists('/c'))).not.toBeNull()
    await world.settle(client.delete('/c/child'))
    await world.run(2 + writeMs)
    expect(await world.settle(client.exists('/c'))).toBeNull()
  }
})
