import { describe, expect, it } from 'vitest'
import { openClient } from '../../src/client/connect.ts'
import type { Client, WatchEvent } from '../../src/client/types.ts'
import { type WatchList, WatchRegistry } from '../../src/client/watch-registry.ts'
import { decode, encode } from '../../src/jute/record.ts'
import { AddWatchReply } from '../../src/protocol/client/replies.ts'
import { AddWatchRequest, SetWatches2Request, WatcherTypeRequest } from '../../src/protocol/client/requests.ts'
import { ScriptedServer } from './scripted-server.ts'
import { VirtualNetwork } from './virtual-network.ts'

const added = encode(AddWatchReply, { error: 0 })
/** Longer than the pause before the first reconnect. */
const retryMs = 150

async function connected(chroot = ''): Promise<{ network: VirtualNetwork; server: ScriptedServer; client: Client }> {
  const network = new VirtualNetwork()
  const server = new ScriptedServer(network, 1)
  const opened = openClient({ servers: `one:1${chroot}`, sessionTimeoutMs: 6_000 }, network.ports)
  if (!opened.ok) throw new Error(opened.error)
  await network.pass(10)
  return { network, server, client: opened.value.client }
}

/** Starts a watch, which the server accepts. */
async function watching(
  { network, server, client }: Awaited<ReturnType<typeof connected>>,
  path: string,
  recursive: boolean,
): Promise<{ events: WatchEvent[]; stop: () => Promise<void> }> {
  const events: WatchEvent[] = []
  const started = client.watch(path, (event) => events.push(event), { recursive })
  await network.pass(10)
  server.reply(server.requests.at(-1)?.xid ?? 0, added)
  await network.pass(10)
  return { events, stop: await started }
}

describe('a persistent watch of the client', () => {
  it.each([
    [false, 0],
    [true, 1],
  ])('that is recursive: %s sends the mode %i and a path below the chroot', async (recursive, mode) => {
    const rig = await connected('/app')
    await watching(rig, '/a', recursive)
    const { op, body } = rig.server.take()
    expect([op, decode(AddWatchRequest, body)]).toEqual(['addWatch', { ok: true, value: { path: '/app/a', mode } }])
  })

  it('gets every change of its path', async () => {
    const rig = await connected()
    const { events } = await watching(rig, '/a', false)
    for (const [type, path] of [
      [1, '/a'],
      [3, '/a'],
      [4, '/a'],
      [2, '/a'],
      [1, '/a/b'],
    ] as const) {
      rig.server.event(type, path, 200)
    }
    await rig.network.pass(10)
    expect(events.map(({ kind }) => kind)).toEqual(['created', 'data-changed', 'children-changed', 'deleted'])
  })

  it('that is recursive gets changes of the subtree, each with its own path', async () => {
    const rig = await connected('/app')
    const { events } = await watching(rig, '/', true)
    rig.server.event(1, '/app/b/c', 200)
    rig.server.event(3, '/apple', 201)
    await rig.network.pass(10)
    expect(events).toEqual([{ kind: 'created', path: '/b/c', zxid: 200 }])
  })

  it('is set again after a reconnect', async () => {
    const rig = await connected()
    const { events } = await watching(rig, '/a', false)
    await watching(rig, '/b', true)
    rig.server.requests.length = 0
    rig.server.drop()
    await rig.network.pass(retryMs)
    const { op, body } = rig.server.take()
    expect(op).toBe('setWatches2')
    expect(decode(SetWatches2Request, body)).toMatchObject({
      value: { dataWatches: [], persistentWatches: ['/a'], persistentRecursiveWatches: ['/b'] },
    })
    rig.server.event(3, '/a', 300)
    await rig.network.pass(10)
    expect(events).toHaveLength(1)
  })

  it('that is stopped is removed on the server and not set again', async () => {
    const rig = await connected()
    const { events, stop } = await watching(rig, '/a', true)
    rig.server.take()
    const stopped = stop()
    await rig.network.pass(10)
    const { xid, op, body } = rig.server.take()
    expect([op, decode(WatcherTypeRequest, body)]).toEqual([
      'removeWatches',
      { ok: true, value: { path: '/a', type: 5 } },
    ])
    rig.server.reply(xid)
    rig.server.event(3, '/a', 300)
    await rig.network.pass(10)
    await stopped
    await stop()
    rig.server.drop()
    await rig.network.pass(retryMs)
    expect([events, rig.server.ops()]).toEqual([[], []])
  })

  it('stays on the server while another one on the same path is active', async () => {
    const rig = await connected()
    const first = await watching(rig, '/a', false)
    const second = await watching(rig, '/a', false)
    rig.server.requests.length = 0
    await first.stop()
    await rig.network.pass(10)
    rig.server.event(3, '/a', 300)
    await rig.network.pass(10)
    expect([rig.server.ops(), first.events.length, second.events.length]).toEqual([[], 0, 1])
  })

  it('that the server refuses rejects and gets no events', async () => {
    const rig = await connected()
    const started = rig.client.watch('/a', () => undefined)
    const refused = expect(started).rejects.toThrow(/addWatch \/a: unimplemented/)
    await rig.network.pass(10)
    rig.server.reply(rig.server.take().xid, undefined, -6)
    await rig.network.pass(10)
    await refused
    rig.server.drop()
    await rig.network.pass(retryMs)
    expect(rig.server.ops()).toEqual([])
  })
})

describe('the registry of watches', () => {
  function calledBy(list: WatchList, watched: string, kind: WatchEvent['kind'], path: string): boolean {
    const registry = new WatchRegistry()
    let isCalled = false
    registry.add(list, watched, () => {
      isCalled = true
    })
    registry.deliver(path, { kind, path, zxid: null })
    return isCalled
  }

  it.each<[WatchList, string, WatchEvent['kind'], string, boolean]>([
    ['persistent', '/a', 'children-changed', '/a', true],
    ['persistent', '/a', 'created', '/a/b', false],
    ['recursive', '/a', 'children-changed', '/a', false],
    ['recursive', '/a', 'deleted', '/a', true],
    ['recursive', '/a', 'data-changed', '/a/b/c', true],
    ['recursive', '/', 'created', '/a', true],
    ['recursive', '/a', 'created', '/ab', false],
  ])('calls a %s watcher of %s when %s happens at %s: %s', (list, watched, kind, path, expected) => {
    expect(calledBy(list, watched, kind, path)).toBe(expected)
  })
})
