/**
 * The writes and checks that ClickHouse Keeper has beyond ZooKeeper, decided as in Keeper (KeeperStorageImpl.cpp, the
 * preprocess functions). Each becomes one bundle of ordinary creates and deletes, which the functions of node-writes.ts
 * validate, so that applying it needs no code of its own. The caller drops what a refused write has staged.
 */
import { isAllowed } from '../auth/is-allowed.ts'
import { permissions } from '../auth/permissions.ts'
import type { ErrorName } from '../base/errors.ts'
import { recursiveRemovalPathUnitsMax, recursiveRemovalZnodeCountMax } from '../base/limits.ts'
import { err, ok, type Result } from '../base/result.ts'
import { type KeeperWrite, keeperWriteOpOf } from '../protocol/client/keeper-requests.ts'
import { parentOf, parseZnodePath } from '../protocol/client/path.ts'
import type { BundledChange, Change } from '../protocol/txn/txn.ts'
import { checkStat } from './check-stat.ts'
import {
  findForWrite,
  hasParent,
  isExpected,
  prepareNodeWrite,
  stageDelete,
  undeletablePaths,
  type WriteContext,
} from './node-writes.ts'
import type { PendingChanges } from './pending-changes.ts'
import { isReservedPath } from './reserved-path.ts'

type Wanted<K extends KeeperWrite['kind']> = Extract<KeeperWrite, { readonly kind: K }>
type Bundled = Result<readonly BundledChange[], ErrorName>

const nothing: Bundled = ok([])
const sequentialFlag = 2

export function prepareKeeperWrite(
  write: KeeperWrite,
  pending: PendingChanges,
  context: WriteContext,
): Result<Change, ErrorName> {
  if (context.sessionRefusal !== null) return err(context.sessionRefusal)
  if (isReservedPath(write.path, false, pending)) return err('bad-arguments')
  const changes = changesOf(write, pending, context)
  if (!changes.ok) return changes
  return ok({ kind: 'bundle', op: keeperWriteOpOf(write), path: write.path, changes: changes.value })
}

function changesOf(write: KeeperWrite, pending: PendingChanges, context: WriteContext): Bundled {
  switch (write.kind) {
    case 'check-not-exists':
      return checkNotExists(write, pending, context)
    case 'check-stat':
      return checkStatOf(write, pending, context)
    case 'create-if-not-exists':
      return createIfNotExists(write, pending, context)
    case 'try-remove':
      return tryRemove(write, pending, context)
    case 'remove-recursive':
      return removeRecursive(write, pending, context)
  }
}

/** A znode with another version than the given one counts as missing. */
function checkNotExists(write: Wanted<'check-not-exists'>, pending: PendingChanges, context: WriteContext): Bundled {
  if (!parseZnodePath(write.path).ok) return err('bad-arguments')
  const node = pending.lookup(write.path)
  if (node === null) return nothing
  if (!isAllowed(node.acl, permissions.read, context.ids, context.access)) return err('no-auth')
  return isExpected(write.version, node.version) ? err('node-exists') : nothing
}

function checkStatOf(write: Wanted<'check-stat'>, pending: PendingChanges, context: WriteContext): Bundled {
  const node = findForWrite(write.path, permissions.read, pending, context)
  if (!node.ok) return node
  if (!isExpected(write.version, node.value.version)) return err('bad-version')
  const view = { ...node.value, ...pending.momentsOf(write.path, context.timeMs) }
  return checkStat(view, write.stat) ? nothing : err('bad-version')
}

/** A znode that exists stays as it is, whatever its data and kind. */
function createIfNotExists(
  write: Wanted<'create-if-not-exists'>,
  pending: PendingChanges,
  context: WriteContext,
): Bundled {
  if ((write.flags & sequentialFlag) !== 0) return err('bad-arguments')
  const { path, data, acl, flags } = write
  const plain = { kind: 'create', op: 'create', path, data, acl, flags, ttlMs: -1n } as const
  return bundleOf(prepareNodeWrite(plain, pending, context), ['node-exists'])
}

function tryRemove(write: Wanted<'try-remove'>, pending: PendingChanges, context: WriteContext): Bundled {
  const plain = { kind: 'delete', path: write.path, version: write.version } as const
  return bundleOf(prepareNodeWrite(plain, pending, context), ['no-node', 'bad-version', 'not-empty'])
}

/** `harmless`: the errors after which nothing remains to be done. */
function bundleOf(change: Result<Change, ErrorName>, harmless: readonly ErrorName[]): Bundled {
  if (!change.ok) return harmless.includes(change.error) ? nothing : change
  return change.value.kind === 'create' || change.value.kind === 'delete' ? ok([change.value]) : nothing
}

/**
 * Removes the znode and all below it, or nothing. `countMax` counts the znode itself. The limits of this server give
 * the same error, since a client that gets `not-empty` removes the subtree in pieces. Needs DELETE on the parent and,
 * unlike a delete, on every znode that is removed.
 */
function removeRecursive(write: Wanted<'remove-recursive'>, pending: PendingChanges, context: WriteContext): Bundled {
  const { path, countMax } = write
  if (!hasParent(path) || undeletablePaths.includes(path)) return err('bad-arguments')
  const parent = pending.lookup(parentOf(path))
  if (parent === null) return nothing
  if (!isAllowed(parent.acl, permissions.delete, context.ids, context.access)) return err('no-auth')
  if (pending.lookup(path) === null) return nothing
  const paths = subtreeOf(
    path,
    Math.min(countMax, recursiveRemovalZnodeCountMax - pending.stagedCount),
    pending,
    context,
  )
  if (!paths.ok) return paths
  const changes: BundledChange[] = []
  for (const each of paths.value.toReversed()) {
    stageDelete(pending, each)
    changes.push({ kind: 'delete', path: each })
  }
  return ok(changes)
}

/**
 * Parents before children, siblings sorted. Watch events come in the reverse order. A subtree above a limit is refused
 * before it is walked.
 */
function subtreeOf(
  top: string,
  countMax: number,
  pending: PendingChanges,
  context: WriteContext,
): Result<readonly string[], ErrorName> {
  const paths = [top]
  let pathUnits = pending.stagedPathUnits + top.length
  if (countMax < 1) return err('not-empty')
  for (let i = 0; i < paths.length; i++) {
    const path = paths[i]!
    const node = pending.lookup(path)!
    if (!isAllowed(node.acl, permissions.delete, context.ids, context.access)) return err('no-auth')
    if (node.childCount === 0) continue
    if (paths.length + node.childCount > countMax) return err('not-empty')
    for (const name of pending.childNames(path).toSorted()) {
      const child = `${path}/${name}`
      paths.push(child)
      pathUnits += child.length
    }
    if (pathUnits > recursiveRemovalPathUnitsMax) return err('not-empty')
  }
  return ok(paths)
}
