import { describe, expect, test } from 'vitest'
import { ByteArena, offsetOf } from '../../src/tree/byte-arena.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { TreeDriver } from '../support/tree-driver.ts'

describe('the memory of a tree', () => {
  test('slab bytes stay flat over cycles of creating and deleting the same content', () => {
    const driver = new TreeDriver()
    const cycle = (): number => {
      for (let at = 0; at < 3000; at += 1) driver.create(`/node-${at}`, { data: new Uint8Array(at % 700) })
      for (let at = 0; at < 3000; at += 1) driver.delete(`/node-${at}`)
      return driver.tree.slabSizeBytes
    }
    const first = cycle()
    for (let round = 0; round < 4; round += 1) expect(cycle()).toBe(first)
    driver.tree.verify()
  })

  test('slab bytes stay flat while data is replaced by data of other sizes', () => {
    const driver = new TreeDriver()
    const random = new SeededRandom(11)
    for (let at = 0; at < 200; at += 1) driver.create(`/node-${at}`)
    const churn = (): number => {
      for (let at = 0; at < 200; at += 1) driver.setData(`/node-${at}`, new Uint8Array(random.below(4096)))
      return driver.tree.slabSizeBytes
    }
    const sizes = Array.from({ length: 40 }, churn)
    expect(Math.max(...sizes.slice(20))).toBeLessThanOrEqual(Math.max(...sizes.slice(0, 20)) * 1.25)
    driver.tree.verify()
  })

  test('the memory of large data is released at once', () => {
    const driver = new TreeDriver()
    driver.create('/a')
    const before = driver.tree.slabSizeBytes
    driver.setData('/a', new Uint8Array(5_000_000))
    expect(driver.tree.slabSizeBytes).toBe(before + 5_000_000)
    driver.setData('/a', null)
    expect(driver.tree.slabSizeBytes).toBe(before)
  })
})

describe('the byte arena', () => {
  test('blocks of random lengths keep their content while others are allocated and freed', () => {
    const random = new SeededRandom(12)
    const arena = new ByteArena()
    const blocks = new Map<number, { readonly length: number; readonly mark: number }>()
    for (let step = 0; step < 20_000; step += 1) {
      if (blocks.size > 400 || (blocks.size > 0 && random.chance(3))) {
        const [ref, { length, mark }] = random.pick([...blocks].slice(0, 8))
        const offset = offsetOf(ref)
        expect(arena.bytesOf(ref)[offset]).toBe(mark)
        expect(arena.bytesOf(ref)[offset + length - 1]).toBe(mark)
        arena.free(ref)
        blocks.delete(ref)
        continue
      }
      const length = 1 + random.below(random.chance(100) ? 400_000 : 600)
      const ref = arena.allocate(length)
      expect(blocks.has(ref)).toBe(false)
      const mark = random.below(256)
      arena.bytesOf(ref).fill(mark, offsetOf(ref), offsetOf(ref) + length)
      blocks.set(ref, { length, mark })
    }
    expect(arena.usedBlockCount).toBe(blocks.size)
  })

  test('a block of every length up to the largest class fits its slab', () => {
    const arena = new ByteArena()
    for (let length = 1; length <= 270_000; length += length < 2000 ? 1 : 997) {
      const ref = arena.allocate(length)
      expect(offsetOf(ref) + length).toBeLessThanOrEqual(arena.bytesOf(ref).length)
      arena.free(ref)
    }
  })

  test('slabs of a class are released, except the last, when their blocks are freed', () => {
    const arena = new ByteArena()
    const refs = Array.from({ length: 50_000 }, () => arena.allocate(100))
    const full = arena.slabSizeBytes
    for (const ref of refs) arena.free(ref)
    expect(full).toBeGreaterThanOrEqual(50_000 * 100)
    expect(arena.slabSizeBytes).toBeLessThanOrEqual(1024 * 1024)
  })

  test.each([
    [1, 16],
    [17, 32],
    [113, 128],
    [129, 160],
    [161, 192],
    [225, 256],
    [257, 320],
    [229_377, 262_144],
  ])('lengths from %i to %i share a size class and the next one does not', (first, last) => {
    const arena = new ByteArena()
    expect(arena.isSameClass(first, last)).toBe(true)
    expect(arena.isSameClass(last, last + 1)).toBe(false)
  })

  test('a block that was freed already is not freed again', () => {
    const arena = new ByteArena()
    const ref = arena.allocate(300_000)
    arena.free(ref)
    expect(() => arena.free(ref)).toThrow('a freed block was in use')
  })
})
