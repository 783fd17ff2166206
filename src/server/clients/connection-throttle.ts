/**
 * Limits the rate of connect requests: a bucket of tokens that fills steadily, and, if `freezeTimeMs` is set, a chance
 * to be refused that rises while the bucket is empty and falls while it is not (ZK: BlueThrottle, after the
 * BLUE queue). Chance is fairer than the bucket alone, which under steady load always refuses the client that comes
 * last.
 * Owns: tokens and chance. Time and randomness are passed in, so that a simulated server depends on its seed only.
 */
import type { ConnectionThrottleLimits } from '../../config/client-limits.ts'
import type { Random } from '../../ports/random.ts'

/** What a connect request asks for. The server's configuration decides whether new sessions are global or local. */
export type RequestedSession = 'new-global' | 'new-local' | 'returning'

export class ConnectionThrottle {
  readonly #limits: ConnectionThrottleLimits
  readonly #random: Random
  readonly #tokensFor: Readonly<Record<RequestedSession, number>>
  #tokenCount: number
  // The bucket is full at the start, so the time of its last filling does not matter.
  #filledAtMs = 0
  #dropChance = 0
  #dropChanceSetAtMs = 0

  constructor(limits: ConnectionThrottleLimits, random: Random) {
    this.#limits = limits
    this.#random = random
    this.#tokensFor = {
      'new-global': limits.newSessionTokens,
      'new-local': limits.localSessionTokens,
      returning: limits.returningSessionTokens,
    }
    this.#tokenCount = limits.tokenCountMax
  }

  /** A connect request has arrived; false: it must be refused. */
  admits(requested: RequestedSession, nowMs: number): boolean {
    this.#fill(nowMs)
    if (this.#limits.freezeTimeMs !== -1 && this.#isDropped(nowMs)) return false
    const neededCount = this.#tokensFor[requested]
    if (this.#tokenCount < neededCount) return false
    this.#tokenCount -= neededCount
    return true
  }

  /** Tokens that are missing from the bucket. */
  get deficitCount(): number {
    return this.#limits.tokenCountMax - this.#tokenCount
  }

  /** 0 to 1. */
  get dropChance(): number {
    return this.#dropChance
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
