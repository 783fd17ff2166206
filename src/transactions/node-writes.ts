/**
 * The validation of each write of a znode, in ZooKeeper's order (ZK: PrepRequestProcessor.pRequest2Txn): clients see
 * the order, since the first check that fails gives the error. Each function stages the new state of the znodes and
 * returns the change that produces it; a refused write stages nothing.
 */

import type { AccessRules } from '../auth/access-rules.ts'
import type { AuthId } from '../auth/auth-id.ts'
import { fixUpAcl } from '../auth/fix-up-acl.ts'
import { isAllowed } from '../auth/is-allowed.ts'
import { permissions } from '../auth/permissions.ts'
import { assertNever } from '../base/assert.ts'
import type { ErrorName } from '../base/errors.ts'
import type { SessionId } from '../base/ids.ts'
import { err, ok, type Result } from '../base/result.ts'
import { parentOf, parseZnodePath } from '../protocol/client/path.ts'
import type { Change } from '../protocol/txn/txn.ts'
import type { NodeFacts } from '../tree/node-view.ts'
import { ownerKindOf } from '../tree/owner-kind.ts'
import { createKindOf } from './create-kind.ts'
import { momentsSet } from './moments-in-flight.ts'
import type { PendingChanges } from './pending-changes.ts'
import { checkQuota, type QuotaPolicy } from './quota-check.ts'
import { isReservedPath } from './reserved-path.ts'
import { sequentialSuffix } from './sequential-suffix.ts'
import type { CheckWrite, CreateWrite, DeleteWrite, NodeWrite, SetAclWrite, SetDataWrite } from './write-request.ts'

/** Whose write it is, and the settings under which it is decided. */
export interface WriteContext {
  readonly sessionId: SessionId
  readonly ids: readonly AuthId[] // as they were when the request was read from the socket
  /**
   * The error for a session that may not write now, returned where ZooKeeper checks the session. Null: it may write.
   */
  readonly sessionRefusal: ErrorName | null
  /**
   * Why the session may own no ephemeral: only one server knows it, and its end is no txn, so nothing would delete its
   * ephemerals. Null: it may own them.
   */
  readonly localOwnerRefusal: ErrorName | null
  readonly extendedTypesEnabled: boolean
  readonly quotas: QuotaPolicy
  readonly access: AccessRules
  /** /keeper is reserved for the znodes of ClickHouse Keeper, unless a user created it: see reserved-path.ts. */
  readonly keeperCompatibility: boolean
  readonly timeMs: number // the leader's wall clock
}

/** ZK: DataTree.isSpecialPath. */
export const undeletablePaths: readonly string[] = ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']
const anyVersion = -1
const sequentialFlag = 2

export function prepareNodeWrite(
  write: NodeWrite,
  pending: PendingChanges,
  context: WriteContext,
): Result<Change, ErrorName> {
  if (context.keeperCompatibility && isReservedPath(write.path, isSequential(write), pending))
    return err(context.sessionRefusal ?? 'bad-arguments')
  switch (write.kind) {
    case 'create':
      return prepareCreate(write, pending, context)
    case 'delete':
      return prepareDelete(write, pending, context)
    case 'set-data':
      return prepareSetData(write, pending, context)
    case 'set-acl':
      return prepareSetAcl(write, pending, context)
    case 'check':
      return prepareCheck(write, pending, context)
    default:
      return assertNever(write)
  }
}

function prepareCreate(write: CreateWrite, pending: PendingChanges, context: WriteContext): Result<Change, ErrorName> {
  const kind = createKindOf(write, context.sessionId, context.extendedTypesEnabled)
  if (!kind.ok) return kind
  if (context.sessionRefusal !== null) return err(context.sessionRefusal)
  // ZK: PrepRequestProcessor.validateCreateRequest, where the refused upgrade of the session is thrown.
  if (context.localOwnerRefusal !== null && ownerKindOf(kind.value.owner) === 'session')
    return err(context.localOwnerRefusal)
  if (!hasParent(write.path)) return err('bad-arguments')
  const acl = fixUpAcl(write.acl, context.ids, context.access)
  if (!acl.ok) return acl
  const parentPath = parentOf(write.path)
  const parent = pending.lookup(parentPath)
  if (parent === null) return err('no-node')
  if (!isAllowed(parent.acl, permissions.create, context.ids, context.access)) return err('no-auth')
  const { owner, isSequential, withStat } = kind.value
  // The name is validated with its suffix: `/a/` is no valid path, `/a/0000000000` is.
  const name = parseZnodePath(isSequential ? write.path + sequentialSuffix(parent.createCount) : write.path)
  if (!name.ok) return name
  const path = name.value
  if (pending.lookup(path) !== null) return err('node-exists')
  if (ownerKindOf(parent.ephemeralOwner) === 'session') return err('no-children-for-ephemerals')
  const dataLengthBytes = write.data?.length ?? 0
  const refusal = checkQuota(path, 1, dataLengthBytes, pending, context.quotas)
  if (refusal !== null) return err(refusal)
  // A server of ZooKeeper stops when it applies such a txn (ZK: EphemeralType.toEphemeralOwner, in
  // DataTree.processTxn).
  if (kind.value.lacksTtl) return err('bad-arguments')

  const createCount = (parent.createCount + 1) | 0
  pending.stage(parentPath, { ...parent, createCount, childCount: parent.childCount + 1 }, momentsSet.childrenChanged)
  const node: NodeFacts = {
    version: 0,
    aversion: 0,
    createCount: 0,
    childCount: 0,
    ephemeralOwner: owner,
    acl: acl.value,
    dataLengthBytes,
  }
  pending.stage(path, node, momentsSet.created)
  return ok({
    kind: 'create',
    path,
    data: write.data,
    acl: acl.value,
    ephemeralOwner: owner,
    parentCreateCount: createCount,
    withStat,
  })
}

