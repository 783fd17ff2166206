/**
 * Turns chunks of bytes, cut anywhere, into whole frames. Owns: the bytes of an incomplete frame.
 * A frame length that no server sends proves that the stream is not in sync, and ends the connection.
 */

/** Servers do not limit the size of replies. A length above this is taken as a broken stream. */
const frameSizeBytesMax = 256 * 1024 * 1024

export class FrameSplitter {
  #rest: Uint8Array = new Uint8Array(0)

  /** Calls `onFrame` with each payload, which is valid until `onFrame` returns. False: the stream is broken. */
  split(bytes: Uint8Array, onFrame: (payload: Uint8Array) => void): boolean {
    const all = this.#rest.length === 0 ? bytes : concat(this.#rest, bytes)
    const view = new DataView(all.buffer, all.byteOffset, all.length)
    let at = 0
    while (all.length - at >= 4) {
      const length = view.getInt32(at)
      if (length < 0 || length > frameSizeBytesMax) return false
      if (all.length - at - 4 < length) break
      onFrame(all.subarray(at + 4, at + 4 + length))
      at += 4 + length
    }
    this.#rest = all.slice(at)
    return true
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}
