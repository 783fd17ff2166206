import { describe, expect, test } from 'vitest'
import type { ServerId } from '../../src/base/ids.ts'
import { peerHelloTimeoutMs, peerOutputSizeBytesMax } from '../../src/base/limits.ts'
import { redialDelayMs } from '../../src/peers/redial-backoff.ts'
import { ids, join, peerTimeoutMs, Side, vote } from './peer-rig.ts'

const [one, two, three] = ids as [ServerId, ServerId, ServerId]

function connectedPair() {
  const [low, high] = [new Side(one), new Side(two)]
  for (const side of [low, high]) side.tick(0)
  const wire = join(high, one, low, 0)
  wire.settle()
  return { low, high, ...wire }
}

describe('the set of links', () => {
  test('the server with the higher id dials the lower ones', () => {
    const dialled = ids.map((self) => {
      const side = new Side(self)
      side.tick(0)
      return side.dials
    })
    expect(dialled).toEqual([[], [1], [1, 2]])
  })

  test('a peer is dialled once at a time', () => {
    const side = new Side(two)
    for (let nowMs = 0; nowMs < 500; nowMs += 50) side.tick(nowMs)
    expect(side.dials).toEqual([1])
  })

  test('a peer that does not answer is dialled at growing intervals', () => {
    const side = new Side(two)
    const dialledAtMs: number[] = []
    for (let nowMs = 0; nowMs < 3000; nowMs += 25) {
      side.tick(nowMs)
      if (side.dials.length === 0) continue
      side.dials.length = 0
      dialledAtMs.push(nowMs)
      side.links.dialFailed(one, nowMs)
    }
    const gapsMs = dialledAtMs.slice(1).map((atMs, i) => atMs - dialledAtMs[i]!)
    expect(gapsMs.slice(0, 6)).toEqual([25, 50, 100, 200, 400, 500])
    expect(Math.max(...gapsMs)).toBe(500)
  })

  test('the redial delay keeps between half and all of its bound', () => {
    expect([redialDelayMs(0, 0, false), redialDelayMs(0, 2 ** 32 - 1, false)]).toEqual([25, expect.closeTo(50, 5)])
    expect([redialDelayMs(99, 0, false), redialDelayMs(99, 2 ** 32 - 1, false)]).toEqual([500, expect.closeTo(1000, 5)])
  })

  test('a link that was up is dialled again soon after it is lost', () => {
    const { high, dialledLink } = connectedPair()
    high.dials.length = 0
    high.links.closed(dialledLink, 'reset', 100)
    high.tick(110)
    expect(high.dials).toEqual([])
    high.tick(130)
    expect(high.dials).toEqual([1])
    expect(high.reported).toEqual(['connected 1', 'disconnected 1'])
  })

  test('a new link from a peer replaces the old one, whose end is reported first', () => {
    const { low, high } = connectedPair()
    join(new Side(two), one, low, 10).settle()
    expect(low.reported).toEqual(['connected 2', 'disconnected 2', 'connected 2'])
    expect(low.closes).toMatchObject([{ reason: 'replaced', peer: two }])
    expect(high.reported).toEqual(['connected 1'])
  })

  test('the end of a replaced link does not disconnect the peer', () => {
    const { low, acceptedLink } = connectedPair()
    join(new Side(two), one, low, 10).settle()
    low.links.closed(acceptedLink, '', 20)
    low.perform()
    expect(low.reported.at(-1)).toBe('connected 2')
  })

  test('an idle link is kept alive by both sides', () => {
    const { low, high, settle } = connectedPair()
    for (let nowMs = 50; nowMs <= 10 * peerTimeoutMs; nowMs += 50) {
      for (const side of [low, high]) side.links.tick(nowMs)
      settleAt(low, high, nowMs)
    }
    settle()
    expect([low.reported, high.reported]).toEqual([['connected 2'], ['connected 1']])
  })

  test('a link on which nothing arrives is closed after the peer timeout', () => {
    const { low } = connectedPair()
    low.wires.clear()
    for (let nowMs = 50; nowMs < peerTimeoutMs; nowMs += 50) low.tick(nowMs)
    expect(low.closes).toEqual([])
    low.tick(peerTimeoutMs)
    expect(low.closes).toMatchObject([{ reason: 'silent', peer: two }])
    expect(low.reported).toEqual(['connected 2', 'disconnected 2'])
  })

  test('a connection that sends nothing is closed', () => {
    const side = new Side(two)
    side.links.opened(null, 0)
    for (let nowMs = 50; nowMs < peerHelloTimeoutMs; nowMs += 50) side.tick(nowMs)
    expect(side.closes).toEqual([])
    side.tick(peerHelloTimeoutMs)
    expect(side.closes).toMatchObject([{ reason: 'hello-late', peer: null }])
    expect(side.reported).toEqual([])
  })

  test('a link whose peer reads nothing is closed', () => {
    const { high, dialledLink } = connectedPair()
    high.links.send(one, vote(1))
    high.links.outputQueued(dialledLink, peerOutputSizeBytesMax, 10)
    high.perform()
    expect(high.closes).toEqual([])
    high.links.outputQueued(dialledLink, peerOutputSizeBytesMax + 1, 10)
    high.links.flush(10)
    high.perform()
    expect(high.closes).toMatchObject([{ reason: 'output-too-large', peer: one }])
    expect(high.reported).toEqual(['connected 1', 'disconnected 1'])
  })

  test('a peer at the address of another one is refused', () => {
    const [second, high] = [new Side(two), new Side(three)]
    high.tick(0)
    join(high, one, second, 0).settle()
    expect(high.reported).toEqual([])
    expect(high.closes).toMatchObject([{ reason: 'hello-for-another-server' }])
  })
})

/** Carries the bytes that both sides have written; they arrive at `nowMs`. */
function settleAt(low: Side, high: Side, nowMs: number): void {
  for (const [from, to] of [
    [low, high],
    [high, low],
  ] as const) {
    const [link] = [...to.wires.keys()]
    for (const action of from.links.takeActions()) {
      if (action.kind === 'write') to.links.received(link!, action.bytes, nowMs)
      else from.reported.push(action.kind)
    }
  }
}
