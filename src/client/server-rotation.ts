/**
 * Chooses the server to try next, and when. Each client shuffles the list, so that clients spread over the servers.
 * After a round over all servers without success it pauses. The pause doubles with each round and has jitter, so that
 * clients do not reconnect all at the same time.
 */
import type { Random } from '../ports/random.ts'
import type { Address } from '../ports/stream.ts'

const retryDelayMsMax = 2_000

export class ServerRotation {
  readonly #addresses: readonly Address[]
  readonly #retryDelayMs: number
  readonly #random: Random
  #at = 0
  #attempts = 0

  constructor(addresses: readonly Address[], retryDelayMs: number, random: Random) {
    this.#addresses = shuffled(addresses, random)
    this.#retryDelayMs = retryDelayMs
    this.#random = random
  }

  next(): { readonly address: Address; readonly delayMs: number } {
    const address = this.#addresses[this.#at]!
    this.#at = (this.#at + 1) % this.#addresses.length
    const rounds = Math.floor(this.#attempts / this.#addresses.length)
    const isStartOfRound = this.#attempts % this.#addresses.length === 0
    this.#attempts++
    if (!isStartOfRound || rounds === 0) return { address, delayMs: 0 }
    const fullMs = Math.min(retryDelayMsMax, this.#retryDelayMs * 2 ** Math.min(rounds - 1, 10))
    return { address, delayMs: Math.ceil(fullMs / 2 + (fullMs / 2) * (this.#random.uint32() / 2 ** 32)) }
  }

  /**
   * A connection has lasted for a sixth of the session timeout: the next failure starts again with the shortest pause.
   */
  reset(): void {
    this.#attempts = 0
  }
}

function shuffled(addresses: readonly Address[], random: Random): readonly Address[] {
  const result = [...addresses]
  for (let i = result.length - 1; i > 0; i--) {
    const j = random.uint32() % (i + 1)
    const swapped = result[i]!
    result[i] = result[j]!
    result[j] = swapped
  }
  return result
}
