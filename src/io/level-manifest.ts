/** The manifest of a store that was not made by LevelDB. LevelDB: version_edit.cc, log_writer.cc; VersionSet::Finalize. */
import { LevelBytes } from './level-bytes.ts'
import { editTags, fragmentHeaderSizeBytes, fragmentTypes, logBlockSizeBytes, maskedChecksum } from './level-format.ts'
import { filledSequence } from './level-tables.ts'

export interface FilledTable {
  readonly number: number
  readonly sizeBytes: number
  readonly smallest: Uint8Array // with the mark, and so is `largest`
  readonly largest: Uint8Array
}

/** Of a store with these tables, which do not overlap, and without a log. `nextNumber`: of the next file. */
export function newManifest(tables: readonly FilledTable[], nextNumber: number): Uint8Array {
  return logOf(editOf(tables, nextNumber))
}

const numberSizeBytesMax = 8
const comparator = Buffer.from('leveldb.BytewiseComparator')
const [lowestLevelLimitBytes, levelLimitFactor, levelMax] = [10 * 1024 * 1024, 10, 6]

/** The first level that LevelDB does not shrink with that much in it. Level 0 is for tables that overlap. */
function levelFor(sizeBytes: number): number {
  let level = 1
  for (let limit = lowestLevelLimitBytes; sizeBytes >= limit && level < levelMax; limit *= levelLimitFactor) level++
  return level
}

function editOf(tables: readonly FilledTable[], nextNumber: number): Uint8Array {
  const edit = new LevelBytes(1024)
  const number = (value: number): void => {
    edit.reserve(numberSizeBytesMax)
    edit.number(value)
  }
  const bytes = (value: Uint8Array): void => {
    number(value.length)
    edit.reserve(value.length)
    edit.bytes(value)
  }
  number(editTags.comparator)
  bytes(comparator)
  const numbers = [
    [editTags.oldestLog, 0],
    [editTags.nextFile, nextNumber],
    [editTags.lastSequence, tables.length === 0 ? 0 : filledSequence],
  ] as const
  for (const field of numbers) for (const value of field) number(value)
  const level = levelFor(tables.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0))
  for (const table of tables) {
    for (const value of [editTags.addedTable, level, table.number, table.sizeBytes]) number(value)
    bytes(table.smallest)
    bytes(table.largest)
  }
  return edit.stretch(0)
}

/** A log with one record. Each block but the last one is filled by a fragment. */
function logOf(record: Uint8Array): Uint8Array {
  const roomBytes = logBlockSizeBytes - fragmentHeaderSizeBytes
  const fragmentCount = Math.max(1, Math.ceil(record.length / roomBytes))
  const log = new LevelBytes(record.length + fragmentCount * fragmentHeaderSizeBytes)
  for (let at = 0; at < fragmentCount; at++) {
    const fragment = record.subarray(at * roomBytes, (at + 1) * roomBytes)
    const typed = Buffer.concat([Uint8Array.of(typeOfFragment(at, fragmentCount)), fragment])
    log.uint32(maskedChecksum(typed))
    log.uint16(fragment.length)
    log.bytes(typed)
  }
  return log.stretch(0)
}

function typeOfFragment(at: number, count: number): number {
  if (count === 1) return fragmentTypes.full
  if (at === 0) return fragmentTypes.first
  return at === count - 1 ? fragmentTypes.last : fragmentTypes.middle
}
