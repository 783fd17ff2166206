/**
 * Versions of the entries of a LevelDB in order: by key, newer ones first. A run of them is a few arrays of numbers over
 * the bytes that were read, and its memory is used again for the next run: a start reads millions of entries, for which an
 * object and two views each took longer than everything else.
 */
import { copyBytes } from '../base/copy-bytes.ts'
import { LevelDamage } from './level-files.ts'
import { markSizeBytes, removalKind } from './level-format.ts'

export interface VersionSource {
  /** The next versions, until the next call; empty after the last. Runs have about the same size. */
  next(): Promise<VersionRun>
  close(): Promise<void>
}

const keysSizeBytesMin = 16 * 1024

export class VersionRun {
  #bytes: Uint8Array = new Uint8Array(0)
  #view: DataView = new DataView(this.#bytes.buffer)
  #keys: Uint8Array = new Uint8Array(keysSizeBytesMin) // one after another, each with its mark
  #keysView: DataView = new DataView(this.#keys.buffer)
  #count = 0
  // Longer than the count: what is left of an earlier run is not used.
  readonly #keyEnds: number[] = [] // without the marks
  readonly #valueStarts: number[] = []
  readonly #valueEnds: number[] = [] // of a removal: -1
  readonly #sequences: number[] = []

  get count(): number {
    return this.#count
  }

  get keys(): Uint8Array {
    return this.#keys
  }

  get keysView(): DataView {
    return this.#keysView
  }

  /** In which the values are. */
  get view(): DataView {
    return this.#view
  }

  /** Starts a run whose values are in other bytes. */
  reset(bytes: Uint8Array): void {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#count = 0
  }

  keyStart(at: number): number {
    return at === 0 ? 0 : this.#keyEnds[at - 1]! + markSizeBytes
  }

  keyEnd(at: number): number {
    return this.#keyEnds[at]!
  }

  valueStart(at: number): number {
    return this.#valueStarts[at]!
  }

  valueEnd(at: number): number {
    return this.#valueEnds[at]!
  }

  isRemoval(at: number): boolean {
    return this.#valueEnds[at] === -1
  }

  /** The number of its write. */
  sequence(at: number): number {
    return this.#sequences[at]!
  }

  /** A copy. */
  keyOf(at: number): Uint8Array {
    return this.#keys.slice(this.keyStart(at), this.keyEnd(at))
  }

  /** The version of a key whose value is in [start, end) of the bytes. */
  add(key: Uint8Array, start: number, end: number, sequence: number, isRemoval: boolean): void {
    const keyStart = this.keyStart(this.#count)
    this.#reserve(keyStart + key.length + markSizeBytes)
    this.#keys.set(key, keyStart)
    this.#push(keyStart + key.length, start, isRemoval ? -1 : end, sequence)
  }

  /**
   * Adds the entries of a block of a table, which is [start, end) of the bytes. LevelDB: table/block.cc. An entry has the
   * count of bytes that its key shares with the key before, the count of its other bytes, the length of its value, those
   * bytes and the value. After the entries come the places where keys are whole (4 bytes each), and their count (4).
   * A key ends with a mark: its lowest byte is the kind, the other seven are the number of the write.
   */
  addBlock(path: string, start: number, end: number): void {
    const bytes = this.#bytes
    const last = end - 4
    const restartCount = bytes[last]! | (bytes[last + 1]! << 8) | (bytes[last + 2]! << 16)
    const entriesEnd = last - 4 * restartCount
    let before = 0 // where the key before begins
    let beforeSizeBytes = 0 // with its mark
    let at = start
    const length = (): number => {
      let value = bytes[at++]!
      if (value < 128) return value
      value &= 127
      for (let shift = 7; ; shift += 7) {
        const byte = bytes[at++]!
        value |= (byte & 127) << shift
        if (byte < 128) return value
      }
    }
    while (at < entriesEnd) {
      const sharedBytes = length()
      const ownBytes = length()
      const valueBytes = length()
      const valueStart = at + ownBytes
      const valueEnd = valueStart + valueBytes
      const keySizeBytes = sharedBytes + ownBytes - markSizeBytes
      if (sharedBytes > beforeSizeBytes || valueEnd > entriesEnd || keySizeBytes < 0) {
        throw new LevelDamage(`${path} has an entry that is longer than its block`)
      }
      const keyStart = this.keyStart(this.#count)
      const keyEnd = keyStart + keySizeBytes
      this.#reserve(keyEnd + markSizeBytes)
      const keys = this.#keys
      copyBytes(this.#keysView, before, sharedBytes, this.#keysView, keyStart)
      copyBytes(this.#view, at, ownBytes, this.#keysView, keyStart + sharedBytes)
      const isRemoval = keys[keyEnd] === removalKind
      this.#push(keyEnd, valueStart, isRemoval ? -1 : valueEnd, sequenceAt(keys, keyEnd + 1))
      before = keyStart
      beforeSizeBytes = sharedBytes + ownBytes
      at = valueEnd
    }
  }

  #push(keyEnd: number, valueStart: number, valueEnd: number, sequence: number): void {
    const at = this.#count++
    this.#keyEnds[at] = keyEnd
    this.#valueStarts[at] = valueStart
    this.#valueEnds[at] = valueEnd
    this.#sequences[at] = sequence
  }

  #reserve(sizeBytes: number): void {
    if (sizeBytes <= this.#keys.length) return
    const larger = new Uint8Array(2 * sizeBytes)
    larger.set(this.#keys)
    this.#keys = larger
    this.#keysView = new DataView(larger.buffer)
  }
}

/** Seven bytes, the lowest first. */
function sequenceAt(bytes: Uint8Array, at: number): number {
  const low = (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  const high = bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16)
  return high * 2 ** 32 + low
}
