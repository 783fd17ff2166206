/**
 * The paths that no client may write: /keeper and all below it, where the server shows znodes of ClickHouse Keeper that
 * are in no tree (Keeper: every preprocess function of KeeperStorageImpl.cpp). If a user created /keeper before it was
 * reserved, it stays an ordinary znode, and the server shows nothing of Keeper below it.
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
