/**
 * What nobody may write: /keeper and all below it, where the znodes of ClickHouse Keeper are shown that are in no tree
 * (there: every preprocess function of KeeperStorageImpl.cpp). A user who has stored a /keeper of his own, before that
 * was reserved, keeps it: it is then a znode like any other, and nothing is shown there.
 */
import { keeperPath } from '../protocol/client/keeper-requests.ts'
import type { PendingChanges } from './pending-changes.ts'

const slash = 0x2f

/** The name of a sequential znode ends with digits, so `/keeper` alone is only how its path begins. */
export function isReservedPath(path: string, isSequential: boolean, pending: PendingChanges): boolean {
  if (!path.startsWith(keeperPath)) return false
  if (path.length === keeperPath.length ? isSequential : path.charCodeAt(keeperPath.length) !== slash) return false
  return pending.lookup(keeperPath) === null
}
