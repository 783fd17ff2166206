/**
 * Reads fields of protobuf. For the decoders by hand of the txns and peer messages that come most often, which leave
 * everything else to protobufjs: text that is not ASCII, and varints of more than four bytes. Assumes that the caller, at the
 * end of each message, compares `at` with its end: what does not fit moves `at` to a place after all bytes.
 */
import { decodeUtf8 } from '../jute/utf8.ts'

/** What `varint` gives for a number that it leaves to protobufjs. */
export const failed = -1

const varintShiftMax = 21 // of four bytes
const noBytes = new Uint8Array(0)
const doubleBytes = new Uint8Array(8)
const doubleView = new DataView(doubleBytes.buffer)

export class ProtoReader {
  /** Only `begin` sets it. */
  bytes: Uint8Array = noBytes
  /** The place of the next byte. */
  at = 0

  begin(bytes: Uint8Array): void {
    this.bytes = bytes
    this.at = 0
  }

  text(limit: number): string | null {
    const start = this.#startOfPart()
    const end = this.at
    if (start < 0 || end > limit) return null
    let bits = 0
    for (let at = start; at < end; at += 1) bits |= this.bytes[at]!
    return bits < 0x80 ? decodeUtf8(this.bytes, start, end) : null
  }

  /** A view. If it does not fit, the place is after the end of the bytes, which the callers notice. */
  part(limit: number): Uint8Array {
    const end = this.endOfPart(limit)
    const part = this.bytes.subarray(this.at, end)
    this.at = end
    return part
  }

  /** Reads a length. Moves to the end of what follows, returns its start; negative: there is no length. */
  #startOfPart(): number {
    const lengthBytes = this.varint()
    const start = this.at
    if (lengthBytes === failed) return failed
    this.at = start + lengthBytes
    return start
  }

  /** Reads a length. The end of what follows; a place after all bytes if that is not within `limit`. */
  endOfPart(limit: number): number {
    const lengthBytes = this.varint()
    const end = this.at + lengthBytes
    if (lengthBytes !== failed && end <= limit) return end
    this.at = this.bytes.length + 1
    return this.at + 1
  }

  /** Unsigned; `failed` if it has more than four bytes. */
  varint(): number {
    let value = 0
    for (let shift = 0; shift <= varintShiftMax; shift += 7) {
      const byte = this.bytes[this.at++]
      if (byte === undefined) return failed
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    this.at = this.bytes.length + 1 // the callers notice it
    return failed
  }

  fixed32(): number {
    const { bytes, at } = this
    this.at += 4
    return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  }

  double(): number {
    for (let i = 0; i < 8; i += 1) doubleBytes[i] = this.bytes[this.at + i]!
    this.at += 8
    return doubleView.getFloat64(0, true)
  }
}

/** From the zigzag form of protobuf. */
export function signed(count: number): number {
  return (count >>> 1) ^ -(count & 1)
}
