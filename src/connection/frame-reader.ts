/**
 * Cuts a byte stream into frames (an int32 length, then that many bytes), however the chunks fall.
 * Owns: the beginning of a frame that has not wholly arrived. The usual case, whole frames inside one chunk, touches no
 * buffer of its own. Assumes: a chunk is valid only during the call, so what must last is copied.
 * A partial frame grows by doubling up to its announced size: four bytes alone must not reserve a megabyte.
 */
import { assert } from '../base/assert.ts'
import { intAt } from '../base/int-at.ts'

const partialCapacityBytesMin = 1024
const lengthSizeBytes = 4
const emptyBytes = new Uint8Array(0)

export class FrameReader {
  #partial: Uint8Array = emptyBytes
  #partialLength = 0
  #chunk: Uint8Array = emptyBytes
  #at = 0
  // Where the frame found by `next` lies.
  #frame: Uint8Array = emptyBytes
  #frameStart = 0
  #frameEnd = 0

  /** Bytes of the frame that `next` found; valid until the next call. */
  get frame(): Uint8Array {
    return this.#frame
  }

  get frameStart(): number {
    return this.#frameStart
  }

  get frameEnd(): number {
    return this.#frameEnd
  }

  /** The beginning of a frame has come, and not its end. */
  get hasPartial(): boolean {
    return this.#partialLength > 0
  }

  /** Hands over a chunk; the one before must be used up. */
  feed(chunk: Uint8Array): void {
    assert(this.#at === this.#chunk.length, 'chunks are read to the end', { at: this.#at, size: this.#chunk.length })
    this.#chunk = chunk
    this.#at = 0
  }

  /** Lets go of the chunk, which must be used up: its memory is the driver's again. */
  release(): void {
    assert(this.#at === this.#chunk.length, 'no byte is lost', { at: this.#at, size: this.#chunk.length })
    this.#chunk = emptyBytes
    this.#at = 0
    this.#frame = emptyBytes
  }

  /** A copy of what no frame has claimed: a partial frame and the unread chunk, in order. The reader is empty after. */
  rest(): Uint8Array {
    const rest = new Uint8Array(this.#partialLength + this.#chunk.length - this.#at)
    rest.set(this.#partial.subarray(0, this.#partialLength))
    rest.set(this.#chunk.subarray(this.#at), this.#partialLength)
    this.#forgetPartial()
    this.#at = this.#chunk.length
    return rest
  }

  /** The length that stands next in the stream, as an int32; null while fewer than four bytes of it are here. */
  peekLength(): number | null {
    if (this.#partialLength === 0 && this.#chunk.length - this.#at >= lengthSizeBytes) {
      return intAt(this.#chunk, this.#at)
    }
    this.#fill(lengthSizeBytes)
    return this.#partialLength < lengthSizeBytes ? null : intAt(this.#partial, 0)
  }

  /** Finds the frame of `sizeBytes`, as `peekLength` gave it; false (and the chunk is used up) while it is incomplete. */
  next(sizeBytes: number): boolean {
    const wholeBytes = lengthSizeBytes + sizeBytes
    if (this.#partialLength === 0 && this.#chunk.length - this.#at >= wholeBytes) {
      this.#frame = this.#chunk
      this.#frameStart = this.#at + lengthSizeBytes
      this.#at += wholeBytes
      this.#frameEnd = this.#at
      return true
    }
    this.#fill(wholeBytes)
    if (this.#partialLength < wholeBytes) return false
    this.#frame = this.#partial
    this.#frameStart = lengthSizeBytes
    this.#frameEnd = wholeBytes
    this.#forgetPartial()
    return true
  }

  /** Passes over the length that `peekLength` gave, so that its frame can be passed over piece by piece. */
  passOverLength(): void {
    if (this.#partialLength === 0) {
      this.#at += lengthSizeBytes
      return
    }
    assert(this.#partialLength === lengthSizeBytes, 'only a length was kept', { keptBytes: this.#partialLength })
    this.#forgetPartial()
  }

  /** Passes over `sizeBytes`, or what the chunk has of them, and gives them: a view, valid until the next call. */
  passOver(sizeBytes: number): Uint8Array {
    assert(this.#partialLength === 0, 'what is passed over is not kept', { keptBytes: this.#partialLength })
    const start = this.#at
    this.#at = Math.min(this.#chunk.length, start + sizeBytes)
    return this.#chunk.subarray(start, this.#at)
  }

  /** Takes from the chunk until the partial frame holds `wantedBytes`, or the chunk ends. */
  #fill(wantedBytes: number): void {
    const taken = Math.min(wantedBytes - this.#partialLength, this.#chunk.length - this.#at)
    if (taken <= 0) return
    const needed = this.#partialLength + taken
    if (needed > this.#partial.length) {
      const grown = new Uint8Array(
        Math.max(needed, Math.min(wantedBytes, this.#partial.length * 2), partialCapacityBytesMin),
      )
      grown.set(this.#partial.subarray(0, this.#partialLength))
      this.#partial = grown
    }
    this.#partial.set(this.#chunk.subarray(this.#at, this.#at + taken), this.#partialLength)
    this.#partialLength = needed
    this.#at += taken
  }

  /** The buffer is let go with the frame in it, so that one large request does not stay allocated for an idle client. */
  #forgetPartial(): void {
    this.#partial = emptyBytes
    this.#partialLength = 0
  }
}
