import { expect, test } from 'vitest'
import { connectWith } from '../../src/client/connect.ts'
import { clientPorts } from '../client/client-ports.ts'
import { clientPort, ServerRig, serverHost, standaloneConfig } from '../support/server-rig.ts'

test('with jute.maxbuffer=100 short requests succeed and long ones are refused', async () => {
  const rig = new ServerRig()
  await rig.started(standaloneConfig(['jute.maxbuffer=100']))
  const client = await rig.settle(connectWith({ servers: `${serverHost}:${clientPort}` }, 1000, clientPorts(rig)))
  await rig.settle(client.create('/a', new TextEncoder().encode('short')))
  const { data } = await rig.settle(client.getData('/a'))
  expect(new TextDecoder().decode(data ?? undefined)).toBe('short')
  await expect(rig.settle(client.setData('/a', new Uint8Array(100)))).rejects.toThrow('marshalling-error')
  expect((await rig.settle(client.getData('/a'))).stat.version).toBe(0)
})
