/**
 * The index from the hash of a path to the slot of its znode: extendible hashing. A directory, indexed by the top bits
 * of the key, points at segments of a few thousand entries, each an open-addressing table; a full segment splits in
 * two. So the longest pause for growth is that of one segment (measured: about 0.15 ms), never the whole index. Owns no
 * paths: `matcher` decides whether a slot has the path, which makes hash collisions harmless. Assumes that each slot is
 * inserted once, and removed with the key that it was inserted with.
 */
import { assert } from '../base/assert.ts'

export interface PathMatcher {
  /** Whether the znode in `slot` has the path that stands in the first `end` units of `path`. */
  matches(slot: number, path: string, end: number): boolean
}

interface Segment {
  readonly depth: number // how many top bits of the key all its entries share
  readonly mask: number // entries - 1
  readonly entries: Int32Array // pairs: key, slot; slot -1 = free
  usedCount: number
}

const segmentEntryCount = 8192
/**
 * Above this a segment that is full of equal keys grows instead, so neither chance nor malice can inflate the
 * directory.
 */
const depthMax = 16
const free = -1
/** Entries are not spread evenly: with more, many segments would be full before all entries have come. */
const expectedFill = 0.6
/** 256 MiB of segments: for 20 million znodes. Above that, the index grows as it is filled. */
const expectedBitsMax = 12

export class PathIndex {
  readonly #matcher: PathMatcher
  #directory: Segment[] = [makeSegment(0, 256)]
  #directoryBits = 0
  #count = 0

  constructor(matcher: PathMatcher) {
    this.#matcher = matcher
  }

  get count(): number {
    return this.#count
  }

  /** The slot of the path in the first `end` units of `path`, or -1. */
  find(key: number, path: string, end: number): number {
    const segment = this.#segmentOf(key)
    const { entries, mask } = segment
    let at = key & mask
    for (;;) {
      const slot = entries[2 * at + 1]!
      if (slot === free) return -1
      if (entries[2 * at] === key && this.#matcher.matches(slot, path, end)) return slot
      at = (at + 1) & mask
    }
  }

  /**
   * Enters `count` slots from `first` on into an empty index, one segment after the other, each of which then lies in the
   * processor's cache. A million slots that are entered in their order take 0.2 s, nearly all of it waiting for memory.
   */
  fill(first: number, count: number, keyOf: (slot: number) => number): void {
    assert(this.#count === 0, 'only an empty index is filled', { count: this.#count })
    const bits = Math.min(Math.ceil(Math.log2(count / (segmentEntryCount * expectedFill))), expectedBitsMax)
    if (bits > 0) {
      this.#directoryBits = bits
      this.#directory = Array.from({ length: 2 ** bits }, () => makeSegment(bits, segmentEntryCount))
    }
    const { keys, slots } = this.#bySegment(first, count, keyOf)
    for (let i = 0; i < count; i++) this.insert(keys[i]!, slots[i]!)
  }

  /** The slots and their keys, ordered by the segment in which they belong. */
  #bySegment(first: number, count: number, keyOf: (slot: number) => number): { keys: Int32Array; slots: Int32Array } {
    const shift = 31 - this.#directoryBits
    const ends = new Int32Array(2 ** this.#directoryBits)
    const unordered = new Int32Array(count)
    for (let i = 0; i < count; i++) {
      const key = keyOf(first + i)
      unordered[i] = key
      ends[(key >>> 1) >>> shift]!++
    }
    for (let at = 1; at < ends.length; at++) ends[at]! += ends[at - 1]!
    const keys = new Int32Array(count)
    const slots = new Int32Array(count)
    for (let i = count - 1; i >= 0; i--) {
      const key = unordered[i]!
      const at = --ends[(key >>> 1) >>> shift]!
      keys[at] = key
      slots[at] = first + i
    }
    return { keys, slots }
  }

  insert(key: number, slot: number): void {
    let segment = this.#segmentOf(key)
    while (isFull(segment)) {
      this.#enlarge(segment, key)
      segment = this.#segmentOf(key)
    }
    place(segment, key, slot)
    this.#count += 1
  }

  remove(key: number, slot: number): void {
    const segment = this.#segmentOf(key)
    const { entries, mask } = segment
    let at = key & mask
    while (entries[2 * at + 1] !== slot) {
      assert(entries[2 * at + 1] !== free, 'a removed znode was indexed', { key, slot })
      at = (at + 1) & mask
    }
    segment.usedCount -= 1
    this.#count -= 1
    closeGap(entries, mask, at)
  }

  #segmentOf(key: number): Segment {
    // Two shifts, because JavaScript shifts by 32 as by 0.
    return this.#directory[(key >>> 1) >>> (31 - this.#directoryBits)]!
  }

  #enlarge(segment: Segment, key: number): void {
    const entryCount = segment.mask + 1
    if (entryCount < segmentEntryCount || segment.depth >= depthMax) {
      this.#replace(segment, key, [copyInto(segment, makeSegment(segment.depth, entryCount * 2))])
      return
    }
    if (segment.depth === this.#directoryBits) {
      this.#directory = this.#directory.flatMap((each) => [each, each])
      this.#directoryBits += 1
    }
    const halves: readonly [Segment, Segment] = [
      makeSegment(segment.depth + 1, entryCount),
      makeSegment(segment.depth + 1, entryCount),
    ]
    const { entries } = segment
    for (let at = 0; at < entries.length; at += 2) {
      if (entries[at + 1] === free) continue
      const entryKey = entries[at]!
      place(halves[((entryKey >>> (31 - segment.depth)) & 1) as 0 | 1], entryKey, entries[at + 1]!)
    }
    this.#replace(segment, key, halves)
  }

