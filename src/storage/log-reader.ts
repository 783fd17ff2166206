/**
 * Reads txns of the live history from the log, for learners that lag. It sees durable batches only, because only those
 * are indexed, and checks the checksum of each batch again. It never touches the writer. A batch that no longer reads back
 * rejects the call with code EDAMAGED: the disk has lost what was durable, so the server stops (invariant 8).
 */
import { damageCode } from '../base/disk-failure.ts'
import type { Zxid } from '../base/ids.ts'
import type { Disk, DiskFile } from '../ports/disk.ts'
import type { TxnEntry } from '../protocol/disk/log-record.ts'
import { bodyChecksumHolds, readBatchHeader, unmarkedRecords } from './batch-format.ts'
import type { Extent, LogIndex } from './log-index.ts'
import type { LogSegments, SegmentRef } from './log-segments.ts'
import type { LogPoint } from './log-state.ts'
import { readRecords } from './record-codec.ts'
import type { LogParts, UnreadFront } from './unread-front.ts'

export interface LogStretch {
  readonly kind: 'stretch'
  readonly start: LogPoint
  readonly entries: readonly TxnEntry[]
}

/** The requested txns are older than the log, which begins after `oldest`. */
export interface OlderThanLog {
  readonly kind: 'older-than-log'
  readonly oldest: LogPoint
}

export class LogReader {
  readonly #disk: Disk
  readonly #index: LogIndex
  readonly #segments: LogSegments
  readonly #front: UnreadFront | null

  constructor(disk: Disk, { index, segments }: LogParts, front: UnreadFront | null) {
    this.#disk = disk
    this.#index = index
    this.#segments = segments
    this.#front = front
  }

  get isFrontDamaged(): boolean {
    return this.#front?.isDamaged ?? false
  }

  /** If the segment to be read is removed meanwhile, the result has the txns read before it, or is `older-than-log`. */
  async readAfter(zxid: Zxid, sizeBytesMax: number): Promise<LogStretch | OlderThanLog> {
    if (zxid < this.#start.zxid) await this.#front?.read()
    let start = this.#start
    if (zxid < start.zxid) return { kind: 'older-than-log', oldest: start }
    const entries: TxnEntry[] = []
    let sizeBytes = 0
    const open = new OpenSegment(this.#disk, this.#segments)
    let extent = this.#index.atOrBefore(zxid)
    try {
      while (extent !== null && (sizeBytes < sizeBytesMax || entries.length === 0)) {
        const bounds: Extent = { ...extent }
        const file = await open.fileOf(bounds.sequence)
        if (file === null && entries.length > 0) break
        if (file === null) return { kind: 'older-than-log', oldest: this.#start }
        for (const entry of await this.#readExtent(file, open.ref!, bounds)) {
          if (entry.zxid <= zxid) start = { zxid: entry.zxid, hash: entry.hash }
          else if (sizeBytes < sizeBytesMax || entries.length === 0) {
            entries.push(entry)
            sizeBytes += entry.payload.length
          }
        }
        // The txns that follow were removed meanwhile: the next extent would leave a hole.
        if (this.#start.zxid > bounds.lastZxid) break
        extent = this.#index.after(bounds.lastZxid)
      }
    } finally {
      await open.close()
    }
    return { kind: 'stretch', start, entries }
  }

  get #start(): LogPoint {
    return this.#front?.start ?? this.#segments.start
  }

  /** The live txns of one extent, in order. */
  async #readExtent(file: DiskFile, segment: SegmentRef, extent: Extent): Promise<TxnEntry[]> {
    const bytes = await file.read(extent.startOffset, extent.endOffset - extent.startOffset)
    const entries: TxnEntry[] = []
    for (let at = 0; at < extent.endOffset - extent.startOffset; ) {
      const offset = extent.startOffset + at
      const reading = readBatchHeader(bytes.subarray(at, at + 64), segment, offset)
      const header = reading.kind === 'header' ? reading.header : null
      const batch = header === null ? null : bytes.subarray(at, at + header.sizeBytes)
      const isGood = header !== null && batch !== null && bodyChecksumHolds(batch, header)
      const records = isGood ? readRecords(unmarkedRecords(batch, header)) : null
      if (header === null || records === null) {
        const message = `${segment.path}, offset ${offset}: a batch that was durable no longer reads back. Check the disk`
        throw Object.assign(new Error(message), { code: damageCode })
      }
      for (const record of records) {
        if (record.kind !== 'txn') continue
        if (record.zxid > extent.lastZxid) return entries
        entries.push({ zxid: record.zxid, hash: record.hash, payload: record.payload })
      }
      at += header.sizeBytes
    }
    return entries
  }
}

/** The segment that a call of `readAfter` is reading. */
class OpenSegment {
  readonly #disk: Disk
  readonly #segments: LogSegments
  #file: DiskFile | null = null
  ref: SegmentRef | null = null

  constructor(disk: Disk, segments: LogSegments) {
    this.#disk = disk
    this.#segments = segments
  }

  /** Null: the segment has been removed. */
  async fileOf(sequence: number): Promise<DiskFile | null> {
    if (this.#file !== null && this.ref?.sequence === sequence) return this.#file
    await this.close()
    this.ref = this.#segments.get(sequence)
    if (this.ref === null) return null
    try {
      this.#file = await this.#disk.open(this.ref.path, 'read')
    } catch (error) {
      if (this.#segments.get(sequence) !== null) throw error
    }
    return this.#file
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = null
    await file?.close()
  }
}
