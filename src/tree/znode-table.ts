/**
 * The fixed-size part of every znode: 34 words per slot in slabs of typed arrays, outside the JavaScript heap. The
 * first 17 words are the Stat exactly as it goes over the wire (68 bytes, big-endian, fields at `statOffsets`), so that
 * a read copies it; the rest are internal fields, in the byte order of the host. A znode keeps its slot number as long
 * as it exists. Does not know how the fields depend on each other: ZnodeStore does.
 */
import { assert } from '../base/assert.ts'
import type { JuteWriter } from '../jute/jute-writer.ts'
import { statSizeBytes } from '../protocol/client/stat.ts'

/** Word offsets of the fields after the Stat. */
export const field = {
  parent: 17,
  firstChild: 18,
  nextSibling: 19, // in a free slot: the next free slot
  previousSibling: 20,
  nameRef: 21,
  nameLengthBytes: 22,
  dataRef: 23, // or noData or emptyData
  createCount: 24,
  aclId: 25,
  ownerHigh: 26, // the raw ephemeralOwner; the Stat shows 0 for containers and TTL znodes
  ownerLow: 27,
  pathHashA: 28,
  pathHashB: 29,
  dataHashA: 30,
  dataHashB: 31,
  imageHashA: 32, // what this znode adds to the tree digest
  imageHashB: 33,
} as const

export const noSlot = -1
export const noData = -1
export const emptyData = -2

const znodeSizeBytes = 136
const wordsPerSlot = znodeSizeBytes / 4
assert(field.parent * 4 === statSizeBytes, 'the internal fields begin where the Stat ends', { statSizeBytes })
assert((field.imageHashB + 1) * 4 === znodeSizeBytes, 'the fields fill a slot', { znodeSizeBytes })

const slotBits = 12
const slotsPerSlab = 2 ** slotBits
const slotMask = slotsPerSlab - 1
const firstSlabSlotCount = 64 // a small tree is small; see #addSlab
const wordMax = 2 ** 32

export class ZnodeTable {
  readonly #words: Int32Array[] = []
  readonly #bytes: Uint8Array[] = []
  readonly #views: DataView[] = []
  #carvedCount = 0 // slots from here on were never used
  #capacity = 0
  #freeHead = noSlot
  #usedCount = 0
  #slabSizeBytes = 0

  get usedCount(): number {
    return this.#usedCount
  }

  get slabSizeBytes(): number {
    return this.#slabSizeBytes
  }

  /** A slot of zeros. */
  allocate(): number {
    this.#usedCount += 1
    const slot = this.#freeHead
    if (slot !== noSlot) {
      this.#freeHead = this.word(slot, field.nextSibling)
      const from = (slot & slotMask) * wordsPerSlot
      this.#words[slot >>> slotBits]!.fill(0, from, from + wordsPerSlot)
      return slot
    }
    if (this.#carvedCount === this.#capacity) this.#addSlab()
    this.#carvedCount += 1
    return this.#carvedCount - 1
  }

  free(slot: number): void {
    assert(this.#usedCount > 0, 'a freed slot was in use', { slot })
    this.#usedCount -= 1
    this.setWord(slot, field.nextSibling, this.#freeHead)
    this.#freeHead = slot
  }

  word(slot: number, at: number): number {
    return this.#words[slot >>> slotBits]![(slot & slotMask) * wordsPerSlot + at]!
  }

  setWord(slot: number, at: number, value: number): void {
    this.#words[slot >>> slotBits]![(slot & slotMask) * wordsPerSlot + at] = value
  }

  /** The words of the slab; those of the slot begin at `wordOffsetOf(slot)`. Quicker for many of them. */
  wordsOf(slot: number): Int32Array {
    return this.#words[slot >>> slotBits]!
  }

  wordOffsetOf(slot: number): number {
    return (slot & slotMask) * wordsPerSlot
  }

  /** An int32 of the Stat. */
  stat32(slot: number, at: number): number {
    return this.#views[slot >>> slotBits]!.getInt32((slot & slotMask) * znodeSizeBytes + at)
  }

  setStat32(slot: number, at: number, value: number): void {
    this.#views[slot >>> slotBits]!.setInt32((slot & slotMask) * znodeSizeBytes + at, value)
  }

  /** An int64 of the Stat that fits a double: zxids and times. */
  stat64(slot: number, at: number): number {
    const view = this.#views[slot >>> slotBits]!
    const offset = (slot & slotMask) * znodeSizeBytes + at
    return view.getInt32(offset) * wordMax + view.getUint32(offset + 4)
  }

  setStat64(slot: number, at: number, value: number): void {
    const view = this.#views[slot >>> slotBits]!
    const offset = (slot & slotMask) * znodeSizeBytes + at
    view.setInt32(offset, Math.floor(value / wordMax))
    view.setInt32(offset + 4, value)
  }

  /** The bytes of the Stat begin at `statOffsetOf(slot)`. */
  statViewOf(slot: number): DataView {
    return this.#views[slot >>> slotBits]!
  }

  statOffsetOf(slot: number): number {
    return (slot & slotMask) * znodeSizeBytes
  }

  writeStat(slot: number, writer: JuteWriter): void {
    const offset = (slot & slotMask) * znodeSizeBytes
    writer.writeBytesOf(this.#bytes[slot >>> slotBits]!, offset, offset + statSizeBytes)
  }

  /**
   * Slabs have room for 4096 slots and are never copied. Only the first one starts smaller and is replaced by one
   * eight times its size, twice, so that the many small trees of tests and of the simulator stay small.
   */
  #addSlab(): void {
    const isFirst = this.#capacity < slotsPerSlab
    const slotCount = isFirst && this.#capacity === 0 ? firstSlabSlotCount : isFirst ? this.#capacity * 8 : slotsPerSlab
    const slab = isFirst ? 0 : this.#words.length
    const bytes = new Uint8Array(slotCount * znodeSizeBytes)
    const replaced = this.#bytes[slab]
    if (replaced !== undefined) {
      bytes.set(replaced)
      this.#capacity = 0
      this.#slabSizeBytes = 0
    }
    this.#words[slab] = new Int32Array(bytes.buffer)
    this.#bytes[slab] = bytes
    this.#views[slab] = new DataView(bytes.buffer)
    this.#capacity += slotCount
    this.#slabSizeBytes += bytes.length
  }
}
