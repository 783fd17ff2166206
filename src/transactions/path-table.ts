/**
 * A map from paths to values whose entries come and go with every write. A `Map` would do, but each of its tables, when it
 * is replaced, names the next one and keeps the entries that it had: once one of them is old, all that follow outlive
 * the young generation, with everything in flight. Measured with 500 writes in flight: 400 bytes for each write, and
 * three collections of the whole heap a second.
 * An open-addressing table, probed linearly; a removal closes its gap.
 */
import { assert } from '../base/assert.ts'

/** Enough for what is usually in flight: batches of it come and go, and with each of them a smaller table would grow. */
const capacityMin = 4096

export class PathTable<V> {
  #hashes = new Int32Array(capacityMin)
  #paths: (string | null)[] = new Array<string | null>(capacityMin).fill(null)
  #values: (V | null)[] = new Array<V | null>(capacityMin).fill(null)
  #count = 0

  get count(): number {
    return this.#count
  }

  get(path: string): V | null {
    return this.#values[this.#placeOf(path, hashOf(path))]!
  }

  set(path: string, value: V): void {
    const hash = hashOf(path)
    let place = this.#placeOf(path, hash)
    if (this.#paths[place] === null) {
      if (this.#count * 2 >= this.#paths.length) {
        this.#resize(this.#paths.length * 2)
        place = this.#placeOf(path, hash)
      }
      this.#hashes[place] = hash
      this.#paths[place] = path
      this.#count++
    }
    this.#values[place] = value
  }

  remove(path: string): void {
    const place = this.#placeOf(path, hashOf(path))
    assert(this.#paths[place] !== null, 'only an entry is removed', { path })
    this.#closeGap(place)
    this.#count--
    const capacity = this.#paths.length
    if (capacity > capacityMin && this.#count * 16 < capacity) this.#resize(capacity / 2)
  }

  *paths(): Generator<string> {
    for (const path of this.#paths) if (path !== null) yield path
  }

  /** Where the path stands, or where it would be entered. */
  #placeOf(path: string, hash: number): number {
    const paths = this.#paths
    const mask = paths.length - 1
    let place = hash & mask
    for (let found = paths[place]!; found !== null; found = paths[place]!) {
      if (this.#hashes[place] === hash && found === path) return place
      place = (place + 1) & mask
    }
    return place
  }

  /** Moves later entries of the run back into the gap, unless their home lies between the gap and their place. */
  #closeGap(gapAt: number): void {
    const mask = this.#paths.length - 1
    let gap = gapAt
    for (let at = (gap + 1) & mask; this.#paths[at] !== null; at = (at + 1) & mask) {
      const home = this.#hashes[at]! & mask
      if (((at - home) & mask) < ((at - gap) & mask)) continue
      this.#hashes[gap] = this.#hashes[at]!
      this.#paths[gap] = this.#paths[at]!
      this.#values[gap] = this.#values[at]!
      gap = at
    }
    this.#paths[gap] = null
    this.#values[gap] = null
  }

  #resize(capacity: number): void {
    const [hashes, paths, values] = [this.#hashes, this.#paths, this.#values]
    this.#hashes = new Int32Array(capacity)
    this.#paths = new Array<string | null>(capacity).fill(null)
    this.#values = new Array<V | null>(capacity).fill(null)
    for (const [at, path] of paths.entries()) {
      if (path === null) continue
      const place = this.#placeOf(path, hashes[at]!)
      this.#hashes[place] = hashes[at]!
      this.#paths[place] = path
      this.#values[place] = values[at]!
    }
    // The old lists may live on in the old generation for a while; what they name must not.
    paths.fill(null)
    values.fill(null)
  }
}

function hashOf(path: string): number {
  let hash = 0x811c9dc5 | 0
  for (let at = 0; at < path.length; at++) hash = Math.imul(hash ^ path.charCodeAt(at), 0x01000193)
  return hash ^ (hash >>> 15)
}
