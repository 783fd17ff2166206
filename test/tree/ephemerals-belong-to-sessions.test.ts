import { expect, test } from 'vitest'
import type { SessionId } from '../../src/base/ids.ts'
import { TreeDriver } from '../support/tree-driver.ts'

const one = 0x0100_0000_0000_0001n as SessionId
const two = 0x0200_0000_0000_0001n as SessionId

test('the ephemerals of a session are listed sorted by UTF-16 units', () => {
  const driver = new TreeDriver()
  for (const name of ['b', 'é', 'B', 'a10', 'a9']) driver.create(`/${name}`, { owner: one })
  driver.create('/other', { owner: two })
  driver.create('/plain')
  expect(driver.tree.ephemeralsOf(one)).toEqual(['/B', '/a10', '/a9', '/b', '/é'])
  expect(driver.tree.ephemeralsCount).toBe(6)
})

test('a session without ephemerals has an empty list', () => {
  expect(new TreeDriver().tree.ephemeralsOf(one)).toEqual([])
})

test('a deleted ephemeral znode leaves the list of its session', () => {
  const driver = new TreeDriver()
  driver.create('/e', { owner: one })
  driver.delete('/e')
  expect(driver.tree.ephemeralsOf(one)).toEqual([])
  expect(driver.tree.ephemeralsCount).toBe(0)
  driver.tree.verify()
})

test('closing a session skips paths that no longer exist or belong to another session', () => {
  const driver = new TreeDriver()
  driver.create('/mine', { owner: one })
  driver.create('/theirs', { owner: two })
  driver.create('/plain')
  const deletedPaths = ['/gone', '/theirs', '/plain', '/mine']
  const events = driver.commit({ kind: 'close-session', sessionId: one, deletedPaths })
  expect(events.filter(({ kind }) => kind === 'deleted').map(({ path }) => path)).toEqual(['/mine'])
  expect(driver.children('/')).toEqual(['plain', 'theirs', 'zookeeper'])
  driver.tree.verify()
})
