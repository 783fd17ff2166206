/**
 * A fingerprint of a whole tree: 16 hex digits. Equal trees have equal digests whatever the order in which their znodes
 * were inserted; different trees collide with a chance of about 2⁻⁶⁴. It detects accidents, not forgeries.
 */
import type { Brand } from '../base/brand.ts'

export type TreeDigest = Brand<string, 'TreeDigest'>

/** Counts the ways to make a digest. Servers compare digests of the same version only, so raise it with any change. */
export const treeDigestVersion = 1

/** From two 32-bit lanes. */
export function makeTreeDigest(laneA: number, laneB: number): TreeDigest {
  return `${hexOfWord(laneA)}${hexOfWord(laneB)}` as TreeDigest
}

function hexOfWord(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0')
}
