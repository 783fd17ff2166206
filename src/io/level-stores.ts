/**
 * Stores of keys and values in LevelDB (package `classic-level`). It owns what LevelDB does not promise: files are
 * checked before LevelDB repairs them (level-files.ts), each value carries a checksum over its key and itself, because
 * LevelDB reads table blocks without verifying theirs, and folders are flushed, because LevelDB flushes its own only
 * when it writes a manifest. Views do not go through LevelDB (level-reader.ts), and neither does the making of a store from
 * entries in order (level-fill.ts).
 *
 * LevelDB writes files whenever it opens a store. If the disk has no space for them, the store can be read all the same
 * (ReadOnlyStore), so that a server starts on a full disk.
 *
 * After a failed write LevelDB may append the next one in the wrong place of its log (log_writer.cc counts the bytes that
 * were not written), so a store takes no call after that until it was closed and opened again.
 *
 * Measured with 1,000,000 entries of 223 bytes, of which 100 are random: docs/internals/storage.md.
 */
import { readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ClassicLevel, type Iterator, type Snapshot } from 'classic-level'
import { crc32c } from '../base/crc32c.ts'
import { damageCode } from '../base/disk-failure.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { Disk } from '../ports/disk.ts'
import type {
  KeyValue,
  KeyValueFailure,
  KeyValueRecords,
  KeyValueStore,
  KeyValueStores,
  KeyValueView,
} from '../ports/key-values.ts'
import { checkLevelFiles, LevelDamage, readManifest } from './level-files.ts'
import { type FillFiles, fillFiles, openFill } from './level-fill.ts'
import { LevelReader } from './level-reader.ts'
import { changedEntry, checksumSizeBytes, EntryCheck, EntryList, RecordList, type ViewSink } from './level-sinks.ts'

type Level = ClassicLevel<Uint8Array, Uint8Array>
type LevelIterator = Iterator<Level, Uint8Array, Uint8Array>

const encodings = { keyEncoding: 'view', valueEncoding: 'view' } as const

const tuning = {
  /** level-reader.ts reads blocks as they are. */
  compression: false,
  /** The larger these are, the less is written when few entries change, and the more is in memory. */
  writeBufferSize: 4 * 1024 * 1024,
  maxFileSize: 2 * 1024 * 1024,
  /** LevelDB maps the table files that it has open into memory. This is its minimum: 64 tables and 10 other files. */
  maxOpenFiles: 74,
  blockSize: 16 * 1024,
  /** Checkpoints read an entry once. */
  cacheSize: 1024 * 1024,
}

const sizes = { blockSizeBytes: tuning.blockSize, tableSizeBytes: tuning.maxFileSize }

/** Entries that are looked up at the same time. More would take the threads on which the log is written. */
const lookupCountMax = 3

/** `openLevel` and `files` are for tests. */
export function levelStores(
  disk: Pick<Disk, 'makeFolder' | 'syncDirectory'>,
  openLevel: (level: { open(): Promise<void> }) => Promise<void> = (level) => level.open(),
  files: FillFiles = fillFiles,
): KeyValueStores {
  return {
    fill: (folder) => openFill({ folder, sizes, disk, files }),
    open: (folder, mayCreate) => openStore(disk, folder, mayCreate, openLevel),
    async remove(folder) {
      await rm(folder, { recursive: true, force: true })
      await disk.syncDirectory(dirname(folder)).catch(ignoreMissing)
    },
  }
}

