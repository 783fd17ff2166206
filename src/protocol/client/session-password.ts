/**
 * The password of a session is computed from its id (ZK: SessionTrackerImpl, ZooKeeperServer.generatePasswd): 16 bytes of
 * Java's `Random` seeded with the id and a constant. It guards against mistakes, not against attackers, and every
 * server of every version must compute the same, or clients could not fail over between them.
 */
import type { SessionId } from '../../base/ids.ts'

export const sessionPasswordSizeBytes = 16

const seedMask = 0xb3415c00n
const multiplier = 0x5deece66dn
const increment = 0xbn
const stateMask = (1n << 48n) - 1n

export function sessionPasswordOf(sessionId: SessionId): Uint8Array {
  const password = new Uint8Array(sessionPasswordSizeBytes)
  let state = (sessionId ^ seedMask ^ multiplier) & stateMask
  for (let at = 0; at < sessionPasswordSizeBytes; at += 4) {
    state = (state * multiplier + increment) & stateMask
    const word = Number(state >> 16n)
    for (let i = 0; i < 4; i++) password[at + i] = word >>> (8 * i) // Java hands out the lowest byte first
  }
  return password
}

export function isPasswordOf(sessionId: SessionId, candidate: Uint8Array | null): boolean {
  if (candidate === null || candidate.length !== sessionPasswordSizeBytes) return false
  const password = sessionPasswordOf(sessionId)
  return password.every((byte, i) => byte === candidate[i])
}
