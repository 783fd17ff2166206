/**
 * One znode of the overlay: its fields as the store has them, and what is known of its data. Folding makes one for each znode
 * that a step touches, so the fields that txns change lie in slabs of bytes, and ACLs are shared.
 */
import { assert } from '../base/assert.ts'
import { statOffsets } from '../protocol/client/stat.ts'
import type { AclEntry } from '../protocol/txn/txn.ts'
import { aclKeyOf, hashAcl } from '../tree/image-hash.ts'
import { encodeAcl, readAcl } from './store-values.ts'

export interface StoredAcl {
  readonly entries: readonly AclEntry[]
  readonly bytes: Uint8Array
  readonly hashA: number
  readonly hashB: number
}

/** The data is long and was not changed: it is read again when the znode is written. */
export const inStore = Symbol('in the store')

export interface OverlayZnode {
  readonly path: string
  exists: boolean
  isChanged: boolean
  /** Stat, create count and owner, as in a value of the store, from `at` on. */
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly at: number
  acl: StoredAcl
  data: Uint8Array | null | typeof inStore
  dataHash: { readonly a: number; readonly b: number } | null // null: not computed since it changed
  stored: { readonly hashA: number; readonly hashB: number; readonly dataLengthBytes: number } | null
}

export function storedAcl(bytes: Uint8Array): StoredAcl | null {
  const entries = readAcl(bytes)
  if (entries === null) return null
  const { a: hashA, b: hashB } = hashAcl(aclKeyOf(entries))
  return { entries, bytes, hashA, hashB }
}

const emptyAcl = storedAcl(encodeAcl([]))
assert(emptyAcl !== null, 'an empty ACL can be read', {})
export const noAcl: StoredAcl = emptyAcl

export function dataIn({ path, data }: OverlayZnode): Uint8Array | null {
  assert(data !== inStore, 'the data that is asked for was kept', { path })
  return data
}

/** What the data of the znode adds to the size of the overlay. */
export function keptSizeBytesOf({ data, isChanged, view, at }: OverlayZnode): number {
  if (data === inStore) return isChanged ? view.getInt32(at + statOffsets.dataLength) : 0
  return data?.length ?? 0
}

export function isSameAcl(left: readonly AclEntry[], right: readonly AclEntry[]): boolean {
  if (left.length !== right.length) return false
  return left.every(({ perms, scheme, id }, at) => {
    const other = right[at]!
    return perms === other.perms && id === other.id && scheme === other.scheme
  })
}
