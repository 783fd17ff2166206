import { describe, expect, test } from 'vitest'
import { InvariantViolation } from '../../src/base/assert.ts'
import type { SessionId, Zxid } from '../../src/base/ids.ts'
import { creation, TreeDriver } from '../support/tree-driver.ts'

describe('a change that does not fit the tree', () => {
  test('a change with an older zxid is refused as a bug', () => {
    const driver = new TreeDriver()
    driver.create('/a')
    driver.create('/b')
    const older = (driver.zxid - 1) as Zxid
    expect(() => driver.commitAt(older, [{ kind: 'delete', path: '/a' }])).toThrow(InvariantViolation)
    expect(() => driver.commitAt(older, [])).toThrow(InvariantViolation)
  })

  test('a create of a znode that exists is refused as a bug', () => {
    const driver = new TreeDriver()
    driver.create('/a')
    expect(() => driver.create('/a')).toThrow('a created znode did not exist')
  })

  test('a create without a parent is refused as a bug', () => {
    expect(() => new TreeDriver().create('/a/b')).toThrow('the parent of a created znode exists')
  })

  test('a change of a znode that does not exist is refused as a bug', () => {
    const driver = new TreeDriver()
    expect(() => driver.delete('/a')).toThrow('a deleted znode existed')
    expect(() => driver.setData('/a', null)).toThrow('a znode that gets data exists')
    expect(() => driver.setAcl('/a', [])).toThrow('a znode that gets an ACL exists')
  })

  test('a create below an ephemeral znode is refused as a bug', () => {
    const driver = new TreeDriver()
    driver.create('/e', { owner: 7n as SessionId })
    expect(() => driver.create('/e/c')).toThrow('the parent of a created znode is not ephemeral')
  })

  test('a delete of a znode with children is refused as a bug', () => {
    const driver = new TreeDriver()
    driver.create('/a')
    driver.create('/a/b')
    expect(() => driver.delete('/a')).toThrow('a deleted znode had no children')
  })
})

describe('a txn that is applied again as the last one', () => {
  test.each([
    ['creates and deletes one znode', [creation('/n', 2), { kind: 'delete', path: '/n' } as const]],
    [
      'creates below a znode that it deletes',
      [
        creation('/n', 2),
        creation('/n/c', 1),
        { kind: 'delete', path: '/n/c' } as const,
        { kind: 'delete', path: '/n' } as const,
      ],
    ],
    [
      'deletes a znode and creates it again with a child',
      [creation('/n', 2), { kind: 'delete', path: '/n' } as const, creation('/n', 3), creation('/n/c', 1)],
    ],
    [
      'makes a znode ephemeral that had a child before',
      [
        creation('/a/c', 1),
        { kind: 'delete', path: '/a/c' } as const,
        { kind: 'delete', path: '/a' } as const,
        creation('/a', 2, { owner: 7n as SessionId }),
      ],
    ],
    [
      'sets data of a znode that it deletes',
      [{ kind: 'set-data', path: '/a', data: null, version: 7 } as const, { kind: 'delete', path: '/a' } as const],
    ],
    [
      'sets the ACL of a znode that it created',
      [creation('/n', 2), { kind: 'set-acl', path: '/n', acl: [], aversion: 1 } as const],
    ],
  ])('a multi that %s leaves the tree as it was', (_what, changes) => {
    const driver = new TreeDriver()
    driver.create('/a')
    driver.commit(...changes)
    const digest = driver.tree.digest()
    driver.commitAt(driver.zxid, changes)
    expect(driver.tree.digest()).toBe(digest)
    driver.tree.verify()
  })

  test('a txn without changes moves lastApplied', () => {
    const driver = new TreeDriver()
    driver.commit()
    expect(driver.tree.lastApplied).toBe(driver.zxid)
  })
})
