/**
 * What each authentication scheme does in ACLs (ZK: AuthenticationProvider). `world` and `auth` are syntax and
 * have no row. access-rules.ts says which schemes a server has.
 */
import type { AuthScheme } from '../base/auth-schemes.ts'
import { blockContains, parseAddressBlock } from './ip-address.ts'

export interface SchemeTraits {
  /** Its ids are what an `auth` entry expands to (ZK: AuthenticationProvider.isAuthenticated). */
  readonly isAuthenticated: boolean
  /** Null where ZooKeeper's provider throws on a null id, which clients see as a malformed request. */
  isValidAclId(aclId: string | null): boolean | null
  matches(callerId: string, aclId: string): boolean
  /** The part of the id that whoAmI shows. */
  userOf(callerId: string): string
}

export const traitsOfScheme: Readonly<Record<AuthScheme, SchemeTraits>> = {
  digest: {
    isAuthenticated: true,
    isValidAclId: (aclId) => (aclId === null ? null : countParts(aclId) === 2),
    matches: (callerId, aclId) => callerId === aclId,
    userOf: (callerId) => callerId.slice(0, callerId.indexOf(':')),
  },
  ip: {
    isAuthenticated: false,
    isValidAclId: (aclId) => (aclId === null ? null : parseAddressBlock(aclId) !== null),
    matches(callerId, aclId) {
      const block = parseAddressBlock(aclId)
      return block !== null && blockContains(block, callerId)
    },
    userOf: (callerId) => callerId,
  },
  // It refuses clients of another ensemble and gives no ids (ZK: EnsembleAuthenticationProvider).
  ensemble: {
    isAuthenticated: false,
    isValidAclId: () => false,
    matches: () => false,
    userOf: (callerId) => callerId,
  },
  // Every text is valid. A null ends a server of ZooKeeper (ZK: KeyAuthenticationProvider); here it is malformed.
  key: {
    isAuthenticated: true,
    isValidAclId: (aclId) => (aclId === null ? null : true),
    matches: (callerId, aclId) => callerId === aclId,
    userOf: (callerId) => callerId,
  },
}

/** Parts between colons; empty ones at the end do not count, as Java's String.split drops them. */
function countParts(text: string): number {
  const parts = text.split(':')
  let count = parts.length
  while (count > 0 && parts[count - 1] === '') count--
  return text === '' ? 1 : count
}
