import { describe, expect, test } from 'vitest'
import { emptyChainHash } from '../../src/base/chain-hash.ts'
import { zeroZxid } from '../../src/base/ids.ts'
import { retainedTxnCountMax, retainedTxnSizeBytesMax } from '../../src/base/limits.ts'
import { followsInOrder, History } from '../../src/zab/history.ts'
import { historyOf, zxid } from '../support/zab-settings.ts'

const beginning = { zxid: zeroZxid, hash: emptyChainHash }

describe('history', () => {
  test('an empty history ends and begins at its base', () => {
    const history = new History({ zxid: zxid(3, 9), hash: 5 as never }, [])
    expect(history.last).toEqual({ zxid: zxid(3, 9), hash: 5 })
    expect(history.oldest).toEqual(history.last)
    expect(history.entriesAfter(zxid(3, 9), 10)).toEqual([])
  })

  test('a point is found exactly, or the last one before it', () => {
    const entries = historyOf([3, 2])
    const history = new History(beginning, entries)
    expect(history.pointAt(zxid(1, 2))?.hash).toBe(entries[1]!.hash)
    expect(history.pointAt(zxid(1, 4))).toBeNull()
    expect(history.pointAtOrBefore(zxid(1, 4))?.zxid).toBe(zxid(1, 3))
    expect(history.pointAtOrBefore(zxid(9, 1))?.zxid).toBe(zxid(2, 2))
    expect(history.pointAtOrBefore(zeroZxid)).toEqual(beginning)
  })

  test('there is no answer about what is older than memory', () => {
    const [first, ...rest] = historyOf([4])
    const history = new History({ zxid: first!.zxid, hash: first!.hash }, rest)
    expect(history.pointAtOrBefore(zeroZxid)).toBeNull()
    expect(history.entriesAfter(zeroZxid, 100)).toBeNull()
    expect(history.entriesAfter(zxid(1, 1), 100)).toHaveLength(3)
  })

  test('a piece of history has at least one entry and stops at the requested size', () => {
    const history = new History(beginning, historyOf([10], 100))
    expect(history.entriesAfter(zeroZxid, 1)).toHaveLength(1)
    expect(history.entriesAfter(zeroZxid, 250)).toHaveLength(3)
    expect(history.entriesAfter(zxid(1, 9), 250)).toHaveLength(1)
  })

  test('an entry that leaves a gap or chains to another history is a bug', () => {
    const history = new History(beginning, historyOf([2]))
    expect(() => history.append(historyOf([4])[3]!)).toThrow('gap-free')
    expect(() => history.append(historyOf([3], 3, 1)[2]!)).toThrow('chains')
  })

  test('a cut removes the tail, and another tail may follow', () => {
    const history = new History(beginning, historyOf([5]))
    history.truncateAfter(zxid(1, 3))
    expect(history.last.zxid).toBe(zxid(1, 3))
    history.append(historyOf([3, 1])[3]!)
    expect(history.last.zxid).toBe(zxid(2, 1))
    expect(() => history.truncateAfter(zxid(1, 4))).toThrow('cut at a point it has')
  })

  test('memory drops the oldest committed entries only', () => {
    const history = new History(beginning, historyOf([retainedTxnCountMax + 10]))
    history.trim(zxid(1, 4))
    expect(history.oldest.zxid).toBe(zxid(1, 4))
    history.trim(zxid(1, retainedTxnCountMax))
    expect(history.oldest.zxid).toBe(zxid(1, 10))
    expect(history.entriesAfter(zxid(1, 10), 1)?.[0]?.zxid).toBe(zxid(1, 11))
  })

  test('a history that was trimmed and cut to no entries still knows its end', () => {
    const sizeBytes = retainedTxnSizeBytesMax / 2
    const history = new History(beginning, historyOf([3], sizeBytes))
    history.trim(zxid(1, 3))
    expect(history.oldest.zxid).toBe(zxid(1, 1))
    history.truncateAfter(zxid(1, 1))
    expect(history.last.zxid).toBe(zxid(1, 1))
    history.append(historyOf([2], sizeBytes)[1]!)
    expect(history.pointAt(zxid(1, 2))).not.toBeNull()
  })

  test('every answer stays right after many trims', () => {
    const count = 2 * retainedTxnCountMax + retainedTxnCountMax / 2
    const entries = historyOf([count])
    const history = new History(beginning, entries.slice(0, retainedTxnCountMax))
    for (let i = retainedTxnCountMax; i < count; i++) {
      history.append(entries[i]!)
      history.trim(entries[i]!.zxid)
    }
    expect(history.oldest.zxid).toBe(zxid(1, count - retainedTxnCountMax))
    expect(history.pointAt(zxid(1, count - 5))?.hash).toBe(entries[count - 6]!.hash)
  })
})

describe('order of zxids', () => {
  test('counters have no gap within an epoch, and a later epoch starts at one', () => {
    expect(followsInOrder(zeroZxid, zxid(1, 1))).toBe(true)
    expect(followsInOrder(zxid(1, 1), zxid(1, 2))).toBe(true)
    expect(followsInOrder(zxid(1, 1), zxid(1, 3))).toBe(false)
    expect(followsInOrder(zxid(1, 7), zxid(4, 1))).toBe(true)
    expect(followsInOrder(zxid(1, 7), zxid(2, 2))).toBe(false)
    expect(followsInOrder(zxid(2, 1), zxid(1, 1))).toBe(false)
  })
})
