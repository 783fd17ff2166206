/**
 * A server that is asked to stop: it hands its leadership over, answers what it has read, and ends each connection after its
 * last answer. So a client that got no answer may repeat its request at another server without doing it twice.
 */
import { describe, expect, test } from 'vitest'
import { closingAnswersMsMax } from '../../src/base/limits.ts'
import type { ZktsServer } from '../../src/server/create-server.ts'
import type { SimDisk } from '../simulator/sim-disk.ts'
import { connectFrame } from '../support/conversation.ts'
import { createFrame, ephemeralFlag, existsFrame, getDataFrame, pingFrame } from '../support/requests.ts'
import { ensembleConfig, type RawClient, ServerRig, standaloneConfig } from '../support/server-rig.ts'

const hosts = ['10.0.0.1', '10.0.0.2', '10.0.0.3']

interface Ensemble {
  readonly servers: readonly ZktsServer[]
  readonly disks: readonly SimDisk[]
}

/** Server 3 leads. */
async function startEnsemble(rig: ServerRig): Promise<Ensemble> {
  const disks = [1, 2, 3].map((id) => rig.disk(id))
  const servers = [1, 2, 3].map((id) => rig.server(ensembleConfig(id), disks[id - 1], hosts[id - 1]).server)
  const starts = servers.map((server) => server.start())
  for (const start of starts) expect((await rig.settle(start)).ok).toBe(true)
  await rig.run(1_000)
  expect(await rig.ask('srvr', hosts[2])).toContain('Mode: leader')
  return { servers, disks }
}

async function attached(rig: ServerRig, to?: string, timeoutMs = 6_000): Promise<RawClient> {
  const client = await rig.connect('10.0.1.1', to)
  client.send(connectFrame(false, timeoutMs))
  await rig.run(100)
  expect(client.frames()).toHaveLength(1)
  return client
}

/** The xids of the replies without an error. */
function answered(client: RawClient): readonly number[] {
  return client.replies().map(({ xid, error }) => (error === 0 ? xid : -xid))
}

/** Which of the znodes /1, /2, … exist. */
async function existing(rig: ServerRig, count: number, at?: string): Promise<readonly number[]> {
  const reader = await attached(rig, at)
  for (let i = 1; i <= count; i++) reader.send(existsFrame(i, `/${i}`))
  await rig.run(200)
  expect(reader.replies()).toHaveLength(count)
  return answered(reader).filter((xid) => xid > 0)
}

/** At each of these moments the requests of a client are in another state: on their way, read, being flushed, answered. */
const moments = Array.from({ length: 25 }, (_, i) => i * 0.1)

