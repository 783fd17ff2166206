/**
 * The formats of the files of LevelDB 1.20, for the code that reads them (level-files.ts, level-sources.ts) and the code
 * that makes them (level-tables.ts, level-fill.ts). Numbers of a fixed size have their lowest byte first. LevelDB:
 * log_format.h, version_edit.cc, dbformat.h, table/format.h, filename.cc.
 */
import { crc32c } from '../base/crc32c.ts'

export function fileName(number: number, suffix: string): string {
  return `${String(number).padStart(6, '0')}.${suffix}`
}

// --- a log, which a manifest is, too: blocks with records in fragments ---

export const logBlockSizeBytes = 32 * 1024
/** Checksum of type and bytes (4), count of the bytes (2), type (1). */
export const fragmentHeaderSizeBytes = 7
export const fragmentTypes = { full: 1, first: 2, middle: 3, last: 4 } as const

/** The fields of an edit, each of which is a record of a manifest. */
export const editTags = {
  comparator: 1,
  oldestLog: 2,
  nextFile: 3,
  lastSequence: 4,
  compactionStart: 5,
  removedTable: 6,
  addedTable: 7,
  previousLog: 9,
} as const

// --- a table: blocks of entries, their index, and where that is ---

/** Each key in a table is followed by the number of its write (7 bytes) after its kind (1). */
export const markSizeBytes = 8
export const removalKind = 0
export const valueKind = 1
/** After each block: how it is compressed (1 byte), a checksum (4). */
export const trailerSizeBytes = 5
export const uncompressed = 0
/** At the end of each table: where its blocks of metadata and its index are, a magic number. */
export const footerSizeBytes = 48
export const footerMagic = Uint8Array.of(0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb)

export interface BlockPlace {
  readonly offset: number
  readonly sizeBytes: number // without what comes after it
}

// --- checksums: CRC-32C, masked, since a CRC of bytes with a CRC in them is weak ---

const maskDelta = 0xa282ead8

export function maskedChecksum(covered: Uint8Array): number {
  const sum = crc32c(covered)
  return (((sum >>> 15) | (sum << 17)) + maskDelta) >>> 0
}

export function hasChecksum(bytes: Uint8Array, at: number, covered: Uint8Array): boolean {
  const masked = (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  return masked === maskedChecksum(covered)
}
