/**
 * Checks the files of a LevelDB before LevelDB opens them. LevelDB skips a damaged record of its log without an error
 * and goes on with the next one (db_impl.cc: RecoverLogFile, paranoid_checks is off and the package cannot set it), does
 * not notice that a log file is missing, and opens a table whose size is wrong. It then deletes the files that it has
 * read. So the damage is found here, while all files still exist, and with the name of the file.
 *
 * An incomplete record is no damage if nothing comes after it: a crash leaves that of a write that was never
 * acknowledged. Assumes that every write was synchronous. The content of the tables is not read here.
 *
 * Formats: log_reader.cc, version_edit.cc and write_batch.cc of LevelDB 1.20.
 */
import { type FileHandle, open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  editTags,
  fileName,
  fragmentHeaderSizeBytes,
  fragmentTypes,
  hasChecksum,
  logBlockSizeBytes,
  markSizeBytes,
} from './level-format.ts'
import { rejectWithPath } from './path-in-error.ts'

export type LevelFilesState =
  | { readonly kind: 'store'; readonly lastSequence: number } // of the newest write
  | { readonly kind: 'no-store' } // the folder is missing, or no write to a store in it was ever finished
  | { readonly kind: 'damaged'; readonly message: string }

/** A file of the store is missing or was changed. The message has its path. */
export class LevelDamage extends Error {}

export async function checkLevelFiles(folder: string): Promise<LevelFilesState> {
  const names = await namesIn(folder)
  if (!names.includes('CURRENT')) {
    const used = names.find((name) => tableName.test(name) || (logName.test(name) && name !== '000003.log'))
    const foreign = names.find((name) => !ownName.test(name))
    if (used === undefined && foreign === undefined) return { kind: 'no-store' }
    return damaged(`${join(folder, 'CURRENT')} is missing, and ${used ?? foreign} exists beside it`)
  }
  try {
    const manifest = await readManifest(folder, names)
    await checkTables(folder, names, manifest)
    return { kind: 'store', lastSequence: await checkLogs(folder, names, manifest) }
  } catch (error) {
    if (error instanceof LevelDamage) return damaged(error.message)
    throw error
  }
}

const tableName = /^\d+\.(ldb|sst)$/
const logName = /^\d+\.log$/
/** What exists before the first write of a store that LevelDB is making. */
const ownName = /^(LOCK|LOG|LOG\.old|MANIFEST-\d+|\d+\.dbtmp|\d+\.log)$/

function damaged(message: string): LevelFilesState {
  return { kind: 'damaged', message }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

// --- the manifest: which tables and logs make up the store ---

export interface LevelTable {
  readonly number: number
  readonly level: number // tables of one level do not overlap, except those of level 0
  readonly sizeBytes: number
  readonly smallest: Uint8Array // its first key, without the mark of LevelDB
}

export interface LevelManifest {
  readonly tables: ReadonlyMap<number, LevelTable>
  readonly oldestLog: number
  readonly lastSequence: number // of the writes in the tables; those in the logs are newer
}

export async function readManifest(folder: string, names: readonly string[]): Promise<LevelManifest> {
  const currentPath = join(folder, 'CURRENT')
  const current = await readFile(currentPath, 'latin1').catch(rejectWithPath(currentPath))
  const name = /^(MANIFEST-\d+)\n$/.exec(current)?.[1]
  if (name === undefined) throw new LevelDamage(`${currentPath} does not name a manifest`)
  if (!names.includes(name)) throw new LevelDamage(`${join(folder, name)} is missing`)
  const path = join(folder, name)
  const tables = new Map<number, LevelTable>()
  let [oldestLog, lastSequence, editCount] = [0, 0, 0]
  await readLog(path, Number.POSITIVE_INFINITY, (record) => {
    const edit = decodeEdit(path, record)
    for (const number of edit.removed) tables.delete(number)
    for (const table of edit.added) tables.set(table.number, table)
    oldestLog = edit.oldestLog ?? oldestLog
    lastSequence = edit.lastSequence ?? lastSequence
    editCount++
  })
  if (editCount === 0) throw new LevelDamage(`${path} has no readable record`)
  return { tables, oldestLog, lastSequence }
}

interface Edit {
  readonly removed: readonly number[]
  readonly added: readonly LevelTable[]
  readonly oldestLog: number | null
  readonly lastSequence: number | null
}

/** LevelDB: VersionEdit::DecodeFrom. A file that moves to another level is removed and added in the same edit. */
function decodeEdit(path: string, record: Uint8Array): Edit {
  const removed: number[] = []
  const added: LevelTable[] = []
  let oldestLog: number | null = null
  let lastSequence: number | null = null
  const fields = new FieldReader(path, record)
  while (!fields.isAtEnd) {
    const tag = fields.number()
    if (tag === editTags.comparator) fields.bytes()
    else if (tag === editTags.oldestLog) oldestLog = fields.number()
    else if (tag === editTags.nextFile || tag === editTags.previousLog) fields.number()
    else if (tag === editTags.lastSequence) lastSequence = fields.number()
    else if (tag === editTags.compactionStart) {
      fields.number() // level
      fields.bytes() // key
    } else if (tag === editTags.removedTable) {
      fields.number() // level
      removed.push(fields.number())
    } else if (tag === editTags.addedTable) {
      const [level, number, sizeBytes] = [fields.number(), fields.number(), fields.number()]
      const smallest = fields.bytes()
      fields.bytes() // largest
      added.push({ level, number, sizeBytes, smallest: smallest.slice(0, -markSizeBytes) })
    } else throw new LevelDamage(`${path} has a record with the unknown field ${tag}`)
  }
  return { removed, added, oldestLog, lastSequence }
}

/** Numbers and byte strings in the encoding of LevelDB. */
export class FieldReader {
  readonly #path: string
  readonly #bytes: Uint8Array
  #at: number

  constructor(path: string, bytes: Uint8Array, at = 0) {
    this.#path = path
    this.#bytes = bytes
    this.#at = at
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  number(): number {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) throw this.#endsTooEarly()
      value += (byte & 0x7f) * factor
      if (byte < 128) return value
    }
  }

  bytes(): Uint8Array {
    const lengthBytes = this.number()
    if (this.#at + lengthBytes > this.#bytes.length) throw this.#endsTooEarly()
    this.#at += lengthBytes
    return this.#bytes.subarray(this.#at - lengthBytes, this.#at)
  }

  #endsTooEarly(): LevelDamage {
    return new LevelDamage(`${this.#path} has a record that ends too early`)
  }
}

