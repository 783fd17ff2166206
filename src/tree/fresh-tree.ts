/**
 * The znodes that every tree begins with (ZK: DataTree constructor, addConfigNode). They appear without a txn:
 * no create is counted and all zxids and times are 0, so clients see cversion -1 on '/' and -2 on '/zookeeper'.
 * Every server must begin with exactly these, or digests never agree.
 */
import type { AclEntry } from '../protocol/txn/txn.ts'

export const openAcl: readonly AclEntry[] = [{ perms: 31, scheme: 'world', id: 'anyone' }]
const readAcl: readonly AclEntry[] = [{ perms: 1, scheme: 'world', id: 'anyone' }]

export interface FreshZnode {
  readonly path: string
  readonly acl: readonly AclEntry[]
  readonly aversion: number
}

/** All but the root, parents first. Their data is empty, not null. */
export const freshZnodes: readonly FreshZnode[] = [
  { path: '/zookeeper', acl: openAcl, aversion: 0 },
  { path: '/zookeeper/quota', acl: openAcl, aversion: 0 },
  // By default clients may only read the configuration (ZOOKEEPER-2014); its ACL has the version -1.
  { path: '/zookeeper/config', acl: readAcl, aversion: -1 },
]
