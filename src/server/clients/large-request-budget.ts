/**
 * The bytes that large requests may occupy, from the arrival of their length to their reply (ZK: ZooKeeperServer,
 * largeRequestThreshold and largeRequestMaxBytes). Unlike in ZooKeeper the bytes are set aside before they arrive, so
 * requests that are being read count too.
 * Owns: the sum over all connections. Each connection holds a share and gives back what it took; a share that is not
 * given back when its connection ends would lower the limit until the server restarts.
 */
import { assert } from '../../base/assert.ts'
import type { LargeRequestLimits } from '../../config/client-limits.ts'
import type { LargeRequestGate } from '../../connection/client-connection.ts'
import type { ClientRequest } from '../../protocol/client/client-request.ts'

export class LargeRequestBudget {
  readonly limits: LargeRequestLimits
  #takenSizeBytes = 0

  constructor(limits: LargeRequestLimits) {
    this.limits = limits
  }

  take(sizeBytes: number): boolean {
    if (this.#takenSizeBytes + sizeBytes > this.limits.inFlightSizeBytesMax) return false
    this.#takenSizeBytes += sizeBytes
    return true
  }

  giveBack(sizeBytes: number): void {
    assert(sizeBytes <= this.#takenSizeBytes, 'no more is given back than was taken', { sizeBytes })
    this.#takenSizeBytes -= sizeBytes
  }
}

export class LargeRequestShare implements LargeRequestGate {
  readonly thresholdSizeBytes: number
  readonly #budget: LargeRequestBudget
  #takenSizeBytes = 0

  constructor(budget: LargeRequestBudget) {
    this.#budget = budget
    this.thresholdSizeBytes = budget.limits.thresholdSizeBytes
  }

  admits(sizeBytes: number): boolean {
    if (!this.#budget.take(sizeBytes)) return false
    this.#takenSizeBytes += sizeBytes
    return true
  }

  /** A request is answered: its bytes, if it was large, are free again. */
  answered({ sizeBytes }: ClientRequest): void {
    if (sizeBytes > this.thresholdSizeBytes) this.#giveBack(sizeBytes)
  }

  /** The connection ends: its requests will not be answered. */
  giveBackAll(): void {
    this.#giveBack(this.#takenSizeBytes)
  }

  #giveBack(sizeBytes: number): void {
    assert(sizeBytes <= this.#takenSizeBytes, 'a connection gives back what it took', {
      sizeBytes,
      takenSizeBytes: this.#takenSizeBytes,
    })
    this.#takenSizeBytes -= sizeBytes
    this.#budget.giveBack(sizeBytes)
  }
}
