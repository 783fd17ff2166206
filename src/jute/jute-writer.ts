/**
 * Writes jute primitives into one growing buffer that is used again after each `reset`.
 * Owns: the buffer. Callers get copies of it, except from `detach`, which gives the buffer itself away.
 * Assumes: numbers are in range (asserted where a wrong one would corrupt the stream silently).
 */
import { allocateBytes } from '../base/allocate-bytes.ts'
import { assert } from '../base/assert.ts'
import { copyRange } from '../base/copy-bytes.ts'
import type { SessionId } from '../base/ids.ts'
import { encodeUtf8, utf8UnitSizeBytesMax } from './utf8.ts'

const twoTo32 = 2 ** 32
const capacityBytesMin = 256

export class JuteWriter {
  #bytes: Uint8Array
  #length = 0

  /** The first bytes are allocated when the first are written, so that an idle connection costs nothing. */
  constructor(capacityBytes = 0) {
    this.#bytes = new Uint8Array(capacityBytes)
  }

  get lengthBytes(): number {
    return this.#length
  }

  get capacityBytes(): number {
    return this.#bytes.length
  }

  writeBoolean(value: boolean): void {
    const at = this.#grow(1)
    this.#bytes[at] = value ? 1 : 0
  }

  writeByte(value: number): void {
    const at = this.#grow(1)
    this.#bytes[at] = value
  }

  writeInt(value: number): void {
    const at = this.#grow(4)
    this.#putInt(at, value)
  }

  writeLong(value: bigint): void {
    const at = this.#grow(8)
    this.#putInt(at, Number(BigInt.asIntN(32, value >> 32n)))
    this.#putInt(at + 4, Number(BigInt.asIntN(32, value)))
  }

  /** A zxid, a time in ms, or any other whole number that a double holds exactly; -1 included. */
  writeInt64Number(value: number): void {
    assert(Number.isSafeInteger(value), 'an int64 written from a number is exact', { value })
    const high = Math.floor(value / twoTo32)
    const at = this.#grow(8)
    this.#putInt(at, high)
    this.#putInt(at + 4, value - high * twoTo32)
  }

  /** -1 (no zxid) or 0 .. 2^53-1. */
  writeZxid(value: number): void {
    assert(value >= -1, 'a zxid is -1 or positive', { value })
    this.writeInt64Number(value)
  }

  writeSessionId(value: SessionId): void {
    this.writeLong(value)
  }

  /** Null is length -1; surrogates are written as in Java, each on its own. */
  writeUstring(value: string | null): void {
    if (value === null) {
      this.writeInt(-1)
      return
    }
    const at = this.#grow(4 + value.length * utf8UnitSizeBytesMax)
    const end = encodeUtf8(value, this.#bytes, at + 4)
    this.#putInt(at, end - at - 4)
    this.#length = end
  }

  /** Null is length -1. */
  writeBuffer(value: Uint8Array | null): void {
    if (value === null) {
      this.writeInt(-1)
      return
    }
    const at = this.#grow(4 + value.length)
    this.#putInt(at, value.length)
    this.#bytes.set(value, at + 4)
  }

  /** Null is count -1. */
  writeVector<T>(values: readonly T[] | null, writeItem: (writer: JuteWriter, item: T) => void): void {
    this.writeInt(values === null ? -1 : values.length)
    for (const value of values ?? []) writeItem(this, value)
  }

  /** Raw bytes, no length before them: an already encoded record. */
  writeBytes(value: Uint8Array): void {
    const at = this.#grow(value.length)
    this.#bytes.set(value, at)
  }

  /** Part of `source`, raw; spares the caller a view object. */
  writeBytesOf(source: Uint8Array, start: number, end: number): void {
    assert(start >= 0 && start <= end && end <= source.length, 'the range lies in the source', { start, end })
    const at = this.#grow(end - start)
    copyRange(source, start, end, this.#bytes, at)
  }

  /** Overwrites four bytes written earlier: lengths and counts known only afterwards. */
  patchInt(at: number, value: number): void {
    assert(at >= 0 && at + 4 <= this.#length, 'a patch lies in what was written', { at, lengthBytes: this.#length })
    this.#putInt(at, value)
  }

  /** Forgets what was written from `lengthBytes` on. */
  truncate(lengthBytes: number): void {
    assert(lengthBytes >= 0 && lengthBytes <= this.#length, 'truncation shortens', { lengthBytes, had: this.#length })
    this.#length = lengthBytes
  }

  /** A copy of what was written; the writer keeps it until `reset`. */
  take(): Uint8Array {
    const copy = allocateBytes(this.#length)
    copyRange(this.#bytes, 0, this.#length, copy, 0)
    return copy
  }

  /** What was written, without copying: the writer gives its buffer away and starts with none. */
  detach(): Uint8Array {
    const written = this.#bytes.subarray(0, this.#length)
    this.#bytes = new Uint8Array(0)
    this.#length = 0
    return written
  }

  reset(): void {
    this.#length = 0
  }

  /** Makes room, counts it as written, and returns where it begins. */
  #grow(sizeBytes: number): number {
    const at = this.#length
    const needed = at + sizeBytes
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2, capacityBytesMin))
      grown.set(this.#bytes.subarray(0, at))
      this.#bytes = grown
    }
    this.#length = needed
    return at
  }

  #putInt(at: number, value: number): void {
    const bytes = this.#bytes
    bytes[at] = value >>> 24
    bytes[at + 1] = value >>> 16
    bytes[at + 2] = value >>> 8
    bytes[at + 3] = value
  }
}
