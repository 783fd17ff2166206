/**
 * Cuts a byte stream into frames (an int32 length, then that many bytes), wherever the chunks begin and end.
 * Owns: the beginning of a frame that has not completely arrived. In the usual case, whole frames inside one chunk, it
 * needs no buffer. Assumes: a chunk is valid only during the call, so a partial frame is copied.
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

  /** The beginning of a frame has arrived, its end has not. */
  get hasPartial(): boolean {
    return this.#partialLength > 0
  }

  /** Hands over a chunk; the previous one must be read to its end. */
  feed(chunk: Uint8Array): void {
    assert(this.#at === this.#chunk.length, 'chunks are read to the end', { at: this.#at, size: this.#chunk.length })
    this.#chunk = chunk
    this.#at = 0
  }

  /** Releases the chunk, which must be read to its end: the driver may reuse its memory. */
  release(): void {
    assert(this.#at === this.#chunk.length, 'no byte is lost', { at: this.#at, size: this.#chunk.length })
    this.#chunk = emptyBytes
    this.#at = 0
    this.#frame = emptyBytes
  }

  /** A copy of the bytes of no complete frame: the partial frame, then the unread chunk. Empties the reader. */
  rest(): Uint8Array {
    const rest = new Uint8Array(this.#partialLength + this.#chunk.length - this.#at)
    rest.set(this.#partial.subarray(0, this.#partialLength))
    rest.set(this.#chunk.subarray(this.#at), this.#partialLength)
    this.#forgetPartial()
    this.#at = this.#chunk.length
    return rest
  }

  /** The next length in the stream, as an int32; null while fewer than four bytes of it have arrived. */
  peekLength(): number | null {
    if (this.#partialLength === 0 && this.#chunk.length - this.#at >= lengthSizeBytes) {
      return intAt(this.#chunk, this.#at)
    }
    this.#fill(lengthSizeBytes)
    return this.#partialLength < lengthSizeBytes ? null : intAt(this.#partial, 0)
  }

  /**
   * Finds the frame of `sizeBytes`, as `peekLength` gave it; false while it is incomplete: the whole chunk was taken.
   */
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

  /** Skips the length that `peekLength` gave, so that `skip` can skip its frame piece by piece. */
  skipLength(): void {
    if (this.#partialLength === 0) {
      this.#at += lengthSizeBytes
      return
    }
    assert(this.#partialLength === lengthSizeBytes, 'only a length was kept', { keptBytes: this.#partialLength })
    this.#forgetPartial()
  }

  /** Skips `sizeBytes`, or as many of them as the chunk has, and returns them: a view, valid until the next call. */
  skip(sizeBytes: number): Uint8Array {
    assert(this.#partialLength === 0, 'skipped bytes are not kept', { keptBytes: this.#partialLength })
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

  /** Drops the buffer, so that the memory of one large request does not stay allocated for an idle client. */
  #forgetPartial(): void {
    this.#partial = emptyBytes
    this.#partialLength = 0
  }
}
