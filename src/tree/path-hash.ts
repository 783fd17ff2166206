/**
 * The hash of a path: two lanes over its UTF-16 units, chained, so that a child's hash continues its parent's.
 * The index uses lane A; the tree digest uses both lanes for the path.
 * The root is the empty string here. Changing a constant changes every tree digest.
 */
import { spreadBits } from './hash-lanes.ts'

export const rootPathHashA = 0x811c9dc5 | 0
export const rootPathHashB = 0x2545f491 | 0

/** Continues lane A over the units of `path` in [start, end). */
export function pathHashA(before: number, path: string, start: number, end: number): number {
  let hash = before
  for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ path.charCodeAt(at), 0x01000193)
  return hash
}

/** Continues lane B over the units of `path` in [start, end). */
export function pathHashB(before: number, path: string, start: number, end: number): number {
  let hash = before
  for (let at = start; at < end; at += 1) {
    const sum = (hash + path.charCodeAt(at)) | 0
    hash = Math.imul((sum << 7) | (sum >>> 25), 0x9e3779b1)
  }
  return hash
}

/** The key of a path in PathIndex. */
export function indexKeyOf(laneA: number): number {
  return spreadBits(laneA)
}
