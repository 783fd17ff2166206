import { describe, expect, it } from 'vitest'
import type { ServerId, SessionId } from '../../src/base/ids.ts'
import { SessionTracker } from '../../src/sessions/session-tracker.ts'

const a = 0xa1n as SessionId
const b = 0xb2n as SessionId
const one = 1 as ServerId
const two = 2 as ServerId
const tickMs = 2000

/** The first time, in ticks of 100 ms, at which the session is reported as expired. */
function expiryMs(tracker: SessionTracker, sessionId: SessionId, fromMs: number, untilMs: number): number | null {
  for (let nowMs = fromMs; nowMs <= untilMs; nowMs += 100) {
    if (tracker.expiredBy(nowMs).includes(sessionId)) return nowMs
  }
  return null
}

describe('session expiry', () => {
  it.each([
    [0, 4000, 6000],
    [400, 4000, 6000],
    [1999, 4000, 6000],
    [2000, 4000, 8000],
    [100, 3000, 4000],
  ])('of a session heard at %d ms with %d ms to live comes at %d ms', (heardMs, timeoutMs, expectedMs) => {
    const tracker = new SessionTracker(tickMs)
    tracker.track(a, timeoutMs, heardMs, one)
    expect(expiryMs(tracker, a, 0, 20_000)).toBe(expectedMs)
  })

  it('moves with every touch, by the timeout of the touch', () => {
    const tracker = new SessionTracker(tickMs)
    tracker.track(a, 4000, 0, one)
    expect(tracker.touch(a, 10_000, 5000)).toBe(true)
    expect(expiryMs(tracker, a, 5000, 30_000)).toBe(16_000)
  })

  it('reports a session once and leaves it closing', () => {
    const tracker = new SessionTracker(tickMs)
    tracker.track(a, 4000, 0, one)
    expect(tracker.expiredBy(6000)).toEqual([a])
    expect(tracker.expiredBy(60_000)).toEqual([])
    expect(tracker.isClosing(a)).toBe(true)
    expect(tracker.check(a, one)).toBe('session-expired')
  })

  it('cannot be undone by a touch that comes after it', () => {
    const tracker = new SessionTracker(tickMs)
    tracker.track(a, 4000, 0, one)
    tracker.expiredBy(6000)
    expect(tracker.touch(a, 4000, 6001)).toBe(false)
    tracker.track(a, 4000, 6001, two)
    expect(tracker.setOwner(a, two)).toBe(false)
    expect(tracker.expiredBy(60_000)).toEqual([])
    expect(tracker.isClosing(a)).toBe(true)
  })

  it('reports all expired sessions when time jumps, soonest first', () => {
    const tracker = new SessionTracker(tickMs)
    tracker.track(b, 9000, 0, one)
    tracker.track(a, 4000, 0, one)
    expect(tracker.expiredBy(1_000_000)).toEqual([a, b])
  })

  it('does not happen to a session whose close is already proposed', () => {
    const tracker = new SessionTracker(tickMs)
    tracker.track(a, 4000, 0, one)
    tracker.markClosing(a)
    expect(tracker.expiredBy(60_000)).toEqual([])
    expect(tracker.expiryBuckets()).toEqual([])
  })

  it('starts again for every session when a new leader takes over', () => {
    const tracker = new SessionTracker(tickMs)
    tracker.track(a, 4000, 0, one)
    tracker.markClosing(a)
    tracker.expiredBy(50_000)
    tracker.restartAll(
      [
        [a, 4000],
        [b, 8000],
      ],
      20_000,
    )
    expect(tracker.expiryBuckets()).toEqual([
      { expiresAtMs: 26_000, sessionIds: [a] },
      { expiresAtMs: 30_000, sessionIds: [b] },
    ])
    expect(expiryMs(tracker, a, 20_000, 60_000)).toBe(26_000)
  })

  it('keeps no memory of removed sessions', () => {
    const tracker = new SessionTracker(tickMs)
    for (let id = 1n; id <= 100n; id++) tracker.track(id as SessionId, 4000, Number(id) * 100, one)
    for (let id = 1n; id <= 100n; id++) tracker.remove(id as SessionId)
    expect([tracker.count, tracker.expiryBuckets()]).toEqual([0, []])
    expect(tracker.touch(a, 4000, 0)).toBe(false)
  })
})

describe('session ownership', () => {
  it('refuses an unknown session', () => {
    expect(new SessionTracker(tickMs).check(a, one)).toBe('unknown-session')
  })

  it('goes to the first server that asks after a change of leader', () => {
    const tracker = new SessionTracker(tickMs)
    tracker.restartAll([[a, 4000]], 0)
    expect([tracker.ownerOf(a), tracker.check(a, two), tracker.ownerOf(a)]).toEqual([null, null, two])
    expect(tracker.check(a, one)).toBe('session-moved')
  })

  it('moves when the session reattaches elsewhere', () => {
    const tracker = new SessionTracker(tickMs)
    tracker.track(a, 4000, 0, one)
    expect(tracker.setOwner(a, two)).toBe(true)
    expect([tracker.check(a, one), tracker.check(a, two)]).toEqual(['session-moved', null])
  })

  it('is refused for a session that does not exist', () => {
    expect(new SessionTracker(tickMs).setOwner(a, one)).toBe(false)
  })
})