async function checkTables(folder: string, names: readonly string[], { tables }: LevelManifest): Promise<void> {
  const nameByNumber = new Map(names.filter((name) => tableName.test(name)).map((name) => [numberOf(name), name]))
  for (const { number, sizeBytes } of tables.values()) {
    const name = nameByNumber.get(number)
    if (name === undefined) throw new LevelDamage(`${join(folder, fileName(number, 'ldb'))} is missing`)
    const { size } = await stat(join(folder, name))
    if (size !== sizeBytes) throw new LevelDamage(`${join(folder, name)} has ${size} bytes and must have ${sizeBytes}`)
  }
}

/** The paths of the logs whose writes are not in tables, oldest first. */
export function liveLogs(folder: string, names: readonly string[], { oldestLog }: LevelManifest): readonly string[] {
  const logs = names.filter((name) => logName.test(name) && numberOf(name) >= oldestLog)
  logs.sort((a, b) => numberOf(a) - numberOf(b))
  if (oldestLog > 0 && (logs.length === 0 || numberOf(logs[0]!) !== oldestLog)) {
    throw new LevelDamage(`${join(folder, fileName(oldestLog, 'log'))} is missing`)
  }
  return logs.map((name) => join(folder, name))
}

/** Returns the number of the newest write. */
async function checkLogs(folder: string, names: readonly string[], manifest: LevelManifest): Promise<number> {
  const { lastSequence } = manifest
  const logs = liveLogs(folder, names, manifest)
  let nextSequence: number | null = null
  for (const [index, path] of logs.entries()) {
    const end = await readLog(path, batchHeaderSizeBytes, (head) => {
      const { sequence, count } = batchHead(path, head)
      const isNext = nextSequence === null ? sequence <= lastSequence + 1 : sequence === nextSequence
      if (!isNext) throw new LevelDamage(`${path} lacks the writes before number ${sequence}`)
      nextSequence = sequence + count
    })
    // The next log was made when the writes to this one were durable.
    if (end === 'torn' && index < logs.length - 1) throw new LevelDamage(`${path} ends in the middle of a write`)
  }
  return Math.max(lastSequence, (nextSequence ?? 0) - 1)
}

/** Each record of a log is a batch: the number of its first entry (8 bytes), the count of its entries (4). */
export const batchHeaderSizeBytes = 12

export function batchHead(path: string, head: Uint8Array): { readonly sequence: number; readonly count: number } {
  if (head.length < batchHeaderSizeBytes) throw new LevelDamage(`${path} has a write that is too short`)
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  return { sequence: Number(view.getBigUint64(0, true)), count: view.getUint32(8, true) }
}

