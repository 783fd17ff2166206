/**
 * What each authentication scheme does in ACLs (ZK: AuthenticationProvider). `world` and `auth` are not among them: they
 * are syntax. Which schemes a server has is said in access-rules.ts.
 */
import type { AuthScheme } from '../base/auth-schemes.ts'
import { blockContains, parseAddressBlock } from './ip-address.ts'

export interface SchemeTraits {
  /** Its ids are what an `auth` entry expands to (ZK: AuthenticationProvider.isAuthenticated). */
  readonly isAuthenticated: boolean
  /** Null where a null id breaks the provider of the original, which clients see as a malformed request. */
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
  // It turns clients of another ensemble away and vouches for nobody (ZK: EnsembleAuthenticationProvider).
  ensemble: {
    isAuthenticated: false,
    isValidAclId: () => false,
    matches: () => false,
    userOf: (callerId) => callerId,
  },
  // Any text will do, but a null, on which a server of the original dies (ZK: KeyAuthenticationProvider).
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
