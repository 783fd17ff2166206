/**
 * ACL lists, each distinct one kept once and counted (ZK: ReferenceCountedACLCache). Ids are local to one process
 * and one history: they are never written anywhere, so the table can be rebuilt in any order.
 * The order of entries is part of a list: getACL returns them as they were set.
 */
import { assert } from '../base/assert.ts'
import type { AclEntry } from '../protocol/txn/txn.ts'
import { aclKeyOf, hashAcl } from './image-hash.ts'

export type AclId = number

interface Row {
  readonly key: string
  readonly entries: readonly AclEntry[] // a copy
  readonly hashA: number
  readonly hashB: number
  references: number
}

export class AclTable {
  readonly #rows: (Row | null)[] = []
  readonly #idByKey = new Map<string, AclId>()
  readonly #spareIds: AclId[] = []
  #latest: AclId = 0 // most znodes get the list of the znode before, so it is compared first, without building a key

  get listCount(): number {
    return this.#idByKey.size
  }

  /** Counts one more reference. */
  acquire(entries: readonly AclEntry[]): AclId {
    const latest = this.#rows[this.#latest]
    if (latest !== null && latest !== undefined && isSameList(latest.entries, entries)) {
      latest.references += 1
      return this.#latest
    }
    const key = aclKeyOf(entries)
    const id = this.#idByKey.get(key) ?? this.#add(key, entries)
    this.#row(id).references += 1
    this.#latest = id
    return id
  }

  /** One more reference to a list that the table holds. */
  acquireAgain(id: AclId): void {
    this.#row(id).references += 1
  }

  release(id: AclId): void {
    const row = this.#row(id)
    row.references -= 1
    if (row.references > 0) return
    this.#idByKey.delete(row.key)
    this.#rows[id] = null
    this.#spareIds.push(id)
  }

  entriesOf(id: AclId): readonly AclEntry[] {
    return this.#row(id).entries
  }

  hashAOf(id: AclId): number {
    return this.#row(id).hashA
  }

  hashBOf(id: AclId): number {
    return this.#row(id).hashB
  }

  referencesOf(id: AclId): number {
    return this.#row(id).references
  }

  #row(id: AclId): Row {
    const row = this.#rows[id]
    assert(row !== null && row !== undefined, 'a referenced ACL is in the table', { id })
    return row
  }

  #add(key: string, entries: readonly AclEntry[]): AclId {
    const id = this.#spareIds.pop() ?? this.#rows.length
    const hash = hashAcl(key)
    const own = Object.freeze(entries.map(({ perms, scheme, id: name }) => Object.freeze({ perms, scheme, id: name })))
    this.#rows[id] = { key, entries: own, hashA: hash.a, hashB: hash.b, references: 0 }
    this.#idByKey.set(key, id)
    return id
  }
}

function isSameList(left: readonly AclEntry[], right: readonly AclEntry[]): boolean {
  if (left === right) return true
  if (left.length !== right.length) return false
  return left.every((entry, at) => {
    const other = right[at]!
    return entry.perms === other.perms && entry.id === other.id && entry.scheme === other.scheme
  })
}
