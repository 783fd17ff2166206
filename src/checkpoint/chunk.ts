/**
 * The form in which a checkpoint leaves its store: for the start of a server, for a learner and for a backup. A copy is a
 * sequence of chunks, numbered from 0, which hold the entries of the store in the order of their keys; so the meta record
 * is first, then come the sessions, then the znodes, parents first. A chunk, big-endian:
 *   0 CRC32C of the bytes after it u32     4 number of the chunk u32
 * In a copy that does not leave the process the checksum is 0 and is not looked at.
 *   8 records (src/base/records.ts)
 * An entry is never divided: one that is larger than checkpointChunkSizeBytesMax is a chunk of its own.
 */
import { crc32c } from '../base/crc32c.ts'
import { forEachRecord, type OnRecord } from '../base/records.ts'

export const chunkHeaderSizeBytes = 8

/** Makes a chunk of the bytes, in which the records come after room for the header. */
export function sealChunk(number: number, bytes: Uint8Array, hasChecksum: boolean): Uint8Array {
  const view = viewOf(bytes)
  view.setUint32(4, number)
  if (hasChecksum) view.setUint32(0, crc32c(bytes.subarray(4)))
  return bytes
}

/** The number of the chunk; null if the bytes are not as they were made. */
export function numberOfChunk(chunk: Uint8Array, hasChecksum: boolean): number | null {
  if (chunk.length < chunkHeaderSizeBytes) return null
  const view = viewOf(chunk)
  return !hasChecksum || view.getUint32(0) === crc32c(chunk.subarray(4)) ? view.getUint32(4) : null
}

/** For a chunk that is as it was made: its maker may still have another idea of records. */
export function forEachRecordOf(chunk: Uint8Array, view: DataView, onRecord: OnRecord): string | null {
  return forEachRecord(chunk, view, chunkHeaderSizeBytes, onRecord)
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}