  /** Points the directory entries of `segment` at its one or two successors. */
  #replace(segment: Segment, key: number, successors: readonly Segment[]): void {
    const span = 2 ** (this.#directoryBits - segment.depth)
    const first = Math.floor(((key >>> 1) >>> (31 - this.#directoryBits)) / span) * span
    for (let at = 0; at < span; at += 1) {
      this.#directory[first + at] = successors[Math.floor((at * successors.length) / span)]!
    }
  }
}

function makeSegment(depth: number, entryCount: number): Segment {
  return { depth, mask: entryCount - 1, entries: new Int32Array(2 * entryCount).fill(free), usedCount: 0 }
}

/** Seven tenths: above it, probing for a missing key takes many steps. */
function isFull(segment: Segment): boolean {
  return segment.usedCount * 10 >= (segment.mask + 1) * 7
}

function place(segment: Segment, key: number, slot: number): void {
  const { entries, mask } = segment
  let at = key & mask
  while (entries[2 * at + 1] !== free) at = (at + 1) & mask
  entries[2 * at] = key
  entries[2 * at + 1] = slot
  segment.usedCount += 1
}

function copyInto(from: Segment, to: Segment): Segment {
  for (let at = 0; at < from.entries.length; at += 2) {
    if (from.entries[at + 1] !== free) place(to, from.entries[at]!, from.entries[at + 1]!)
  }
  return to
}

/** Moves later entries of the run back into the gap, so that no tombstones pile up. */
function closeGap(entries: Int32Array, mask: number, gapAt: number): void {
  let gap = gapAt
  let at = (gap + 1) & mask
  while (entries[2 * at + 1] !== free) {
    const home = entries[2 * at]! & mask
    // The entry may move unless its home lies between the gap (excluded) and its present place, in circular order.
    if (((at - home) & mask) >= ((at - gap) & mask)) {
      entries[2 * gap] = entries[2 * at]!
      entries[2 * gap + 1] = entries[2 * at + 1]!
      gap = at
    }
    at = (at + 1) & mask
  }
  entries[2 * gap + 1] = free
}
