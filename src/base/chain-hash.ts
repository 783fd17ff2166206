/**
 * The running hash of a txn history: equal hashes at one zxid mean equal histories up to it. It does not
 * resist an adversary. A hole, a fork or a flipped bit goes unnoticed with a probability of about 2⁻³².
 * A 53-bit integer in a double, so it compares like a number and costs no allocation.
 */
import type { Brand } from './brand.ts'
import { crc32c } from './crc32c.ts'
import type { Zxid } from './ids.ts'

export type ChainHash = Brand<number, 'ChainHash'>

/** The hash of the empty history. */
export const emptyChainHash = 0 as ChainHash

/** The hash of a history that had `before` and gained the txn `payload` at `zxid`. */
export function nextChainHash(before: ChainHash, zxid: Zxid, payload: Uint8Array): ChainHash {
  const sum = crc32c(payload)
  const beforeHigh = Math.floor(before / 0x1_0000_0000)
  const beforeLow = before >>> 0
  const high = mix(beforeHigh ^ sum, Math.floor(zxid / 0x1_0000_0000) ^ payload.length)
  const low = mix(beforeLow ^ high, (zxid >>> 0) ^ Math.imul(sum, 0x9e3779b1))
  return ((high >>> 11) * 0x1_0000_0000 + (low >>> 0)) as ChainHash
}

/** Two rounds of a murmur-style finaliser over a pair of words. */
function mix(a: number, b: number): number {
  let h = Math.imul(a ^ 0x7feb352d, 0x85ebca6b) ^ Math.imul(b ^ 0x5bd1e995, 0xc2b2ae35)
  h ^= h >>> 15
  h = Math.imul(h, 0x846ca68b)
  h ^= h >>> 13
  h = Math.imul(h ^ a, 0x27d4eb2f)
  return h ^ (h >>> 16)
}
