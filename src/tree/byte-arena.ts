/**
 * Byte blocks of any length in ArrayBuffer slabs outside the JavaScript heap: one size class per slab, four classes per
 * doubling (at most a fifth of a block is waste), a free list inside each slab. A slab that becomes empty is given back
 * unless it is the last of its class, so memory follows the content down as well as up. Blocks above
 * `classedSizeBytesMax` have a slab each. Nothing is ever copied to grow. Assumes that the holder of a block reference
 * frees it once. A second free corrupts the free list; it is asserted where the check costs nothing.
 */
import { assert } from '../base/assert.ts'

/** Slab number × 2¹⁶ + offset / 16, as an int32. */
export type BlockRef = number

const slabSizeBytesMin = 16 * 1024
const slabSizeBytesMax = 1024 * 1024
const classedSizeBytesMax = 256 * 1024
const slabCountMax = 0xffff // the last number would make references that look like -1 and -2
const noBlock = -1

interface Slab {
  readonly index: number
  readonly sizeClass: number // of ownSlabClass: one block only
  readonly blockSizeBytes: number
  readonly blockCount: number
  readonly bytes: Uint8Array
  readonly view: DataView
  usedCount: number
  carvedCount: number // blocks from here on were never used
  freeHead: number // number of the first block of the free list; the next one stands in its first 4 bytes
}

const ownSlabClass = -1

export class ByteArena {
  readonly #slabs: (Slab | null)[] = []
  readonly #bytes: Uint8Array[] = [] // the bytes of #slabs, which saves a load
  readonly #views: DataView[] = []
  readonly #spareIndexes: number[] = []
  readonly #roomy: Slab[][] = [] // by size class: slabs with a free block; the last one is used first
  readonly #classSizeBytes: number[] = []
  #slabSizeBytes = 0
  #usedBlockCount = 0

  /** Bytes held from the system. */
  get slabSizeBytes(): number {
    return this.#slabSizeBytes
  }

  get usedBlockCount(): number {
    return this.#usedBlockCount
  }

  /** A block of at least `lengthBytes`, which is positive; its content is undefined. */
  allocate(lengthBytes: number): BlockRef {
    assert(lengthBytes > 0, 'a block has a length', { lengthBytes })
    this.#usedBlockCount += 1
    if (lengthBytes > classedSizeBytesMax) {
      const own = this.#addSlab(ownSlabClass, lengthBytes, 1)
      own.usedCount = 1
      return (own.index << 16) | 0
    }
    const sizeClass = sizeClassOf(lengthBytes)
    const roomy = this.#roomyOf(sizeClass)
    const slab = roomy[roomy.length - 1] ?? this.#addClassedSlab(sizeClass)
    let block = slab.freeHead
    if (block === noBlock) {
      block = slab.carvedCount
      slab.carvedCount += 1
    } else {
      slab.freeHead = slab.view.getInt32(block * slab.blockSizeBytes, true)
    }
    slab.usedCount += 1
    if (slab.usedCount === slab.blockCount) roomy.pop()
    return (slab.index << 16) | ((block * slab.blockSizeBytes) >>> 4)
  }

  free(ref: BlockRef): void {
    const slab = this.#slabs[ref >>> 16]
    assert(slab !== null && slab !== undefined && slab.usedCount > 0, 'a freed block was in use', { ref })
    this.#usedBlockCount -= 1
    slab.usedCount -= 1
    if (slab.sizeClass === ownSlabClass) {
      this.#dropSlab(slab)
      return
    }
    const offset = offsetOf(ref)
    slab.view.setInt32(offset, slab.freeHead, true)
    slab.freeHead = offset / slab.blockSizeBytes
    const roomy = this.#roomyOf(slab.sizeClass)
    if (slab.usedCount + 1 === slab.blockCount) roomy.push(slab)
    if (slab.usedCount === 0 && roomy.length > 1) {
      roomy.splice(roomy.indexOf(slab), 1)
      this.#dropSlab(slab)
    }
  }

  /** Whether a block made for one length also serves the other without waste. */
  isSameClass(lengthBytes: number, otherLengthBytes: number): boolean {
    if (lengthBytes > classedSizeBytesMax || otherLengthBytes > classedSizeBytesMax)
      return lengthBytes === otherLengthBytes
    return sizeClassOf(lengthBytes) === sizeClassOf(otherLengthBytes)
  }

  /** The slab that holds the block; the block begins at `offsetOf(ref)`. */
  bytesOf(ref: BlockRef): Uint8Array {
    return this.#bytes[ref >>> 16]!
  }

  viewOf(ref: BlockRef): DataView {
    return this.#views[ref >>> 16]!
  }

  #roomyOf(sizeClass: number): Slab[] {
    while (this.#roomy.length <= sizeClass) {
      this.#roomy.push([])
      this.#classSizeBytes.push(0)
    }
    return this.#roomy[sizeClass]!
  }

  /** Slabs of a class grow with the class, so that a small tree is small. */
  #addClassedSlab(sizeClass: number): Slab {
    const blockSizeBytes = blockSizeBytesOf(sizeClass)
    const target = Math.min(Math.max(this.#classSizeBytes[sizeClass]!, slabSizeBytesMin), slabSizeBytesMax)
    const slab = this.#addSlab(sizeClass, blockSizeBytes, Math.max(1, Math.floor(target / blockSizeBytes)))
    this.#classSizeBytes[sizeClass]! += slab.bytes.length
    this.#roomy[sizeClass]!.push(slab)
    return slab
  }

  #addSlab(sizeClass: number, blockSizeBytes: number, blockCount: number): Slab {
    const index = this.#spareIndexes.pop() ?? this.#slabs.length
    assert(index < slabCountMax, 'the data of all znodes fits the arena', { slabCountMax })
    const bytes = new Uint8Array(blockSizeBytes * blockCount)
    const view = new DataView(bytes.buffer)
    const slab: Slab = {
      index,
      sizeClass,
      blockSizeBytes,
      blockCount,
      bytes,
      view,
      usedCount: 0,
      carvedCount: 0,
      freeHead: noBlock,
    }
    this.#slabs[index] = slab
    this.#bytes[index] = bytes
    this.#views[index] = view
    this.#slabSizeBytes += bytes.length
    return slab
  }

  #dropSlab(slab: Slab): void {
    this.#slabs[slab.index] = null
    this.#bytes[slab.index] = nothing
    this.#views[slab.index] = nothingView
    this.#spareIndexes.push(slab.index)
    this.#slabSizeBytes -= slab.bytes.length
    if (slab.sizeClass !== ownSlabClass) this.#classSizeBytes[slab.sizeClass]! -= slab.bytes.length
  }
}

const nothing = new Uint8Array(0)
const nothingView = new DataView(nothing.buffer)

/** Where the block begins in its slab. */
export function offsetOf(ref: BlockRef): number {
  return (ref & 0xffff) << 4
}

/** 16 to 128 in steps of 16, then four steps per doubling: 160, 192, 224, 256, 320, … */
function sizeClassOf(lengthBytes: number): number {
  const last = lengthBytes - 1
  if (last < 128) return last >>> 4
  const log2 = 31 - Math.clz32(last)
  return 8 + (log2 - 7) * 4 + (last >>> (log2 - 2)) - 4
}

function blockSizeBytesOf(sizeClass: number): number {
  if (sizeClass < 8) return (sizeClass + 1) * 16
  const log2 = 7 + ((sizeClass - 8) >>> 2)
  return (5 + ((sizeClass - 8) & 3)) * 2 ** (log2 - 2)
}
