/**
 * What applying a txn needs of the place that holds znodes and sessions, and nothing more. The off-heap tree of a
 * server is one such place. A map of images over a base that is read beforehand is another: every call is synchronous.
 * A znode is named by a handle of the store's own kind, which is good until that znode is removed.
 * If two stores answered one of these calls differently, trees that were given the same txns would differ.
 */
import type { SessionId } from '../../base/ids.ts'
import type { AclEntry } from '../../protocol/txn/txn.ts'

export interface ApplyStore<Znode> {
  /** What `find` gives for a path that has no znode. */
  readonly none: Znode

  /** The znode of the path in the first `end` units of `path`; without `end`, of all of it. '' and '/' are the root. */
  find(path: string, end?: number): Znode
  /** A new child of `parent`: all Stat fields are zero, no data, no owner. */
  insert(parent: Znode, path: string, acl: readonly AclEntry[]): Znode
  /** Removes a znode that has no children and is not the root. */
  remove(znode: Znode, path: string): void

  parentOf(znode: Znode): Znode
  /** Kept by the store: `insert` adds to the parent's, `remove` subtracts. */
  childCount(znode: Znode): number
  aclOf(znode: Znode): readonly AclEntry[]
  ownerOf(znode: Znode): SessionId
  /** A copy, or bytes that never change. */
  dataOf(znode: Znode): Uint8Array | null
  dataLengthBytesOf(znode: Znode): number
  /** The znode and all below it, counted. Asked only when the usage of a quota is counted anew. */
  measure(top: Znode): SubtreeSize

  /** Keeps the bytes as they are now; the caller may reuse `data`. The Stat's dataLength follows. */
  setData(znode: Znode, data: Uint8Array | null): void
  setAcl(znode: Znode, acl: readonly AclEntry[]): void
  /** The raw owner, unsigned. The Stat shows it only if it is a session (ZK: DataNode.copyStat). */
  setOwner(znode: Znode, owner: SessionId): void
  /** The Stat's cversion follows from it and from the child count (`cversionOf`). */
  setCreateCount(znode: Znode, createCount: number): void
  /** An int32 of the Stat, at one of `statOffsets`. */
  setStat32(znode: Znode, at: number, value: number): void
  /** A zxid or a time of the Stat, at one of `statOffsets`. */
  setStat64(znode: Znode, at: number, value: number): void
  /** The znode was changed, and is complete again. */
  seal(znode: Znode): void
}

export interface SubtreeSize {
  readonly znodeCount: number
  readonly dataSizeBytes: number
}

export interface ApplySessions {
  put(sessionId: SessionId, timeoutMs: number): void
  remove(sessionId: SessionId): void
}

/** We store a count of creates; clients see creates plus deletes (ZK: DataNode.copyStat). Wraps as an int32. */
export function cversionOf(createCount: number, childCount: number): number {
  return (2 * createCount - childCount) | 0
}
