/**
 * What validation on the leader needs to know of one znode (NodeFacts), what its Stat says beside that (NodeMoments), both
 * together (NodeView), and all that a walk over the tree yields of it (ZnodeImage). All are snapshots: they do not follow
 * later changes. NodeFacts are apart because each write makes some, and each moment would be a number on the heap.
 */
import type { SessionId, Zxid } from '../base/ids.ts'
import type { AclEntry } from '../protocol/txn/txn.ts'

export interface NodeFacts {
  readonly version: number
  readonly aversion: number
  readonly createCount: number // children ever created, int32; the next sequential suffix (ZK: internal cversion)
  readonly childCount: number
  readonly ephemeralOwner: SessionId // raw, 0n = none; containers and TTL znodes have theirs here, not in the Stat
  readonly acl: readonly AclEntry[]
  readonly dataLengthBytes: number
}

export interface NodeMoments {
  readonly czxid: Zxid
  readonly mzxid: Zxid
  readonly pzxid: Zxid
  readonly ctimeMs: number
  readonly mtimeMs: number
}

export interface NodeView extends NodeFacts, NodeMoments {}

/** Everything about a znode: enough to rebuild it in another tree. */
export interface ZnodeImage extends NodeView {
  readonly path: string
  readonly data: Uint8Array | null // a copy
}
