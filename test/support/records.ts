/** Entries as the records of src/base/records.ts. */
import { forEachRecord } from '../../src/base/records.ts'
import { sealChunk } from '../../src/checkpoint/chunk.ts'
import type { KeyValue, KeyValueRecords } from '../../src/ports/key-values.ts'

/** What a view with these entries gives for `readRecords`. */
export function recordsOf(entries: readonly KeyValue[], headSizeBytes: number, sizeBytesMax: number): KeyValueRecords {
  let sizeBytes = headSizeBytes
  let count = 0
  for (const { key, value } of entries) {
    const more = 8 + key.length + value.length
    if (count > 0 && sizeBytes + more > sizeBytesMax) break
    sizeBytes += more
    count += 1
  }
  const bytes = new Uint8Array(sizeBytes)
  const view = new DataView(bytes.buffer)
  let at = headSizeBytes
  for (const { key, value } of entries.slice(0, count)) {
    view.setUint32(at, key.length)
    bytes.set(key, at + 4)
    at += 4 + key.length
    view.setUint32(at, value.length)
    bytes.set(value, at + 4)
    at += 4 + value.length
  }
  return { bytes, next: entries[count]?.key.slice() ?? null }
}

/** The reverse, without a head. Null: the bytes are not records. */
export function entriesOf(records: Uint8Array): readonly KeyValue[] | null {
  const view = new DataView(records.buffer, records.byteOffset, records.length)
  const entries: KeyValue[] = []
  const problem = forEachRecord(records, view, 0, (keyStart, keyEnd, valueStart, valueEnd) => {
    entries.push({ key: records.slice(keyStart, keyEnd), value: records.slice(valueStart, valueEnd) })
    return null
  })
  return problem === null ? entries : null
}

export function chunkOf(number: number, entries: readonly KeyValue[]): Uint8Array {
  return sealChunk(number, recordsOf(entries, 8, Number.POSITIVE_INFINITY).bytes, true)
}
