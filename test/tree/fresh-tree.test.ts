import { describe, expect, test } from 'vitest'
import { JuteWriter } from '../../src/jute/jute-writer.ts'
import { SessionTable } from '../../src/sessions/session-table.ts'
import { DataTree } from '../../src/tree/data-tree.ts'
import { openAcl, TreeDriver } from '../support/tree-driver.ts'

const zeroStat = {
  czxid: 0,
  mzxid: 0,
  ctime: 0,
  mtime: 0,
  version: 0,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: 0n,
  dataLength: 0,
  numChildren: 0,
  pzxid: 0,
}

describe('a fresh tree', () => {
  test('the root of a fresh tree shows one child that no txn created', () => {
    expect(new TreeDriver().stat('/')).toEqual({ ...zeroStat, cversion: -1, numChildren: 1 })
  })

  test('/zookeeper of a fresh tree shows two children that no txn created', () => {
    const driver = new TreeDriver()
    expect(driver.stat('/zookeeper')).toEqual({ ...zeroStat, cversion: -2, numChildren: 2 })
    expect(driver.children('/zookeeper')).toEqual(['config', 'quota'])
  })

  test('/zookeeper/quota of a fresh tree is all zeros and open', () => {
    const driver = new TreeDriver()
    expect(driver.stat('/zookeeper/quota')).toEqual(zeroStat)
    expect(driver.tree.aclOf('/zookeeper/quota')).toEqual(openAcl)
  })

  test('/zookeeper/config of a fresh tree has aversion -1 and lets every client only read', () => {
    const driver = new TreeDriver()
    expect(driver.stat('/zookeeper/config')).toEqual({ ...zeroStat, aversion: -1 })
    expect(driver.tree.aclOf('/zookeeper/config')).toEqual([{ perms: 1, scheme: 'world', id: 'anyone' }])
  })

  test('the data of every fresh znode is empty and not null', () => {
    const driver = new TreeDriver()
    for (const path of ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']) {
      expect(driver.data(path).data).toEqual(new Uint8Array(0))
    }
  })

  test('a fresh tree reports the numbers of an empty Apache ZooKeeper', () => {
    const tree = new DataTree(new SessionTable())
    expect(tree.nodeCount).toBe(5)
    expect(tree.approximateDataSizeBytes).toBe(44)
    expect(tree.ephemeralsCount).toBe(0)
    expect(tree.lastApplied).toBe(0)
    tree.verify()
  })

  test('the empty path reads the root', () => {
    const driver = new TreeDriver()
    expect(driver.stat('')).toEqual(driver.stat('/'))
    expect(driver.children('')).toEqual(['zookeeper'])
    expect(driver.tree.view('')).toEqual(driver.tree.view('/'))
  })

  test.each([
    'foo',
    '//',
    '/zookeeper/',
    '/zookeeper//quota',
    'zookeeper',
    '/zookeeper/quot',
    '/zookeeper\u0000',
    '/\ud800',
  ])('a read of the malformed or missing path %j misses and writes nothing', (path) => {
    const tree = new DataTree(new SessionTable())
    const writer = new JuteWriter()
    expect(tree.view(path)).toBeNull()
    expect(tree.aclOf(path)).toBeNull()
    expect(tree.writeStat(path, writer)).toBe(false)
    expect(tree.writeDataAndStat(path, writer)).toBe(false)
    expect(tree.writeChildren(path, writer)).toBe(false)
    expect(tree.writeChildrenAndStat(path, writer)).toBe(false)
    expect(writer.lengthBytes).toBe(0)
  })
})
