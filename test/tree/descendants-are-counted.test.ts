import { expect, test } from 'vitest'
import { SeededRandom } from '../support/seeded-random.ts'
import { TreeDriver } from '../support/tree-driver.ts'

test('an empty server has three znodes below its root', () => {
  const { tree } = new TreeDriver()
  expect(tree.descendantCount('/')).toBe(3)
})

test("the root by its empty name counts its second key '/' too", () => {
  const { tree } = new TreeDriver()
  expect(tree.descendantCount('')).toBe(4)
})

test('the znodes at every depth below a znode are counted and the znode itself is not', () => {
  const driver = new TreeDriver()
  for (const path of ['/a', '/a/b', '/a/b/c', '/a/b/d', '/a/e', '/ab', '/ab/x']) driver.create(path)
  const { tree } = driver
  expect(['/', '/a', '/a/b', '/a/b/c', '/ab'].map((path) => tree.descendantCount(path))).toEqual([10, 4, 2, 0, 1])
})

test('no znodes are below a path that does not exist', () => {
  const driver = new TreeDriver()
  driver.create('/a')
  expect(['/b', '/a/', '//', 'a'].map((path) => driver.tree.descendantCount(path))).toEqual([0, 0, 0, 0])
})

test('a count of descendants agrees with the prefixes of the paths in a random tree', () => {
  const driver = new TreeDriver()
  const random = new SeededRandom(7)
  const paths: string[] = []
  for (let i = 0; i < 400; i++) {
    const parent = paths.length === 0 ? '' : (['', ...paths][random.below(paths.length + 1)] ?? '')
    const path = `${parent}/${i}`
    driver.create(path)
    paths.push(path)
  }
  for (const path of paths) {
    expect(driver.tree.descendantCount(path)).toBe(paths.filter((each) => each.startsWith(`${path}/`)).length)
  }
})
