import { expect, test } from 'vitest'
import { PathTable } from '../../src/transactions/path-table.ts'
import { SeededRandom } from '../support/seeded-random.ts'

test.each([1, 2, 3])('a table of paths holds what a map would while it grows and shrinks, with seed %i', (seed) => {
  const random = new SeededRandom(seed)
  const table = new PathTable<number>()
  const model = new Map<string, number>()
  const counts: number[] = []
  let wrongCount = 0
  for (let phase = 0; phase < 4; phase++) {
    for (let i = 0; i < 12_000; i++) {
      const path = `/${random.below(9000)}`
      const isRemoved = phase % 2 === 0 ? random.chance(8) : true
      if (isRemoved && model.has(path)) {
        table.remove(path)
        model.delete(path)
      } else if (!isRemoved) {
        table.set(path, i)
        model.set(path, i)
      }
      const asked = `/${random.below(9000)}`
      if (table.get(asked) !== (model.get(asked) ?? null) || table.count !== model.size) wrongCount++
    }
    if (phase === 3) for (const path of [...model.keys()].slice(50)) [table.remove(path), model.delete(path)]
    counts.push(table.count)
    expect([...table.paths()].sort()).toEqual([...model.keys()].sort())
    for (const [path, value] of model) if (table.get(path) !== value) wrongCount++
  }
  expect(wrongCount).toBe(0)
  // The first tables have room for 2048 entries; one with this few has been halved.
  expect(Math.max(...counts)).toBeGreaterThan(4096)
  expect(counts.at(-1)).toBe(50)
})

test('a path that is not in the table cannot be removed', () => {
  expect(() => new PathTable<number>().remove('/a')).toThrow('only an entry is removed')
})
