/**
 * What a txn may weigh. A request is short, but what it stands for need not be: `auth` in an ACL means every id of the
 * caller, once for each znode of a multi, and closing a session names all its ephemeral znodes. A txn that the log or a
 * peer does not take would stop every server that meets it, again and again; so it is never proposed (ZOOKEEPER-4306).
 */
import { assertNever } from '../base/assert.ts'
import type { ErrorName } from '../base/errors.ts'
import { ephemeralPathUnitsPerSessionMax, txnSizeBytesMax } from '../base/limits.ts'
import type { Change } from '../protocol/txn/txn.ts'
import { pathUnitsOf } from '../tree/ephemeral-index.ts'
import { ownerKindOf } from '../tree/owner-kind.ts'
import type { PendingChanges } from './pending-changes.ts'

/** In the units of `weightOf`, which are at most a few bytes each: nothing heavier need be encoded to see that it is too long. */
export const txnWeightMax = txnSizeBytesMax

/** Numbers and lengths of a change, or of an entry of its ACL. */
const fixedUnits = 32

/**
 * Null: the session of these changes will own no more ephemeral znodes than the txn that closes it can name. All that are
 * created in one txn belong to the session that asked.
 */
export function ephemeralExcessOf(changes: readonly Change[], pending: PendingChanges): ErrorName | null {
  let units = 0
  let last: Extract<Change, { readonly kind: 'create' }> | null = null
  for (const wanted of changes) {
    // What is bundled with a create is nothing else.
    const change = wanted.kind === 'bundle' ? wanted.changes[0] : wanted
    if (change?.kind !== 'create' || ownerKindOf(change.ephemeralOwner) !== 'session') continue
    units += pathUnitsOf(change.path)
    last = change
  }
  if (last === null) return null
  const owned = pending.ephemeralPathUnitsOf(last.ephemeralOwner)
  return owned + units > ephemeralPathUnitsPerSessionMax ? 'quota-exceeded' : null
}

/** UTF-16 units of its texts and bytes of its data. */
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
