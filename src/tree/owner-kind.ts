/**
 * What the raw ephemeralOwner of a znode means (ZK: EphemeralType). ZooKeeper uses one number for three things: a
 * session id, the mark of a container, or 0xff followed by a time to live. Server ids end at 254, so no session id
 * begins with 0xff. TTL owners are therefore always decoded, whereas ZooKeeper decodes them only with
 * extendedTypesEnabled.
 */
import type { SessionId } from '../base/ids.ts'

export type OwnerKind = 'none' | 'session' | 'container' | 'ttl'

export const containerOwner = 0x8000000000000000n as SessionId

const ttlMsMask = 2n ** 40n - 1n

export function ownerKindOf(owner: SessionId): OwnerKind {
  if (owner === 0n) return 'none'
  if (owner === containerOwner) return 'container'
  return owner >> 56n === 0xffn ? 'ttl' : 'session'
}

/** For the owner of a TTL znode. The bits between the mark and the time are reserved (ZK: EphemeralType). */
export function ttlMsOf(owner: SessionId): number {
  return Number(owner & ttlMsMask)
}

/** Owners are kept unsigned; an id decoded from the wire as signed means the same session. */
export function unsignedOwner(owner: SessionId): SessionId {
  return owner >= 0n ? owner : (BigInt.asUintN(64, owner) as SessionId)
}

/** Whether a kept owner is this session, and not a container or a time to live that looks like it. */
export function isOwnedBy(owner: SessionId, sessionId: SessionId): boolean {
  return owner === unsignedOwner(sessionId) && ownerKindOf(owner) === 'session'
}
