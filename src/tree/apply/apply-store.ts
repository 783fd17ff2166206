/**
 * What TxnApplier needs from the store of znodes and sessions, and nothing more. The off-heap tree of a server is one
 * store. A map of images over a base that is read beforehand is another: every call is synchronous.
 * A store names a znode by a handle of a type of its own, which is valid until that znode is removed.
 * If two stores answered one of these calls differently, trees that applied the same txns would differ.
 */
import type { ServerId, SessionId } from '../../base/ids.ts'
import type { AclEntry } from '../../protocol/txn/txn.ts'

export interface ApplyStore<Znode> {
  /** What `find` returns for a path that has no znode. */
  readonly none: Znode

  /** The znode of the path in the first `end` units of `path`; without `end`, of all of it. '' and '/' are the root. */
  find(path: string, end?: number): Znode
  /** A new child of `parent`: all Stat fields are zero, no data, no owner. */
  insert(parent: Znode, path: string, acl: readonly AclEntry[]): Znode
  /** Removes a znode that has no children and is not the root. */
  remove(znode: Znode, path: string): void

  parentOf(znode: Znode): Znode
  /** The store keeps this count: `insert` adds one to the parent's, `remove` subtracts one. */
  childCount(znode: Znode): number
  aclOf(znode: Znode): readonly AclEntry[]
  ownerOf(znode: Znode): SessionId
  /** A copy, or bytes that never change. */
  dataOf(znode: Znode): Uint8Array | null
  dataLengthBytesOf(znode: Znode): number
  /** Counts the znode and all below it. Called only when the usage of a quota is recounted. */
  measure(top: Znode): SubtreeSize

  /** Keeps the bytes as they are now; the caller may reuse `data`. The Stat's dataLength follows. */
  setData(znode: Znode, data: Uint8Array | null): void
  setAcl(znode: Znode, acl: readonly AclEntry[]): void
  /** `owner` is raw and unsigned. The Stat shows it only if it is a session (ZK: DataNode.copyStat). */
  setOwner(znode: Znode, owner: SessionId): void
  /** The store derives the Stat's cversion from it and from the child count (`cversionOf`). */
  setCreateCount(znode: Znode, createCount: number): void
  /** An int32 of the Stat, at one of `statOffsets`. */
  setStat32(znode: Znode, at: number, value: number): void
  /** A zxid or a time of the Stat, at one of `statOffsets`. */
  setStat64(znode: Znode, at: number, value: number): void
  /** All fields of a changed znode are set: the store may now compute what it derives from the whole of it. */
  seal(znode: Znode): void
}

export interface SubtreeSize {
  readonly znodeCount: number
  readonly dataSizeBytes: number
}

export interface ApplySessions {
  /** `attachedTo`: the server whose client has the session; null: not known. */
  put(sessionId: SessionId, timeoutMs: number, attachedTo: ServerId | null): void
  remove(sessionId: SessionId): void
}

/** The tree stores a count of creates; clients see creates plus deletes (ZK: DataNode.copyStat). Wraps as an int32. */
export function cversionOf(createCount: number, childCount: number): number {
  return (2 * createCount - childCount) | 0
}
