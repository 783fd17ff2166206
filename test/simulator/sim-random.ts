/**
 * All random numbers of the simulator. One seed gives one stream of numbers; `fork` splits off an independent stream
 * for each concern, so that one more draw in the network does not change what the workload asks for.
 * If anything here drew from the platform, a failing seed could not be replayed.
 */
import type { Random } from '../../src/ports/random.ts'

export class SimRandom implements Random {
  #a: number
  #b: number
  #c: number
  #d: number

  constructor(seed: number, stream = '') {
    let hash = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.floor(seed / 0x1_0000_0000)
    for (let i = 0; i < stream.length; i++) hash = Math.imul(hash ^ stream.charCodeAt(i), 0x01000193)
    this.#a = hash
    this.#b = Math.imul(hash ^ 0x2545f491, 0xc2b2ae35)
    this.#c = Math.imul(hash ^ 0x1b873593, 0x27d4eb2f)
    this.#d = 1
    // The first outputs of sfc32 still resemble the seed; neighbouring seeds must not start alike.
    for (let i = 0; i < 15; i++) this.uint32()
  }

  /** One step of sfc32 (Chris Doty-Humphrey, public domain). */
  uint32(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#d) | 0
    this.#d = (this.#d + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** Uniform in [0, 1). */
  fraction(): number {
    return this.uint32() / 0x1_0000_0000
  }

  /** Uniform over 0 .. count-1. */
  below(count: number): number {
    return Math.floor(this.fraction() * count)
  }

  /** Uniform over min .. max, both included. */
  between(min: number, max: number): number {
    return min + this.below(max - min + 1)
  }

  chance(probability: number): boolean {
    return probability > 0 && this.fraction() < probability
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!
  }

  /** Waiting times of independent events. */
  exponential(mean: number): number {
    return -Math.log(1 - this.fraction()) * mean
  }

  shuffled<T>(items: readonly T[]): T[] {
    const result = [...items]
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const moved = result[i]!
      result[i] = result[j]!
      result[j] = moved
    }
    return result
  }

  fork(stream: string): SimRandom {
    return new SimRandom(this.uint32(), stream)
  }
}
