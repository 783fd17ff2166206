/**
 * Who a connection is: a set of ids, each proved by one scheme. Ids only accumulate while the connection
 * lives, and each request carries the set that was present when it was read from the socket.
 */
export interface AuthId {
  readonly scheme: string
  readonly id: string
}

/** Membership of this scheme passes every check (ZK: ZooKeeperServer.checkACL). It never appears in an ACL. */
export const superScheme = 'super'

/**
 * Proved by the text of the file `local-key` in the data folder of this server. It gives rights to the server's own
 * operations and to no znode; it never appears in an ACL.
 */
export const localScheme = 'local'

/** Whether a caller with `ids` may use the server's own operations, such as backups. */
export function mayOperate(ids: readonly AuthId[]): boolean {
  return ids.some(({ scheme }) => scheme === superScheme || scheme === localScheme)
}

/** The length of all ids together, in UTF-16 units. Each write of the connection carries them. */
export function unitsOfIds(ids: readonly AuthId[]): number {
  return ids.reduce((sum, { scheme, id }) => sum + scheme.length + id.length, 0)
}

/** `held` with those of `added` that are not in it; the same array when nothing is new. */
export function withIds(held: readonly AuthId[], added: readonly AuthId[]): readonly AuthId[] {
  const fresh = added.filter((id) => !held.some((known) => known.scheme === id.scheme && known.id === id.id))
  return fresh.length === 0 ? held : [...held, ...fresh]
}
