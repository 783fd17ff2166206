import { expect, test } from 'vitest'
import { PathTable } from '../../src/transactions/path-table.ts'
import { SeededRandom } from '../support/seeded-random.ts'

test.each([1, 2, 3])('a table of paths holds what a map would, with seed %i', (seed) => {
  const random = new SeededRandom(seed)
  const table = new PathTable<number>()
  const model = new Map<string, number>()
  for (let i = 0; i < 20_000; i++) {
    // Grows to some hundred entries and shrinks again, several times.
    const isGrowing = Math.floor(i / 2500) % 2 === 0
    const path = `/${random.below(700)}`
    if (random.chance(isGrowing ? 4 : 1) && model.has(path)) {
      table.remove(path)
      model.delete(path)
    } else if (isGrowing) {
      table.set(path, i)
      model.set(path, i)
    }
    const asked = `/${random.below(700)}`
    expect(table.get(asked)).toBe(model.get(asked) ?? null)
    expect(table.count).toBe(model.size)
  }
  for (const path of table.paths()) expect(table.get(path)).toBe(model.get(path))
  expect([...table.paths()].sort()).toEqual([...model.keys()].sort())
})

test('a path that is not in the table cannot be removed', () => {
  expect(() => new PathTable<number>().remove('/a')).toThrow('only an entry is removed')
})
