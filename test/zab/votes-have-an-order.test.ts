import { describe, expect, test } from 'vitest'
import type { ServerId } from '../../src/base/ids.ts'
import { isBetterVote, isMoreRecent, isSameVote } from '../../src/zab/vote-order.ts'
import { epoch, zxid } from '../support/zab-settings.ts'

describe('order of votes', () => {
  const vote = (e: number, counter: number, leader: number) => ({
    leader: leader as ServerId,
    epoch: epoch(e),
    zxid: zxid(1, counter),
  })
  const ascending = [vote(0, 9, 9), vote(1, 1, 3), vote(1, 1, 4), vote(1, 2, 1), vote(2, 1, 1), vote(2, 1, 2)]

  test('the epoch decides before the zxid, and the zxid before the id', () => {
    for (const [i, a] of ascending.entries()) {
      for (const [j, b] of ascending.entries()) expect(isBetterVote(a, b)).toBe(i > j)
    }
  })

  test('votes are the same when all three agree', () => {
    expect(isSameVote(vote(1, 2, 3), vote(1, 2, 3))).toBe(true)
    for (const different of [vote(2, 2, 3), vote(1, 3, 3), vote(1, 2, 4)]) {
      expect(isSameVote(vote(1, 2, 3), different)).toBe(false)
    }
  })

  test('a history of the same epoch and zxid is not more recent', () => {
    expect(isMoreRecent(epoch(2), zxid(1, 1), epoch(1), zxid(1, 9))).toBe(true)
    expect(isMoreRecent(epoch(1), zxid(1, 9), epoch(2), zxid(1, 1))).toBe(false)
    expect(isMoreRecent(epoch(2), zxid(1, 2), epoch(2), zxid(1, 1))).toBe(true)
    expect(isMoreRecent(epoch(2), zxid(1, 2), epoch(2), zxid(1, 2))).toBe(false)
  })
})
