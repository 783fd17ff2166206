/**
 * Writes fields of protobuf into bytes that the caller provides, as protobufjs writes them: fields that are zero or empty are
 * left out. For the encoders by hand of the txns and peer messages that come most often. They compute first how many
 * bytes there will be, with the functions below. Assumes text in ASCII, and tags that are one byte.
 */
import { copyRange } from '../base/copy-bytes.ts'

const fixed32FieldSizeBytes = 5
const doubleFieldSizeBytes = 9
const noBytes: Uint8Array = new Uint8Array(0)
const doubleBytes = new Uint8Array(8)
const doubleView = new DataView(doubleBytes.buffer)

export class ProtoWriter {
  #bytes = noBytes
  #at = 0

  /** The calls that follow write into `bytes` from `at` on. */
  begin(bytes: Uint8Array, at: number): void {
    this.#bytes = bytes
    this.#at = at
  }

  /** The place of the next byte. */
  get at(): number {
    return this.#at
  }

  /** A tag and a varint: a whole number, or the length of what follows. It is written if it is zero, too. */
  head(tag: number, value: number): void {
    const bytes = this.#bytes
    bytes[this.#at++] = tag
    let rest = value >>> 0
    while (rest > 0x7f) {
      bytes[this.#at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    bytes[this.#at++] = rest
  }

  flag(tag: number): void {
    this.#bytes[this.#at++] = tag
    this.#bytes[this.#at++] = 1
  }

  text(tag: number, text: string): void {
    const { length } = text
    if (length === 0) return
    this.head(tag, length)
    const bytes = this.#bytes
    let at = this.#at
    for (let i = 0; i < length; i++) bytes[at++] = text.charCodeAt(i)
    this.#at = at
  }

  /** A tag, the length and the bytes, of which there may be none. */
  data(tag: number, data: Uint8Array): void {
    this.head(tag, data.length)
    copyRange(data, 0, data.length, this.#bytes, this.#at)
    this.#at += data.length
  }

  fixed32Field(tag: number, value: number): void {
    if (value === 0) return
    const bytes = this.#bytes
    const at = this.#at
    bytes[at] = tag
    bytes[at + 1] = value
    bytes[at + 2] = value >>> 8
    bytes[at + 3] = value >>> 16
    bytes[at + 4] = value >>> 24
    this.#at = at + fixed32FieldSizeBytes
  }

  doubleField(tag: number, value: number): void {
    if (Object.is(value, 0)) return
    doubleView.setFloat64(0, value, true)
    this.#bytes[this.#at] = tag
    for (let i = 0; i < 8; i++) this.#bytes[this.#at + 1 + i] = doubleBytes[i]!
    this.#at += doubleFieldSizeBytes
  }
}

export function fixed32FieldSizeBytesOf(value: number): number {
  return value === 0 ? 0 : fixed32FieldSizeBytes
}

export function doubleFieldSizeBytesOf(value: number): number {
  return Object.is(value, 0) ? 0 : doubleFieldSizeBytes
}

/** Of a text of this length in ASCII; an empty one is left out. */
export function lengthTextSizeBytes(length: number): number {
  return length === 0 ? 0 : partSizeBytes(length)
}

/** A tag, a length, and as many bytes. */
export function partSizeBytes(sizeBytes: number): number {
  return 1 + varintSizeBytes(sizeBytes) + sizeBytes
}

export function varintSizeBytes(value: number): number {
  const unsigned = value >>> 0
  if (unsigned < 2 ** 7) return 1
  if (unsigned < 2 ** 14) return 2
  if (unsigned < 2 ** 21) return 3
  return unsigned < 2 ** 28 ? 4 : 5
}

/** The form in which protobuf writes a `sint32`. */
export function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0
}

export function isAscii(text: string): boolean {
  let units = 0
  for (let i = 0; i < text.length; i++) units |= text.charCodeAt(i)
  return units < 0x80
}
