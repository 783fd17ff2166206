/**
 * Bytes of a connection, cut anywhere, become whole frames. Owns: the bytes of a frame that is not complete.
 * A length that no server sends means that the stream is not what we think, and ends it.
 */

/** Servers do not limit their replies; beyond this we take a length for garbage. */
const frameSizeBytesMax = 256 * 1024 * 1024

export class FrameSplitter {
  #rest: Uint8Array = new Uint8Array(0)

  /** Calls back with each payload, valid until it returns. False: the stream is broken. */
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
