import { describe, expect, test } from 'vitest'
import type { ServerId } from '../../src/base/ids.ts'
import { checkHello, peerProtocolVersion } from '../../src/peers/check-hello.ts'
import { linkCloseReasons } from '../../src/peers/link-close-reason.ts'
import { encodeFrame, keepAliveFrame } from '../../src/peers/peer-frames.ts'
import type { ClusterId } from '../../src/protocol/disk/log-record.ts'
import type { Hello } from '../../src/protocol/peer/peer-message.ts'
import { ids, join, Side, vote } from './peer-rig.ts'

const [one, two, three] = ids as [ServerId, ServerId, ServerId]
const cluster = (id: number) => () => id as ClusterId

function helloFrom(from: ServerId, to: ServerId, changes: Partial<Hello> = {}): Hello {
  const [protocolVersion, clusterId] = [peerProtocolVersion, 0 as ClusterId]
  return { protocolVersion, from, to, clusterId, incarnation: 5, idInUse: false, ...changes }
}

/** A server that has received these first bytes on a new stream. */
function firstBytes(bytes: Uint8Array): Side {
  const side = new Side(two)
  const link = side.links.opened(null, 0)
  side.links.received(link, bytes, 0)
  side.perform()
  return side
}

describe('the greeting of two servers', () => {
  test('two servers connect when their greetings fit, even byte by byte', () => {
    for (const pieceSizeBytes of [1, 5, 1000]) {
      const [low, high] = [new Side(one), new Side(two)]
      join(high, one, low, 0, pieceSizeBytes).settle()
      expect([low.reported, high.reported]).toEqual([['connected 2'], ['connected 1']])
    }
  })

  test('messages of a turn reach the peer in order and share one write', () => {
    const [low, high] = [new Side(one), new Side(two)]
    const { settle } = join(high, one, low, 0)
    settle()
    const before = high.written.length
    for (let round = 1; round <= 3; round++) high.links.send(one, vote(round))
    high.links.flush(0)
    settle()
    expect(high.written.length - before).toBe(1)
    expect(low.reported).toEqual(['connected 2', 'vote from 2', 'vote from 2', 'vote from 2'])
  })

  test('messages to a peer that is not connected are dropped', () => {
    const side = new Side(two)
    side.links.send(one, vote(1))
    side.links.flush(0)
    side.perform()
    expect(side.written).toEqual([])
  })

  const expected = { self: two, voters: ids, dialled: null, clusterId: 0 as ClusterId }
  test.each([
    ['protocol-version-differs', helloFrom(three, two, { protocolVersion: 9 }), {}],
    ['same-server-id', helloFrom(two, two), {}],
    ['unknown-server', helloFrom(9 as ServerId, two), {}],
    ['hello-for-another-server', helloFrom(three, one), {}],
    ['hello-for-another-server', helloFrom(three, two), { dialled: one }],
    ['called-the-wrong-way', helloFrom(one, two), {}],
    ['peer-of-another-ensemble', helloFrom(three, two, { clusterId: 5 as ClusterId }), { clusterId: 6 as ClusterId }],
  ] as const)('a greeting is refused as %s (case %#)', (reason, hello, changes) => {
    expect(checkHello(hello, { ...expected, ...changes })?.reason).toBe(reason)
  })

  test('a server without data may join any ensemble, and any may join it', () => {
    expect(checkHello(helloFrom(three, two, { clusterId: 5 as ClusterId }), expected)).toBeNull()
    expect(checkHello(helloFrom(three, two), { ...expected, clusterId: 6 as ClusterId })).toBeNull()
    expect(
      checkHello(helloFrom(three, two, { clusterId: 6 as ClusterId }), { ...expected, clusterId: 6 as ClusterId }),
    ).toBeNull()
  })

  test('servers with data of two ensembles refuse each other, and both can log why', () => {
    const [low, high] = [new Side(one, { clusterId: cluster(5) }), new Side(two, { clusterId: cluster(6) })]
    join(high, one, low, 0).settle()
    expect([...low.reported, ...high.reported]).toEqual([])
    for (const side of [low, high]) {
      expect(side.closes).toMatchObject([{ reason: 'peer-of-another-ensemble', isGentle: true }])
    }
    expect(linkCloseReasons['peer-of-another-ensemble']).toContain('move their data folder away')
  })

  test.each([
    ['not-a-peer', new TextEncoder().encode('GET / HTTP/1.1\r\nHost: a\r\n\r\n')],
    ['hello-missing', encodeFrame({ hello: null, messages: [vote(1)] })],
    ['hello-missing', keepAliveFrame],
    ['frame-too-large', encodeFrame({ hello: null, messages: Array.from({ length: 500 }, () => vote(1)) })],
  ] as const)('a stream without a greeting is closed as %s (case %#)', (reason, bytes) => {
    const side = firstBytes(bytes)
    expect(side.closes).toMatchObject([{ reason }])
    expect([side.reported, side.written]).toEqual([[], []])
  })

  test('a second greeting on a link closes it', () => {
    const side = new Side(two)
    const link = side.links.opened(null, 0)
    const greeting = encodeFrame({ hello: helloFrom(three, two), messages: [] })
    side.links.received(link, greeting, 0)
    side.links.received(link, greeting, 0)
    side.perform()
    expect(side.reported).toEqual(['connected 3', 'disconnected 3'])
    expect(side.closes).toMatchObject([{ reason: 'hello-repeated' }])
  })

  test('a damaged frame ends the link after the good ones before it were delivered', () => {
    const side = new Side(two)
    const link = side.links.opened(null, 0)
    side.links.received(link, encodeFrame({ hello: helloFrom(three, two), messages: [] }), 0)
    const damaged = encodeFrame({ hello: null, messages: [vote(2)] })
    damaged[15]! ^= 4
    side.links.received(link, Buffer.concat([encodeFrame({ hello: null, messages: [vote(1)] }), damaged]), 0)
    side.perform()
    expect(side.reported).toEqual(['connected 3', 'vote from 3', 'disconnected 3'])
    expect(side.closes).toMatchObject([{ reason: 'frame-damaged', isGentle: false }])
  })
})
