/**
 * The authentication schemes that may appear in ACLs, besides `world` and `auth`, which are syntax (ZK:
 * ProviderRegistry). A scheme without a row here is refused in ACLs and matches nobody, so an ACL written by
 * a server that had more schemes fails closed.
 */
import { blockContains, parseAddressBlock } from './ip-address.ts'

export interface SchemeTraits {
  /** Its ids are what an `auth` entry expands to (ZK: AuthenticationProvider.isAuthenticated). */
  readonly isAuthenticated: boolean
  isValidAclId(aclId: string): boolean
  matches(callerId: string, aclId: string): boolean
  /** The part of the id that whoAmI shows. */
  userOf(callerId: string): string
}

const digest: SchemeTraits = {
  isAuthenticated: true,
  isValidAclId: (aclId) => countParts(aclId) === 2,
  matches: (callerId, aclId) => callerId === aclId,
  userOf: (callerId) => callerId.slice(0, callerId.indexOf(':')),
}

const ip: SchemeTraits = {
  isAuthenticated: false,
  isValidAclId: (aclId) => parseAddressBlock(aclId) !== null,
  matches(callerId, aclId) {
    const block = parseAddressBlock(aclId)
    return block !== null && blockContains(block, callerId)
  },
  userOf: (callerId) => callerId,
}

export function schemeTraits(scheme: string): SchemeTraits | null {
  if (scheme === 'digest') return digest
  if (scheme === 'ip') return ip
  return null
}

/** Parts between colons; empty ones at the end do not count, as Java's String.split drops them. */
function countParts(text: string): number {
  const parts = text.split(':')
  let count = parts.length
  while (count > 0 && parts[count - 1] === '') count--
  return text === '' ? 1 : count
}
