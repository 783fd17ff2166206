/**
 * How large a txn may be. A short request can make a long txn: `auth` in an ACL becomes every id of the caller, once
 * for each znode of a multi, and closing a session names all its ephemerals. A txn that is too long for the log or for
 * a peer would stop every server that receives it, after each restart; so it is never proposed (ZOOKEEPER-4306).
 */
import { assertNever } from '../base/assert.ts'
import type { ErrorName } from '../base/errors.ts'
import { ephemeralPathUnitsPerSessionMax, txnSizeBytesMax } from '../base/limits.ts'
import type { Change } from '../protocol/txn/txn.ts'
import { pathUnitsOf } from '../tree/ephemeral-index.ts'
import { ownerKindOf } from '../tree/owner-kind.ts'
import type { PendingChanges } from './pending-changes.ts'

/**
 * In the units of `weightOf`, which are at most a few bytes each: a txn above this is too long and need not be encoded.
 */
export const txnWeightMax = txnSizeBytesMax

/** For the numbers and lengths of a change, or of an entry of its ACL. */
const fixedUnits = 32

/**
 * Null: the session will own no more ephemerals after these changes than the txn that closes it can name. All
 * ephemerals of one txn belong to the session that sent the request.
 */
export function ephemeralExcessOf(changes: readonly Change[], pending: PendingChanges): ErrorName | null {
  let units = 0
  let last: Extract<Change, { readonly kind: 'create' }> | null = null
  for (const wanted of changes) {
    // A bundle with a create holds nothing else.
    const change = wanted.kind === 'bundle' ? wanted.changes[0] : wanted
    if (change?.kind !== 'create' || ownerKindOf(change.ephemeralOwner) !== 'session') continue
    units += pathUnitsOf(change.path)
    last = change
  }
  if (last === null) return null
  const owned = pending.ephemeralPathUnitsOf(last.ephemeralOwner)
  return owned + units > ephemeralPathUnitsPerSessionMax ? 'quota-exceeded' : null
}

/** UTF-16 units of the texts of a change and bytes of its data. */
export function weightOf(change: Change): number {
  switch (change.kind) {
    case 'create':
      return fixedUnits + change.path.length + (change.data?.length ?? 0) + aclWeightOf(change.acl)
    case 'set-data':
      return fixedUnits + change.path.length + (change.data?.length ?? 0)
    case 'set-acl':
      return fixedUnits + change.path.length + aclWeightOf(change.acl)
    case 'delete':
    case 'check':
      return fixedUnits + change.path.length
    case 'bundle':
      return change.changes.reduce((units, bundled) => units + weightOf(bundled), fixedUnits + change.path.length)
    case 'refusal':
      return fixedUnits + (change.body?.length ?? 0)
    case 'create-session':
    case 'close-session':
      return fixedUnits
    default:
      return assertNever(change)
  }
}

function aclWeightOf(acl: readonly { readonly scheme: string; readonly id: string }[]): number {
  let units = 0
  for (const { scheme, id } of acl) units += fixedUnits + scheme.length + id.length
  return units
}
