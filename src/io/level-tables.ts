/**
 * Makes the tables of a LevelDB from entries that come in the order of their keys, as LevelDB itself would make them
 * (table_builder.cc, block_builder.cc, format.cc). Nothing is allocated for an entry: a learner stores millions.
 *
 * All entries get the number of one write, since LevelDB compares these numbers only between entries of one key.
 */
import { crc32cOfRange } from '../base/crc32c.ts'
import { LevelBytes } from './level-bytes.ts'
import {
  type BlockPlace,
  footerMagic,
  footerSizeBytes,
  markSizeBytes,
  maskedChecksum,
  trailerSizeBytes,
  uncompressed,
  valueKind,
} from './level-format.ts'
import { checksumSizeBytes } from './level-sinks.ts'

export interface TableSizes {
  /** A block ends with the entry that reaches this, and a table with the block that does. */
  readonly blockSizeBytes: number
  readonly tableSizeBytes: number
}

export interface BuiltTable {
  readonly content: LevelBytes
  readonly smallest: Uint8Array // its first key, with the mark
  readonly largest: Uint8Array
}

/** The number of the write. */
export const filledSequence = 1
const mark = Uint8Array.of(valueKind, filledSequence, 0, 0, 0, 0, 0, 0)
const markLow = valueKind | (filledSequence << 8)

/** LevelDB: Options::block_restart_interval. One key of this many is whole; the others lack what the key before has. */
const restartInterval = 16
const numberSizeBytesMax = 8
/** Three numbers, the mark, the checksum. */
const entryExtraBytesMax = 3 * numberSizeBytesMax + markSizeBytes + checksumSizeBytes

export class TableBuilder {
  readonly #sizes: TableSizes
  #content: LevelBytes | null = null // null: no table has begun
  #smallest: Uint8Array = mark // of the table that has begun
  readonly #block = new Block(restartInterval)
  readonly #index = new LevelBytes(16 * 1024)
  readonly #indexBlock = new Block(1)
  readonly #place = new LevelBytes(2 * numberSizeBytesMax)
  readonly #spare: LevelBytes[] = []
  // Where the key of the last entry is.
  #lastView: DataView | null = null // null: there is none
  #lastStart = 0
  #lastEnd = 0

  constructor(sizes: TableSizes) {
    this.#sizes = sizes
  }

  /** Whether the table should be finished before the next entry. */
  get isFull(): boolean {
    return this.#content !== null && this.#block.start >= this.#sizes.tableSizeBytes
  }