async function openStore(
  disk: Pick<Disk, 'makeFolder' | 'syncDirectory'>,
  folder: string,
  mayCreate: boolean,
  openLevel: (level: Level) => Promise<void>,
): Promise<Result<KeyValueStore, KeyValueFailure>> {
  const files = await checkLevelFiles(folder)
  if (files.kind === 'damaged') return err({ kind: 'damaged', message: files.message })
  if (files.kind === 'no-store') {
    if (!mayCreate)
      return err({ kind: 'damaged', message: `${folder} has no store: ${join(folder, 'CURRENT')} is missing` })
    await disk.makeFolder(folder)
  }
  const level: Level = new ClassicLevel(folder, { ...encodings, ...tuning, createIfMissing: files.kind === 'no-store' })
  try {
    await openLevel(level)
    await disk.syncDirectory(folder)
    const { lastSequence } = await readManifest(folder, await readdir(folder))
    return ok(new LevelStore(disk, folder, level, lastSequence))
  } catch (error) {
    await level.close().catch(() => undefined) // `error` says more
    const { code, message } = causeOf(error)
    if (code === 'LEVEL_LOCKED') return err({ kind: 'locked', message: `${folder} is in use: ${message}` })
    const failure = translated(error, folder)
    if (failure.code === damageCode) return err({ kind: 'damaged', message: failure.message })
    if (isFull(failure) && files.kind === 'store') return openToRead(folder, failure)
    throw failure
  }
}

/** `full`: why LevelDB has not opened the store. What it has begun to write is not part of the store. */
async function openToRead(folder: string, full: Error): Promise<Result<KeyValueStore, KeyValueFailure>> {
  const files = await checkLevelFiles(folder)
  if (files.kind === 'store') return ok(new ReadOnlyStore(folder, files.lastSequence, full))
  const message = files.kind === 'damaged' ? files.message : `${folder} no longer has a store`
  return err({ kind: 'damaged', message })
}

