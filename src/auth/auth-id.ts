/**
 * Who a connection is: a set of ids, each vouched for by one scheme. Ids only accumulate while the connection
 * lives, and each request carries the set that was present when it was read from the socket.
 */
export interface AuthId {
  readonly scheme: string
  readonly id: string
}

/** Membership of this scheme passes every check (ZK: ZooKeeperServer.checkACL). It never appears in an ACL. */
export const superScheme = 'super'

/** What the ids of a connection weigh: they travel with each of its writes. */
export function unitsOfIds(ids: readonly AuthId[]): number {
  return ids.reduce((sum, { scheme, id }) => sum + scheme.length + id.length, 0)
}

/** `held` with those of `added` that are not in it; the same array when nothing is new. */
export function withIds(held: readonly AuthId[], added: readonly AuthId[]): readonly AuthId[] {
  const fresh = added.filter((id) => !held.some((known) => known.scheme === id.scheme && known.id === id.id))
  return fresh.length === 0 ? held : [...held, ...fresh]
}
