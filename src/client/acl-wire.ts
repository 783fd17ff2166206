/** Converts ACL entries between the client's public types and the wire. */
import type { AclWire } from '../protocol/client/acl.ts'
import type { AclEntry } from './types.ts'

/** Every client may do everything (ZK: ZooDefs.Ids.OPEN_ACL_UNSAFE). The default of every client library. */
export const openAcl: readonly AclEntry[] = [{ permissions: 31, scheme: 'world', id: 'anyone' }]

export function aclToWire(acl: readonly AclEntry[]): readonly AclWire[] {
  return acl.map(({ permissions, scheme, id }) => ({ perms: permissions, scheme, id }))
}

export function aclFromWire(acl: readonly AclWire[] | null): readonly AclEntry[] {
  return (acl ?? []).map(({ perms, scheme, id }) => ({ permissions: perms, scheme: scheme ?? '', id: id ?? '' }))
}
