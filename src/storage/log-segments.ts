/**
 * The segments of a log, oldest first. Sequences have no gap; the first need not be 1, since old segments are removed
 * from the front. The last one is being written and is never removed. If the start of a segment were wrong, a learner
 * would be sent a history that does not follow from its own; the learner would refuse it, since its chain hash would
 * not match.
 */
import { assert } from '../base/assert.ts'
import { emptyChainHash } from '../base/chain-hash.ts'
import { type Zxid, zeroZxid } from '../base/ids.ts'
import type { LogPoint } from './log-state.ts'

export interface SegmentRef {
  readonly path: string
  readonly sequence: number
  readonly checksum: number
  /** From its header. Later truncations may have gone below it. */
  readonly lastZxidBefore: Zxid
}

/** A segment that is no longer written to. */
export interface ClosedSegment {
  readonly sizeBytes: number // of its batches and its header
  /** The last zxid in it or before it, txns that were taken back included. */
  readonly lastZxid: Zxid
  /** Of the segment after it, which was created when this one was closed. */
  readonly nextPath: string
}

interface Entry {
  readonly ref: SegmentRef
  start: LogPoint // the last txn of the live history before this segment
  sizeBytes: number // of its batches and its header, known once it is closed
}

export class LogSegments {
  readonly #entries: Entry[] = []
  #removedSizeBytes = 0

  get nextSequence(): number {
    return (this.#entries.at(-1)?.ref.sequence ?? 0) + 1
  }

  get firstSequence(): number {
    return this.#entries[0]?.ref.sequence ?? 1
  }

  /** Where the log begins: history up to this point is not in it. */
  get start(): LogPoint {
    return this.#entries[0]?.start ?? { zxid: zeroZxid, hash: emptyChainHash }
  }

  /** Where this segment begins; if it was removed, where the log begins. */
  startFrom(sequence: number): LogPoint {
    return this.#entries[sequence - this.firstSequence]?.start ?? this.start
  }

  /** The starts of segments that were known by their headers only, and which a truncation may have lowered. */
  correctStarts(front: LogSegments): void {
    for (const { ref, start } of front.#entries) {
      const entry = this.#entries[ref.sequence - this.firstSequence]
      if (entry !== undefined) entry.start = start
    }
  }

  get closedSizeBytes(): number {
    let sizeBytes = 0
    for (const entry of this.#entries) sizeBytes += entry.sizeBytes
    return sizeBytes
  }

  /** Of the segments that `takeFront` has taken. */
  get removedSizeBytes(): number {
    return this.#removedSizeBytes
  }

  /** Oldest first. */
  closed(): readonly ClosedSegment[] {
    return this.#entries.slice(0, -1).map(({ sizeBytes }, i) => {
      const next = this.#entries[i + 1]!.ref
      return { sizeBytes, lastZxid: next.lastZxidBefore, nextPath: next.path }
    })
  }

  add(ref: SegmentRef, start: LogPoint): void {
    const isNext = this.#entries.length === 0 || ref.sequence === this.nextSequence
    assert(isNext, 'segments have no gap', { sequence: ref.sequence, expected: this.nextSequence })
    this.#entries.push({ ref, start, sizeBytes: 0 })
  }

  /** Notes the final size of the newest segment; 0 while it is being written. */
  closeLast(sizeBytes: number): void {
    const last = this.#entries.at(-1)
    if (last !== undefined) last.sizeBytes = sizeBytes
  }

  get(sequence: number): SegmentRef | null {
    return this.#entries[sequence - this.firstSequence]?.ref ?? null
  }

  truncateAfter(point: LogPoint): void {
    for (const entry of this.#entries) if (entry.start.zxid > point.zxid) entry.start = point
  }

  /** Takes out all segments but the newest: the log restarts with that one. */
  takeVoid(): readonly SegmentRef[] {
    return this.#entries.splice(0, this.#entries.length - 1).map((entry) => entry.ref)
  }

  /**
   * Takes the segments that hold nothing after `zxid` out of the list, oldest first. Decides by the last zxid in the
   * next header, dead txns included: recovery will compare this number with the zxid of the checkpoint.
   */
  takeFront(zxid: Zxid): readonly SegmentRef[] {
    let count = 0
    while (count + 1 < this.#entries.length && this.#entries[count + 1]!.ref.lastZxidBefore <= zxid) count++
    const taken = this.#entries.splice(0, count)
    for (const { sizeBytes } of taken) this.#removedSizeBytes += sizeBytes
    return taken.map((entry) => entry.ref)
  }
}
