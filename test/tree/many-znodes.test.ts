import { expect, test } from 'vitest'
import { InvariantViolation } from '../../src/base/assert.ts'
import { PathIndex } from '../../src/tree/path-index.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { TreeDriver } from '../support/tree-driver.ts'

test('lookups stay right while the tree grows to 200,000 znodes and half of them are deleted', () => {
  const driver = new TreeDriver()
  const paths: string[] = []
  for (let group = 0; group < 100; group += 1) {
    driver.create(`/g${group}`)
    for (let at = 0; at < 2000; at += 1) {
      const path = `/g${group}/n${at}`
      driver.create(path, { data: Uint8Array.of(at, group) })
      paths.push(path)
    }
  }
  expect(driver.tree.nodeCount).toBe(5 + 100 + 200_000)
  let wrongCount = 0
  for (const path of paths) if (driver.tree.view(path)?.dataLengthBytes !== 2) wrongCount += 1
  for (const path of paths) if (driver.tree.view(`${path}x`) !== null) wrongCount += 1
  for (const [at, path] of paths.entries()) if (at % 2 === 0) driver.delete(path)
  for (const [at, path] of paths.entries()) if ((driver.tree.view(path) === null) !== (at % 2 === 0)) wrongCount += 1
  expect(wrongCount).toBe(0)
  expect(driver.children('/g7')).toHaveLength(1000)
  driver.tree.verify()
})

/** Finds slots by number: the path is the slot in decimal. */
const bySlot = {
  matches: (slot: number, path: string, end: number): boolean => String(slot) === path.slice(0, end),
}

test.each([1, 100, 57_000])(
  'an index that was filled with %i entries finds them and those that come after',
  (count) => {
    const random = new SeededRandom(7)
    const index = new PathIndex(bySlot)
    const keys = Array.from({ length: 60_000 }, () => random.int32())
    // Many equal keys, which do not fit their segment.
    for (let slot = 20_000; slot < 28_000; slot++) keys[slot] = keys[20_000]!
    index.fill(1, count, (slot) => keys[slot]!)
    expect(index.count).toBe(count)
    for (let slot = count + 1; slot < keys.length; slot++) index.insert(keys[slot]!, slot)
    // Only some of the equal ones are looked up, since a look-up passes all of them.
    const lost = keys.filter((key, slot) => {
      if (slot === 0 || (slot > 20_100 && slot < 28_000)) return false
      return index.find(key, String(slot), String(slot).length) !== slot
    })
    expect(lost).toEqual([])
    expect(index.count).toBe(59_999)
    expect(() => index.fill(0, 1, () => 0)).toThrow('only an empty index')
  },
)

test('the index distinguishes entries with equal keys', () => {
  const index = new PathIndex(bySlot)
  for (let slot = 0; slot < 7000; slot += 1) index.insert(0x12345678, slot)
  expect(index.find(0x12345678, '6999', 4)).toBe(6999)
  expect(index.find(0x12345678, '7000', 4)).toBe(-1)
  for (let slot = 0; slot < 7000; slot += 2) index.remove(0x12345678, slot)
  expect(index.find(0x12345678, '4', 1)).toBe(-1)
  expect(index.find(0x12345678, '5', 1)).toBe(5)
  expect(index.count).toBe(3500)
})

test('the index agrees with a map over random insertions and removals with crowded keys', () => {
  const random = new SeededRandom(13)
  const index = new PathIndex(bySlot)
  const keys = new Map<number, number>()
  let wrongCount = 0
  for (let step = 0; step < 60_000; step += 1) {
    const slot = random.below(20_000)
    const key = keys.get(slot)
    if (key === undefined) {
      // A few hundred home positions and random high bits: long runs that wrap, and splits.
      const fresh = (random.int32() & ~0x1f00) | 0
      keys.set(slot, fresh)
      index.insert(fresh, slot)
    } else {
      if (index.find(key, String(slot), String(slot).length) !== slot) wrongCount += 1
      if (random.chance(2)) {
        index.remove(key, slot)
        keys.delete(slot)
      }
    }
  }
  for (const [slot, key] of keys) if (index.find(key, String(slot), String(slot).length) !== slot) wrongCount += 1
  expect(wrongCount).toBe(0)
  expect(index.count).toBe(keys.size)
})

test('removing a slot that is not in the index is refused as a bug', () => {
  expect(() => new PathIndex(bySlot).remove(1, 1)).toThrow(InvariantViolation)
})
