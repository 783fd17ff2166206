/**
 * What one znode adds to the tree digest: two lanes over its path and over everything that a client or a later change can
 * see of it. The digest is the sum over all znodes, so a store that knows a znode before and after a change can keep it
 * up to date. Every store of znodes uses these functions: if two of them differed, servers with equal trees would report
 * different digests. A change of what is covered, or of the order, is a new `treeDigestVersion`.
 */
import { statSizeBytes } from '../protocol/client/stat.ts'
import type { AclEntry } from '../protocol/txn/txn.ts'
import { HashLanes } from './hash-lanes.ts'

/** Null and empty data differ; `bytes` is not read for either. */
export function hashData(hash: HashLanes, isNull: boolean, bytes: DataView, offset: number, lengthBytes: number): void {
  hash.start(isNull ? 1 : 2, 3)
  if (lengthBytes > 0) hash.addBytes(bytes, offset, lengthBytes)
  hash.finish()
}

/** `hash` has started with both lanes of the hash of the path. The owner is raw, as two words. */
export function hashImage(
  hash: HashLanes,
  stat: DataView,
  statOffset: number,
  createCount: number,
  ownerHigh: number,
  ownerLow: number,
  dataHashA: number,
  dataHashB: number,
  aclHashA: number,
  aclHashB: number,
): void {
  hash.addBigEndianWords(stat, statOffset, statOffset + statSizeBytes)
  hash.addWord(createCount)
  hash.addWord(ownerHigh)
  hash.addWord(ownerLow)
  hash.addWord(dataHashA)
  hash.addWord(dataHashB)
  hash.addWord(aclHashA)
  hash.addWord(aclHashB)
  hash.finish()
}

/** The key of an ACL: lengths come first, so that no scheme or id can imitate the border between two entries. */
export function aclKeyOf(entries: readonly AclEntry[]): string {
  return entries.map(({ perms, scheme, id }) => `${perms},${scheme.length},${id.length},${scheme}${id}`).join()
}

export function hashAcl(key: string): HashLanes {
  const hash = new HashLanes()
  hash.addText(key)
  hash.finish()
  return hash
}
