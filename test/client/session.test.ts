import { expect, test } from 'vitest'
import { openClient } from '../../src/client/connect.ts'
import type { Client, ClientOptions, WatchEvent } from '../../src/client/types.ts'
import { decode, encode } from '../../src/jute/record.ts'
import { GetDataReply, StatReply } from '../../src/protocol/client/replies.ts'
import { AuthRequest, SetWatchesRequest, WatchableRequest } from '../../src/protocol/client/requests.ts'
import { ScriptedServer, statOf } from './scripted-server.ts'
import { VirtualNetwork } from './virtual-network.ts'

const noNode = -101
/** Longer than the pause before the first reconnect. */
const retryMs = 150

function open(network: VirtualNetwork, options: Partial<ClientOptions> = {}): Client {
  const opened = openClient({ servers: 'one:1', sessionTimeoutMs: 6_000, ...options }, network.ports)
  if (!opened.ok) throw new Error(opened.error)
  return opened.value.client
}

async function connected(options: Partial<ClientOptions> = {}): Promise<{
  network: VirtualNetwork
  server: ScriptedServer
  client: Client
}> {
  const network = new VirtualNetwork()
  const server = new ScriptedServer(network, 1)
  const client = open(network, options)
  await network.pass(10)
  return { network, server, client }
}

/** The current state of a promise, without waiting for it. */
function outcomeOf(promise: Promise<unknown>): { text: string } {
  const outcome = { text: 'pending' }
  promise.then(
    (value) => {
      outcome.text = `resolved ${JSON.stringify(value) ?? ''}`.trim()
    },
    (error: unknown) => {
      outcome.text = String(error)
    },
  )
  return outcome
}

const dataReply = encode(GetDataReply, { data: new Uint8Array([65]), stat: statOf(3) })

test('a client opens a session with the timeout that the server grants', async () => {
  const { server, client } = await connected()
  expect(server.connects).toMatchObject([{ timeoutMs: 6_000, sessionId: 0n, lastZxidSeen: 0n, readOnly: false }])
  expect(client.state).toEqual({
    kind: 'connected',
    server: 'one:1',
    sessionId: 0xff00_0000_0000_0001n,
    timeoutMs: 6_000,
    readOnly: false,
  })
})

test('replies are matched wherever the bytes are cut', async () => {
  const { network, server, client } = await connected()
  server.chunkSizeBytes = 1
  const data = client.getData('/a')
  await network.pass(10)
  server.reply(server.take().xid, dataReply)
  await network.pass(10)
  expect(await data).toMatchObject({ data: new Uint8Array([65]), stat: { version: 3, ctimeMs: 3, mtimeMs: 4 } })
})

test('a refusal rejects with its name, operation and path', async () => {
  const { network, server, client } = await connected()
  const data = outcomeOf(client.getData('/a'))
  await network.pass(10)
  server.reply(server.take().xid, undefined, noNode)
  await network.pass(10)
  expect(data.text).toMatch(/getData \/a: no-node/)
})

test('exists answers null for a missing znode', async () => {
  const { network, server, client } = await connected()
  const stat = client.exists('/a')
  await network.pass(10)
  server.reply(server.take().xid, undefined, noNode)
  await network.pass(10)
  expect(await stat).toBeNull()
})

test('a sent request fails when the connection is lost, a later one waits for the next connection', async () => {
  const { network, server, client } = await connected()
  const first = outcomeOf(client.setData('/a', null))
  await network.pass(10)
  server.drop()
  await network.pass(0)
  const second = outcomeOf(client.getData('/b'))
  await network.pass(0)
  expect(first.text).toBe(
    'ClientError: setData /a: connection-loss: the connection to one:1 ended (closed by the server) 10 ms after the request was ' +
      'sent, and before it was answered. It may have been carried out: look before you repeat it. The client connects again, to ' +
      'one of one:1.',
  )
  await network.pass(retryMs)
  expect(server.ops()).toEqual(['setData', 'getData'])
  expect(server.connects[1]).toMatchObject({ sessionId: 0xff00_0000_0000_0001n, password: new Uint8Array(16).fill(7) })
  expect(second.text).toBe('pending')
})

