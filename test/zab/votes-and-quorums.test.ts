import { describe, expect, test } from 'vitest'
import { type ServerId, type Zxid, zeroZxid } from '../../src/base/ids.ts'
import { quorumReached, quorumSize } from '../../src/zab/quorum.ts'
import { isBetterVote, isMoreRecent, isSameVote } from '../../src/zab/vote-order.ts'
import { epoch, zxid } from './zab-settings.ts'

describe('quorum', () => {
  test('a quorum is more than half of the voters', () => {
    expect([1, 2, 3, 4, 5, 6, 7].map(quorumSize)).toEqual([1, 2, 2, 3, 3, 4, 4])
  })

  test('a quorum has reached what its slowest member has', () => {
    const reached = (...values: number[]): number => quorumReached(values, 5, 0)
    expect(reached(9, 1, 5, 7, 3)).toBe(5)
    expect(reached(9, 8, 7)).toBe(7)
    expect(reached(9, 9)).toBe(0)
    expect(quorumReached([4], 1, 0)).toBe(4)
    expect(quorumReached([4, 9], 2, 0)).toBe(4)
  })

  test('voters not heard of count as the floor', () => {
    expect(quorumReached([zxid(1, 5)], 3, zxid(1, 2))).toBe(zxid(1, 2))
    expect(quorumReached<Zxid>([], 3, zeroZxid)).toBe(zeroZxid)
  })
})

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