describe('a server that closes', () => {
  test('waits for a client that reads late, and says if it gives one up', async () => {
    for (const readsAfterMs of [1_500, null]) {
      const rig = new ServerRig()
      const server = await rig.started(standaloneConfig())
      const client = await attached(rig)
      client.send(createFrame(1, '/1', new Uint8Array(60_000)))
      await rig.run(100)
      client.stream.pause()
      for (let xid = 2; xid <= 8; xid++) client.send(getDataFrame(xid, '/1'), createFrame(10 * xid, `/${10 * xid}`))
      await rig.run(100)
      const closed = server.close()
      await rig.run(readsAfterMs ?? closingAnswersMsMax)
      if (readsAfterMs !== null) client.stream.resume()
      await rig.settle(closed)
      expect(rig.events('clients-not-answered')).toHaveLength(readsAfterMs === null ? 1 : 0)
      if (readsAfterMs !== null) expect(client.replies()).toHaveLength(15)
    }
  })

  test('carries out exactly the requests that it answers, whenever it is asked to', async () => {
    const counts = new Set<number>()
    for (const ms of moments) {
      const rig = new ServerRig()
      const disk = rig.disk()
      const server = await rig.started(standaloneConfig(), disk)
      const client = await attached(rig)
      client.send(...[1, 2, 3].map((xid) => createFrame(xid, `/${xid}`)))
      await rig.run(ms / 2)
      client.send(...[4, 5, 6].map((xid) => createFrame(xid, `/${xid}`)))
      await rig.run(ms / 2)
      const closed = server.close()
      client.send(createFrame(7, '/7'))
      await rig.settle(closed)
      await rig.run(10)
      expect(client.isClosed).toBe(true)
      await rig.started(standaloneConfig(), disk)
      expect(await existing(rig, 7)).toEqual(answered(client))
      counts.add(answered(client).length)
    }
    expect(counts.size).toBeGreaterThan(2)
  })

  test('does not let a session expire whose client pings while its answer takes long', async () => {
    const rig = new ServerRig()
    const disk = rig.disk()
    const server = await rig.started(standaloneConfig(), disk)
    const client = await attached(rig, undefined, 2_000)
    client.send(createFrame(1, '/1', new Uint8Array(0), ephemeralFlag))
    await rig.run(100)
    const slowMs = closingAnswersMsMax - 300
    disk.faults.latencyMsMin = slowMs
    disk.faults.latencyMsMax = slowMs
    client.send(createFrame(2, '/2'))
    await rig.run(1)
    const closed = server.close()
    for (let ms = 0; ms < slowMs; ms += 300) {
      client.send(pingFrame())
      await rig.run(300)
    }
    await rig.settle(closed)
    disk.faults.latencyMsMin = 0
    disk.faults.latencyMsMax = 0
    expect([answered(client), client.isClosed]).toEqual([[1, 2], true])
    await rig.started(standaloneConfig(), disk)
    expect(await existing(rig, 2)).toEqual([1, 2])
  })

  test('answers a session that is being created, and nothing that came later', async () => {
    const rig = new ServerRig()
    const disk = rig.disk()
    const server = await rig.started(standaloneConfig(), disk)
    disk.faults.latencyMsMin = 20
    disk.faults.latencyMsMax = 20
    const client = await rig.connect()
    client.send(connectFrame(), createFrame(1, '/1'))
    await rig.run(5)
    const closed = server.close()
    client.send(createFrame(2, '/2'))
    await rig.settle(closed)
    await rig.run(10)
    // The first request came together with the connect request, so it was read.
    expect([client.frames().length, answered(client)]).toEqual([2, [1]])
    disk.faults.latencyMsMin = 0
    disk.faults.latencyMsMax = 0
    await rig.started(standaloneConfig(), disk)
    expect(await existing(rig, 2)).toEqual([1])
  })

  test('refuses new connections from the first moment on, and ends those that ask for nothing', async () => {
    const rig = new ServerRig()
    const disk = rig.disk()
    const server = await rig.started(standaloneConfig(), disk)
    const [busy, idle, silent] = [await attached(rig), await attached(rig), await rig.connect()]
    disk.faults.latencyMsMin = 100
    disk.faults.latencyMsMax = 100
    busy.send(createFrame(1, '/1'))
    await rig.run(1)
    void server.close()
    await expect(rig.connect()).rejects.toThrow('ECONNREFUSED')
    await rig.run(5)
    expect([busy, idle, silent].map(({ isClosed }) => isClosed)).toEqual([false, true, true])
    await rig.run(200)
    expect([answered(busy), busy.isClosed]).toEqual([[1], true])
  })

  test('stops at once if its disk fails meanwhile', async () => {
    const rig = new ServerRig()
    const disk = rig.disk()
    const server = await rig.started(standaloneConfig(), disk)
    const client = await attached(rig)
    disk.faults.flushFails = true
    client.send(createFrame(1, '/1'))
    await rig.run(0.2)
    const closed = server.close()
    expect(await rig.settle(server.stopped)).toContain('EIO')
    await rig.settle(closed)
    await rig.run(10)
    expect([answered(client), client.isClosed]).toEqual([[], true])
  })

  test('that has no leader does not wait for one longer than the limit, and logs who got no answer', async () => {
    const rig = new ServerRig()
    const { servers } = await startEnsemble(rig)
    const [client, idle] = [await attached(rig, hosts[0], 20_000), await attached(rig, hosts[0])]
    for (const server of servers.slice(1)) await rig.settle(server.close())
    client.send(createFrame(1, '/1'))
    await rig.run(10)
    const beforeUs = rig.scheduler.nowUs
    await rig.settle(servers[0]!.close())
    const closeMs = (rig.scheduler.nowUs - beforeUs) / 1000
    expect(closeMs).toBeGreaterThan(closingAnswersMsMax - 1)
    expect(closeMs).toBeLessThan(closingAnswersMsMax + 500)
    expect(rig.events('clients-not-answered')).toEqual([{ serverId: 1, connectionCount: 1 }])
    expect([answered(client), client.isClosed, idle.isClosed]).toEqual([[], true, true])
  })
})

