/**
 * Watches on the wire: every event type, one-shot and persistent, the order of events and replies, and missed events after a reconnect.
 */
import { type Check, eventually, expectEqual } from '../checks.ts'
import { bodies, connectRaw, opcodes, type RawSession, Writer } from '../raw-client.ts'

const created = 1
const deleted = 2
const dataChanged = 3
const childrenChanged = 4

export function watchChecks(port: number, root: string): readonly Check[] {
  return [
    ...oneShotChecks(port, `${root}-watch`),
    ...catchUpChecks(port, `${root}-again`),
    ...persistentChecks(port, `${root}-lasting`),
  ]
}

const create = (session: RawSession, path: string) => session.request(1, opcodes.create, bodies.create(path, null, 0))
const setData = (session: RawSession, path: string) =>
  session.request(1, opcodes.setData, bodies.setData(path, null, -1))
const remove = (session: RawSession, path: string) =>
  session.request(1, opcodes.delete, bodies.pathAndVersion(path, -1))
const watch = (session: RawSession, opcode: number, path: string) =>
  session.request(1, opcode, bodies.pathAndWatch(path, true))
const seen = (session: RawSession) => session.events.map((event) => [event.type, event.state, event.path])

function oneShotChecks(port: number, root: string): readonly Check[] {
  return [
    {
      title: 'each one-shot watch fires once, with the type of its change and the zxid of the transaction',
      async run() {
        const [watcher, writer] = [await connectRaw({ port }), await connectRaw({ port })]
        expectEqual((await watch(watcher, opcodes.exists, root)).err, -101, 'exists')
        const made = await create(writer, root)
        await watch(watcher, opcodes.getData, root)
        await setData(writer, root)
        await setData(writer, root)
        await watch(watcher, opcodes.getChildren, root)
        await create(writer, `${root}/child`)
        await watch(watcher, opcodes.getChildren2, root)
        await remove(writer, `${root}/child`)
        await watch(watcher, opcodes.exists, root)
        const gone = await remove(writer, root)
        const wanted = [created, dataChanged, childrenChanged, childrenChanged, deleted]
        await eventually(() => watcher.events.length >= wanted.length, 5000, 'events')
        await watcher.request(2, opcodes.sync, bodies.path('/'))
        expectEqual(
          seen(watcher),
          wanted.map((type) => [type, 3, root]),
          'events',
        )
        expectEqual([watcher.events[0]!.zxid, watcher.events[4]!.zxid], [made.zxid, gone.zxid], 'zxids')
        watcher.drop()
        writer.drop()
      },
    },
    {
      title: 'a client gets the event of its own write before the reply, and one event of a delete for two watches',
      async run() {
        const session = await connectRaw({ port })
        await create(session, root)
        await watch(session, opcodes.getData, root)
        await watch(session, opcodes.getChildren, root)
        const repliesBefore = session.replyCount()
        await remove(session, root)
        expectEqual(seen(session), [[deleted, 3, root]], 'events')
        expectEqual(session.events[0]!.repliesBefore, repliesBefore, 'replies before the event')
        session.drop()
      },
    },
    {
      title: 'the end of a session fires the watches on its ephemerals',
      async run() {
        const [owner, watcher] = [await connectRaw({ port }), await connectRaw({ port })]
        await owner.request(1, opcodes.create, bodies.create(root, null, 1))
        await watch(watcher, opcodes.exists, root)
        await owner.request(2, opcodes.closeSession)
        await eventually(() => watcher.events.length === 1, 5000, 'event')
        expectEqual(seen(watcher), [[deleted, 3, root]], 'events')
        watcher.drop()
      },
    },
    {
      title: 'getData on a missing znode leaves no watch',
      async run() {
        const session = await connectRaw({ port })
        expectEqual((await watch(session, opcodes.getData, root)).err, -101, 'getData')
        await create(session, root)
        await remove(session, root)
        expectEqual(seen(session), [], 'events')
        session.drop()
      },
    },
  ]
}

