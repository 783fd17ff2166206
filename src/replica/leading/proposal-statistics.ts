/**
 * The statistics of a leader's proposals in one term: their sizes, and the time until a quorum has them (ZK:
 * Leader.propose, tryToCommit, BufferStats). Assumes that proposals are committed in the order in which they are made.
 */
import { dropFirst } from '../../base/drop-first.ts'
import type { Zxid } from '../../base/ids.ts'
import type { Counter } from '../../metrics/counter.ts'
import type { Histogram } from '../../metrics/histogram.ts'
import type { ServerMetrics } from '../../metrics/server-metrics.ts'

/** -1 = none yet, for all three. */
export interface ProposalSizes {
  readonly lastBytes: number
  readonly minBytes: number
  readonly maxBytes: number
}

export const noProposals: ProposalSizes = { lastBytes: -1, minBytes: -1, maxBytes: -1 }

/** Committed proposals are removed in batches of this size, so that the rest of the queue moves once per batch. */
const removedAtOnceCount = 1024

export class ProposalStatistics {
  readonly #count: Counter
  readonly #latency: Histogram
  #lastBytes = -1
  #minBytes = -1
  #maxBytes = -1
  // Zxid and time of the proposals that no quorum has yet; the oldest is at #at.
  readonly #zxids: Zxid[] = []
  readonly #timesMs: number[] = []
  #at = 0

  constructor(metrics: ServerMetrics) {
    this.#count = metrics.proposal_count
    this.#latency = metrics.quorum_ack_latency
  }

  proposed(zxid: Zxid, sizeBytes: number, nowMs: number): void {
    this.#count.add()
    this.#lastBytes = sizeBytes
    if (this.#minBytes < 0 || sizeBytes < this.#minBytes) this.#minBytes = sizeBytes
    if (sizeBytes > this.#maxBytes) this.#maxBytes = sizeBytes
    this.#zxids.push(zxid)
    this.#timesMs.push(nowMs)
  }

  committed(zxid: Zxid, nowMs: number): void {
    while (this.#at < this.#zxids.length && this.#zxids[this.#at]! <= zxid) {
      this.#latency.note(nowMs - this.#timesMs[this.#at]!)
      this.#at++
    }
    if (this.#at >= removedAtOnceCount) {
      dropFirst(this.#zxids, this.#at)
      dropFirst(this.#timesMs, this.#at)
      this.#at = 0
    }
  }

  get sizes(): ProposalSizes {
    return { lastBytes: this.#lastBytes, minBytes: this.#minBytes, maxBytes: this.#maxBytes }
  }

  reset(): void {
    this.#lastBytes = -1
    this.#minBytes = -1
    this.#maxBytes = -1
  }
}
