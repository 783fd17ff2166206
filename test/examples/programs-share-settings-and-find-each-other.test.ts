import { expect, test } from 'vitest'
import { changeSettings, followSettings, type Outcome } from '../../examples/configuration.ts'
import { type Instance, instances, register } from '../../examples/service-discovery.ts'
import { ServerRig as World } from '../support/server-rig.ts'
import { LossyClient } from './lossy-client.ts'

const path = '/worker'
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

async function rig() {
  const world = new World()
  await world.started()
  const one = await LossyClient.connected(world, '10.0.1.1')
  const two = await LossyClient.connected(world, '10.0.1.2')
  return { world, one, two }
}

test('settings are followed, and a value that cannot be used is reported without ending that', async () => {
  const { world, one, two } = await rig()
  const seen: Outcome['kind'][] = []
  const followed = followSettings(one.zk, path, (outcome) => {
    seen.push(outcome.kind)
    return seen.length < 4
  })
  await world.run(100)
  await world.settle(two.zk.create(path, bytes('{"logLevel":"info","workerCount":1}')))
  await world.run(100)
  await world.settle(two.zk.setData(path, bytes('{"logLevel":')))
  await world.run(100)
  await world.settle(two.zk.setData(path, bytes('{"logLevel":"warn","workerCount":2}')))
  await world.settle(followed)
  expect(seen).toEqual(['unusable', 'settings', 'unusable', 'settings'])
})

test('a change whose answer was lost is made once, and changes of two operators are both kept', async () => {
  const { world, one, two } = await rig()
  await world.settle(one.zk.create(path, bytes('{"logLevel":"info","workerCount":1}')))
  one.loseAnswerAfter(1)
  const raised = changeSettings(one.zk, path, (old) => (old.workerCount >= 5 ? old : { ...old, workerCount: 5 }))
  const quieted = changeSettings(two.zk, path, (old) => ({ ...old, logLevel: 'error' }))
  await world.settle(Promise.all([raised, quieted]))
  expect(one.hasLostAnswer).toBe(true)
  const { data, stat } = await world.settle(one.zk.getData(path))
  expect(JSON.parse(new TextDecoder().decode(data!))).toEqual({ logLevel: 'error', workerCount: 5 })
  expect(stat.version).toBe(2)
})

test('a reader sees instances come and go', async () => {
  const { world, one, two } = await rig()
  const lists = instances(one.zk, '/services')
  const next = async (): Promise<readonly Instance[]> => (await world.settle(lists.next())).value ?? []
  expect(await next()).toEqual([])
  await world.settle(register(two.zk, '/services', { id: 'a', address: '10.0.0.1:80' }))
  expect(await next()).toEqual([{ id: 'a', address: '10.0.0.1:80' }])
  await world.settle(two.zk.close())
  expect(await next()).toEqual([])
})

test('an instance whose registration lost its answer is registered in its own session', async () => {
  for (let count = 0; count < 2; count++) {
    const { world, one } = await rig()
    one.loseAnswerAfter(count)
    await world.settle(register(one.zk, '/services', { id: 'a', address: '10.0.0.1:80' }))
    expect(one.hasLostAnswer).toBe(true)
    const stat = await world.settle(one.zk.exists('/services/a'))
    expect(stat?.ephemeralOwner).toBe(one.zk.session!.id)
  }
})

test('an instance that comes back takes the place of its earlier session, and does not vanish with it', async () => {
  const { world, one, two } = await rig()
  const instance = { id: 'a', address: '10.0.0.1:80' }
  await world.settle(register(one.zk, '/services', instance))
  one.cutOff()
  await world.settle(register(two.zk, '/services', instance))
  await world.run(20_000)
  const stat = await world.settle(two.zk.exists('/services/a'))
  expect(stat?.ephemeralOwner).toBe(two.zk.session!.id)
})
