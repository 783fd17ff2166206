import { expect, test } from 'vitest'
import { matchNameBackwards, nameLengthBytes, readName, writeName } from '../../src/tree/znode-name.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { TreeDriver } from '../support/tree-driver.ts'

function stored(name: string): Uint8Array {
  const bytes = new Uint8Array(nameLengthBytes(name, 0, name.length) + 4)
  writeName(name, 0, name.length, bytes, 2)
  return bytes.subarray(0, bytes.length - 2)
}

test('names of one, two and three byte characters are stored as UTF-8 and read back', () => {
  const random = new SeededRandom(14)
  for (let round = 0; round < 500; round += 1) {
    const name = `n${random.text(30)}`
    const bytes = stored(name)
    expect(Buffer.from(bytes.subarray(2))).toEqual(Buffer.from(name, 'utf8'))
    expect(readName(bytes, 2, bytes.length - 2)).toBe(name)
    expect(matchNameBackwards(`/p/${name}`, 3 + name.length, bytes, 2, bytes.length - 2)).toBe(2)
  }
})

test.each([
  ['another last character', '/p/éa', 'éb'],
  ['another first character', '/p/éa', 'ea'],
  ['a longer path component', '/p/xéa', 'éa'],
  ['a shorter path component', '/p/a', 'éa'],
  ['a path that ends before the name does', 'a', 'éa'],
  ['a three byte character whose low bits agree', '/p/\u0865', 'e'],
])('a stored name does not match %s', (_what, path, name) => {
  const bytes = stored(name)
  expect(matchNameBackwards(path, path.length, bytes, 2, bytes.length - 2)).toBe(-1)
})

test('a name as long as a frame allows can be created, listed and deleted', () => {
  const driver = new TreeDriver()
  const name = '節'.repeat(300_000)
  driver.create(`/${name}`, { data: Uint8Array.of(1) })
  expect(driver.children('/')).toEqual(['zookeeper', name].sort())
  expect(driver.stat(`/${name}`).dataLength).toBe(1)
  driver.tree.verify()
  driver.delete(`/${name}`)
  expect(driver.children('/')).toEqual(['zookeeper'])
})
