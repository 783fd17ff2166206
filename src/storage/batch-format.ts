/**
 * A batch: the records that one durable write carries. It starts at a multiple of 64 bytes:
 *   header (64 bytes, so never across a sector border), records, saved bytes, zeros, end mark
 * It is written into zeros. The format distinguishes a write that never finished from a finished write whose bytes
 * changed later; recovery must treat the two differently:
 * - A sector (512 bytes) that did not reach the disk still ends in zero. So the last byte of every sector of a batch,
 *   of its header and of the batch itself is the end mark; record bytes displaced by marks are kept after the records.
 *   A zero where a mark belongs proves that the write did not finish. The write was therefore never acknowledged.
 *   If every mark is present and the checksum is wrong, the bytes have changed since (rot).
 * - Batches are written one at a time. `durableBatch` is the last batch that was durable when this one was made, so a
 *   readable header proves that everything up to that batch was once on disk, whatever it looks like now.
 * The checksum of a batch is seeded with that of the batch before, and the header's with the segment's, so bytes of
 * another place, file or time do not pass.
 */
import { crc32c } from '../base/crc32c.ts'
import type { StoredRecord } from './log-state.ts'
import { readUint64, recordSizeBytes, writeRecord, writeUint64 } from './record-codec.ts'

export const sectorSizeBytes = 512
export const batchHeaderSizeBytes = 64
export const endMark = 0xff

const magic = 0xb47c41d5
const headerChecksumOffset = 52
const headerEndOffset = 63
/** A written header has at least its magic, end mark and checksums; fewer non-zero bytes are not a header. */
const headerNonZeroCountMin = 8

export interface BatchHeader {
  readonly sequence: number // of the segment
  readonly offset: number // in the segment file
  readonly sizeBytes: number // of the batch, header and padding included
  readonly recordsSizeBytes: number
  readonly number: number // counts all batches of this log from 1
  readonly durableBatch: number // invariant: < number
  readonly checksumBefore: number
  readonly bodyChecksum: number
  readonly checksum: number
}

export interface BatchPlace {
  readonly sequence: number
  readonly segmentChecksum: number
  readonly offset: number
  readonly number: number
  readonly durableBatch: number
  readonly checksumBefore: number
}

export type BatchReading =
  | { readonly kind: 'header'; readonly header: BatchHeader }
  | { readonly kind: 'lost' }
  | { readonly kind: 'damaged' }

export function recordsSizeBytesOf(records: readonly StoredRecord[]): number {
  let sizeBytes = 0
  for (const record of records) sizeBytes += recordSizeBytes(record)
  return sizeBytes
}

/**
 * Size of a batch that starts at `offset` of its file and is padded to end at a multiple of `alignmentBytes`: 64, or a
 * sector.
 */
export function batchSizeBytes(offset: number, recordsSizeBytes: number, alignmentBytes: number): number {
  let end = offset + batchHeaderSizeBytes
  if (recordsSizeBytes > 0) {
    const recordsStart = end
    end += recordsSizeBytes
    for (let left = sectorEndCount(recordsStart, end); left > 0; end++) if (!isSectorEnd(end)) left--
    end++
  }
  return Math.ceil(end / alignmentBytes) * alignmentBytes - offset
}

/** Encodes into `target`, which must be large enough; returns the checksum that the next batch continues. */
export function encodeBatch(
  target: Uint8Array,
  place: BatchPlace,
  sizeBytes: number,
  records: readonly StoredRecord[],
): number {
  const view = new DataView(target.buffer, target.byteOffset, sizeBytes)
  let at = batchHeaderSizeBytes
  for (const record of records) at = writeRecord(target, view, at, record)
  const recordsSizeBytes = at - batchHeaderSizeBytes
  target.fill(0, at, sizeBytes)
  placeMarks(target, place.offset, sizeBytes, recordsSizeBytes)
  const bodyChecksum = crc32c(target.subarray(batchHeaderSizeBytes, sizeBytes), place.checksumBefore)
  target.fill(0, 0, batchHeaderSizeBytes)
  view.setUint32(0, magic)
  view.setUint32(4, place.sequence)
  writeUint64(view, 8, place.offset)
  view.setUint32(16, sizeBytes)
  view.setUint32(20, recordsSizeBytes)
  writeUint64(view, 24, place.number)
  writeUint64(view, 32, place.durableBatch)
  view.setUint32(40, place.checksumBefore)
  view.setUint32(44, bodyChecksum)
  const checksum = crc32c(target.subarray(0, headerChecksumOffset), place.segmentChecksum)
  view.setUint32(headerChecksumOffset, checksum)
  target[headerEndOffset] = endMark
  return checksum
}

