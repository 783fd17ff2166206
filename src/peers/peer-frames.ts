/**
 * Frames between servers: u32 length of the body, u32 CRC-32C of the body, u32 CRC-32C of the eight bytes before, then
 * the body, one encoded PeerFrame. Owns: cutting a byte stream into frames, wherever the network splits it. The header
 * has its own checksum: with a flipped bit in a length a server would wait for bytes that never come, on a link that
 * seems alive. A damaged frame closes the link; it is never an assertion.
 */
import { assert } from '../base/assert.ts'
import { crc32c } from '../base/crc32c.ts'
import { peerFrameSizeBytesMax } from '../base/limits.ts'
import { decodePeerFrame, encodeFrameBeforeChunk, encodePeerFrame } from '../protocol/peer/peer-codec.ts'
import type { PeerFrame, PeerMessage } from '../protocol/peer/peer-message.ts'
import type { LinkCloseReason } from './link-close-reason.ts'

const peerFrameHeaderSizeBytes = 12

const nothing = new Uint8Array(0)

/** One frame, ready for the wire. */
export function encodeFrame(frame: PeerFrame): Uint8Array {
  return withHeader(encodePeerFrame(frame, peerFrameHeaderSizeBytes), nothing)
}

/** Adds the messages to `out` as frames within the limit; almost always one frame, in one piece. */
export function encodeMessages(
  messages: readonly PeerMessage[],
  out: Uint8Array[],
  sizeBytesMax = peerFrameSizeBytesMax,
): void {
  let start = 0
  for (const [at, message] of messages.entries()) {
    if (message.kind !== 'checkpoint-chunk') continue
    encodeRun(messages.slice(start, at), out, sizeBytesMax)
    start = at + 1
    out.push(withHeader(encodeFrameBeforeChunk(message, peerFrameHeaderSizeBytes), message.chunk), message.chunk)
  }
  encodeRun(start === 0 ? messages : messages.slice(start), out, sizeBytesMax)
}

function encodeRun(messages: readonly PeerMessage[], out: Uint8Array[], sizeBytesMax: number): void {
  if (messages.length === 0) return
  const framed = encodePeerFrame({ hello: null, messages }, peerFrameHeaderSizeBytes)
  if (bodySizeOf(framed) <= sizeBytesMax) {
    out.push(withHeader(framed, nothing))
    return
  }
  assert(messages.length > 1, 'one message fits a peer frame', { sizeBytes: framed.length, kind: messages[0]?.kind })
  const half = messages.length >> 1
  encodeRun(messages.slice(0, half), out, sizeBytesMax)
  encodeRun(messages.slice(half), out, sizeBytesMax)
}

/** Sent when there is no message to send, so that the peer sees a live link. May be written any number of times. */
export const keepAliveFrame: Uint8Array = encodeFrame({ hello: null, messages: [] })

export class PeerFrameReader {
  readonly #header = new Uint8Array(peerFrameHeaderSizeBytes)
  #headerLength = 0
  /** Null while the header is incomplete. */
  #body: Uint8Array | null = null
  #bodyLength = 0
  #bodyChecksum = 0
  #chunk: Uint8Array = new Uint8Array(0)
  #chunkAt = 0

  /** Call `next` until it returns null before feeding more; `bytes` may be reused then. */
  feed(bytes: Uint8Array): void {
    assert(this.#chunkAt === this.#chunk.length, 'a chunk is read before the next is fed', { at: this.#chunkAt })
    this.#chunk = bytes
    this.#chunkAt = 0
  }

  /**
   * The next frame; null if more bytes are needed; a reason if the link must be closed, since no later byte can be
   * trusted. Each frame has a buffer of its own, so byte fields of its messages may be kept.
   */
  next(sizeBytesMax: number): PeerFrame | LinkCloseReason | null {
    if (this.#body === null) {
      this.#headerLength += this.#copyTo(this.#header, this.#headerLength)
      if (this.#headerLength < peerFrameHeaderSizeBytes) return null
      const problem = this.#beginBody(sizeBytesMax)
      if (problem !== null) return problem
    }
    const body = this.#body!
    this.#bodyLength += this.#copyTo(body, this.#bodyLength)
    if (this.#bodyLength < body.length) return null
    this.#body = null
    this.#headerLength = 0
    if (crc32c(body) !== this.#bodyChecksum) return 'frame-damaged'
    return decodePeerFrame(body) ?? 'message-unknown'
  }

  /** Copies bytes of the chunk until `target` is full or the chunk is used up; returns how many. */
  #copyTo(target: Uint8Array, from: number): number {
    const count = Math.min(target.length - from, this.#chunk.length - this.#chunkAt)
    target.set(this.#chunk.subarray(this.#chunkAt, this.#chunkAt + count), from)
    this.#chunkAt += count
    return count
  }

  #beginBody(sizeBytesMax: number): LinkCloseReason | null {
    const view = new DataView(this.#header.buffer)
    if (crc32c(this.#header.subarray(0, 8)) !== view.getUint32(8)) return 'frame-damaged'
    const sizeBytes = view.getUint32(0)
    if (sizeBytes > sizeBytesMax) return 'frame-too-large'
    this.#bodyChecksum = view.getUint32(4)
    this.#body = new Uint8Array(sizeBytes)
    this.#bodyLength = 0
    return null
  }
}

/** Writes the header of a frame that begins with room for it, and whose body ends with `rest`. */
function withHeader(framed: Uint8Array, rest: Uint8Array): Uint8Array {
  const sizeBytes = bodySizeOf(framed) + rest.length
  assert(sizeBytes <= peerFrameSizeBytesMax, 'a peer frame is within its limit', { sizeBytes })
  const view = new DataView(framed.buffer, framed.byteOffset, peerFrameHeaderSizeBytes)
  view.setUint32(0, sizeBytes)
  view.setUint32(4, crc32c(rest, crc32c(framed.subarray(peerFrameHeaderSizeBytes))))
  view.setUint32(8, crc32c(framed.subarray(0, 8)))
  return framed
}

function bodySizeOf(framed: Uint8Array): number {
  return framed.length - peerFrameHeaderSizeBytes
}
