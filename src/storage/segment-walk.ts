/**
 * Reads a segment file batch by batch and reports how it ends, as facts for recovery-plan.ts. It checks bytes only: the
 * caller checks the records, and what it refuses counts as damage. Memory is one window of 1 MiB, or one batch if that
 * is larger. Payloads passed to the caller are views of a window that is never reused, so they stay valid.
 */
import type { DiskFile } from '../ports/disk.ts'
import {
  type BatchHeader,
  batchHeaderSizeBytes,
  bodyChecksumHolds,
  bodyIsUnfinished,
  readBatchHeader,
  unmarkedRecords,
} from './batch-format.ts'
import type { StoredRecord } from './log-state.ts'
import { readRecords } from './record-codec.ts'
import { type SegmentHeader, segmentHeaderSizeBytes } from './segment-header.ts'

const windowSizeBytes = 1024 * 1024

/** Returns what is wrong with the records, or null to continue. */
export type OnBatch = (header: BatchHeader, records: readonly StoredRecord[]) => string | null

export interface SegmentEnd {
  readonly kind: 'zeros' | 'unfinished' | 'damaged'
  readonly offset: number // of the first byte that is not part of a good batch
  readonly nextNumber: number
  readonly checksum: number // of the last good batch
  readonly provenDurable: boolean
  readonly detail: string // what was seen, for the operator
}

/** A file read in windows, so that walking it costs few reads. */
export class WindowedFile {
  readonly #file: DiskFile
  #window: Uint8Array = new Uint8Array(0)
  #start = 0

  constructor(file: DiskFile) {
    this.#file = file
  }

  /** `lengthBytes` bytes from `position`; fewer only at the end of the file. */
  async at(position: number, lengthBytes: number): Promise<Uint8Array> {
    const from = position - this.#start
    if (from < 0 || from + lengthBytes > this.#window.length) {
      this.#window = await this.#file.read(position, Math.max(lengthBytes, windowSizeBytes))
      this.#start = position
      return this.#window.subarray(0, lengthBytes)
    }
    return this.#window.subarray(from, from + lengthBytes)
  }
}

export async function walkSegment(file: WindowedFile, segment: SegmentHeader, onBatch: OnBatch): Promise<SegmentEnd> {
  let offset = segmentHeaderSizeBytes
  let nextNumber = segment.firstBatch
  let checksum = segment.checksumBefore
  for (;;) {
    const here = { offset, nextNumber, checksum }
    const reading = readBatchHeader(await file.at(offset, batchHeaderSizeBytes), segment, offset)
    if (reading.kind !== 'header') return endWithoutHeader(file, segment, here, reading.kind)
    const { header } = reading
    if (header.number !== nextNumber || header.checksumBefore !== checksum) {
      return {
        ...here,
        kind: 'damaged',
        provenDurable: false,
        detail: 'a batch does not follow from the one before it',
      }
    }
    const batch = await file.at(offset, header.sizeBytes)
    if (!bodyChecksumHolds(batch, header)) {
      const batchEnd = offset + header.sizeBytes
      const provenDurable = await holdsLaterBatch(file, segment, batchEnd, header.number)
      const kind = bodyIsUnfinished(batch, header) ? 'unfinished' : 'damaged'
      return { ...here, kind, provenDurable, detail: 'the checksum of a batch is wrong' }
    }
    const records = readRecords(unmarkedRecords(batch, header))
    const problem = records === null ? 'a batch holds records of an unknown kind' : onBatch(header, records)
    if (problem !== null) return { ...here, kind: 'damaged', provenDurable: false, detail: problem }
    offset += header.sizeBytes
    nextNumber++
    checksum = header.checksum
  }
}

/** Where the bytes of an unfinished batch end: everything after that is zero. */
export async function endOfNonZeros(file: WindowedFile, from: number): Promise<number> {
  let end = from
  for (let at = from; ; at += windowSizeBytes) {
    const bytes = await file.at(at, windowSizeBytes)
    const last = bytes.findLastIndex((byte) => byte !== 0)
    if (last >= 0) end = at + last + 1
    if (bytes.length < windowSizeBytes) return end
  }
}

/** Does a segment with an unreadable header hold bytes that were once written as a batch? */
export async function holdsAnything(file: WindowedFile): Promise<boolean> {
  return (await endOfNonZeros(file, segmentHeaderSizeBytes)) > segmentHeaderSizeBytes
}

type Here = Pick<SegmentEnd, 'offset' | 'nextNumber' | 'checksum'>

async function endWithoutHeader(
  file: WindowedFile,
  segment: SegmentHeader,
  here: Here,
  kind: 'lost' | 'damaged',
): Promise<SegmentEnd> {
  const provenDurable = await holdsLaterBatch(file, segment, here.offset + batchHeaderSizeBytes, here.nextNumber)
  if (kind === 'damaged') return { ...here, kind, provenDurable, detail: 'the header of a batch is damaged' }
  if ((await endOfNonZeros(file, here.offset)) === here.offset) {
    return { ...here, kind: 'zeros', provenDurable: false, detail: 'the log ends here' }
  }
  return { ...here, kind: 'unfinished', provenDurable, detail: 'the header of a batch is missing' }
}

/** Searches for a header that was made when batch `number` was already durable. */
async function holdsLaterBatch(
  file: WindowedFile,
  segment: SegmentHeader,
  from: number,
  number: number,
): Promise<boolean> {
  for (let at = from; ; at += windowSizeBytes) {
    const bytes = await file.at(at, windowSizeBytes)
    for (let i = 0; i < bytes.length; i += batchHeaderSizeBytes) {
      if (bytes[i] === 0) continue // no header starts with zero
      const reading = readBatchHeader(bytes.subarray(i, i + batchHeaderSizeBytes), segment, at + i)
      if (reading.kind === 'header' && reading.header.durableBatch >= number) return true
    }
    if (bytes.length < windowSizeBytes) return false
  }
}
