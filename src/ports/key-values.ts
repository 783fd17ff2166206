/**
 * Stores of keys and values on disk, as checkpoints need them. Keys are ordered by their bytes. Errors of the disk
 * reject with the system's `code`; an entry or a file that was changed on the disk rejects with code EDAMAGED.
 */
import type { Result } from '../base/result.ts'

export interface KeyValue {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** Entries as bytes: `headSizeBytes` zeros, then for each entry the size of the key u32, key, size of the value u32, value. */
export interface KeyValueRecords {
  /** The caller's. The buffer holds nothing else. */
  readonly bytes: Uint8Array
  /** The key of the entry after the last one; null: there is none. */
  readonly next: Uint8Array | null
}

/** The store as it was when the view was made. */
export interface KeyValueView {
  /** Entries in order, `from` included and `end` not (null: to the last key); about `sizeBytesMax`, at least one if any. */
  read(from: Uint8Array, end: Uint8Array | null, sizeBytesMax: number): Promise<readonly KeyValue[]>
  /**
   * As many entries from `from` on as fit `sizeBytesMax` with the head, at least one if any. It is quickest if each call
   * begins at the `next` of the one before. `room` is what an earlier call gave and what is no longer used: the records may
   * be put into its memory.
   */
  readRecords(
    from: Uint8Array,
    headSizeBytes: number,
    sizeBytesMax: number,
    room?: Uint8Array,
  ): Promise<KeyValueRecords>
  close(): Promise<void>
}

export interface KeyValueStore {
  /** Why writes reject until the store was closed and opened again: the disk was full. Null: it can be written. */
  readonly readOnlyBecause: Error | null
  /**
   * For each key its value, or null. `mayMerge`: the store may take the reads as a reason to merge files, which writes more,
   * and a read takes a twentieth of the processor time.
   */
  get(keys: readonly Uint8Array[], mayMerge?: boolean): Promise<readonly (Uint8Array | null)[]>
  /**
   * All or nothing, and durable when it resolves. After a rejection it is not known which, and every call rejects with the
   * same code, until the store was closed and opened again. `puts` is run through once, during the call.
   */
  write(puts: Iterable<KeyValue>, removals: readonly Uint8Array[]): Promise<void>
  /**
   * Made during a write, it shows the store before that. `trustedFrom`: entries from this key on need not be what was written,
   * since the caller finds that out by itself, in less time; left out: all are checked when they are read.
   */
  view(trustedFrom?: Uint8Array): KeyValueView
  /** Whether the store could be opened from its files as they are on the disk now. Null: it could. Not during a write. */
  check(): Promise<KeyValueFailure | null>
  sizeBytes(): Promise<number>
  close(): Promise<void>
}

/**
 * Makes a new store from entries that come in the order of their keys. One call at a time. After a rejection because the disk
 * is full, the same call may be made again; after any other one, only `close`.
 */
export interface KeyValueFill {
  /**
   * Entries as records, without a head. All or none of them are taken. What was taken is durable when `finish` resolves. Records
   * that are not readable or not in order reject with code EDAMAGED. The bytes are the caller's again when it has settled.
   */
  add(records: Uint8Array): Promise<void>
  /** The store is whole and durable when it resolves, and can be opened. A crash before that leaves none that opens. */
  finish(): Promise<void>
  /** Nothing is written when it resolves. What was written is removed by `remove`, unless `finish` has resolved. */
  close(): Promise<void>
}

export interface KeyValueFailure {
  readonly kind: 'damaged' | 'locked'
  readonly message: string // what, and which file where the store says so
}

export interface KeyValueStores {
  /**
   * Opens the store in the folder. `mayCreate`: an empty or missing folder becomes a new store; otherwise it is damaged.
   * What the store holds then is durable, also if an earlier process wrote it and its flush failed. On a full disk a store
   * may open that can be read only: its writes reject with ENOSPC until it was closed and opened again.
   */
  open(folder: string, mayCreate: boolean): Promise<Result<KeyValueStore, KeyValueFailure>>
  /** A new store in the folder, which is missing or empty, and which no other call uses meanwhile. */
  fill(folder: string): Promise<KeyValueFill>
  /** Removes the folder with the store in it. Resolves also if there is none. */
  remove(folder: string): Promise<void>
}
