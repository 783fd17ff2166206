import { expect, it } from 'vitest'
import { addWatchModeOf, addWatchModes, watcherTypeOf, watcherTypes } from '../../../src/protocol/client/watch-kinds.ts'

it('gives the modes of addWatch and the types of removeWatches the numbers of ZooKeeper', () => {
  expect(addWatchModes).toEqual({ persistent: 0, recursive: 1 })
  expect(watcherTypes).toEqual({ children: 1, data: 2, any: 3, persistent: 4, recursive: 5 })
})

it('finds each mode and type of watch by its number and no others', () => {
  const numbers = [-(2 ** 31), -1, 0, 1, 2, 3, 4, 5, 6, 2 ** 31 - 1]
  expect(numbers.map(addWatchModeOf).filter((mode) => mode !== null)).toEqual(['persistent', 'recursive'])
  expect(numbers.map(watcherTypeOf).filter((type) => type !== null)).toEqual(Object.keys(watcherTypes))
  for (const [name, number] of Object.entries(addWatchModes)) expect(addWatchModeOf(number)).toBe(name)
  for (const [name, number] of Object.entries(watcherTypes)) expect(watcherTypeOf(number)).toBe(name)
})
