/**
 * Turns the ACL list of a request into the one that is stored (ZK: PrepRequestProcessor.fixupACL): duplicates
 * removed, `auth` expanded to the ids of the caller, everything else checked by its scheme.
 * No server may refuse what another accepted, since the txn carries only the result.
 */
import { aclEntryCountMax } from '../base/limits.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { AclWire } from '../protocol/client/acl.ts'
import type { AclEntry } from '../protocol/txn/txn.ts'
import type { AccessRules } from './access-rules.ts'
import type { AuthId } from './auth-id.ts'

export type AclRefusal = 'invalid-acl' | 'marshalling-error'

export function fixUpAcl(
  wireAcl: readonly AclWire[] | null,
  ids: readonly AuthId[],
  access: AccessRules,
): Result<readonly AclEntry[], AclRefusal> {
  if (wireAcl === null || wireAcl.length === 0) return err('invalid-acl')
  const entries = withoutDuplicates(wireAcl)
  if (!entries.ok) return entries
  const fixed: AclEntry[] = []
  for (const entry of entries.value) {
    const stored = fixUpEntry(entry, ids, access)
    if (!stored.ok) return stored
    fixed.push(...stored.value)
    if (fixed.length > aclEntryCountMax) return err('invalid-acl')
  }
  return ok(fixed)
}

function fixUpEntry(
  { perms, scheme, id }: AclWire,
  ids: readonly AuthId[],
  access: AccessRules,
): Result<readonly AclEntry[], AclRefusal> {
  if (scheme === null) return err('invalid-acl')
  if (scheme === 'auth') return expandToCaller(perms, ids, access)
  const isValid = scheme === 'world' ? isAnyoneId(id) : access.schemes.get(scheme)?.isValidAclId(id)
  // ZooKeeper throws on the null id and answers as for any malformed request.
  if (isValid === null) return err('marshalling-error')
  return isValid === true && id !== null ? ok([{ perms, scheme, id }]) : err('invalid-acl')
}

function isAnyoneId(id: string | null): boolean | null {
  return id === null ? null : id === 'anyone'
}

/** One entry per authenticated id. An address proves only where the caller is and `super` is no ACL id, so neither counts. */
function expandToCaller(
  perms: number,
  ids: readonly AuthId[],
  access: AccessRules,
): Result<readonly AclEntry[], AclRefusal> {
  const expanded = ids
    .filter((id) => access.schemes.get(id.scheme)?.isAuthenticated === true)
    .map((id): AclEntry => ({ perms, scheme: id.scheme, id: id.id }))
  return expanded.length === 0 ? err('invalid-acl') : ok(expanded)
}

/**
 * First occurrences, before any expansion: the entries that `auth` expands to may repeat a listed entry.
 * ZooKeeper compares the parts of two entries in turn, and throws on a null that it reaches in the later one
 * (ZK: PrepRequestProcessor.removeDuplicates, Id.equals).
 */
function withoutDuplicates(entries: readonly AclWire[]): Result<readonly AclWire[], AclRefusal> {
  if (entries.length === 1) return ok(entries)
  if (entries.some(hasNull)) return distinctUntilNull(entries)
  const seen = new Set<string>()
  return ok(
    entries.filter((entry) => {
      const key = JSON.stringify([entry.perms, entry.scheme, entry.id])
      return !seen.has(key) && seen.add(key)
    }),
  )
}

function hasNull({ scheme, id }: AclWire): boolean {
  return scheme === null || id === null
}

/** Keeps the prefixes of earlier entries in a set, so the cost grows with the length of the list and not its square. */
function distinctUntilNull(entries: readonly AclWire[]): Result<readonly AclWire[], AclRefusal> {
  const seen = new Set<string>()
  const distinct: AclWire[] = []
  for (const entry of entries) {
    const { perms, scheme, id } = entry
    const [bits, bitsAndScheme, whole] = [[perms], [perms, scheme], [perms, scheme, id]].map((part) =>
      JSON.stringify(part),
    )
    if (seen.has(bits!) && scheme === null) return err('marshalling-error')
    if (seen.has(bitsAndScheme!) && id === null) return err('marshalling-error')
    if (!seen.has(whole!)) distinct.push(entry)
    seen.add(bits!).add(bitsAndScheme!).add(whole!)
  }
  return ok(distinct)
}
