/**
 * Two independent 32-bit hash lanes, together a 64-bit fingerprint that costs no allocation: the caller feeds
 * words and bytes, then reads `a` and `b`. Words are read from bytes in little-endian order on every host, so that
 * servers on different machines agree. Changing a constant here changes every tree digest: raise
 * `treeDigestVersion`.
 */
export class HashLanes {
  a = 0
  b = 0

  start(a: number, b: number): void {
    this.a = a | 0
    this.b = b | 0
  }

  addWord(word: number): void {
    const a = Math.imul(this.a ^ word, 0x9e3779b1)
    this.a = a ^ (a >>> 15)
    const b = (this.b + word) | 0
    this.b = Math.imul((b << 13) | (b >>> 19), 0x85ebca6b)
  }

  /** Words that stand in big-endian order, as those of a Stat do. */
  addBigEndianWords(view: DataView, offset: number, end: number): void {
    let { a, b } = this
    for (let at = offset; at < end; at += 4) {
      const word = view.getInt32(at)
      a = Math.imul(a ^ word, 0x9e3779b1)
      a ^= a >>> 15
      b = (b + word) | 0
      b = Math.imul((b << 13) | (b >>> 19), 0x85ebca6b)
    }
    this.a = a
    this.b = b
  }

  addBytes(view: DataView, offset: number, lengthBytes: number): void {
    let a = this.a
    let b = this.b
    let at = offset
    for (const end = offset + (lengthBytes & ~3); at < end; at += 4) {
      const word = view.getInt32(at, true)
      a = Math.imul(a ^ word, 0x9e3779b1)
      a ^= a >>> 15
      b = (b + word) | 0
      b = Math.imul((b << 13) | (b >>> 19), 0x85ebca6b)
    }
    this.a = a
    this.b = b
    for (const end = offset + lengthBytes; at < end; at += 1) this.addWord(view.getUint8(at))
    this.addWord(lengthBytes)
  }

  addText(text: string): void {
    for (let at = 0; at < text.length; at += 1) this.addWord(text.charCodeAt(at))
    this.addWord(text.length)
  }

  /** Spreads every input bit over both lanes. Nothing may be added after it. */
  finish(): void {
    const a = spreadBits(this.a ^ Math.imul(this.b, 0x27d4eb2f))
    this.b = spreadBits(this.b ^ Math.imul(a, 0x165667b1))
    this.a = a
  }
}

/** A bijection of 32-bit words in which each input bit flips half of the output bits (murmur3's finaliser). */
export function spreadBits(word: number): number {
  let h = word ^ (word >>> 16)
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return h ^ (h >>> 16)
}
