/**
 * Reads txns of the live history from the log, for learners that lag behind. It sees durable batches only,
 * because only those are indexed, and checks each batch's checksum again. It never touches the writer.
 * A batch that no longer reads back is an error of the call; what to do about it is for the caller.
 */
import { type ChainHash, emptyChainHash } from '../base/chain-hash.ts'
import { type Zxid, zeroZxid } from '../base/ids.ts'
import type { Disk, DiskFile } from '../ports/disk.ts'
import type { TxnEntry } from '../protocol/disk/log-record.ts'
import { bodyChecksumHolds, readBatchHeader, unmarkedRecords } from './batch-format.ts'
import type { Extent, LogIndex } from './log-index.ts'
import { readRecords } from './record-codec.ts'
import type { SegmentRef } from './recover-log.ts'

export interface LogStretch {
  readonly start: { readonly zxid: Zxid; readonly hash: ChainHash }
  readonly entries: readonly TxnEntry[]
}

export class LogReader {
  readonly #disk: Disk
  readonly #index: LogIndex
  readonly #segments: ReadonlyMap<number, SegmentRef>

  constructor(disk: Disk, index: LogIndex, segments: ReadonlyMap<number, SegmentRef>) {
    this.#disk = disk
    this.#index = index
    this.#segments = segments
  }

  async readAfter(zxid: Zxid, sizeBytesMax: number): Promise<LogStretch> {
    let start = { zxid: zeroZxid, hash: emptyChainHash }
    const entries: TxnEntry[] = []
    let sizeBytes = 0
    const open = new OpenSegment(this.#disk, this.#segments)
    let lastRead = -1
    try {
      for (let i = this.#index.positionOf(zxid); sizeBytes < sizeBytesMax || entries.length === 0; i++) {
        const extent = this.#index.at(i)
        // A truncation since the last step may have put another history in the place of the next extent.
        if (extent === null || extent.firstZxid <= lastRead) break
        const bounds = { ...extent }
        const file = await open.fileOf(bounds.sequence)
        for (const entry of await this.#readExtent(file, bounds)) {
          if (entry.zxid <= zxid) start = { zxid: entry.zxid, hash: entry.hash }
          else if (sizeBytes < sizeBytesMax || entries.length === 0) {
            entries.push(entry)
            sizeBytes += entry.payload.length
          }
        }
        lastRead = bounds.lastZxid
      }
    } finally {
      await open.close()
    }
    return { start, entries }
  }

  /** The live txns of one extent, in order. */
  async #readExtent(file: DiskFile, extent: Extent): Promise<TxnEntry[]> {
    const segment = this.#segments.get(extent.sequence)!
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
        throw new Error(`${segment.path}, offset ${offset}: a batch that was durable no longer reads back`)
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

/** The one segment that a call is reading. */
class OpenSegment {
  readonly #disk: Disk
  readonly #segments: ReadonlyMap<number, SegmentRef>
  #sequence = 0
  #file: DiskFile | null = null

  constructor(disk: Disk, segments: ReadonlyMap<number, SegmentRef>) {
    this.#disk = disk
    this.#segments = segments
  }

  async fileOf(sequence: number): Promise<DiskFile> {
    if (this.#file !== null && this.#sequence === sequence) return this.#file
    await this.close()
    this.#file = await this.#disk.open(this.#segments.get(sequence)!.path, 'read')
    this.#sequence = sequence
    return this.#file
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = null
    await file?.close()
  }
}
