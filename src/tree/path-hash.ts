/**
 * The hash of a path: two lanes over its UTF-16 units, chained, so that a child's hash continues its parent's.
 * The index uses lane A; the tree digest uses both lanes for the path.
 * The root is the empty string here. Changing a constant changes every tree digest.
 */
import { type HashLanes, spreadBits } from './hash-lanes.ts'

const slash = 0x2f

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

/**
 * Continues both lanes by a slash and a name that is stored as bytes (znode-name.ts). Returns the name's UTF-16 units.
 */
export function addStoredName(lanes: HashLanes, bytes: Uint8Array, start: number, end: number): number {
  let { a, b } = lanes
  let unit = slash
  let unitCount = -1
  let at = start
  for (;;) {
    a = Math.imul(a ^ unit, 0x01000193)
    const sum = (b + unit) | 0
    b = Math.imul((sum << 7) | (sum >>> 25), 0x9e3779b1)
    unitCount += 1
    if (at >= end) break
    unit = bytes[at]!
    at += 1
    if (unit < 0x80) continue
    const isShort = unit < 0xe0
    unit = ((unit & (isShort ? 0x1f : 0xf)) << 6) | (bytes[at]! & 0x3f)
    if (!isShort) unit = (unit << 6) | (bytes[at + 1]! & 0x3f)
    at += isShort ? 1 : 2
  }
  lanes.start(a, b)
  return unitCount
}

/** The key of a path in PathIndex. */
export function indexKeyOf(laneA: number): number {
  return spreadBits(laneA)
}
