import { expect, test } from 'vitest'
import { changeSettings, followSettings, type Outcome } from '../../examples/configuration.ts'
import { type Instance, instances, register } from '../../examples/service-discovery.ts'
import { twoClients } from './lossy-client.ts'

const path = '/worker'
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

test('settings are followed, and after an unusable value too', async () => {
  const { simulation, one, two } = await twoClients()
  const seen: Outcome['kind'][] = []
  const followed = followSettings(one.zk, path, (outcome) => {
    seen.push(outcome.kind)
    return seen.length < 4
  })
  await simulation.run(100)
  await simulation.settle(two.zk.create(path, bytes('{"logLevel":"info","workerCount":1}')))
  await simulation.run(100)
  await simulation.settle(two.zk.setData(path, bytes('{"logLevel":')))
  await simulation.run(100)
  await simulation.settle(two.zk.setData(path, bytes('{"logLevel":"warn","workerCount":2}')))
  await simulation.settle(followed)
  expect(seen).toEqual(['unusable', 'settings', 'unusable', 'settings'])
})

test('a change that loses its answer is made once, and concurrent changes of two processes are both kept', async () => {
  const { simulation, one, two } = await twoClients()
  await simulation.settle(one.zk.create(path, bytes('{"logLevel":"info","workerCount":1}')))
  one.loseAnswerAfter(1)
  const raised = changeSettings(one.zk, path, (old) => (old.workerCount >= 5 ? old : { ...old, workerCount: 5 }))
  const quieted = changeSettings(two.zk, path, (old) => ({ ...old, logLevel: 'error' }))
  await simulation.settle(Promise.all([raised, quieted]))
  expect(one.hasLostAnswer).toBe(true)
  const { data, stat } = await simulation.settle(one.zk.getData(path))
  expect(JSON.parse(new TextDecoder().decode(data!))).toEqual({ logLevel: 'error', workerCount: 5 })
  expect(stat.version).toBe(2)
})

test('a reader sees instances come and go', async () => {
  const { simulation, one, two } = await twoClients()
  const lists = instances(one.zk, '/services')
  const next = async (): Promise<readonly Instance[]> => (await simulation.settle(lists.next())).value ?? []
  expect(await next()).toEqual([])
  await simulation.settle(register(two.zk, '/services', { id: 'a', address: '10.0.0.1:80' }))
  expect(await next()).toEqual([{ id: 'a', address: '10.0.0.1:80' }])
  await simulation.settle(two.zk.close())
  expect(await next()).toEqual([])
})

test('an instance that loses the answer to its registration is registered in its own session', async () => {
  for (let count = 0; count < 2; count++) {
    const { simulation, one } = await twoClients()
    one.loseAnswerAfter(count)
    await simulation.settle(register(one.zk, '/services', { id: 'a', address: '10.0.0.1:80' }))
    expect(one.hasLostAnswer).toBe(true)
    const stat = await simulation.settle(one.zk.exists('/services/a'))
    expect(stat?.ephemeralOwner).toBe(one.zk.session!.id)
  }
})

test('an instance that restarts replaces the znode of its earlier session, and stays when that session expires', async () => {
  const { simulation, one, two } = await twoClients()
  const instance = { id: 'a', address: '10.0.0.1:80' }
  await simulation.settle(register(one.zk, '/services', instance))
  one.cutOff()
  await simulation.settle(register(two.zk, '/services', instance))
  await simulation.run(20_000)
  const stat = await simulation.settle(two.zk.exists('/services/a'))
  expect(stat?.ephemeralOwner).toBe(two.zk.session!.id)
})
