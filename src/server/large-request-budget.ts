/**
 * The bytes that large requests may occupy, from the arrival of their length to their reply (ZK: ZooKeeperServer,
 * largeRequestThreshold and largeRequestMaxBytes). Unlike there the bytes are set aside before they arrive, so requests
 * that are being read count too.
 * Owns: the sum over all connections. Each connection holds a share and gives back what it took; a share that is not
 * given back when its connection ends would lower the limit for good.
 */
import { assert } from '../base/assert.ts'
import type { LargeRequestLimits } from '../config/client-limits.ts'
import type { LargeRequestGate } from '../connection/client-connection.ts'

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
  /** Requests handed on, with their number among all requests of the connection; oldest first. */
  readonly #inFlight: { readonly requestNumber: number; readonly sizeBytes: number }[] = []

  constructor(budget: LargeRequestBudget) {
    this.#budget = budget
    this.thresholdSizeBytes = budget.limits.thresholdSizeBytes
  }

  admits(sizeBytes: number): boolean {
    if (!this.#budget.take(sizeBytes)) return false
    this.#takenSizeBytes += sizeBytes
    return true
  }

  requestHandedOn(requestNumber: number, sizeBytes: number): void {
    if (sizeBytes > this.thresholdSizeBytes) this.#inFlight.push({ requestNumber, sizeBytes })
  }

  /**
   * Replies leave in the order of requests, so with this one all before it have left. Only auth is answered at once; until
   * what it overtook is answered too, a little is given back early.
   */
  requestAnswered(requestNumber: number): void {
    while (this.#inFlight.length > 0 && this.#inFlight[0]!.requestNumber <= requestNumber) {
      this.#giveBack(this.#inFlight.shift()!.sizeBytes)
    }
  }

  giveBackAll(): void {
    this.#inFlight.length = 0
    this.#giveBack(this.#takenSizeBytes)
  }

  #giveBack(sizeBytes: number): void {
    this.#takenSizeBytes -= sizeBytes
    this.#budget.giveBack(sizeBytes)
  }
}
