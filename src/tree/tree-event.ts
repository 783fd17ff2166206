/**
 * What happened in the tree, as watches need it. Events come in the order in which ZooKeeper fires them: the
 * znode itself, then its parent (ZK: DataTree.createNode, deleteNode, setData).
 * `acl` is that of the znode at `path`, for the READ filter at delivery; for a deleted znode, the one that it had.
 */
import type { AclEntry } from '../protocol/txn/txn.ts'

export type TreeEvent =
  | {
      readonly kind: 'created' | 'deleted' | 'data-changed'
      readonly path: string
      readonly acl: readonly AclEntry[]
    }
  | { readonly kind: 'children-changed'; readonly path: string /* the parent */; readonly acl: readonly AclEntry[] }
