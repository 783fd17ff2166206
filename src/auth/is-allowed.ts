/**
 * The permission check (ZK: ZooKeeperServer.checkACL). An ACL is a list of grants, without denials and without
 * inheritance. An empty list allows every caller.
 */
import type { AclEntry } from '../protocol/txn/txn.ts'
import type { AccessRules } from './access-rules.ts'
import { type AuthId, superScheme } from './auth-id.ts'
import { type PermissionBits, permissions } from './permissions.ts'

/** Whether a caller with `ids` has at least one of the bits of `wanted`. */
export function isAllowed(
  acl: readonly AclEntry[],
  wanted: PermissionBits,
  ids: readonly AuthId[],
  access: AccessRules,
): boolean {
  if (access.skipsAcl || acl.length === 0) return true
  for (const entry of acl) {
    if ((entry.perms & wanted) !== 0 && grants(entry, ids, access)) return true
  }
  return hasSuper(ids)
}

/** What getACL shows: without ADMIN the hash in a digest id is hidden, everything after its first colon becomes `x`. */
export function visibleAcl(acl: readonly AclEntry[], ids: readonly AuthId[], access: AccessRules): readonly AclEntry[] {
  if (isAllowed(acl, permissions.admin, ids, access)) return acl
  return acl.map((entry) => (entry.scheme === 'digest' ? { ...entry, id: maskDigest(entry.id) } : entry))
}

/** The second column of whoAmI. A scheme without provider, such as super, has no user name. */
export function userOf(id: AuthId, access: AccessRules): string {
  return access.schemes.get(id.scheme)?.userOf(id.id) ?? ''
}

/** A function of its own: one with a closure in it would allocate for that on each call. */
function hasSuper(ids: readonly AuthId[]): boolean {
  return ids.some(({ scheme }) => scheme === superScheme)
}

function grants(entry: AclEntry, ids: readonly AuthId[], access: AccessRules): boolean {
  return entry.scheme === 'world' ? entry.id === 'anyone' : grantsToScheme(entry, ids, access)
}

function grantsToScheme(entry: AclEntry, ids: readonly AuthId[], access: AccessRules): boolean {
  const traits = access.schemes.get(entry.scheme)
  if (traits === undefined) return false
  return ids.some((id) => id.scheme === entry.scheme && traits.matches(id.id, entry.id))
}

function maskDigest(id: string): string {
  return `${id.slice(0, id.indexOf(':') + 1)}x`
}