describe('a server of an ensemble that closes', () => {
  test.each([
    ['leader', 3],
    ['follower', 1],
  ])('as %s carries out exactly the requests that it answers', async (_role, id) => {
    const counts = new Set<number>()
    for (const ms of moments) {
      const rig = new ServerRig()
      const { servers } = await startEnsemble(rig)
      const client = await attached(rig, hosts[id - 1])
      client.send(...[1, 2, 3].map((xid) => createFrame(xid, `/${xid}`)))
      await rig.run(ms / 2)
      client.send(...[4, 5, 6].map((xid) => createFrame(xid, `/${xid}`)))
      await rig.run(ms / 2)
      const closed = servers[id - 1]!.close()
      client.send(createFrame(7, '/7'))
      await rig.settle(closed)
      await rig.run(100)
      expect(client.isClosed).toBe(true)
      expect(await existing(rig, 7, hosts[1])).toEqual(answered(client))
      counts.add(answered(client).length)
    }
    expect(counts.size).toBeGreaterThan(2)
  })

  test('as leader hands over: the others keep their clients, write on, and hold no election', async () => {
    const rig = new ServerRig()
    const { servers } = await startEnsemble(rig)
    const clients = [await attached(rig, hosts[0]), await attached(rig, hosts[1])]
    rig.lines.length = 0
    let xid = 0
    const write = (): void => {
      xid++
      for (const [i, client] of clients.entries()) client.send(createFrame(xid, `/${i}-${xid}`))
    }
    write()
    const closed = servers[2]!.close()
    for (let i = 0; i < 20; i++) {
      write()
      await rig.run(5)
    }
    await rig.settle(closed)
    await rig.run(500)
    const all = Array.from({ length: xid }, (_, i) => i + 1)
    for (const client of clients) expect([answered(client), client.isClosed]).toEqual([all, false])
    expect(rig.events('became-looking')).toEqual([])
    expect(rig.events('learner-dropped')).toHaveLength(1) // server 3, when it has gone
    expect(rig.events('serving-as-leader')).toMatchObject([{ serverId: 2 }])
  })

  test('as leader without another voter in step closes as it is', async () => {
    const rig = new ServerRig()
    const { server } = rig.server(ensembleConfig(1, 1))
    expect((await rig.settle(server.start())).ok).toBe(true)
    await rig.run(500)
    const client = await attached(rig)
    client.send(createFrame(1, '/1'))
    await rig.run(1)
    await rig.settle(server.close())
    await rig.run(10)
    expect([answered(client), client.isClosed]).toEqual([[1], true])
    expect(rig.events('clients-not-answered')).toEqual([])
  })

  test('together with all others does not wait for a successor that has gone as well', async () => {
    const rig = new ServerRig()
    const { servers } = await startEnsemble(rig)
    const beforeUs = rig.scheduler.nowUs
    const closing = servers.map((server) => server.close())
    for (const closed of closing) await rig.settle(closed)
    expect(rig.events('server-stopped')).toHaveLength(3)
    expect((rig.scheduler.nowUs - beforeUs) / 1000).toBeLessThan(500)
  })
})
