/**
 * The end of this server's txn history, in memory: every txn that is not known to be committed, and the newest
 * committed ones. The leader sends these to learners without reading the log. Invariant: entries have no gap from
 * `base` on; `base` is the point just before the first one kept, and is never above what is committed. An append out of
 * order would make the histories of two servers diverge, so the order is asserted.
 */
import { assert } from '../base/assert.ts'
import { type ChainHash, nextChainHash } from '../base/chain-hash.ts'
import { counterOf, epochOf, type Zxid } from '../base/ids.ts'
import { retainedTxnCountMax, retainedTxnSizeBytesMax } from '../base/limits.ts'
import type { TxnEntry } from '../protocol/disk/log-record.ts'

export interface HistoryPoint {
  readonly zxid: Zxid
  readonly hash: ChainHash // of the history up to and including zxid
}

export class History {
  #base: HistoryPoint
  #entries: TxnEntry[] = []
  #first = 0 // index of the first live entry: dropping from the front moves it, and `trim` compacts now and then
  #sizeBytes = 0
  readonly #countMax: number

  constructor(base: HistoryPoint, tail: readonly TxnEntry[], countMax = retainedTxnCountMax) {
    this.#base = base
    this.#countMax = countMax
    for (const entry of tail) this.append(entry)
  }

  get last(): HistoryPoint {
    return this.#entries.length > this.#first ? this.#entries[this.#entries.length - 1]! : this.#base
  }

  get oldest(): HistoryPoint {
    return this.#base
  }

  append(entry: TxnEntry): void {
    const last = this.last
    assert(followsInOrder(last.zxid, entry.zxid), 'history is gap-free', { last: last.zxid, next: entry.zxid })
    assert(nextChainHash(last.hash, entry.zxid, entry.payload) === entry.hash, 'an entry chains to the history', {
      zxid: entry.zxid,
    })
    this.#entries.push(entry)
    this.#sizeBytes += entry.payload.length
  }

  /** The point at exactly `zxid`; null if it is older than what is kept, or not in the history. */
  pointAt(zxid: Zxid): HistoryPoint | null {
    const floor = this.pointAtOrBefore(zxid)
    return floor !== null && floor.zxid === zxid ? floor : null
  }

  /** The last point at or before `zxid`; null if that is older than what is kept. */
  pointAtOrBefore(zxid: Zxid): HistoryPoint | null {
    if (zxid < this.#base.zxid) return null
    const index = this.#indexAfter(zxid) - 1
    return index < this.#first ? this.#base : this.#entries[index]!
  }

  /**
   * Entries after `zxid`, up to about `sizeBytesMax`, but at least one if any exists; null if some are no longer kept.
   */
  entriesAfter(zxid: Zxid, sizeBytesMax: number): readonly TxnEntry[] | null {
    if (zxid < this.#base.zxid) return null
    const start = this.#indexAfter(zxid)
    let end = start
    let size = 0
    while (end < this.#entries.length && (end === start || size < sizeBytesMax))
      size += this.#entries[end++]!.payload.length
    return this.#entries.slice(start, end)
  }

  truncateAfter(zxid: Zxid): void {
    assert(this.pointAt(zxid) !== null, 'history is cut at a point it has', { zxid, oldest: this.#base.zxid })
    const keep = this.#indexAfter(zxid)
    for (let i = keep; i < this.#entries.length; i++) this.#sizeBytes -= this.#entries[i]!.payload.length
    this.#entries.length = keep
  }

  /** Drops the oldest committed entries beyond `countMax` and retainedTxnSizeBytesMax. */
  trim(committed: Zxid): void {
    while (
      this.#first < this.#entries.length &&
      this.#entries[this.#first]!.zxid <= committed &&
      (this.#entries.length - this.#first > this.#countMax || this.#sizeBytes > retainedTxnSizeBytesMax)
    ) {
      const gone = this.#entries[this.#first++]!
      this.#base = { zxid: gone.zxid, hash: gone.hash }
      this.#sizeBytes -= gone.payload.length
    }
    if (this.#first > this.#countMax / 2) {
      this.#entries = this.#entries.slice(this.#first)
      this.#first = 0
    }
  }

  /** Index of the first entry with a zxid above `zxid`. */
  #indexAfter(zxid: Zxid): number {
    let low = this.#first
    let high = this.#entries.length
    if (high > low && this.#entries[high - 1]!.zxid <= zxid) return high // the common case
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#entries[middle]!.zxid <= zxid) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Within an epoch counters have no gap; a later epoch starts at 1. */
export function followsInOrder(previous: Zxid, next: Zxid): boolean {
  if (epochOf(next) === epochOf(previous)) return next === previous + 1
  return next > previous && counterOf(next) === 1
}
