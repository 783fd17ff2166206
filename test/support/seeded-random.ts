/**
 * Randomness for property tests: the same seed gives the same sequence on every machine (mulberry32).
 * A failing test names its seed, so the case can be run again.
 */
export class SeededRandom {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** Uniform over 0 .. bound-1. */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound)
  }

  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0
  }

  pick<T>(values: readonly T[]): T {
    const value = values[this.below(values.length)]
    if (value === undefined) throw new Error('nothing to pick from')
    return value
  }

  int32(): number {
    return this.below(2 ** 32) | 0
  }

  bytes(size: number): Uint8Array {
    return Uint8Array.from({ length: size }, () => this.below(256))
  }

  /** UTF-16 units of one, two and three bytes, surrogates excluded. */
  text(lengthMax: number): string {
    const unit = (): number =>
      this.pick([this.below(0x80), 0x80 + this.below(0x780), 0x800 + this.below(0xd000 - 0x800)])
    return String.fromCharCode(...Array.from({ length: this.below(lengthMax + 1) }, unit))
  }

  /** Cuts `bytes` into pieces of random sizes, some of them empty. */
  split(bytes: Uint8Array, pieceSizeMax: number): Uint8Array[] {
    const pieces: Uint8Array[] = []
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + this.below(pieceSizeMax + 1))
      pieces.push(bytes.slice(at, end))
      at = end
    }
    return pieces
  }
}