/** `bytes` are the 64 bytes at `offset` of the segment; fewer at its end. */
export function readBatchHeader(
  bytes: Uint8Array,
  segment: { readonly sequence: number; readonly checksum: number },
  offset: number,
): BatchReading {
  if (bytes.length < batchHeaderSizeBytes || bytes[headerEndOffset] === 0) return { kind: 'lost' }
  const view = new DataView(bytes.buffer, bytes.byteOffset, batchHeaderSizeBytes)
  const checksum = view.getUint32(headerChecksumOffset)
  const ours = view.getUint32(0) === magic && view.getUint32(4) === segment.sequence && readUint64(view, 8) === offset
  const intact =
    ours &&
    checksum === crc32c(bytes.subarray(0, headerChecksumOffset), segment.checksum) &&
    bytes[headerEndOffset] === endMark &&
    nonZeroCount(bytes.subarray(headerChecksumOffset + 4, headerEndOffset)) === 0
  if (!intact) {
    return nonZeroCount(bytes.subarray(0, batchHeaderSizeBytes)) < headerNonZeroCountMin
      ? { kind: 'lost' }
      : { kind: 'damaged' }
  }
  return {
    kind: 'header',
    header: {
      sequence: segment.sequence,
      offset,
      sizeBytes: view.getUint32(16),
      recordsSizeBytes: view.getUint32(20),
      number: readUint64(view, 24),
      durableBatch: readUint64(view, 32),
      checksumBefore: view.getUint32(40),
      bodyChecksum: view.getUint32(44),
      checksum,
    },
  }
}

/** `batch` holds the whole batch, header included; it is shorter if the file ends. */
export function bodyChecksumHolds(batch: Uint8Array, header: BatchHeader): boolean {
  if (batch.length < header.sizeBytes) return false
  return crc32c(batch.subarray(batchHeaderSizeBytes, header.sizeBytes), header.checksumBefore) === header.bodyChecksum
}

/** For a batch whose body checksum is wrong: did a sector of it never reach the disk? */
export function bodyIsUnfinished(batch: Uint8Array, header: BatchHeader): boolean {
  if (batch.length < header.sizeBytes) return true
  if (batch[header.sizeBytes - 1] === 0) return true
  for (let at = firstSectorEnd(header.offset); at < header.offset + header.sizeBytes; at += sectorSizeBytes) {
    if (batch[at - header.offset] === 0) return true
  }
  return false
}

/**
 * Puts the displaced bytes back into `batch` and returns the bytes of the records. For a batch whose checksum holds.
 */
export function unmarkedRecords(batch: Uint8Array, header: BatchHeader): Uint8Array {
  const recordsEnd = header.offset + batchHeaderSizeBytes + header.recordsSizeBytes
  let saved = recordsEnd
  const first = firstSectorEnd(header.offset + batchHeaderSizeBytes)
  for (let at = first; at < recordsEnd; at += sectorSizeBytes) {
    if (isSectorEnd(saved)) saved++
    batch[at - header.offset] = batch[saved - header.offset]!
    saved++
  }
  return batch.subarray(batchHeaderSizeBytes, batchHeaderSizeBytes + header.recordsSizeBytes)
}

function placeMarks(target: Uint8Array, offset: number, sizeBytes: number, recordsSizeBytes: number): void {
  const recordsEnd = offset + batchHeaderSizeBytes + recordsSizeBytes
  let saved = recordsEnd
  for (let at = firstSectorEnd(offset + batchHeaderSizeBytes); at < offset + sizeBytes; at += sectorSizeBytes) {
    if (at < recordsEnd) {
      if (isSectorEnd(saved)) saved++
      target[saved - offset] = target[at - offset]!
      saved++
    }
    target[at - offset] = endMark
  }
  target[sizeBytes - 1] = endMark
}

function isSectorEnd(at: number): boolean {
  return at % sectorSizeBytes === sectorSizeBytes - 1
}

function firstSectorEnd(from: number): number {
  return Math.floor(from / sectorSizeBytes) * sectorSizeBytes + sectorSizeBytes - 1
}

function sectorEndCount(from: number, to: number): number {
  return Math.floor(to / sectorSizeBytes) - Math.floor(from / sectorSizeBytes)
}

function nonZeroCount(bytes: Uint8Array): number {
  let count = 0
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== 0) count++
  return count
}
