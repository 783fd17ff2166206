/**
 * Follows the keys of znodes in order and checks that they are a tree: each key is greater than the one before, the root is
 * first, each parent comes before its children, and each znode has as many children as its Stat says. Allocates nothing
 * for a znode. A copy of a store that passes has no hole and no znode without a parent.
 */
export class DepthFirstWalk {
  /** Of the znode that was entered last: 0 is the root. */
  depth = -1
  /** Where its name begins. */
  nameStart = 0
  #path = new Uint8Array(256) // of the znode before, as in its key
  #pathEnd = 0
  readonly #ends: number[] = [] // by depth: where the path of that ancestor ends
  readonly #childrenLeft: number[] = []

  /** The path is in [start, end) of `bytes`. Returns what is wrong, or null. */
  enter(bytes: Uint8Array, start: number, end: number, childCount: number): string | null {
    const common = this.#commonLengthBytes(bytes, start, end)
    if (this.depth < 0) {
      if (end !== start) return 'the root is missing'
      this.nameStart = start
    } else {
      const isAfter = common < end - start && (common === this.#pathEnd || bytes[start + common]! > this.#path[common]!)
      if (!isAfter) return 'znodes are not in order'
      const slashAt = bytes.lastIndexOf(0, end - 1)
      if (slashAt < start || slashAt === end - 1) return 'a znode has no name'
      const problem = this.#leaveUntil(slashAt - start, common)
      if (problem !== null) return problem
      this.nameStart = slashAt + 1
    }
    this.#remember(bytes, start, end, common)
    this.depth += 1
    this.#ends[this.depth] = end - start
    this.#childrenLeft[this.depth] = childCount
    return null
  }

  /** After the last znode. */
  finish(): string | null {
    if (this.depth < 0) return 'the root is missing'
    for (let depth = 0; depth <= this.depth; depth += 1)
      if (this.#childrenLeft[depth] !== 0) return 'children of a znode are missing'
    return null
  }

  /** Leaves the znodes before up to the parent of the next one, whose path ends at `parentEnd`. */
  #leaveUntil(parentEnd: number, common: number): string | null {
    while (this.depth > 0 && this.#ends[this.depth]! > parentEnd) {
      if (this.#childrenLeft[this.depth] !== 0) return 'children of a znode are missing'
      this.depth -= 1
    }
    if (this.#ends[this.depth] !== parentEnd || common < parentEnd) return 'the parent of a znode is missing'
    const left = this.#childrenLeft[this.depth]!
    if (left <= 0) return 'a znode has more children than its Stat says'
    this.#childrenLeft[this.depth] = left - 1
    return null
  }

  #commonLengthBytes(bytes: Uint8Array, start: number, end: number): number {
    const path = this.#path
    const most = Math.min(this.#pathEnd, end - start)
    let common = 0
    while (common < most && path[common] === bytes[start + common]) common += 1
    return common
  }

  #remember(bytes: Uint8Array, start: number, end: number, common: number): void {
    const lengthBytes = end - start
    if (lengthBytes > this.#path.length) {
      const longer = new Uint8Array(lengthBytes * 2)
      longer.set(this.#path)
      this.#path = longer
    }
    for (let at = common; at < lengthBytes; at += 1) this.#path[at] = bytes[start + at]!
    this.#pathEnd = lengthBytes
  }
}
