import { expect, test } from 'vitest'
import type { ServerId } from '../../src/base/ids.ts'
import type { ZktsServer } from '../../src/server/create-server.ts'
import type { ResumeOrder, SimProcess } from '../simulator/scheduler.ts'
import { connectFrame } from '../support/conversation.ts'
import { pingFrame } from '../support/requests.ts'
import { ensembleConfig, type RawClient, standaloneConfig, World } from '../support/server-rig.ts'

const orders: readonly ResumeOrder[] = ['by-time', 'timers-first', 'timers-last']
const timeoutMs = 4000

async function attached(world: World, to?: string): Promise<RawClient> {
  const client = await world.connect('10.0.1.1', to)
  client.send(connectFrame(false, timeoutMs))
  await world.run(100)
  expect(client.frames().length).toBe(1)
  return client
}

async function pinging(world: World, client: RawClient, ms: number, everyMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += everyMs) {
    client.send(pingFrame())
    await world.run(everyMs)
  }
}

async function standalone(world: World): Promise<SimProcess> {
  const { server, process } = world.server(standaloneConfig())
  expect((await world.settle(server.start())).ok).toBe(true)
  await world.run(100)
  return process
}

for (const order of orders) {
  test(`a session whose client pinged a stopped server lives on, and ends when its client falls silent (${order})`, async () => {
    const world = new World()
    const process = await standalone(world)
    const client = await attached(world)
    await pinging(world, client, 5000, 1300)
    world.scheduler.pause(process)
    await pinging(world, client, 7000, 1300)
    world.scheduler.resume(process, order)
    await pinging(world, client, 3000, 1300)
    expect([client.isClosed, client.replies().length]).toEqual([false, 4 + 6 + 3])
    await world.run(timeoutMs - 1500)
    expect(client.isClosed).toBe(false)
    await world.run(2000 + 1500)
    expect(client.isClosed).toBe(true)
  })

  test(`a ping that comes at the last moment, while the server is stopped, keeps the session (${order})`, async () => {
    const world = new World()
    const process = await standalone(world)
    const client = await attached(world)
    await pinging(world, client, 1, 1)
    await world.run(timeoutMs - 20)
    world.scheduler.pause(process)
    await world.run(10)
    client.send(pingFrame())
    await world.run(1200)
    world.scheduler.resume(process, order)
    await world.run(1000)
    expect(client.isClosed).toBe(false)
  })

  test(`a connect request that waits in the socket of a stopped server is answered (${order})`, async () => {
    const world = new World()
    const process = await standalone(world)
    const client = await world.connect()
    await world.run(100)
    world.scheduler.pause(process)
    client.send(connectFrame(false, timeoutMs))
    await world.run(15_000)
    world.scheduler.resume(process, order)
    await world.run(500)
    expect([client.isClosed, client.frames().length]).toEqual([false, 1])
  })
}

interface Member {
  readonly server: ZktsServer
  readonly process: SimProcess
  readonly host: string
  readonly id: ServerId
}

/** Three servers, the leader first. */
async function ensemble(world: World): Promise<readonly Member[]> {
  const leaders = new Set<number>()
  const members = [1, 2, 3].map((id) => {
    const host = `10.0.0.${id}`
    const member = world.server(ensembleConfig(id), world.disk(id), host, (event) => {
      if (event.kind === 'established') leaders.add(id)
    })
    return { ...member, id: id as ServerId }
  })
  for (const { server } of members) expect((await world.settle(server.start())).ok).toBe(true)
  await world.run(2000)
  return [...members].sort((a, b) => Number(leaders.has(b.id)) - Number(leaders.has(a.id)))
}

for (const order of orders) {
  for (const victim of ['leader', 'follower']) {
    test(`short stops of the ${victim} one after the other cost no session of a follower that pings (${order})`, async () => {
      const world = new World()
      const members = await ensemble(world)
      const { process } = members[victim === 'leader' ? 0 : 1]!
      const client = await attached(world, members[1]!.host)
      for (let i = 0; i < 12; i++) {
        world.scheduler.pause(process)
        await pinging(world, client, 1200, 1200)
        world.scheduler.resume(process, order)
        await world.run(20)
      }
      await pinging(world, client, 2000, 1000)
      expect(world.events('peer-link-closed')).toEqual([])
      expect(client.isClosed).toBe(false)
      await world.run(timeoutMs + 2000)
      expect(client.isClosed).toBe(true)
    })
  }
}

test('a leader that stood still for longer than its peers waited learns from its sockets that it leads no more', async () => {
  const world = new World()
  const members = await ensemble(world)
  const [leader, follower] = members
  const client = await attached(world, follower!.host)
  world.scheduler.pause(leader!.process)
  await pinging(world, client, 7000, 1000)
  world.scheduler.resume(leader!.process, 'timers-first')
  await world.run(1000)
  const expired = world.events('client-closed').filter(({ reason }) => reason === 'session-expired')
  expect(expired).toEqual([])
})
