/**
 * Where the txns of the log are. The log is read in extents: stretches of one segment of about 128 KiB, with their
 * first and last live zxid. Inside an extent batches are read in order. Dead txns (taken back by a truncation) occur
 * only at the end of an extent, after `lastZxid`: a truncation closes its extent. Assumes `add` in log order. If an
 * extent's bounds were wrong, a learner would be sent a history with a hole; the learner would refuse it, since its
 * chain hash would not match.
 */
import { assert } from '../base/assert.ts'
import type { Zxid } from '../base/ids.ts'

const extentSizeBytes = 128 * 1024

export interface Extent {
  readonly sequence: number
  readonly startOffset: number
  readonly endOffset: number
  readonly firstZxid: Zxid
  readonly lastZxid: Zxid // invariant: >= firstZxid, < firstZxid of the next extent
}

type MutableExtent = { -readonly [K in keyof Extent]: Extent[K] } & { open: boolean }

export class LogIndex {
  #extents: MutableExtent[] = []

  add(sequence: number, offset: number, sizeBytes: number, firstZxid: Zxid, lastZxid: Zxid): void {
    const last = this.#extents.at(-1)
    if (last !== undefined) {
      assert(firstZxid > last.lastZxid, 'extents are in zxid order', { firstZxid, lastZxid: last.lastZxid })
      if (last.open && last.sequence === sequence && last.endOffset - last.startOffset < extentSizeBytes) {
        last.endOffset = offset + sizeBytes
        last.lastZxid = lastZxid
        return
      }
    }
    this.#extents.push({
      sequence,
      startOffset: offset,
      endOffset: offset + sizeBytes,
      firstZxid,
      lastZxid,
      open: true,
    })
  }

  truncateAfter(zxid: Zxid): void {
    while ((this.#extents.at(-1)?.firstZxid ?? zxid) > zxid) this.#extents.pop()
    const last = this.#extents.at(-1)
    if (last === undefined) return
    if (last.lastZxid > zxid) last.lastZxid = zxid
    last.open = false
  }

  /** The txns before those of this index. Both are closed, as a truncation would do it. */
  prepend(front: LogIndex): void {
    const last = front.#extents.at(-1)
    const first = this.#extents[0]
    if (last !== undefined) last.open = false
    const isBefore = last === undefined || first === undefined || last.lastZxid < first.firstZxid
    assert(isBefore, 'extents are in zxid order', { lastZxid: last?.lastZxid, firstZxid: first?.firstZxid })
    this.#extents = [...front.#extents, ...this.#extents]
  }

  /** Forgets the segments before `sequence`. */
  removeBefore(sequence: number): void {
    let count = 0
    while ((this.#extents[count]?.sequence ?? sequence) < sequence) count++
    this.#extents.splice(0, count)
  }

  /** The last extent that starts at or before `zxid`; the first of all if none does. */
  atOrBefore(zxid: Zxid): Extent | null {
    return this.#extents[Math.max(0, this.#countUpTo(zxid) - 1)] ?? null
  }

  /** The first extent that starts after `zxid`. */
  after(zxid: Zxid): Extent | null {
    return this.#extents[this.#countUpTo(zxid)] ?? null
  }

  /** How many extents start at or before `zxid`. */
  #countUpTo(zxid: Zxid): number {
    let low = 0
    let high = this.#extents.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#extents[middle]!.firstZxid <= zxid) low = middle + 1
      else high = middle
    }
    return low
  }
}
