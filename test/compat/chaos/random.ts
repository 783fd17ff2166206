/** A small seeded generator (mulberry32): the same seed gives the same faults at the same times. */
export interface SeededRandom {
  below(limit: number): number // an integer in 0 … limit - 1
  between(low: number, high: number): number // an integer in low … high
}

export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    below: (limit) => Math.floor(next() * limit),
    between: (low, high) => low + Math.floor(next() * (high - low + 1)),
  }
}
