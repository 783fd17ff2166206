import { expect, test } from 'vitest'
import type { AclEntry } from '../../src/protocol/txn/txn.ts'
import { AclTable } from '../../src/tree/acl-table.ts'

const open: readonly AclEntry[] = [{ perms: 31, scheme: 'world', id: 'anyone' }]

test('equal lists share an id and lists in another order do not', () => {
  const table = new AclTable()
  const two = [...open, { perms: 1, scheme: 'ip', id: '10.0.0.1' }]
  const id = table.acquire(open)
  expect(table.acquire(structuredClone(open))).toBe(id)
  expect(table.acquire(two)).not.toBe(table.acquire(two.toReversed()))
  expect(table.acquire(open)).toBe(id)
  expect(table.referencesOf(id)).toBe(3)
})

test('lists whose concatenated texts are equal stay different lists', () => {
  const table = new AclTable()
  const left = table.acquire([{ perms: 1, scheme: 'ab', id: 'c' }])
  expect(table.acquire([{ perms: 1, scheme: 'a', id: 'bc' }])).not.toBe(left)
  expect(table.acquire([{ perms: 1, scheme: 'ab', id: 'c,1,1,1,xy' }])).not.toBe(left)
})

test('a list is removed with its last reference and its id is used again', () => {
  const table = new AclTable()
  const id = table.acquire(open)
  table.acquire(open)
  table.release(id)
  expect(table.entriesOf(id)).toEqual(open)
  table.release(id)
  expect(table.listCount).toBe(0)
  expect(() => table.entriesOf(id)).toThrow('a referenced ACL is in the table')
  const other = [{ perms: 1, scheme: 'world', id: 'anyone' }]
  expect(table.acquire(other)).toBe(id)
  expect(table.entriesOf(id)).toEqual(other)
})

test('a kept list does not follow the array that was passed in', () => {
  const table = new AclTable()
  const mutable = [{ perms: 31, scheme: 'world', id: 'anyone' }]
  const id = table.acquire(mutable)
  mutable[0]!.perms = 0
  mutable.push({ perms: 1, scheme: 'ip', id: '::1' })
  expect(table.entriesOf(id)).toEqual(open)
})

test('an empty list is a list', () => {
  const table = new AclTable()
  expect(table.entriesOf(table.acquire([]))).toEqual([])
})
