import { expect, test } from 'vitest'
import type { SessionId } from '../../src/base/ids.ts'
import { SessionTable } from '../../src/sessions/session-table.ts'
import { DataTree } from '../../src/tree/data-tree.ts'
import type { ZnodeImage } from '../../src/tree/node-view.ts'
import { containerOwner } from '../../src/tree/owner-kind.ts'
import { creation, TreeDriver, timeMsOf } from '../support/tree-driver.ts'

const session = 0x0100_0000_0000_0001n as SessionId
const ttlOwner = (ttlMs: number): SessionId => ((0xffn << 56n) | BigInt(ttlMs)) as SessionId

function paths(tree: DataTree): readonly string[] {
  return [...tree.transients()].map(({ path }) => path).sort()
}

test('containers and TTL znodes are listed and no others', () => {
  const driver = new TreeDriver()
  driver.create('/plain')
  driver.create('/ephemeral', { owner: session })
  driver.create('/container', { owner: containerOwner })
  driver.create('/container/ttl', { owner: ttlOwner(2 ** 40 - 1) })
  const made = driver.zxid
  driver.create('/container/child')
  expect([...driver.tree.transients()]).toEqual([
    { path: '/container', childCount: 2, createCount: 2, mtimeMs: timeMsOf(made - 1), ttlMs: null },
    { path: '/container/ttl', childCount: 0, createCount: 0, mtimeMs: timeMsOf(made), ttlMs: 2 ** 40 - 1 },
  ])
  driver.tree.verify()
})

test('a deleted container leaves the list and any znode may take its slot', () => {
  const driver = new TreeDriver()
  driver.create('/c', { owner: containerOwner })
  driver.delete('/c')
  driver.create('/p')
  expect(paths(driver.tree)).toEqual([])
  driver.tree.verify()
})

test('a container whose txn is replayed is listed once', () => {
  const driver = new TreeDriver()
  const change = creation('/c', 1, { owner: containerOwner })
  driver.commit(change)
  driver.commitAt(driver.zxid, [change])
  expect(paths(driver.tree)).toEqual(['/c'])
  driver.tree.verify()
})

test('new data moves the time from which a time to live is counted', () => {
  const driver = new TreeDriver()
  driver.create('/t', { owner: ttlOwner(5) })
  driver.setData('/t', null)
  expect([...driver.tree.transients()].map(({ mtimeMs }) => mtimeMs)).toEqual([timeMsOf(driver.zxid)])
})

test('a restored tree lists the containers and TTL znodes of the old one', () => {
  const driver = new TreeDriver()
  driver.create('/c', { owner: containerOwner })
  driver.create('/c/t', { owner: ttlOwner(5) })
  const images: ZnodeImage[] = []
  driver.tree.iterate((image) => images.push(image))
  const restored = DataTree.restore(images, new SessionTable(), driver.zxid)
  expect([...restored.transients()]).toEqual([...driver.tree.transients()])
  restored.verify()
})

test('a walk over the list continues while znodes are created and deleted', () => {
  const driver = new TreeDriver()
  for (const path of ['/a', '/b', '/c']) driver.create(path, { owner: containerOwner })
  const walk = driver.tree.transients()
  expect(walk.next().value?.path).toBe('/a')
  driver.delete('/a')
  driver.delete('/b')
  driver.create('/d', { owner: containerOwner })
  expect([...walk].map(({ path }) => path)).toEqual(['/c', '/d'])
})