test('a request fails if no server is found within the session timeout', async () => {
  const network = new VirtualNetwork()
  const client = open(network)
  const read = outcomeOf(client.getData('/a'))
  await network.pass(5_999)
  expect(read.text).toBe('pending')
  await network.pass(1)
  expect(read.text).toBe(
    'ClientError: getData /a: connection-loss: no server accepted a session within 6000 ms. The request was not sent.\n' +
      '  one:1: connection refused (ECONNREFUSED); no server listens on this port',
  )
})

test('a request that is not sent because no server is found again says which connection ended', async () => {
  const { network, server, client } = await connected()
  server.answersConnects = false
  server.drop()
  await network.pass(0)
  const read = outcomeOf(client.getData('/a'))
  await network.pass(6_000)
  expect(read.text).toContain(
    'no server accepted a session within 6000 ms, since the connection to one:1 ended (closed by the server). The request was not sent.\n  one:1: connected, but no session began',
  )
})

test('the servers of the connect string are tried in turn, with a pause after each round', async () => {
  const network = new VirtualNetwork()
  open(network, { servers: 'a:1,b:2,c:3', retryDelayMs: 100 })
  await network.pass(10)
  expect([...network.dialled].sort()).toEqual([1, 2, 3])
  await network.pass(200)
  expect(network.dialled.slice(3, 6)).toEqual(network.dialled.slice(0, 3))
})

test('an expired session rejects everything and calls no watcher', async () => {
  const { network, server, client } = await connected()
  const events: WatchEvent[] = []
  const read = client.getData('/a', { watch: (event) => events.push(event) })
  await network.pass(10)
  server.reply(server.take().xid, dataReply)
  await network.pass(10)
  await read
  server.timeoutMs = 0
  server.drop()
  await network.pass(retryMs)
  expect(client.state.kind).toBe('expired')
  const late = outcomeOf(client.getData('/a'))
  await network.pass(0)
  expect(late.text).toMatch(/session-expired/)
  expect(events).toEqual([])
})

test('a watch fires once, with the znode of the event', async () => {
  const { network, server, client } = await connected()
  const events: WatchEvent[] = []
  void client.getData('/a', { watch: (event) => events.push(event) })
  await network.pass(10)
  const request = server.take()
  expect(decode(WatchableRequest, request.body)).toMatchObject({ value: { path: '/a', watch: true } })
  server.reply(request.xid, dataReply)
  server.event(3, '/a', 0x2a)
  server.event(3, '/a', 0x2b)
  await network.pass(10)
  expect(events).toEqual([{ kind: 'data-changed', path: '/a', zxid: 0x2a }])
})

test('watches are set again after a reconnect, before any waiting request', async () => {
  const { network, server, client } = await connected()
  const events: WatchEvent[] = []
  const watch = (event: WatchEvent): void => void events.push(event)
  void client.getData('/data', { watch })
  void client.exists('/missing', { watch })
  void client.exists('/present', { watch })
  await network.pass(10)
  server.reply(server.take().xid, dataReply)
  server.reply(server.take().xid, undefined, noNode)
  server.reply(server.take().xid, encode(StatReply, { stat: statOf(0) }))
  await network.pass(10)
  server.drop()
  await network.pass(0)
  void client.getData('/later')
  await network.pass(retryMs)
  expect(server.ops()).toEqual(['setWatches', 'getData'])
  const again = decode(SetWatchesRequest, server.take().body)
  expect(again).toMatchObject({
    value: {
      relativeZxid: client.lastZxidSeen,
      dataWatches: ['/data', '/present'],
      existWatches: ['/missing'],
      childWatches: [],
    },
  })
  server.event(1, '/missing', -1)
  await network.pass(10)
  expect(events).toEqual([{ kind: 'created', path: '/missing', zxid: null }])
})

test('credentials are sent again after a reconnect', async () => {
  const { network, server, client } = await connected()
  const auth = outcomeOf(client.addAuth('digest', new TextEncoder().encode('u:p')))
  await network.pass(10)
  server.reply(server.take().xid)
  await network.pass(10)
  expect(auth.text).toBe('resolved')
  server.drop()
  await network.pass(retryMs)
  expect(decode(AuthRequest, server.take().body)).toMatchObject({ value: { scheme: 'digest' } })
})

