/**
 * Reads jute primitives from one record body.
 * Owns: the bounds. Assumes: the bytes do not change while the reader, or a view it handed out, is in use.
 * Never throws on any input: the first read that does not fit marks the reader as failed, and from then on
 * every read returns a neutral value. A caller that decodes a whole record checks `failed` once, at the end. Without
 * that check a cut-off request would act on zeros.
 */
import type { SessionId, Zxid } from '../base/ids.ts'
import { decodeUtf8 } from './utf8.ts'

const twoTo32 = 2 ** 32
const noBytes = new Uint8Array(0)

export class JuteReader {
  #bytes: Uint8Array
  #end: number
  #at: number
  #failed = false

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  /** Begins another record. */
  reset(bytes: Uint8Array): void {
    this.#bytes = bytes
    this.#at = 0
    this.#end = bytes.length
    this.#failed = false
  }

  get failed(): boolean {
    return this.#failed
  }

  get remainingBytes(): number {
    return this.#end - this.#at
  }

  /** For a value that is present but not allowed: the record is refused as if it were cut off. */
  fail(): void {
    this.#failed = true
    this.#at = this.#end
  }

  readBoolean(): boolean {
    const at = this.#take(1)
    return at >= 0 && this.#bytes[at] !== 0
  }

  readByte(): number {
    const at = this.#take(1)
    return at < 0 ? 0 : this.#bytes[at]!
  }

  readInt(): number {
    const at = this.#take(4)
    return at < 0 ? 0 : this.#intAt(at)
  }

  readLong(): bigint {
    const at = this.#take(8)
    if (at < 0) return 0n
    return (BigInt(this.#intAt(at)) << 32n) | BigInt(this.#intAt(at + 4) >>> 0)
  }

  /** An int64 as a double: exact for every zxid and time that a server makes, rounded for greater numbers. */
  readInt64Number(): number {
    const at = this.#take(8)
    return at < 0 ? 0 : this.#intAt(at) * twoTo32 + (this.#intAt(at + 4) >>> 0)
  }

  readZxid(): Zxid {
    return this.readInt64Number() as Zxid
  }

  readSessionId(): SessionId {
    return BigInt.asUintN(64, this.readLong()) as SessionId
  }

  /** Null stands for length -1. Malformed UTF-8 becomes U+FFFD, as in Java. */
  readUstring(): string | null {
    const length = this.readInt()
    if (length === -1 && !this.#failed) return null
    const at = this.#take(length)
    return at < 0 ? '' : decodeUtf8(this.#bytes, at, at + length)
  }

  /** A view of the bytes being read, not a copy; null stands for length -1. */
  readBuffer(): Uint8Array | null {
    const length = this.readInt()
    if (length === -1 && !this.#failed) return null
    const at = this.#take(length)
    return at < 0 ? noBytes : this.#bytes.subarray(at, at + length)
  }

  /** The count before a vector: -1 = null, any other negative count reads as empty (ZK: BinaryInputArchive.startVector). */
  readCount(): number {
    const count = this.readInt()
    return count < -1 ? 0 : count
  }

  /** Where the next `lengthBytes` begin, or -1 once the reader has failed. */
  #take(lengthBytes: number): number {
    const at = this.#at
    if (this.#failed || lengthBytes < 0 || lengthBytes > this.#end - at) {
      this.fail()
      return -1
    }
    this.#at = at + lengthBytes
    return at
  }

  #intAt(at: number): number {
    const bytes = this.#bytes
    return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
  }
}
