import { expect, test } from 'vitest'
import type { ConnectionThrottleLimits } from '../../src/config/client-limits.ts'
import { ConnectionThrottle } from '../../src/server/connection-throttle.ts'

const limits: ConnectionThrottleLimits = {
  tokenCountMax: 3,
  fillTimeMs: 10,
  fillTokenCount: 1,
  freezeTimeMs: -1,
  dropIncrease: 0.5,
  dropDecrease: 0.25,
  decreaseRatio: 0,
  newSessionTokens: 1,
  localSessionTokens: 1,
  returningSessionTokens: 1,
}
const start = 1000

function throttleOf(change: Partial<ConnectionThrottleLimits>, chance = 0.999): ConnectionThrottle {
  return new ConnectionThrottle({ ...limits, ...change }, { uint32: () => Math.floor(chance * 2 ** 32) })
}

test('a full bucket lets a burst in, and what is taken comes back at the rate of the filling', () => {
  const throttle = throttleOf({})
  const at = (ms: number): boolean => throttle.admits(true, start + ms)
  expect([at(0), at(0), at(0), at(0)]).toEqual([true, true, true, false])
  expect(throttle.deficitCount).toBe(3)
  // The filling is looked at when its time is over, not when it is reached (ZK: BlueThrottle.checkLimit).
  expect([at(10), at(11), at(11)]).toEqual([false, true, false])
  expect([at(50), at(50), at(50), at(50)]).toEqual([true, true, true, false])
})

test('the bucket never holds more than its tokens', () => {
  const throttle = throttleOf({})
  expect([0, 0, 0, 0].map(() => throttle.admits(true, start + 1_000_000))).toEqual([true, true, true, false])
})

test('with weights a session that comes back takes fewer tokens than a new one', () => {
  const throttle = throttleOf({ tokenCountMax: 5, newSessionTokens: 3, returningSessionTokens: 2 })
  expect([throttle.admits(true, start), throttle.admits(true, start), throttle.admits(false, start)]).toEqual([
    true,
    false,
    true,
  ])
})

test('the chance to be dropped rises while the bucket is empty and falls again when it is full', () => {
  const throttle = throttleOf({ freezeTimeMs: 5, fillTimeMs: 1_000_000 }, 0.4)
  const at = (ms: number): boolean => throttle.admits(true, start + ms)
  expect([at(0), at(0), at(0)]).toEqual([true, true, true])
  // Empty: after the freeze time the chance becomes a half, so a draw of 0.4 is dropped, whatever the bucket holds.
  expect(at(6)).toBe(false)
  const refilled = start + 4_000_000
  // Full again: each freeze time takes a quarter away, and 0.4 is above 0.25.
  expect(throttle.admits(true, refilled)).toBe(true)
})