test('refused credentials end the session', async () => {
  const { network, server, client } = await connected()
  const auth = outcomeOf(client.addAuth('nonsense', new Uint8Array(0)))
  await network.pass(10)
  server.reply(server.take().xid, undefined, -115)
  await network.pass(10)
  expect(auth.text).toMatch(/auth-failed/)
  expect(client.state.kind).toBe('auth-failed')
})

test('an idle client pings often enough to keep its session', async () => {
  const { network, server, client } = await connected()
  await network.pass(60_000)
  expect(server.connects).toHaveLength(1)
  expect(client.state.kind).toBe('connected')
})

test('a client leaves a silent server within the session timeout', async () => {
  const { network, server } = await connected()
  server.answersPings = false
  await network.pass(6_000)
  expect(server.connects.length).toBeGreaterThan(1)
})

test('a client leaves a server that never answers the connect request', async () => {
  const network = new VirtualNetwork()
  const server = new ScriptedServer(network, 1)
  server.answersConnects = false
  open(network)
  await network.pass(5_000)
  expect(server.connects.length).toBeGreaterThan(1)
})

test('a reply out of order makes the client drop the connection', async () => {
  const { network, server, client } = await connected()
  const read = outcomeOf(client.getData('/a'))
  await network.pass(10)
  server.reply(server.take().xid + 1)
  await network.pass(0)
  expect(read.text).toMatch(/connection-loss/)
  expect(read.text).toContain('It changes no znode, so it can be repeated.')
})

test('a frame of impossible length makes the client drop the connection', async () => {
  const { network, server } = await connected()
  server.sendRaw(new Uint8Array([0x80, 0, 0, 0]))
  await network.pass(retryMs)
  expect(server.connects.length).toBeGreaterThan(1)
})

test('a client reports the newest zxid it has seen when it reconnects', async () => {
  const { network, server, client } = await connected()
  server.event(3, '/x', 0x1_0000_0005)
  await network.pass(10)
  server.drop()
  await network.pass(retryMs)
  expect(client.lastZxidSeen).toBe(0x1_0000_0005)
  expect(server.connects[1]?.lastZxidSeen).toBe(0x1_0000_0005n)
})

test('close ends the session on the server and may be repeated', async () => {
  const { network, server, client } = await connected()
  const closing = outcomeOf(client.close())
  await network.pass(10)
  const request = server.take()
  expect(request.op).toBe('closeSession')
  server.reply(request.xid)
  await network.pass(10)
  expect(closing.text).toBe('resolved')
  const again = outcomeOf(client.close())
  const late = outcomeOf(client.getData('/a'))
  await network.pass(10)
  expect(again.text).toBe('resolved')
  expect(late.text).toMatch(/The client is closed/)
  expect(server.connects).toHaveLength(1)
})

test('with a chroot the server gets full paths and the program does not', async () => {
  const { network, server, client } = await connected({ servers: 'one:1/app' })
  const events: WatchEvent[] = []
  void client.getData('/a', { watch: (event) => events.push(event) })
  void client.getData('/')
  await network.pass(10)
  const request = server.take()
  expect(decode(WatchableRequest, request.body)).toMatchObject({ value: { path: '/app/a' } })
  expect(decode(WatchableRequest, server.take().body)).toMatchObject({ value: { path: '/app' } })
  server.reply(request.xid, dataReply)
  server.event(2, '/app/a', 9)
  await network.pass(10)
  expect(events).toEqual([{ kind: 'deleted', path: '/a', zxid: 9 }])
})

test('follow yields a znode now and after each change', async () => {
  const { network, server, client } = await connected()
  const views = client.follow('/a')
  const first = views.next()
  await network.pass(10)
  server.reply(server.take().xid, dataReply)
  await network.pass(10)
  expect((await first).value).toMatchObject({ kind: 'present', stat: { version: 3 } })
  const second = views.next()
  server.event(2, '/a', 7)
  await network.pass(10)
  server.reply(server.take().xid, undefined, noNode)
  await network.pass(10)
  server.reply(server.take().xid, undefined, noNode)
  await network.pass(10)
  expect((await second).value).toEqual({ kind: 'missing' })
  const third = outcomeOf(views.next())
  await views.return?.()
  await network.pass(0)
  expect(third.text).toBe('resolved {"done":true}')
})
