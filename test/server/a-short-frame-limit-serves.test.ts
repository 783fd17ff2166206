import { expect, test } from 'vitest'
import { connectWith } from '../../src/client/connect.ts'
import { clientPorts } from '../client/client-ports.ts'
import { clientPort, serverHost, standaloneConfig, World } from '../support/server-rig.ts'

test('with jute.maxbuffer=100 short requests are served and long ones refused', async () => {
  const world = new World()
  await world.started(standaloneConfig(['jute.maxbuffer=100']))
  const client = await world.settle(connectWith({ servers: `${serverHost}:${clientPort}` }, 1000, clientPorts(world)))
  await world.settle(client.create('/a', new TextEncoder().encode('short')))
  const { data } = await world.settle(client.getData('/a'))
  expect(new TextDecoder().decode(data ?? undefined)).toBe('short')
  await expect(world.settle(client.setData('/a', new Uint8Array(100)))).rejects.toThrow('marshalling-error')
  expect((await world.settle(client.getData('/a'))).stat.version).toBe(0)
})
