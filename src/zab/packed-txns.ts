/**
 * A run of txns in zxid order, kept as numbers in three arrays and as references to the buffers that their payloads lie in:
 * no object for each. Tens of thousands of objects that live for half a second would outlive the young generation, and
 * the collector would mark the whole heap several times a second.
 * Txns are added at the end and dropped from either end. An entry is made when it is asked for.
 */
import { assert } from '../base/assert.ts'
import type { ChainHash } from '../base/chain-hash.ts'
import { dropFirst } from '../base/drop-first.ts'
import type { Zxid } from '../base/ids.ts'
import type { TxnEntry } from '../protocol/disk/log-record.ts'

const capacityMin = 256

export class PackedTxns {
  #zxids = new Float64Array(capacityMin)
  #hashes = new Float64Array(capacityMin)
  /** Two for each txn: where its payload begins in its buffer, and its length. */
  #places = new Uint32Array(2 * capacityMin)
  readonly #buffers: (ArrayBufferLike | null)[] = []
  #first = 0 // of the places of these arrays that are in use
  #end = 0

  get count(): number {
    return this.#end - this.#first
  }

  add({ zxid, hash, payload }: TxnEntry): void {
    if (this.#end === this.#zxids.length) this.#makeRoom()
    const at = this.#end++
    this.#zxids[at] = zxid
    this.#hashes[at] = hash
    this.#places[2 * at] = payload.byteOffset
    this.#places[2 * at + 1] = payload.length
    this.#buffers[at] = payload.buffer
  }

  dropFirst(): void {
    assert(this.count > 0, 'there is a txn to drop')
    this.#buffers[this.#first++] = null
  }

  /** Keeps the first `count`. */
  truncate(count: number): void {
    assert(count <= this.count, 'truncation shortens', { count, had: this.count })
    this.#end = this.#first + count
    this.#buffers.length = this.#end
  }

  zxidAt(index: number): Zxid {
    return this.#zxids[this.#first + index] as Zxid
  }

  hashAt(index: number): ChainHash {
    return this.#hashes[this.#first + index] as ChainHash
  }

  sizeBytesAt(index: number): number {
    return this.#places[2 * (this.#first + index) + 1]!
  }

  entryAt(index: number): TxnEntry {
    const at = this.#first + index
    const payload = new Uint8Array(this.#buffers[at]!, this.#places[2 * at], this.#places[2 * at + 1])
    return { zxid: this.zxidAt(index), hash: this.hashAt(index), payload }
  }

  /** How many come up to and including `zxid`. */
  countUpTo(zxid: Zxid): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.zxidAt(middle) <= zxid) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Moves what is in use to the front; into arrays twice as long if it fills more than half of the present ones. */
  #makeRoom(): void {
    const { count } = this
    const capacity = count * 2 > this.#zxids.length ? this.#zxids.length * 2 : this.#zxids.length
    const [zxids, hashes, places] = [this.#zxids, this.#hashes, this.#places]
    if (capacity > zxids.length) {
      this.#zxids = new Float64Array(capacity)
      this.#hashes = new Float64Array(capacity)
      this.#places = new Uint32Array(2 * capacity)
    }
    this.#zxids.set(zxids.subarray(this.#first, this.#end))
    this.#hashes.set(hashes.subarray(this.#first, this.#end))
    this.#places.set(places.subarray(2 * this.#first, 2 * this.#end))
    dropFirst(this.#buffers, this.#first)
    this.#first = 0
    this.#end = count
  }
}