function catchUpChecks(port: number, root: string): readonly Check[] {
  const lists = (zxid: bigint, ...paths: readonly (readonly string[])[]): Buffer => {
    const body = new Writer().long(zxid)
    for (const each of paths) body.ustrings(each)
    return body.bytes()
  }
  const missing = `${root}/missing`
  const kept = `${root}/kept`
  const changed = `${root}/changed`
  return [
    {
      title: 'setWatches sends missed events before its reply and registers the other watches',
      async run() {
        const [writer, returning] = [await connectRaw({ port }), await connectRaw({ port })]
        await create(writer, root)
        await create(writer, changed)
        const { zxid } = await create(writer, kept)
        await setData(writer, changed)
        const reply = await returning.request(
          -8,
          opcodes.setWatches,
          lists(zxid, [kept, changed, missing], [missing, kept], [root]),
        )
        expectEqual([reply.xid, reply.err], [-8, 0], 'reply')
        const wanted = [
          [dataChanged, 3, changed],
          [deleted, 3, missing],
          [created, 3, kept],
        ]
        expectEqual(seen(returning), wanted, 'missed events')
        expectEqual(
          returning.events.map((event) => [event.zxid, event.repliesBefore]),
          wanted.map(() => [-1n, 0]),
          'their zxid and place',
        )
        await setData(writer, kept)
        await create(writer, missing)
        await eventually(() => returning.events.length >= 6, 5000, 'later events')
        expectEqual(
          seen(returning).slice(3),
          [
            [dataChanged, 3, kept],
            [created, 3, missing],
            [childrenChanged, 3, root],
          ],
          'later events',
        )
        writer.drop()
        returning.drop()
      },
    },
    {
      title: 'setWatches2 registers persistent and recursive watches again without missed events',
      async run() {
        const [writer, returning] = [await connectRaw({ port }), await connectRaw({ port })]
        const reply = await returning.request(-8, opcodes.setWatches2, lists(0n, [], [], [], [kept], [root]))
        expectEqual([reply.err, seen(returning)], [0, []], 'reply and events')
        await setData(writer, changed)
        await create(writer, `${kept}/child`)
        await eventually(() => returning.events.length >= 3, 5000, 'events')
        const wanted = [
          [dataChanged, 3, changed],
          [created, 3, `${kept}/child`],
          [childrenChanged, 3, kept],
        ]
        expectEqual(seen(returning), wanted, 'events')
        writer.drop()
        returning.drop()
      },
    },
  ]
}

function persistentChecks(port: number, root: string): readonly Check[] {
  const addWatch = (session: RawSession, path: string, mode: number) =>
    session.request(1, opcodes.addWatch, new Writer().ustring(path).int(mode).bytes())
  const live = async (mode: number): Promise<unknown[]> => {
    const session = await connectRaw({ port })
    const reply = await addWatch(session, root, mode)
    expectEqual([reply.err, reply.body.int()], [0, 0], 'addWatch')
    await create(session, root)
    await setData(session, root)
    await setData(session, root)
    await create(session, `${root}/child`)
    await setData(session, `${root}/child`)
    await remove(session, `${root}/child`)
    await remove(session, root)
    session.drop()
    return session.events.map((event) => [event.type, event.path])
  }
  return [
    {
      title: 'a persistent watch reports every change of its znode and its children list',
      async run() {
        const types = [created, dataChanged, dataChanged, childrenChanged, childrenChanged, deleted]
        expectEqual(
          await live(0),
          types.map((type) => [type, root]),
          'events',
        )
      },
    },
    {
      title: 'a recursive watch reports the changes of every znode below by their own paths',
      async run() {
        const child = `${root}/child`
        const wanted = [
          [created, root],
          [dataChanged, root],
          [dataChanged, root],
          [created, child],
          [dataChanged, child],
          [deleted, child],
          [deleted, root],
        ]
        expectEqual(await live(1), wanted, 'events')
      },
    },
    {
      title: 'addWatch with an unknown mode is answered MarshallingError',
      async run() {
        const session = await connectRaw({ port })
        expectEqual((await addWatch(session, root, 7)).err, -5, 'err')
        session.drop()
      },
    },
  ]
}
