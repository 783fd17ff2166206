/**
 * Znodes that end on their own: a container after its last child was deleted, a TTL znode when its time to live is over
 * (ZK: DataTree.containers, ttls). The tree keeps a list of their slots, so that finding them costs no walk over the
 * rest.
 */
import { statOffsets } from '../protocol/client/stat.ts'
import { ownerKindOf, ttlMsOf } from './owner-kind.ts'
import type { ZnodeStore } from './znode-store.ts'
import { field } from './znode-table.ts'

export interface TransientZnode {
  readonly path: string
  readonly childCount: number
  readonly createCount: number // 0: it never had children
  readonly mtimeMs: number
  readonly ttlMs: number | null // null: a container
}

/** `slots` may change between two steps: iterating a Set skips what was removed and reaches what was added. */
export function* walkTransients(slots: ReadonlySet<number>, store: ZnodeStore): IterableIterator<TransientZnode> {
  for (const slot of slots) {
    const owner = store.ownerOf(slot)
    yield {
      path: store.pathOf(slot),
      childCount: store.childCount(slot),
      createCount: store.table.word(slot, field.createCount),
      mtimeMs: store.table.stat64(slot, statOffsets.mtime),
      ttlMs: ownerKindOf(owner) === 'ttl' ? ttlMsOf(owner) : null,
    }
  }
}
