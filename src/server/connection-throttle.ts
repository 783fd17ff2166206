/**
 * How many sessions may be asked for in a time: a bucket of tokens that fills steadily, and, if `freezeTimeMs` is set, a
 * chance to be turned away that rises while the bucket is empty and falls while it is not (ZK: BlueThrottle, after the
 * BLUE queue). Chance is fairer than the bucket alone, which under steady load always turns away who comes last.
 * Owns: tokens and chance. Time and randomness come in, so that a simulated server behaves as its seed says.
 */
import type { ConnectionThrottleLimits } from '../config/client-limits.ts'
import type { Random } from '../ports/random.ts'

export class ConnectionThrottle {
  readonly #limits: ConnectionThrottleLimits
  readonly #random: Random
  #tokenCount: number
  // Nothing was taken since, so it does not matter how long ago that is.
  #filledAtMs = 0
  #dropChance = 0
  #dropChanceSetAtMs = 0

  constructor(limits: ConnectionThrottleLimits, random: Random) {
    this.#limits = limits
    this.#random = random
    this.#tokenCount = limits.tokenCountMax
  }

  /** A connect request has come, for a session that is new or comes back; false: it must be turned away. */
  admits(isNewSession: boolean, nowMs: number): boolean {
    this.#fill(nowMs)
    if (this.#limits.freezeTimeMs !== -1 && this.#isDropped(nowMs)) return false
    const neededCount = isNewSession ? this.#limits.newSessionTokens : this.#limits.returningSessionTokens
    if (this.#tokenCount < neededCount) return false
    this.#tokenCount -= neededCount
    return true
  }

  /** Tokens that are missing from the bucket. */
  get deficitCount(): number {
    return this.#limits.tokenCountMax - this.#tokenCount
  }

  #fill(nowMs: number): void {
    const { fillTimeMs, fillTokenCount, tokenCountMax } = this.#limits
    const elapsedMs = nowMs - this.#filledAtMs
    if (elapsedMs <= fillTimeMs) return
    this.#tokenCount = Math.min(tokenCountMax, this.#tokenCount + Math.floor((elapsedMs * fillTokenCount) / fillTimeMs))
    this.#filledAtMs = nowMs
  }

  #isDropped(nowMs: number): boolean {
    const { freezeTimeMs, tokenCountMax, dropIncrease, dropDecrease, decreaseRatio } = this.#limits
    if (nowMs - this.#dropChanceSetAtMs > freezeTimeMs) {
      this.#dropChanceSetAtMs = nowMs
      const { deficitCount } = this
      if (deficitCount === tokenCountMax) this.#dropChance = Math.min(1, this.#dropChance + dropIncrease)
      else if (deficitCount <= Math.round(tokenCountMax * decreaseRatio)) {
        this.#dropChance = Math.max(0, this.#dropChance - dropDecrease)
      }
    }
    return this.#random.uint32() / 2 ** 32 < this.#dropChance
  }
}
