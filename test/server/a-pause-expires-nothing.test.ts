import { expect, test } from 'vitest'
import type { ServerId } from '../../src/base/ids.ts'
import type { ZktsServer } from '../../src/server/create-server.ts'
import type { ResumeOrder, SimProcess } from '../simulator/scheduler.ts'
import { connectFrame } from '../support/conversation.ts'
import { pingFrame } from '../support/requests.ts'
import { ensembleConfig, type RawClient, ServerRig, standaloneConfig } from '../support/server-rig.ts'

const orders: readonly ResumeOrder[] = ['by-time', 'timers-first', 'timers-last']
const timeoutMs = 4000

async function attached(rig: ServerRig, to?: string): Promise<RawClient> {
  const client = await rig.connect('10.0.1.1', to)
  client.send(connectFrame(false, timeoutMs))
  await rig.run(100)
  expect(client.frames().length).toBe(1)
  return client
}

async function pinging(rig: ServerRig, client: RawClient, ms: number, everyMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += everyMs) {
    client.send(pingFrame())
    await rig.run(everyMs)
  }
}

async function standalone(rig: ServerRig): Promise<SimProcess> {
  const { server, process } = rig.server(standaloneConfig())
  expect((await rig.settle(server.start())).ok).toBe(true)
  await rig.run(100)
  return process
}

for (const order of orders) {
  test(`a session whose client pings a paused server stays alive, and expires when its pings end (${order})`, async () => {
    const rig = new ServerRig()
    const process = await standalone(rig)
    const client = await attached(rig)
    await pinging(rig, client, 5000, 1300)
    rig.scheduler.pause(process)
    await pinging(rig, client, 7000, 1300)
    rig.scheduler.resume(process, order)
    await pinging(rig, client, 3000, 1300)
    expect([client.isClosed, client.replies().length]).toEqual([false, 4 + 6 + 3])
    await rig.run(timeoutMs - 1500)
    expect(client.isClosed).toBe(false)
    await rig.run(2000 + 1500)
    expect(client.isClosed).toBe(true)
  })

  test(`a ping that arrives just before the timeout, while the server is paused, keeps the session (${order})`, async () => {
    const rig = new ServerRig()
    const process = await standalone(rig)
    const client = await attached(rig)
    await pinging(rig, client, 1, 1)
    await rig.run(timeoutMs - 20)
    rig.scheduler.pause(process)
    await rig.run(10)
    client.send(pingFrame())
    await rig.run(1200)
    rig.scheduler.resume(process, order)
    await rig.run(1000)
    expect(client.isClosed).toBe(false)
  })

  test(`a connect request that waits in the socket of a paused server is answered (${order})`, async () => {
    const rig = new ServerRig()
    const process = await standalone(rig)
    const client = await rig.connect()
    await rig.run(100)
    rig.scheduler.pause(process)
    client.send(connectFrame(false, timeoutMs))
    await rig.run(15_000)
    rig.scheduler.resume(process, order)
    await rig.run(500)
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
async function ensemble(rig: ServerRig): Promise<readonly Member[]> {
  const leaders = new Set<number>()
  const members = [1, 2, 3].map((id) => {
    const host = `10.0.0.${id}`
    const member = rig.server(ensembleConfig(id), rig.disk(id), host, (event) => {
      if (event.kind === 'established') leaders.add(id)
    })
    return { ...member, id: id as ServerId }
  })
  for (const { server } of members) expect((await rig.settle(server.start())).ok).toBe(true)
  await rig.run(2000)
  return [...members].sort((a, b) => Number(leaders.has(b.id)) - Number(leaders.has(a.id)))
}

for (const order of orders) {
  for (const victim of ['leader', 'follower']) {
    test(`repeated short pauses of the ${victim} do not expire the session of a follower's client that pings (${order})`, async () => {
      const rig = new ServerRig()
      const members = await ensemble(rig)
      const { process } = members[victim === 'leader' ? 0 : 1]!
      const client = await attached(rig, members[1]!.host)
      for (let i = 0; i < 12; i++) {
        rig.scheduler.pause(process)
        await pinging(rig, client, 1200, 1200)
        rig.scheduler.resume(process, order)
        await rig.run(20)
      }
      await pinging(rig, client, 2000, 1000)
      expect(rig.events('peer-link-closed')).toEqual([])
      expect(client.isClosed).toBe(false)
      await rig.run(timeoutMs + 2000)
      expect(client.isClosed).toBe(true)
    })
  }
}

test('a leader that was paused for longer than the peer timeout steps down before it expires a session', async () => {
  const rig = new ServerRig()
  const members = await ensemble(rig)
  const [leader, follower] = members
  const client = await attached(rig, follower!.host)
  rig.scheduler.pause(leader!.process)
  await pinging(rig, client, 7000, 1000)
  rig.scheduler.resume(leader!.process, 'timers-first')
  await rig.run(1000)
  const expired = rig.events('client-closed').filter(({ reason }) => reason === 'session-expired')
  expect(expired).toEqual([])
})
