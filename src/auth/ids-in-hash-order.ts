/**
 * The order of a connection's ids in ZooKeeper: that of a hash table (ZK: ServerCnxn.authInfo, a ConcurrentHashMap), which
 * shows where `auth` in an ACL is expanded. Assumes that ids only accumulate. Exact as long as fewer than eight ids
 * fall into one place of a table below 64; otherwise Java grows the table earlier.
 */
import { type AuthId, withIds } from './auth-id.ts'

const firstTableSize = 16

/** As `withIds`; `held` is what this function gave before, or the one id of a new connection. */
export function withIdsInHashOrder(held: readonly AuthId[], added: readonly AuthId[]): readonly AuthId[] {
  let ids = held
  for (const id of added) {
    const grown = withIds(ids, [id])
    if (grown !== ids) ids = inserted(ids, id)
  }
  return ids
}

function inserted(held: readonly AuthId[], id: AuthId): readonly AuthId[] {
  const tableSize = tableSizeFor(held.length)
  const place = spreadHashOf(id) & (tableSize - 1)
  const after = held.findIndex((other) => (spreadHashOf(other) & (tableSize - 1)) > place)
  const at = after < 0 ? held.length : after
  const ids = [...held.slice(0, at), id, ...held.slice(at)]
  return tableSizeFor(ids.length) > tableSize ? moved(ids, tableSize) : ids
}

/** Three quarters full, it doubles (Java: ConcurrentHashMap.addCount). */
function tableSizeFor(count: number): number {
  let size = firstTableSize
  while (count >= size - size / 4) size *= 2
  return size
}

/** Each list splits in two; what stands before its last run of one side comes out reversed (Java: ConcurrentHashMap.transfer). */
function moved(ids: readonly AuthId[], oldSize: number): readonly AuthId[] {
  const low: AuthId[] = []
  const high: AuthId[] = []
  for (let start = 0, end = 0; start < ids.length; start = end) {
    const place = spreadHashOf(ids[start]!) & (oldSize - 1)
    while (end < ids.length && (spreadHashOf(ids[end]!) & (oldSize - 1)) === place) end++
    const list = ids.slice(start, end)
    let lastRun = list.length - 1
    while (lastRun > 0 && isHigh(list[lastRun - 1]!, oldSize) === isHigh(list[lastRun]!, oldSize)) lastRun--
    const moving = [...list.slice(0, lastRun).reverse()]
    const kept = list.slice(lastRun)
    const isKeptHigh = isHigh(kept[0]!, oldSize)
    const side = (wantsHigh: boolean): readonly AuthId[] => [
      ...moving.filter((id) => isHigh(id, oldSize) === wantsHigh),
      ...(isKeptHigh === wantsHigh ? kept : []),
    ]
    low.push(...side(false))
    high.push(...side(true))
  }
  return [...low, ...high]
}

function isHigh(id: AuthId, oldSize: number): boolean {
  return (spreadHashOf(id) & oldSize) !== 0
}

/** Java: ConcurrentHashMap.spread over the hash of the generated record Id. */
function spreadHashOf({ scheme, id }: AuthId): number {
  const hash = (Math.imul(37, (Math.imul(37, 17) + javaHashOf(scheme)) | 0) + javaHashOf(id)) | 0
  return (hash ^ (hash >>> 16)) & 0x7fffffff
}

/** Java: String.hashCode. */
function javaHashOf(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0
  return hash
}
