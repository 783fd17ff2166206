import { expect, test } from 'vitest'
import type { SessionId, Zxid } from '../../src/base/ids.ts'
import type { Change } from '../../src/protocol/txn/txn.ts'
import { SessionTable } from '../../src/sessions/session-table.ts'
import { DataTree } from '../../src/tree/data-tree.ts'
import { makeTreeDigest } from '../../src/tree/tree-digest.ts'
import { creation, noOwner, openAcl, TreeDriver } from '../support/tree-driver.ts'

const zxid = 0x1_0000_0001 as Zxid
const timeMs = 1_700_000_000_000
const base = creation('/a', 2, { data: Uint8Array.of(1, 2, 3, 4, 5) }) as Extract<Change, { kind: 'create' }>

function digestAfter(changes: readonly Change[], at: Zxid = zxid, atMs = timeMs): string {
  const tree = new DataTree(new SessionTable())
  tree.applier.apply(at, { timeMs: atMs, changes }, null)
  return tree.digest()
}

test.each<readonly [string, Change]>([
  ['the path', { ...base, path: '/b' }],
  ['one byte of data', { ...base, data: Uint8Array.of(1, 2, 3, 4, 6) }],
  ['a trailing zero byte of data', { ...base, data: Uint8Array.of(1, 2, 3, 4, 5, 0) }],
  ['empty data', { ...base, data: new Uint8Array(0) }],
  ['null data', { ...base, data: null }],
  ['the ACL', { ...base, acl: [{ perms: 30, scheme: 'world', id: 'anyone' }] }],
  ['the owner', { ...base, ephemeralOwner: 5n as SessionId }],
  ['an owner that the Stat hides', { ...base, ephemeralOwner: 0x8000000000000000n as SessionId }],
  ['the create count of the parent', { ...base, parentCreateCount: 3 }],
])('the digest differs when a create differs in %s', (_what, other) => {
  expect(digestAfter([other])).not.toBe(digestAfter([base]))
})

test('the digest differs for null data and empty data', () => {
  expect(digestAfter([{ ...base, data: null }])).not.toBe(digestAfter([{ ...base, data: new Uint8Array(0) }]))
})

test('the digest differs for an ACL with the same entries in another order', () => {
  const entry = { perms: 1, scheme: 'ip', id: '10.0.0.1' }
  const first = digestAfter([{ ...base, acl: [entry, ...openAcl] }])
  expect(digestAfter([{ ...base, acl: [...openAcl, entry] }])).not.toBe(first)
})

test('the digest differs for create counts that are equal without their sign bit', () => {
  const high = digestAfter([{ ...base, parentCreateCount: 2 - 2 ** 31 }])
  expect(high).not.toBe(digestAfter([base]))
})

test('the digest differs when only the zxid or only the time differs', () => {
  expect(digestAfter([base], (zxid + 1) as Zxid)).not.toBe(digestAfter([base]))
  expect(digestAfter([base], zxid, timeMs + 1)).not.toBe(digestAfter([base]))
})

test('the digest differs when versions differ', () => {
  const setData = (version: number): Change => ({ kind: 'set-data', path: '/a', data: null, version })
  const setAcl = (aversion: number): Change => ({ kind: 'set-acl', path: '/a', acl: openAcl, aversion })
  expect(digestAfter([base, setData(1)])).not.toBe(digestAfter([base, setData(2)]))
  expect(digestAfter([base, setAcl(1)])).not.toBe(digestAfter([base, setAcl(2)]))
})

test('the digest does not depend on the order of independent siblings', () => {
  const left = digestAfter([creation('/a', 3), creation('/b', 3), creation('/c', 3)])
  expect(digestAfter([creation('/c', 3), creation('/a', 3), creation('/b', 3)])).toBe(left)
})

test('two znodes that swap their data change the digest', () => {
  const with1 = (path: string): Change => creation(path, 3, { data: Uint8Array.of(1) })
  const with2 = (path: string): Change => creation(path, 3, { data: Uint8Array.of(2) })
  expect(digestAfter([with1('/a'), with2('/b')])).not.toBe(digestAfter([with2('/a'), with1('/b')]))
})

test('the digest does not depend on ACLs and znodes that were removed', () => {
  const plain = new TreeDriver()
  const busy = new TreeDriver()
  const acl = [{ perms: 1, scheme: 'digest', id: 'u:h' }]
  busy.commitAt(1 as Zxid, [creation('/x', 2, { acl }), creation('/x/y', 1, { owner: 9n as SessionId })])
  busy.commitAt(1 as Zxid, [
    { kind: 'delete', path: '/x/y' },
    { kind: 'delete', path: '/x' },
  ])
  plain.commitAt(1 as Zxid, [creation('/z', 2, { owner: noOwner }), { kind: 'delete', path: '/z' }])
  expect(busy.tree.digest()).toBe(plain.tree.digest())
})

test('a digest is 16 hex digits, high lane first', () => {
  expect(makeTreeDigest(-1, 10)).toBe('ffffffff0000000a')
})

test('the digest of a fresh tree is the same in every release', () => {
  expect(new DataTree(new SessionTable()).digest()).toBe('1dc8b876dae65cd5')
})
