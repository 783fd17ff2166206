/** What a view gives its reader: entries as objects, or as records in one stretch of bytes, which allocates nothing for an entry. */
import { copyBytes } from '../base/copy-bytes.ts'
import type { KeyValue, KeyValueRecords } from '../ports/key-values.ts'
import type { EntrySink } from './level-reader.ts'
import type { VersionRun } from './level-versions.ts'

/** level-stores.ts writes a checksum after each value. Blocks have checksums of their own, which are verified by then. */
export const checksumSizeBytes = 4

/** A sink that knows how far it has come. */
export interface ViewSink extends EntrySink {
  /** The key of the last entry; null: there is none yet. */
  readonly lastKey: Uint8Array | null
}

export class EntryList implements ViewSink {
  readonly entries: KeyValue[] = []
  readonly #sizeBytesMax: number
  #sizeBytes = 0

  constructor(sizeBytesMax: number) {
    this.#sizeBytesMax = sizeBytesMax
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
    const value = new Uint8Array(end - start)
    copyBytes(run.view, start, value.length, new DataView(value.buffer), 0)
    this.entries.push({ key, value })
    return true
  }
}

export class RecordList implements ViewSink {
  readonly #headSizeBytes: number
  #bytes: Uint8Array
  #view: DataView
  #end: number
  #lastKeyStart = 0
  #lastKeyEnd = 0
  #next: Uint8Array | null = null

  constructor(headSizeBytes: number, sizeBytesMax: number) {
    this.#headSizeBytes = headSizeBytes
    this.#bytes = new Uint8Array(Math.max(headSizeBytes, sizeBytesMax))
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
