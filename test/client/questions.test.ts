import { expect, it } from 'vitest'
import { openClient } from '../../src/client/connect.ts'
import type { Client } from '../../src/client/types.ts'
import { JuteWriter } from '../../src/jute/jute-writer.ts'
import { decode, encode } from '../../src/jute/record.ts'
import { writeMultiEnd } from '../../src/protocol/client/multi.ts'
import { decodeMultiRead, writeMultiReadError, writeMultiReadHeader } from '../../src/protocol/client/multi-read.ts'
import {
  AllChildrenNumberReply,
  CreateWithStatReply,
  EphemeralsReply,
  GetChildrenReply,
  GetDataReply,
  WhoAmIReply,
} from '../../src/protocol/client/replies.ts'
import { CreateTtlRequest, EphemeralsRequest, PathRequest } from '../../src/protocol/client/requests.ts'
import { ScriptedServer, type SeenRequest, statOf } from './scripted-server.ts'
import { VirtualWorld } from './virtual-world.ts'

/** Asks something of a client below /app, and answers with `body`. */
async function exchange<T>(ask: (client: Client) => Promise<T>, body: Uint8Array): Promise<[SeenRequest, T]> {
  const world = new VirtualWorld()
  const server = new ScriptedServer(world, 1)
  const opened = openClient({ servers: 'one:1/app', sessionTimeoutMs: 6_000 }, world.ports)
  if (!opened.ok) throw new Error(opened.error)
  await world.pass(10)
  const answer = ask(opened.value)
  answer.catch(() => undefined) // looked at below
  await world.pass(10)
  const request = server.take()
  server.reply(request.xid, body)
  await world.pass(10)
  return [request, await answer]
}

function multiReadBody(write: (writer: JuteWriter) => void): Uint8Array {
  const writer = new JuteWriter()
  write(writer)
  writeMultiEnd(writer)
  return writer.take()
}

it('several reads at once come back each with its own outcome', async () => {
  const body = multiReadBody((writer) => {
    writeMultiReadHeader(writer, 'getData')
    GetDataReply.write(writer, { data: new Uint8Array([7]), stat: statOf(3) })
    writeMultiReadError(writer, 'no-node')
    writeMultiReadHeader(writer, 'getChildren')
    GetChildrenReply.write(writer, { children: ['x'] })
  })
  const [request, results] = await exchange(
    (client) =>
      client.multiRead([
        { kind: 'get-data', path: '/a' },
        { kind: 'get-data', path: '/none' },
        { kind: 'get-children', path: '/' },
      ]),
    body,
  )
  expect(decodeMultiRead(request.body)).toEqual({
    ok: true,
    value: {
      kind: 'reads',
      ops: [
        { op: 'getData', path: '/app/a' },
        { op: 'getData', path: '/app/none' },
        { op: 'getChildren', path: '/app' },
      ],
    },
  })
  expect(results).toMatchObject([
    { kind: 'data', data: new Uint8Array([7]), stat: { version: 3 } },
    { kind: 'refused', errorName: 'no-node' },
    { kind: 'children', children: ['x'] },
  ])
})

it('fewer results than reads are an error and not a short list', async () => {
  const body = multiReadBody((writer) => writeMultiReadError(writer, 'no-node'))
  const asked = exchange(
    (client) =>
      client.multiRead([
        { kind: 'get-data', path: '/a' },
        { kind: 'get-data', path: '/b' },
      ]),
    body,
  )
  await expect(asked).rejects.toThrow(/multiRead: marshalling-error/)
})

it('ephemerals are asked for below the chroot and named without it', async () => {
  const [request, paths] = await exchange(
    (client) => client.getEphemerals(),
    encode(EphemeralsReply, { ephemerals: ['/app/e', '/app/f/g'] }),
  )
  expect([request.op, decode(EphemeralsRequest, request.body)]).toEqual([
    'getEphemerals',
    { ok: true, value: { prefixPath: '/app/' } },
  ])
  expect(paths).toEqual(['/e', '/f/g'])
})

it('descendants are counted below the chroot', async () => {
  const [request, count] = await exchange(
    (client) => client.countDescendants('/a'),
    encode(AllChildrenNumberReply, { totalNumber: 12 }),
  )
  expect([request.op, decode(PathRequest, request.body)]).toEqual([
    'getAllChildrenNumber',
    { ok: true, value: { path: '/app/a' } },
  ])
  expect(count).toBe(12)
})

it('a client learns what it has authenticated as', async () => {
  const clientInfo = [{ authScheme: 'digest', user: 'u' }]
  const [request, ids] = await exchange((client) => client.whoAmI(), encode(WhoAmIReply, { clientInfo }))
  expect([request.op, request.body.length]).toEqual(['whoAmI', 0])
  expect(ids).toEqual([{ scheme: 'digest', user: 'u' }])
})

it.each([
  ['persistent', 5],
  ['persistent-sequential', 6],
  ['ephemeral', 1],
] as const)('a time to live on a %s znode is asked for with the flags %i', async (mode, flags) => {
  const [request] = await exchange(
    (client) => client.create('/t', null, { mode, ttlMs: 1500 }),
    encode(CreateWithStatReply, { path: '/app/t', stat: statOf(0) }),
  )
  expect(request.op).toBe('createTTL')
  expect(decode(CreateTtlRequest, request.body)).toMatchObject({ value: { path: '/app/t', flags, ttlMs: 1500n } })
})
