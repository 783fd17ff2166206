/**
 * The end of this server's txn history, in memory: every txn that is not known to be committed, and the newest
 * committed ones. The leader sends these to learners without reading the log. Invariant: entries have no gap from
 * `base` on; `base` is the point just before the first one kept, and is never above what is committed. An append out of
 * order would make the histories of two servers diverge, so the order is asserted.
 * A txn that is not committed is one object, which the log and the tree get too; once `trim` knows it to be committed, it is packed.
 */
import { assert, InvariantViolation } from '../base/assert.ts'
import { type ChainHash, nextChainHash } from '../base/chain-hash.ts'
import { dropFirst } from '../base/drop-first.ts'
import { counterOf, epochOf, type Zxid } from '../base/ids.ts'
import { retainedTxnCountMax, retainedTxnSizeBytesMax } from '../base/limits.ts'
import type { TxnEntry, TxnRecord } from '../protocol/disk/log-record.ts'
import { PackedTxns } from './packed-txns.ts'

export interface HistoryPoint {
  readonly zxid: Zxid
  readonly hash: ChainHash // of the history up to and including zxid
}

export class History {
  #base: HistoryPoint
  readonly #packed = new PackedTxns()
  /** What comes after the packed ones. Those before #next are packed, too; they are cut off now and then. */
  readonly #entries: TxnEntry[] = []
  #next = 0
  #last: HistoryPoint
  #sizeBytes = 0
  readonly #countMax: number

  constructor(base: HistoryPoint, tail: readonly TxnEntry[], countMax = retainedTxnCountMax) {
    this.#base = base
    this.#last = base
    this.#countMax = countMax
    for (const entry of tail) this.append(entry)
  }

  get last(): HistoryPoint {
    return this.#last
  }

  get oldest(): HistoryPoint {
    return this.#base
  }

  /** Adds an entry that has its hash already, and compares it. */
  append(entry: TxnEntry): void {
    const { hash } = this.extend(entry.zxid, entry.payload)
    assert(hash === entry.hash, 'an entry chains to the history', { zxid: entry.zxid })
  }

  /** Adds the next txn. The record for the log is the entry itself: there is one object for each txn. */
  extend(zxid: Zxid, payload: Uint8Array): TxnRecord {
    const last = this.#last
    if (!followsInOrder(last.zxid, zxid)) {
      throw new InvariantViolation('history is gap-free', { last: last.zxid, next: zxid })
    }
    const record: TxnRecord = { kind: 'txn', zxid, hash: nextChainHash(last.hash, zxid, payload), payload }
    this.#entries.push(record)
    this.#last = record
    this.#sizeBytes += payload.length
    return record
  }

  /** The point at exactly `zxid`; null if it is older than what is kept, or not in the history. */
  pointAt(zxid: Zxid): HistoryPoint | null {
    const floor = this.pointAtOrBefore(zxid)
    return floor !== null && floor.zxid === zxid ? floor : null
  }

  /** The last point at or before `zxid`; null if that is older than what is kept. */
  pointAtOrBefore(zxid: Zxid): HistoryPoint | null {
    if (zxid < this.#base.zxid) return null
    if (zxid >= this.#last.zxid) return this.#last
    const index = this.#indexAfter(zxid)
    if (index > this.#next) return this.#entries[index - 1]!
    const count = this.#packed.countUpTo(zxid)
    return count === 0 ? this.#base : { zxid: this.#packed.zxidAt(count - 1), hash: this.#packed.hashAt(count - 1) }
  }

  /**
   * Entries after `zxid`, up to about `sizeBytesMax`, but at least one if any exists; null if some are no longer kept.
   */
  entriesAfter(zxid: Zxid, sizeBytesMax: number): readonly TxnEntry[] | null {
    if (zxid < this.#base.zxid) return null
    if (zxid >= this.#last.zxid) return []
    const found: TxnEntry[] = []
    let sizeBytes = 0
    const packed = this.#packed
    for (let i = packed.countUpTo(zxid); i < packed.count; i++) {
      if (found.length > 0 && sizeBytes >= sizeBytesMax) return found
      found.push(packed.entryAt(i))
      sizeBytes += packed.sizeBytesAt(i)
    }
    for (let i = this.#indexAfter(zxid); i < this.#entries.length; i++) {
      if (found.length > 0 && sizeBytes >= sizeBytesMax) return found
      const entry = this.#entries[i]!
      found.push(entry)
      sizeBytes += entry.payload.length
    }
    return found
  }

  /** The entries up to `zxid` that `trim` does not know to be committed. */
  uncommittedUpTo(zxid: Zxid): readonly TxnEntry[] {
    return this.#entries.slice(this.#next, this.#indexAfter(zxid))
  }

  truncateAfter(zxid: Zxid): void {
    const last = this.pointAt(zxid)
    assert(last !== null, 'history is cut at a point it has', { zxid, oldest: this.#base.zxid })
    const keep = this.#indexAfter(zxid)
    for (let i = keep; i < this.#entries.length; i++) this.#sizeBytes -= this.#entries[i]!.payload.length
    this.#entries.length = keep
    const packedCount = this.#packed.countUpTo(zxid)
    for (let i = packedCount; i < this.#packed.count; i++) this.#sizeBytes -= this.#packed.sizeBytesAt(i)
    this.#packed.truncate(packedCount)
    this.#last = last
  }

  /**
   * The txns up to `committed` are packed, and the oldest of them beyond `countMax` and retainedTxnSizeBytesMax are dropped.
   */
  trim(committed: Zxid): void {
    this.#pack(committed)
    const packed = this.#packed
    const unpackedCount = this.#entries.length - this.#next
    let { zxid, hash } = this.#base
    while (
      packed.count > 0 &&
      (packed.count + unpackedCount > this.#countMax || this.#sizeBytes > retainedTxnSizeBytesMax)
    ) {
      zxid = packed.zxidAt(0)
      hash = packed.hashAt(0)
      this.#sizeBytes -= packed.sizeBytesAt(0)
      packed.dropFirst()
    }
    if (zxid !== this.#base.zxid) this.#base = { zxid, hash }
  }

  #pack(committed: Zxid): void {
    const entries = this.#entries
    let next = this.#next
    for (let entry = entries[next]; entry !== undefined && entry.zxid <= committed; entry = entries[++next]) {
      this.#packed.add(entry)
    }
    if (next >= cutCountMin && next * 2 >= entries.length) {
      dropFirst(entries, next)
      next = 0
    }
    this.#next = next
  }

  /** Index in #entries of the first one with a zxid above `zxid`; at least #next. */
  #indexAfter(zxid: Zxid): number {
    let low = this.#next
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

/** Packed entries are cut off when there are this many, and they are the larger half. */
const cutCountMin = 64

/** Within an epoch counters have no gap; a later epoch starts at 1. */
export function followsInOrder(previous: Zxid, next: Zxid): boolean {
  if (epochOf(next) === epochOf(previous)) return next === previous + 1
  return next > previous && counterOf(next) === 1
}
