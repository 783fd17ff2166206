/**
 * Design D15: the process that is connected keeps its id. A second process is refused. A process that restarted before
 * its old link closed waits until it closes, no longer than the old link may be silent.
 */
import { describe, expect, test } from 'vitest'
import type { ServerId } from '../../src/base/ids.ts'
import { peerCallTimeoutMs } from '../../src/base/limits.ts'
import { encodeFrame, keepAliveFrame } from '../../src/peers/peer-frames.ts'
import { redialDelayMs } from '../../src/peers/redial-backoff.ts'
import { ids, join, peerTimeoutMs, Side, vote } from './peer-rig.ts'

const [one, two, three] = ids as [ServerId, ServerId, ServerId]

/** Server 1 with a link from one process of server 2, and a second process of server 2 that has dialled. */
function calledTwice() {
  const [low, first, second] = [new Side(one), new Side(two), new Side(two, { incarnation: 999 })]
  const firstWire = join(first, one, low, 0)
  firstWire.settle()
  const secondWire = join(second, one, low, 10)
  secondWire.settle()
  return { low, first, second, firstWire, secondWire }
}

test('a server that its peers do not list pauses longer and longer between its dials, and says why', () => {
  const [unknown, low] = [new Side(two), new Side(one, { voters: [one, three] })]
  let dialCount = 0
  for (let nowMs = 0; nowMs < 60_000; nowMs += 20) {
    unknown.tick(nowMs)
    if (unknown.dials.length === dialCount) continue
    for (; dialCount < unknown.dials.length; dialCount++) {
      const peer = unknown.dials[dialCount]!
      if (peer !== one) continue
      const wire = join(unknown, peer, low, nowMs)
      wire.settle()
      unknown.links.closed(wire.dialledLink, '', nowMs)
      unknown.perform()
    }
  }
  const reasons = unknown.closes.map(({ reason }) => reason)
  expect(low.closes[0]).toMatchObject({ reason: 'unknown-server' })
  expect(reasons[0]).toBe('closed-by-peer')
  expect(new Set(reasons.slice(1))).toEqual(new Set(['closed-after-greeting']))
  expect(reasons.length).toBeLessThan(25)
  expect(reasons.length).toBeGreaterThan(8)
})

describe('an id of which a process is connected', () => {
  test('a second process waits until the first one sends something, and is refused', () => {
    const { low, first, second, firstWire, secondWire } = calledTwice()
    expect(second.reported).toEqual([])
    first.links.send(one, vote(3))
    first.links.flush(20)
    firstWire.settle()
    secondWire.settle()
    expect(low.reported).toEqual(['connected 2', 'vote from 2'])
    expect(low.closes).toMatchObject([
      { reason: 'id-in-use', peer: two, isGentle: true, detail: 'connected is incarnation 200, refused 999' },
    ])
    expect(first.reported).toEqual(['connected 1'])
    expect(second.reported).toEqual([])
    expect(second.closes).toMatchObject([{ reason: 'own-id-in-use', peer: one }])
  })

  test('a keep-alive is enough to show that the first process lives', () => {
    const { low, firstWire } = calledTwice()
    low.links.received(firstWire.acceptedLink, keepAliveFrame, 20)
    low.perform()
    expect(low.closes).toMatchObject([{ reason: 'id-in-use' }])
  })

  test('a process that restarted gets the link as soon as its old one closes', () => {
    const { low, second, firstWire, secondWire } = calledTwice()
    low.links.closed(firstWire.acceptedLink, 'reset', 30)
    secondWire.settle()
    expect(low.reported).toEqual(['connected 2', 'disconnected 2', 'connected 2'])
    expect(second.reported).toEqual(['connected 1'])
    second.links.send(one, vote(1))
    second.links.flush(40)
    secondWire.settle()
    expect(low.reported.at(-1)).toBe('vote from 2')
  })

  test('a process whose machine lost power gets the link when its old one has been silent for the peer timeout', () => {
    const { low, second, secondWire } = calledTwice()
    for (let nowMs = 50; nowMs < peerTimeoutMs; nowMs += 50) low.tick(nowMs)
    secondWire.settle()
    expect(second.reported).toEqual([])
    low.tick(peerTimeoutMs)
    secondWire.settle()
    expect(low.reported).toEqual(['connected 2', 'disconnected 2', 'connected 2'])
    expect(second.reported).toEqual(['connected 1'])
    // The time during which it waited does not count as silence.
    low.tick(peerTimeoutMs + 50)
    expect(low.closes).toMatchObject([{ reason: 'silent' }])
  })

  test('one process at a time waits, the last that dialled', () => {
    const { low, second, firstWire, secondWire } = calledTwice()
    const third = new Side(two, { incarnation: 1000 })
    const thirdWire = join(third, one, low, 20)
    thirdWire.settle()
    secondWire.settle()
    expect(second.closes).toMatchObject([{ reason: 'own-id-in-use' }])
    low.links.closed(firstWire.acceptedLink, '', 30)
    thirdWire.settle()
    expect(third.reported).toEqual(['connected 1'])
  })

  test('a new link of the first process also shows that it lives', () => {
    const { low, first, second, secondWire } = calledTwice()
    const again = new Side(two)
    join(again, one, low, 20).settle()
    secondWire.settle()
    expect(second.closes).toMatchObject([{ reason: 'own-id-in-use' }])
    expect(low.reported).toEqual(['connected 2', 'disconnected 2', 'connected 2'])
    expect([first.reported, again.reported]).toEqual([['connected 1'], ['connected 1']])
  })

  test('a process that waits and disconnects changes nothing', () => {
    const { low, firstWire, secondWire } = calledTwice()
    low.links.closed(secondWire.acceptedLink, '', 20)
    low.links.closed(firstWire.acceptedLink, '', 30)
    low.perform()
    expect(low.reported).toEqual(['connected 2', 'disconnected 2'])
  })

  test('a process that does not wait for the greeting is closed', () => {
    const { low, secondWire } = calledTwice()
    low.links.received(secondWire.acceptedLink, encodeFrame({ hello: null, messages: [vote(1)] }), 20)
    low.perform()
    expect(low.closes).toMatchObject([{ reason: 'message-unknown', peer: two }])
    expect(low.reported).toEqual(['connected 2'])
  })

  test('a refused process dials again soon at first, then every ten seconds', () => {
    const delays = Array.from({ length: 12 }, (_, attempts) => redialDelayMs(attempts, 2 ** 32 - 1, true))
    expect(delays.map(Math.round)).toEqual([50, 100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000, 10_000])
    const { low, second, firstWire, secondWire } = calledTwice()
    low.links.received(firstWire.acceptedLink, keepAliveFrame, 20)
    low.perform()
    secondWire.settle()
    for (let nowMs = 0; nowMs <= 200; nowMs += 25) second.tick(nowMs)
    expect(second.dials).toEqual([1])
  })

  test('a server that no peer dials reports it after peerCallTimeoutMs, unless a link is up', () => {
    const lonely = new Side(one)
    const { low } = calledTwice()
    const soon = peerCallTimeoutMs - 1
    for (const side of [lonely, low]) side.tick(0)
    lonely.tick(soon)
    expect(lonely.reported).toEqual([])
    lonely.tick(soon + 1)
    expect(lonely.reported).toEqual(['not-called by 2,3'])
    expect(low.reported).toEqual(['connected 2'])
    const highest = new Side(three)
    for (const nowMs of [0, soon + 1]) highest.tick(nowMs)
    expect(highest.reported).toEqual([])
  })
})