  /**
   * Takes an entry whose key and value are in the bytes, of which `view` is, and which stay as they are until `releaseBytes`. False:
   * it does not take it, since its key does not come after that of the entry before.
   */
  add(
    bytes: Uint8Array,
    view: DataView,
    keyStart: number,
    keyEnd: number,
    valueStart: number,
    valueEnd: number,
  ): boolean {
    const shared = this.#sharedWithLast(view, keyStart, keyEnd)
    if (shared < 0) return false
    this.#lastView = view
    this.#lastStart = keyStart
    this.#lastEnd = keyEnd
    const content = this.#content ?? this.#begin()
    const block = this.#block
    const skipped = block.nextIsWhole(content.length) ? 0 : shared
    const ownSizeBytes = keyEnd - keyStart - skipped
    const valueSizeBytes = valueEnd - valueStart
    content.reserve(ownSizeBytes + valueSizeBytes + entryExtraBytesMax)
    content.number(skipped)
    content.number(ownSizeBytes + markSizeBytes)
    content.number(valueSizeBytes + checksumSizeBytes)
    content.copyOf(view, keyStart + skipped, ownSizeBytes)
    content.uint32(markLow)
    content.uint32(0)
    content.copyOf(view, valueStart, valueSizeBytes)
    content.uint32HighFirst(crc32cOfRange(bytes, valueStart, valueEnd, crc32cOfRange(bytes, keyStart, keyEnd, 0)))
    if (block.sizeBytesAt(content.length) >= this.#sizes.blockSizeBytes) this.#endBlock(content)
    return true
  }

  releaseBytes(): void {
    if (this.#lastView === null) return
    const key = this.#lastKey()
    this.#lastView = new DataView(key.buffer)
    this.#lastStart = 0
    this.#lastEnd = key.length - markSizeBytes
  }

  /** The table that has begun; null: none has. */
  finish(): BuiltTable | null {
    const content = this.#content
    if (content === null) return null
    if (content.length > this.#block.start) this.#endBlock(content)
    const metadata = this.#block.end(content) // which is empty
    const { sizeBytes } = this.#indexBlock.end(this.#index)
    const index: BlockPlace = { offset: content.length, sizeBytes }
    content.reserve(this.#index.length + footerSizeBytes)
    content.bytes(this.#index.stretch(0))
    const end = content.length + footerSizeBytes
    for (const { offset, sizeBytes } of [metadata, index]) {
      content.number(offset)
      content.number(sizeBytes)
    }
    content.zeros(end - footerMagic.length - content.length)
    content.bytes(footerMagic)
    this.#content = null
    return { content, smallest: this.#smallest, largest: this.#lastKey() }
  }

  /** The content of a table that is no longer needed becomes memory of another one. */
  reuse(content: LevelBytes): void {
    if (content.capacityBytes <= 2 * this.#sizes.tableSizeBytes) this.#spare.push(content)
  }

  #begin(): LevelBytes {
    const { tableSizeBytes, blockSizeBytes } = this.#sizes
    const content = this.#spare.pop() ?? new LevelBytes(tableSizeBytes + 4 * blockSizeBytes)
    content.clear()
    this.#index.clear()
    this.#block.begin(0)
    this.#indexBlock.begin(0)
    this.#smallest = this.#lastKey()
    this.#content = content
    return content
  }

  #endBlock(content: LevelBytes): void {
    const { offset, sizeBytes } = this.#block.end(content)
    const key = this.#lastKey()
    const place = this.#place
    place.clear()
    place.number(offset)
    place.number(sizeBytes)
    const index = this.#index
    this.#indexBlock.nextIsWhole(index.length)
    index.reserve(3 * numberSizeBytesMax + key.length + place.length)
    index.number(0)
    index.number(key.length)
    index.number(place.length)
    index.bytes(key)
    index.bytes(place.stretch(0))
  }

  /** How many of its first bytes the key has in common with the last one; -1: it does not come after that one. */
  #sharedWithLast(view: DataView, start: number, end: number): number {
    const last = this.#lastView
    if (last === null) return 0
    const lastEnd = this.#lastEnd
    let at = start
    let lastAt = this.#lastStart
    while (at + 4 <= end && lastAt + 4 <= lastEnd && view.getInt32(at) === last.getInt32(lastAt)) {
      at += 4
      lastAt += 4
    }
    for (; at < end && lastAt < lastEnd; at++, lastAt++) {
      const difference = view.getUint8(at) - last.getUint8(lastAt)
      if (difference !== 0) return difference > 0 ? at - start : -1
    }
    return at < end ? at - start : -1
  }

  #lastKey(): Uint8Array {
    const last = this.#lastView!
    const sizeBytes = this.#lastEnd - this.#lastStart
    const key = new Uint8Array(sizeBytes + markSizeBytes)
    key.set(new Uint8Array(last.buffer, last.byteOffset + this.#lastStart, sizeBytes))
    key.set(mark, sizeBytes)
    return key
  }
}

/** The block that has begun at the end of some bytes. */
class Block {
  readonly #wholeInterval: number
  #start = 0
  #entryCount = 0
  readonly #wholeAt: number[] = [] // where the entries with whole keys are in the block

  constructor(wholeInterval: number) {
    this.#wholeInterval = wholeInterval
  }

  get start(): number {
    return this.#start
  }

  begin(at: number): void {
    this.#start = at
    this.#entryCount = 0
    this.#wholeAt.length = 0
  }

  /** An entry is added at that place: whether its key must be whole. */
  nextIsWhole(at: number): boolean {
    const isWhole = this.#entryCount++ % this.#wholeInterval === 0
    if (isWhole) this.#wholeAt.push(at - this.#start)
    return isWhole
  }

  sizeBytesAt(at: number): number {
    return at - this.#start + 4 * (this.#wholeAt.length + 1)
  }

  /** The next one begins after it. */
  end(content: LevelBytes): BlockPlace {
    const wholeAt = this.#wholeAt
    if (wholeAt.length === 0) wholeAt.push(0)
    content.reserve(4 * (wholeAt.length + 1) + trailerSizeBytes)
    for (const at of wholeAt) content.uint32(at)
    content.uint32(wholeAt.length)
    const place: BlockPlace = { offset: this.#start, sizeBytes: content.length - this.#start }
    content.byte(uncompressed)
    content.uint32(maskedChecksum(content.stretch(this.#start)))
    this.begin(content.length)
    return place
  }
}