function numberOf(name: string): number {
  return Number(/^\d+/.exec(name)?.[0])
}

// --- the records of a log or a manifest ---

const readSizeBytes = 32 * logBlockSizeBytes

/**
 * Calls `onRecord` with at most `headSizeBytes` of each record, in order. `torn`: the last record is incomplete or does
 * not have its checksum; a crash can leave any part of it. Damage: another record comes after such a one.
 */
export async function readLog(
  path: string,
  headSizeBytes: number,
  onRecord: (head: Uint8Array) => void,
): Promise<'clean' | 'torn'> {
  const records = new Records(path, headSizeBytes, onRecord)
  const file = await open(path, 'r')
  try {
    const bytes = new Uint8Array(readSizeBytes)
    for (let offset = 0; ; offset += readSizeBytes) {
      const lengthBytes = await readFully(file, bytes, offset).catch(rejectWithPath(path))
      for (let at = 0; at < lengthBytes; at += logBlockSizeBytes) {
        records.addBlock(bytes.subarray(at, Math.min(at + logBlockSizeBytes, lengthBytes)), offset + at)
      }
      if (lengthBytes < readSizeBytes) return records.isTorn ? 'torn' : 'clean'
    }
  } finally {
    await file.close()
  }
}

export async function readFully(file: FileHandle, bytes: Uint8Array, offset: number): Promise<number> {
  let lengthBytes = 0
  while (lengthBytes < bytes.length) {
    const { bytesRead } = await file.read(bytes, lengthBytes, bytes.length - lengthBytes, offset + lengthBytes)
    if (bytesRead === 0) break
    lengthBytes += bytesRead
  }
  return lengthBytes
}

/** Joins the fragments of each record. A block is whole, except the last one of the file. */
class Records {
  readonly #path: string
  readonly #headSizeBytes: number
  readonly #onRecord: (head: Uint8Array) => void
  #head: Uint8Array[] | null = null // of the record that has begun; null: none has
  #headLengthBytes = 0
  #unreadableAt: number | null = null // where the first fragment lies that is incomplete or was changed

  constructor(path: string, headSizeBytes: number, onRecord: (head: Uint8Array) => void) {
    this.#path = path
    this.#headSizeBytes = headSizeBytes
    this.#onRecord = onRecord
  }

  get isTorn(): boolean {
    return this.#unreadableAt !== null || this.#head !== null
  }

  addBlock(block: Uint8Array, offset: number): void {
    let at = 0
    while (at + fragmentHeaderSizeBytes <= block.length) {
      const lengthBytes = block[at + 4]! | (block[at + 5]! << 8)
      const end = at + fragmentHeaderSizeBytes + lengthBytes
      if (end > block.length || !hasItsChecksum(block.subarray(at, end))) {
        // LevelDB, too, skips the rest of the block, since the length may be what was changed.
        this.#unreadableAt ??= offset + at
        return
      }
      this.#addFragment(block[at + 6]!, block.subarray(at + fragmentHeaderSizeBytes, end), offset + at)
      at = end
    }
    if (at < block.length && block.length < logBlockSizeBytes) this.#unreadableAt ??= offset + at
  }

  #addFragment(type: number, fragment: Uint8Array, offset: number): void {
    const begins = type === fragmentTypes.full || type === fragmentTypes.first
    if (this.#unreadableAt !== null) {
      if (!begins) return // the rest of the record that is unreadable
      throw new LevelDamage(`${this.#path} was changed at offset ${this.#unreadableAt}: a later write is complete`)
    }
    if (begins === (this.#head !== null) || type > fragmentTypes.last) {
      throw new LevelDamage(`${this.#path} has a fragment at offset ${offset} that does not fit the one before`)
    }
    this.#head ??= []
    if (this.#headLengthBytes < this.#headSizeBytes) {
      const kept = fragment.slice(0, this.#headSizeBytes - this.#headLengthBytes)
      this.#head.push(kept)
      this.#headLengthBytes += kept.length
    }
    if (type === fragmentTypes.first || type === fragmentTypes.middle) return
    const head = Buffer.concat(this.#head)
    this.#head = null
    this.#headLengthBytes = 0
    this.#onRecord(head)
  }
}

/** The checksum covers the type and the bytes. */
function hasItsChecksum(fragment: Uint8Array): boolean {
  return hasChecksum(fragment, 0, fragment.subarray(6))
}