function isFull({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ENOSPC' || code === 'EDQUOT'
}

class LevelStore implements KeyValueStore {
  readonly readOnlyBecause = null
  readonly #disk: Pick<Disk, 'syncDirectory'>
  readonly #folder: string
  readonly #level: Level
  #sequence: number // of the last entry written; LevelDB counts them all
  readonly #views = new Set<LevelView>()
  #beforeWrite: SharedSnapshot | null = null // null: no write is under way
  #writeFailure: NodeJS.ErrnoException | null = null

  constructor(disk: Pick<Disk, 'syncDirectory'>, folder: string, level: Level, sequence: number) {
    this.#disk = disk
    this.#folder = folder
    this.#level = level
    this.#sequence = sequence
  }

  /**
   * LevelDB counts a `get` that looks into two tables as a seek and compacts a table after a number of those: reading 1 %
   * of the entries before they are written then writes 7 to 9 % of the store. Iterators, in the order of the keys, write
   * 3 %, but each seek looks into a table of every level: 50 µs of processor time for each key, against 2.5. A `get` waits
   * for the disk in this thread, and does not use those on which the log is written.
   */
  async get(keys: readonly Uint8Array[], mayMerge = false): Promise<readonly (Uint8Array | null)[]> {
    this.#assertUsable()
    return mayMerge ? this.#getAtOnce(keys) : this.#getByIterators(keys)
  }

  #getAtOnce(keys: readonly Uint8Array[]): readonly (Uint8Array | null)[] {
    try {
      return keys.map((key) => {
        const stored = this.#level.getSync(key)
        return stored === undefined ? null : checkedValue(key, stored, this.#folder)
      })
    } catch (error) {
      throw translated(error, this.#folder)
    }
  }

  async #getByIterators(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | null)[]> {
    const values = new Array<Uint8Array | null>(keys.length).fill(null)
    const order = [...keys.keys()].sort((a, b) => Buffer.compare(keys[a]!, keys[b]!))
    const iterators = Array.from({ length: Math.min(lookupCountMax, keys.length) }, () =>
      this.#level.iterator({ highWaterMarkBytes: 0, fillCache: true }),
    )
    try {
      for (let at = 0; at < order.length; at += iterators.length) {
        await Promise.all(
          order.slice(at, at + iterators.length).map(async (index, i) => {
            values[index] = await lookUp(iterators[i]!, keys[index]!, this.#folder)
          }),
        )
      }
    } catch (error) {
      throw translated(error, this.#folder)
    } finally {
      for (const iterator of iterators) await iterator.close()
    }
    return values
  }

  async write(puts: Iterable<KeyValue>, removals: readonly Uint8Array[]): Promise<void> {
    this.#assertUsable()
    const before = new SharedSnapshot(this.#level.snapshot())
    this.#beforeWrite = before
    try {
      const batch = this.#level.batch()
      const stored = new StoredValue()
      for (const { key, value } of puts) batch.put(key, stored.of(key, value))
      for (const key of removals) batch.del(key)
      const { length: entryCount } = batch
      await batch.write({ sync: true })
      this.#sequence += entryCount
      // LevelDB may have begun a new log file, and flushes a folder only when it writes a manifest.
      await this.#disk.syncDirectory(this.#folder)
    } catch (error) {
      this.#writeFailure = translated(error, this.#folder)
      throw this.#writeFailure
    } finally {
      this.#beforeWrite = null
      await before.release()
    }
  }

  view(trustedFrom: Uint8Array | null = null): KeyValueView {
    this.#assertUsable()
    const snapshot = this.#beforeWrite?.share() ?? new SharedSnapshot(this.#level.snapshot())
    const check = new EntryCheck(this.#folder, trustedFrom)
    const view = new LevelView(this.#folder, snapshot, this.#sequence, check, () => this.#views.delete(view))
    this.#views.add(view)
    return view
  }

  async check(): Promise<KeyValueFailure | null> {
    this.#assertUsable()
    let failure: KeyValueFailure | null = null
    // LevelDB may merge tables meanwhile, and remove a file that was listed.
    for (let attempt = 0; attempt < attemptCountMax; attempt++) {
      failure = await this.#checkFiles()
      if (failure === null) break
    }
    return failure
  }

  async #checkFiles(): Promise<KeyValueFailure | null> {
    try {
      const files = await checkLevelFiles(this.#folder)
      if (files.kind === 'damaged') return { kind: 'damaged', message: files.message }
      if (files.kind === 'no-store') return { kind: 'damaged', message: `${this.#folder} no longer has a store` }
      if (files.lastSequence === this.#sequence) return null
      return { kind: 'damaged', message: `${this.#folder} lacks the newest writes: its log was cut or replaced` }
    } catch (error) {
      const failure = translated(error, this.#folder)
      if (failure.code !== damageCode) throw failure
      return { kind: 'damaged', message: failure.message }
    }
  }

  sizeBytes(): Promise<number> {
    return sizeOfFiles(this.#folder)
  }

  async close(): Promise<void> {
    for (const view of this.#views) await view.close()
    await this.#level.close()
  }

  #assertUsable(): void {
    if (this.#writeFailure === null) return
    const { message, code } = this.#writeFailure
    throw Object.assign(new Error(`the store must be opened again, because a write failed: ${message}`), { code })
  }
}

/** A store whose disk is full. No LevelDB has it open, so its files stay as they are. */
class ReadOnlyStore implements KeyValueStore {
  readonly readOnlyBecause: Error
  readonly #folder: string
  readonly #sequence: number
  readonly #views = new Set<LevelView>()

  constructor(folder: string, sequence: number, full: Error) {
    this.#folder = folder
    this.#sequence = sequence
    this.readOnlyBecause = full
  }

  async get(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | null)[]> {
    const view = this.view()
    try {
      const values: (Uint8Array | null)[] = []
      for (const key of keys) values.push((await view.read(key, keyAfter(key), 1))[0]?.value ?? null)
      return values
    } finally {
      await view.close()
    }
  }

  write(): Promise<void> {
    return Promise.reject(this.readOnlyBecause)
  }

  view(trustedFrom: Uint8Array | null = null): KeyValueView {
    const check = new EntryCheck(this.#folder, trustedFrom)
    const view: LevelView = new LevelView(this.#folder, null, this.#sequence, check, () => this.#views.delete(view))
    this.#views.add(view)
    return view
  }

  async check(): Promise<KeyValueFailure | null> {
    const opened = await openToRead(this.#folder, this.readOnlyBecause)
    return opened.ok ? null : opened.error
  }

  sizeBytes(): Promise<number> {
    return sizeOfFiles(this.#folder)
  }

  async close(): Promise<void> {
    for (const view of this.#views) await view.close()
  }
}

async function sizeOfFiles(folder: string): Promise<number> {
  let sum = 0
  for (const name of await readdir(folder)) {
    // LevelDB removes files at any time.
    sum += (await stat(join(folder, name)).catch(ignoreMissing))?.size ?? 0
  }
  return sum
}

/**
 * A view that is made during a write shows the store before it. LevelDB may have carried the write out by then, so that
 * a snapshot made then would let it drop what the view shows: the view shares the one that the write began with.
 */
class SharedSnapshot {
  readonly #snapshot: Snapshot
  #holderCount = 1

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot
  }

  share(): SharedSnapshot {
    this.#holderCount++
    return this
  }

  async release(): Promise<void> {
    this.#holderCount--
    if (this.#holderCount === 0) await this.#snapshot.close()
  }
}

/** Reads the files beside LevelDB (level-reader.ts). The snapshot keeps what the view shows. */
class LevelView implements KeyValueView {
  readonly #folder: string
  readonly #snapshot: SharedSnapshot | null // null: no LevelDB has the store open
  readonly #reader: LevelReader
  readonly #check: EntryCheck
  readonly #onClosed: () => void
  #end: Uint8Array | null = null // of the range that the reader is in
  #place: Uint8Array | null = null // where the caller goes on if it reads in order; null: the reader is nowhere
  #isClosed = false

  constructor(
    folder: string,
    snapshot: SharedSnapshot | null,
    sequence: number,
    check: EntryCheck,
    onClosed: () => void,
  ) {
    this.#check = check
    this.#folder = folder
    this.#snapshot = snapshot
    this.#reader = new LevelReader(folder, sequence)
    this.#onClosed = onClosed
  }

  async read(from: Uint8Array, end: Uint8Array | null, sizeBytesMax: number): Promise<readonly KeyValue[]> {
    const sink = new EntryList(sizeBytesMax, this.#check)
    await this.#read(from, end, sink)
    this.#place = startAfter(sink)
    return sink.entries
  }

  async readRecords(
    from: Uint8Array,
    headSizeBytes: number,
    sizeBytesMax: number,
    room?: Uint8Array,
  ): Promise<KeyValueRecords> {
    const sink = new RecordList(headSizeBytes, sizeBytesMax, this.#check, room)
    await this.#read(from, null, sink)
    const records = sink.records()
    this.#place = records.next
    return records
  }

  async #read(from: Uint8Array, end: Uint8Array | null, sink: ViewSink): Promise<void> {
    let mustSeek = this.#place === null || !isSame(from, this.#place) || !isSame(end, this.#end)
    this.#end = end
    for (let failureCount = 0; ; ) {
      try {
        if (mustSeek) await this.#reader.seek(startAfter(sink) ?? from)
        await this.#reader.take(end, sink)
        return
      } catch (error) {
        // LevelDB may have replaced a file meanwhile. If it has not, the next attempts fail too.
        await this.#reader.close()
        this.#place = null
        if (!isOfAFile(error) || ++failureCount === attemptCountMax) throw translated(error, this.#folder)
        mustSeek = true
      }
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#onClosed()
    await this.#reader.close()
    await this.#snapshot?.release()
  }
}

/** Attempts to read on after files disappeared. Merging two groups of tables takes LevelDB longer than looking them up. */
const attemptCountMax = 10

function startAfter({ lastKey }: ViewSink): Uint8Array | null {
  return lastKey === null ? null : keyAfter(lastKey)
}

/** The first key that comes after it. */
function keyAfter(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1)
  next.set(key)
  return next
}

function isOfAFile(error: unknown): boolean {
  return error instanceof LevelDamage || (error as NodeJS.ErrnoException).code === 'ENOENT'
}

async function lookUp(iterator: LevelIterator, key: Uint8Array, folder: string): Promise<Uint8Array | null> {
  iterator.seek(key)
  const [found] = await iterator.nextv(1)
  return found !== undefined && isSame(found[0], key) ? checkedValue(key, found[1], folder) : null
}

function isSame(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b
  return a.length === b.length && Buffer.compare(a, b) === 0
}

// --- the checksum: four bytes after the value ---

/** Makes what is stored for values, in bytes that are used again: a batch of LevelDB copies them at once. */
class StoredValue {
  #bytes = new Uint8Array(4096)

  of(key: Uint8Array, value: Uint8Array): Uint8Array {
    const at = value.length
    if (at + checksumSizeBytes > this.#bytes.length) this.#bytes = new Uint8Array(2 * at + checksumSizeBytes)
    const bytes = this.#bytes
    bytes.set(value)
    const sum = crc32c(value, crc32c(key))
    bytes[at] = sum >>> 24
    bytes[at + 1] = sum >>> 16
    bytes[at + 2] = sum >>> 8
    bytes[at + 3] = sum
    return bytes.subarray(0, at + checksumSizeBytes)
  }
}

function checkedValue(key: Uint8Array, stored: Uint8Array, folder: string): Uint8Array {
  const at = stored.length - checksumSizeBytes
  const value = new Uint8Array(stored.buffer, stored.byteOffset, Math.max(at, 0))
  const sum =
    at < 0 ? null : ((stored[at]! << 24) | (stored[at + 1]! << 16) | (stored[at + 2]! << 8) | stored[at + 3]!) >>> 0
  if (sum === crc32c(value, crc32c(key))) return value
  throw changedEntry(folder)
}

// --- errors ---

/** The texts of `strerror` in glibc, musl and macOS, since LevelDB passes on the text without the number. */
const systemCodes: readonly (readonly [text: RegExp, code: string])[] = [
  [/no space left on device/i, 'ENOSPC'],
  [/quota exceeded/i, 'EDQUOT'],
  [/input\/output error|i\/o error/i, 'EIO'],
  [/read-only file system/i, 'EROFS'],
  [/permission denied/i, 'EACCES'],
  [/operation not permitted/i, 'EPERM'],
  [/too many open files in system/i, 'ENFILE'],
  [/too many open files|no file descriptors available/i, 'EMFILE'],
  [/cannot allocate memory|out of memory/i, 'ENOMEM'],
  [/file too large/i, 'EFBIG'],
  [/stale (nfs )?file handle/i, 'ESTALE'],
  [/is a directory/i, 'EISDIR'],
  [/no such file or directory/i, damageCode],
]

/** An error of LevelDB as the ports name errors: with a code of the system, or as damage. Others stay as they are. */
function translated(error: unknown, folder: string): NodeJS.ErrnoException {
  if (error instanceof LevelDamage) return Object.assign(error, { code: damageCode })
  const cause = causeOf(error)
  if (cause.code === 'ENOENT') return Object.assign(cause, { code: damageCode }) // a file of the store
  if (cause.code === undefined || !/^LEVEL_(CORRUPTION|IO_ERROR)$/.test(cause.code)) return cause
  const ofSystem = systemCodes.find(([text]) => text.test(cause.message))?.[1]
  const code = cause.code === 'LEVEL_CORRUPTION' ? damageCode : (ofSystem ?? 'EIO')
  // The message of LevelDB has the path of the file, if it is known.
  const place = cause.message.includes(folder) ? '' : `${folder}: `
  return Object.assign(new Error(`${place}${cause.message}`, { cause }), { code })
}

/** abstract-level wraps what the binding says in an error of its own. */
function causeOf(error: unknown): NodeJS.ErrnoException {
  const { cause } = error as { cause?: unknown }
  return (cause instanceof Error ? cause : error) as NodeJS.ErrnoException
}

function ignoreMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null
  throw error
}
