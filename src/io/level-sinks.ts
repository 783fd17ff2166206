/** What a view gives its reader: entries as objects, or as records in one stretch of bytes, which allocates nothing for an entry. */
import { copyBytes } from '../base/copy-bytes.ts'
import { crc32c } from '../base/crc32c.ts'
import { damageCode } from '../base/disk-failure.ts'
import type { KeyValue, KeyValueRecords } from '../ports/key-values.ts'
import type { EntrySink } from './level-reader.ts'
import { compareKeys } from './level-sources.ts'
import type { VersionRun } from './level-versions.ts'

/**
 * level-stores.ts writes a checksum after each value. Blocks have checksums of their own, which are verified by then. But LevelDB
 * reads blocks without doing so when it merges tables, and gives what it has read a new checksum.
 */
export const checksumSizeBytes = 4

/** A sink that knows how far it has come. */
export interface ViewSink extends EntrySink {
  /** The key of the last entry; null: there is none yet. */
  readonly lastKey: Uint8Array | null
}

/** Compares entries with their checksums, up to the first key that the reader of the view trusts. */
export class EntryCheck {
  readonly #folder: string
  readonly #trustedFrom: Uint8Array | null

  constructor(folder: string, trustedFrom: Uint8Array | null) {
    this.#folder = folder
    this.#trustedFrom = trustedFrom
  }

  /** False: this entry is trusted, and so are all after it. */
  check(run: VersionRun, at: number): boolean {
    const [keyStart, keyEnd] = [run.keyStart(at), run.keyEnd(at)]
    const trusted = this.#trustedFrom
    if (trusted !== null && compareKeys(run.keys, keyStart, keyEnd, trusted, 0, trusted.length) >= 0) return false
    const [start, end] = [run.valueStart(at), valueEnd(run, at)]
    const { view } = run
    const value = new Uint8Array(view.buffer, view.byteOffset + start, Math.max(end - start, 0))
    const sum = end < start ? null : view.getUint32(end)
    if (sum === crc32c(value, crc32c(run.keys.subarray(keyStart, keyEnd)))) return true
    throw changedEntry(this.#folder)
  }
}

export function changedEntry(folder: string): Error {
  const message = `an entry of the store ${folder} was changed on the disk: its checksum does not fit`
  return Object.assign(new Error(message), { code: damageCode })
}

export class EntryList implements ViewSink {
  readonly entries: KeyValue[] = []
  readonly #sizeBytesMax: number
  #check: EntryCheck | null
  #sizeBytes = 0

  constructor(sizeBytesMax: number, check: EntryCheck) {
    this.#sizeBytesMax = sizeBytesMax
    this.#check = check
  }

  get lastKey(): Uint8Array | null {
    return this.entries.at(-1)?.key ?? null
  }

  /** At least one entry. */
  add(run: VersionRun, at: number): boolean {
    const key = run.keyOf(at)
    const [start, end] = [run.valueStart(at), valueEnd(run, at)]
    this.#sizeBytes += key.length + end - start
    if (this.entries.length > 0 && this.#sizeBytes > this.#sizeBytesMax) return false
    if (this.#check?.check(run, at) === false) this.#check = null
    const value = new Uint8Array(end - start)
    copyBytes(run.view, start, value.length, new DataView(value.buffer), 0)
    this.entries.push({ key, value })
    return true
  }
}

export class RecordList implements ViewSink {
  readonly #headSizeBytes: number
  #check: EntryCheck | null
  #bytes: Uint8Array
  #view: DataView
  #end: number
  #lastKeyStart = 0
  #lastKeyEnd = 0
  #next: Uint8Array | null = null

  /** `room`: bytes whose memory is used if it has the right size. */
  constructor(headSizeBytes: number, sizeBytesMax: number, check: EntryCheck, room?: Uint8Array) {
    this.#check = check
    this.#headSizeBytes = headSizeBytes
    const sizeBytes = Math.max(headSizeBytes, sizeBytesMax)
    const isUsable = room !== undefined && room.buffer.byteLength === sizeBytes
    this.#bytes = isUsable ? new Uint8Array(room.buffer as ArrayBuffer) : new Uint8Array(sizeBytes)
    this.#view = new DataView(this.#bytes.buffer)
    this.#end = headSizeBytes
  }

  get lastKey(): Uint8Array | null {
    return this.#end === this.#headSizeBytes ? null : this.#bytes.slice(this.#lastKeyStart, this.#lastKeyEnd)
  }

  /** At least one record. */
  add(run: VersionRun, at: number): boolean {
    const keyStart = run.keyStart(at)
    const keySizeBytes = run.keyEnd(at) - keyStart
    const start = run.valueStart(at)
    const valueSizeBytes = valueEnd(run, at) - start
    const recordAt = this.#end
    const end = recordAt + 8 + keySizeBytes + valueSizeBytes
    if (end > this.#bytes.length) {
      if (recordAt > this.#headSizeBytes) {
        this.#next = run.keyOf(at)
        return false
      }
      this.#bytes = new Uint8Array(end)
      this.#view = new DataView(this.#bytes.buffer)
    }
    if (this.#check?.check(run, at) === false) this.#check = null
    const view = this.#view
    const valueAt = recordAt + 4 + keySizeBytes
    view.setUint32(recordAt, keySizeBytes)
    copyBytes(run.keysView, keyStart, keySizeBytes, view, recordAt + 4)
    view.setUint32(valueAt, valueSizeBytes)
    copyBytes(run.view, start, valueSizeBytes, view, valueAt + 4)
    this.#lastKeyStart = recordAt + 4
    this.#lastKeyEnd = valueAt
    this.#end = end
    return true
  }

  records(): KeyValueRecords {
    return { bytes: this.#bytes.subarray(0, this.#end), next: this.#next }
  }
}

function valueEnd(run: VersionRun, at: number): number {
  return run.valueEnd(at) - checksumSizeBytes
}
