import { describe, expect, it } from 'vitest'
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
import {
  CreateTtlRequest,
  EphemeralsRequest,
  PathRequest,
  ReconfigRequest,
  WatchableRequest,
} from '../../src/protocol/client/requests.ts'
import { exchange } from './exchange.ts'
import { statOf } from './scripted-server.ts'

function multiReadBody(write: (writer: JuteWriter) => void): Uint8Array {
  const writer = new JuteWriter()
  write(writer)
  writeMultiEnd(writer)
  return writer.take()
}

it('each read of a multiRead has its own outcome', async () => {
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

it('getEphemerals asks below the chroot and returns paths without it', async () => {
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

it('countDescendants counts below the chroot', async () => {
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

it('whoAmI returns the identities of the client', async () => {
  const clientInfo = [{ authScheme: 'digest', user: 'u' }]
  const [request, ids] = await exchange((client) => client.whoAmI(), encode(WhoAmIReply, { clientInfo }))
  expect([request.op, request.body.length]).toEqual(['whoAmI', 0])
  expect(ids).toEqual([{ scheme: 'digest', user: 'u' }])
})

it.each([
  ['persistent', 5],
  ['persistent-sequential', 6],
  ['ephemeral', 1],
] as const)('a create with a TTL of a %s znode sends the flags %i', async (mode, flags) => {
  const [request] = await exchange(
    (client) => client.create('/t', null, { mode, ttlMs: 1500 }),
    encode(CreateWithStatReply, { path: '/app/t', stat: statOf(0) }),
  )
  expect(request.op).toBe('createTTL')
  expect(decode(CreateTtlRequest, request.body)).toMatchObject({ value: { path: '/app/t', flags, ttlMs: 1500n } })
})

describe('the configuration of the ensemble', () => {
  it('is read without the chroot', async () => {
    const body = encode(GetDataReply, { data: Uint8Array.of(118), stat: statOf(0) })
    const [request, answer] = await exchange((client) => client.getConfig(), body)
    expect(decode(WatchableRequest, request.body)).toMatchObject({ value: { path: '/zookeeper/config', watch: false } })
    expect(answer.data).toEqual(Uint8Array.of(118))
  })

  it.each([
    [
      { kind: 'incremental', joining: ['server.4=d:1:2;3'], leaving: ['1', '2'] } as const,
      { joiningServers: 'server.4=d:1:2;3', leavingServers: '1,2', newMembers: null, curConfigId: -1n },
    ],
    [
      { kind: 'whole', members: ['server.1=a:1:2', 'server.2=b:1:2'] } as const,
      {
        joiningServers: null,
        leavingServers: null,
        newMembers: 'server.1=a:1:2,server.2=b:1:2',
        curConfigId: -1n,
      },
    ],
  ])('is changed by a request with %j', async (change, wanted) => {
    const body = encode(GetDataReply, { data: Uint8Array.of(7), stat: statOf(0) })
    const [request, answer] = await exchange((client) => client.reconfigure(change), body)
    expect([request.op, decode(ReconfigRequest, request.body)]).toEqual(['reconfig', { ok: true, value: wanted }])
    expect(answer.data).toEqual(Uint8Array.of(7))
  })
})