function prepareDelete(write: DeleteWrite, pending: PendingChanges, context: WriteContext): Result<Change, ErrorName> {
  if (context.sessionRefusal !== null) return err(context.sessionRefusal)
  const { path, version } = write
  if (!hasParent(path) || undeletablePaths.includes(path)) return err('bad-arguments')
  const parent = pending.lookup(parentOf(path))
  if (parent === null) return err('no-node')
  // Before the znode is looked up: a client without DELETE does not learn which children exist.
  if (!isAllowed(parent.acl, permissions.delete, context.ids, context.access)) return err('no-auth')
  const node = pending.lookup(path)
  if (node === null) return err('no-node')
  if (!isExpected(version, node.version)) return err('bad-version')
  if (node.childCount > 0) return err('not-empty')
  stageDelete(pending, path)
  return ok({ kind: 'delete', path })
}

function prepareSetData(
  write: SetDataWrite,
  pending: PendingChanges,
  context: WriteContext,
): Result<Change, ErrorName> {
  const node = findForWrite(write.path, permissions.write, pending, context)
  if (!node.ok) return node
  const dataLengthBytes = write.data?.length ?? 0
  // Before the version: a write above the quota is refused whatever version it expects.
  const refusal = checkQuota(write.path, 0, dataLengthBytes - node.value.dataLengthBytes, pending, context.quotas)
  if (refusal !== null) return err(refusal)
  if (!isExpected(write.version, node.value.version)) return err('bad-version')
  const version = versionAfter(node.value.version)
  pending.stage(write.path, { ...node.value, version, dataLengthBytes }, momentsSet.dataChanged)
  return ok({ kind: 'set-data', path: write.path, data: write.data, version })
}

function prepareSetAcl(write: SetAclWrite, pending: PendingChanges, context: WriteContext): Result<Change, ErrorName> {
  if (context.sessionRefusal !== null) return err(context.sessionRefusal)
  if (!parseZnodePath(write.path).ok) return err('bad-arguments')
  // Before the znode is looked up.
  const acl = fixUpAcl(write.acl, context.ids, context.access)
  if (!acl.ok) return acl
  const node = findForWrite(write.path, permissions.admin, pending, context)
  if (!node.ok) return node
  if (!isExpected(write.version, node.value.aversion)) return err('bad-version')
  const aversion = versionAfter(node.value.aversion)
  pending.stage(write.path, { ...node.value, acl: acl.value, aversion }, momentsSet.none)
  return ok({ kind: 'set-acl', path: write.path, acl: acl.value, aversion })
}

function prepareCheck(write: CheckWrite, pending: PendingChanges, context: WriteContext): Result<Change, ErrorName> {
  const node = findForWrite(write.path, permissions.read, pending, context)
  if (!node.ok) return node
  if (!isExpected(write.version, node.value.version)) return err('bad-version')
  return ok({ kind: 'check', path: write.path })
}

/** Stages the deletion of a znode that exists; its parent keeps its count of creates. */
export function stageDelete(pending: PendingChanges, path: string): void {
  const parentPath = parentOf(path)
  const parent = pending.lookup(parentPath)
  if (parent !== null) {
    pending.stage(parentPath, { ...parent, childCount: parent.childCount - 1 }, momentsSet.childrenChanged)
  }
  pending.stageDeletion(path)
}

/** The checks with which setData, setACL and check begin. */
export function findForWrite(
  path: string,
  permission: number,
  pending: PendingChanges,
  context: WriteContext,
): Result<NodeFacts, ErrorName> {
  if (context.sessionRefusal !== null) return err(context.sessionRefusal)
  if (!parseZnodePath(path).ok) return err('bad-arguments')
  const node = pending.lookup(path)
  if (node === null) return err('no-node')
  return isAllowed(node.acl, permission, context.ids, context.access) ? ok(node) : err('no-auth')
}

function isSequential(write: NodeWrite): boolean {
  return write.kind === 'create' && (write.flags & sequentialFlag) !== 0
}

/** The only check that create and delete make of a path before they look up the parent. */
export function hasParent(path: string): boolean {
  return path.includes('/') && !path.includes('\0')
}

export function isExpected(expected: number, current: number): boolean {
  return expected === anyVersion || expected === current
}

/** An int32 that skips -1, which as an expected version would mean "any" (ZOOKEEPER-4743). */
function versionAfter(current: number): number {
  const next = (current + 1) | 0
  return next === -1 ? 0 : next
}
