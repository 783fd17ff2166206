/**
 * Entries of a key and a value as bytes, in which views of a store, chunks of a copy and fills have them, big-endian:
 * size of the key u32, key, size of the value u32, value.
 */

/** Where a record is in the bytes. Returns what is wrong with it, or null. */
export type OnRecord = (keyStart: number, keyEnd: number, valueStart: number, valueEnd: number) => string | null

/** The records from `start` on; `view` is of the same bytes. Stops at the first problem and returns it, or null. */
export function forEachRecord(bytes: Uint8Array, view: DataView, start: number, onRecord: OnRecord): string | null {
  let at = start
  while (at < bytes.length) {
    const keyStart = at + 4
    const keyEnd = keyStart <= bytes.length ? keyStart + view.getUint32(at) : keyStart
    const valueStart = keyEnd + 4
    if (valueStart > bytes.length) return notRecords
    const valueEnd = valueStart + view.getUint32(keyEnd)
    if (valueEnd > bytes.length) return notRecords
    const problem = onRecord(keyStart, keyEnd, valueStart, valueEnd)
    if (problem !== null) return problem
    at = valueEnd
  }
  return null
}

const notRecords = 'the bytes do not consist of records'
