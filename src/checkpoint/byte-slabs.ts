/**
 * Memory for the many small arrays of one step of folding, which are all dropped at the same time: data of znodes, keys and
 * values. An ArrayBuffer for each costs more than what it is used for, and so do slabs as small as those of
 * allocate-bytes.ts. Nothing that outlives the step may be allocated here, since it would keep a whole slab.
 */
const slabSizeBytes = 128 * 1024
const shareSizeBytesMax = 8 * 1024

export class ByteSlabs {
  #slab = new Uint8Array(0)
  #usedBytes = 0

  /** Zeroed bytes that only the caller uses. */
  allocate(sizeBytes: number): Uint8Array {
    if (sizeBytes > shareSizeBytesMax) return new Uint8Array(sizeBytes)
    if (this.#usedBytes + sizeBytes > this.#slab.length) {
      this.#slab = new Uint8Array(slabSizeBytes)
      this.#usedBytes = 0
    }
    const start = this.#usedBytes
    this.#usedBytes += sizeBytes
    return this.#slab.subarray(start, this.#usedBytes)
  }

  /** The slab is not used again, so it goes with the last of its arrays. */
  forget(): void {
    this.#slab = new Uint8Array(0)
    this.#usedBytes = 0
  }
}

/** Gives each array a buffer of its own. */
export const ownBytes: Pick<ByteSlabs, 'allocate'> = { allocate: (sizeBytes) => new Uint8Array(sizeBytes) }
