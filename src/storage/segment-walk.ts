/**
 * Reads a segment file batch by batch and reports how it ends, as facts for recovery-plan.ts. It checks bytes only: the
 * caller checks the records, and what it refuses counts as damage. Memory is one window of 1 MiB, or one batch if that
 * is larger. Payloads passed to the caller are views of a window that is never reused, so they stay valid.
 */
import { assertNever } from '../base/assert.ts'
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

/** Its place is that of the first byte that is not part of a good batch. */
export interface SegmentEnd extends WalkPlace {
  readonly kind: 'zeros' | 'unfinished' | 'damaged'
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

  /** The file may have changed. */
  forget(): void {
    this.#window = new Uint8Array(0)
  }
}

/** Where a walk is: the batch before ended here. */
export interface WalkPlace {
  readonly offset: number
  readonly nextNumber: number
  readonly checksum: number // of the batch before
}

export function startOfSegment(segment: SegmentHeader): WalkPlace {
  return { offset: segmentHeaderSizeBytes, nextNumber: segment.firstBatch, checksum: segment.checksumBefore }
}

export type BatchStep =
  | {
      readonly kind: 'batch'
      readonly header: BatchHeader
      readonly records: readonly StoredRecord[]
      readonly next: WalkPlace
    }
  | { readonly kind: 'header-lost' | 'header-damaged' | 'does-not-follow' | 'unknown-records' }
  | { readonly kind: 'body-wrong'; readonly header: BatchHeader; readonly batch: Uint8Array }

/** The batch at `here`. It changes bytes of the window, so a batch is read once. */
export async function readBatch(file: WindowedFile, segment: SegmentHeader, here: WalkPlace): Promise<BatchStep> {
  const reading = readBatchHeader(await file.at(here.offset, batchHeaderSizeBytes), segment, here.offset)
  if (reading.kind !== 'header') return { kind: `header-${reading.kind}` }
  const { header } = reading
  if (header.number !== here.nextNumber || header.checksumBefore !== here.checksum) return { kind: 'does-not-follow' }
  const batch = await file.at(here.offset, header.sizeBytes)
  if (!bodyChecksumHolds(batch, header)) return { kind: 'body-wrong', header, batch }
  const records = readRecords(unmarkedRecords(batch, header))
  if (records === null) return { kind: 'unknown-records' }
  const next = { offset: here.offset + header.sizeBytes, nextNumber: here.nextNumber + 1, checksum: header.checksum }
  return { kind: 'batch', header, records, next }
}

export async function walkSegment(file: WindowedFile, segment: SegmentHeader, onBatch: OnBatch): Promise<SegmentEnd> {
  let here = startOfSegment(segment)
  for (;;) {
    const step = await readBatch(file, segment, here)
    switch (step.kind) {
      case 'header-lost':
        return endWithoutHeader(file, segment, here, 'lost')
      case 'header-damaged':
        return endWithoutHeader(file, segment, here, 'damaged')
      case 'does-not-follow':
        return damagedEnd(here, 'a batch does not follow from the one before it')
      case 'body-wrong': {
        const { header, batch } = step
        const provenDurable = await holdsLaterBatch(file, segment, here.offset + header.sizeBytes, header.number)
        const kind = bodyIsUnfinished(batch, header) ? 'unfinished' : 'damaged'
        return { ...here, kind, provenDurable, detail: 'the checksum of a batch is wrong' }
      }
      case 'unknown-records':
        return damagedEnd(here, 'a batch holds records of an unknown kind')
      case 'batch': {
        const problem = onBatch(step.header, step.records)
        if (problem !== null) return damagedEnd(here, problem)
        here = step.next
        break
      }
      default:
        assertNever(step)
    }
  }
}

/** Where the bytes of an unfinished batch end: everything after that is zero. */
export async function endOfNonZeros(file: WindowedFile, from: number): Promise<number> {
  let end = from
  for (let at = from; ; at += windowSizeBytes) {
    const bytes = await file.at(at, windowSizeBytes)
    const used = lengthWithoutZeros(bytes)
    if (used > 0) end = at + used
    if (bytes.length < windowSizeBytes) return end
  }
}

/** Nearly all of the bytes are zeros with which the segment was filled, 64 MiB by default: four of them are looked at at once. */
function lengthWithoutZeros(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let length = bytes.length
  while (length >= 4 && view.getInt32(length - 4) === 0) length -= 4
  while (length > 0 && bytes[length - 1] === 0) length -= 1
  return length
}

/** Does a segment with an unreadable header hold bytes that were once written as a batch? */
export async function holdsAnything(file: WindowedFile): Promise<boolean> {
  return (await endOfNonZeros(file, segmentHeaderSizeBytes)) > segmentHeaderSizeBytes
}

function damagedEnd(here: WalkPlace, detail: string): SegmentEnd {
  return { ...here, kind: 'damaged', provenDurable: false, detail }
}

async function endWithoutHeader(
  file: WindowedFile,
  segment: SegmentHeader,
  here: WalkPlace,
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
