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
import { open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32c } from '../base/crc32c.ts'

export type LevelFilesState =
  | { readonly kind: 'store' }
  | { readonly kind: 'no-store' } // the folder is missing, or no write to a store in it was ever finished
  | { readonly kind: 'damaged'; readonly message: string }

/** A file of the store that was found wrong. Never leaves this module. */
class Damage extends Error {}

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
    await checkLogs(folder, names, manifest)
    return { kind: 'store' }
  } catch (error) {
    if (error instanceof Damage) return damaged(error.message)
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

interface Manifest {
  readonly sizeByTable: ReadonlyMap<number, number>
  readonly oldestLog: number
  readonly lastSequence: number
}

async function readManifest(folder: string, names: readonly string[]): Promise<Manifest> {
  const current = await readFile(join(folder, 'CURRENT'), 'latin1')
  const name = /^(MANIFEST-\d+)\n$/.exec(current)?.[1]
  if (name === undefined) throw new Damage(`${join(folder, 'CURRENT')} does not name a manifest`)
  if (!names.includes(name)) throw new Damage(`${join(folder, name)} is missing`)
  const path = join(folder, name)
  const sizeByTable = new Map<number, number>()
  let [oldestLog, lastSequence, editCount] = [0, 0, 0]
  await readLog(path, Number.POSITIVE_INFINITY, (record) => {
    const edit = decodeEdit(path, record)
    for (const number of edit.removed) sizeByTable.delete(number)
    for (const [number, sizeBytes] of edit.added) sizeByTable.set(number, sizeBytes)
    oldestLog = edit.oldestLog ?? oldestLog
    lastSequence = edit.lastSequence ?? lastSequence
    editCount++
  })
  if (editCount === 0) throw new Damage(`${path} has no readable record`)
  return { sizeByTable, oldestLog, lastSequence }
}

interface Edit {
  readonly removed: readonly number[]
  readonly added: readonly (readonly [number: number, sizeBytes: number])[]
  readonly oldestLog: number | null
  readonly lastSequence: number | null
}

/** LevelDB: VersionEdit::DecodeFrom. A file that moves to another level is removed and added in the same edit. */
function decodeEdit(path: string, record: Uint8Array): Edit {
  const removed: number[] = []
  const added: [number, number][] = []
  let oldestLog: number | null = null
  let lastSequence: number | null = null
  let at = 0
  const number = (): number => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = record[at++]
      if (byte === undefined) throw new Damage(`${path} has a record that ends too early`)
      value += (byte & 0x7f) * factor
      if (byte < 128) return value
    }
  }
  const skipBytes = (): void => {
    const length = number()
    at += length
  }
  while (at < record.length) {
    const tag = number()
    if (tag === 1)
      skipBytes() // comparator
    else if (tag === 2) oldestLog = number()
    else if (tag === 3 || tag === 9)
      number() // next file number, previous log
    else if (tag === 4) lastSequence = number()
    else if (tag === 5 || tag === 6 || tag === 7) {
      number() // level
      if (tag === 6) removed.push(number())
      if (tag === 7) added.push([number(), number()])
      for (let keyCount = tag === 5 ? 1 : tag === 6 ? 0 : 2; keyCount > 0; keyCount--) skipBytes()
    } else throw new Damage(`${path} has a record with the unknown field ${tag}`)
  }
  return { removed, added, oldestLog, lastSequence }
}

async function checkTables(folder: string, names: readonly string[], { sizeByTable }: Manifest): Promise<void> {
  const nameByNumber = new Map(names.filter((name) => tableName.test(name)).map((name) => [numberOf(name), name]))
  for (const [number, sizeBytes] of sizeByTable) {
    const name = nameByNumber.get(number)
    if (name === undefined) throw new Damage(`${join(folder, fileName(number, 'ldb'))} is missing`)
    const { size } = await stat(join(folder, name))
    if (size !== sizeBytes) throw new Damage(`${join(folder, name)} has ${size} bytes and must have ${sizeBytes}`)
  }
}

async function checkLogs(folder: string, names: readonly string[], manifest: Manifest): Promise<void> {
  const { oldestLog, lastSequence } = manifest
  const logs = names.filter((name) => logName.test(name) && numberOf(name) >= oldestLog)
  logs.sort((a, b) => numberOf(a) - numberOf(b))
  if (oldestLog > 0 && (logs.length === 0 || numberOf(logs[0]!) !== oldestLog)) {
    throw new Damage(`${join(folder, fileName(oldestLog, 'log'))} is missing`)
  }
  let nextSequence: number | null = null
  for (const [index, name] of logs.entries()) {
    const path = join(folder, name)
    const end = await readLog(path, batchHeaderSizeBytes, (head) => {
      const { sequence, count } = batchHead(path, head)
      const isNext = nextSequence === null ? sequence <= lastSequence + 1 : sequence === nextSequence
      if (!isNext) throw new Damage(`${path} lacks the writes before number ${sequence}`)
      nextSequence = sequence + count
    })
    // The next log was made when the writes to this one were durable.
    if (end === 'torn' && index < logs.length - 1) throw new Damage(`${path} ends in the middle of a write`)
  }
}

/** Each record of a log is a batch: the number of its first entry (8 bytes), the count of its entries (4). */
const batchHeaderSizeBytes = 12

function batchHead(path: string, head: Uint8Array): { readonly sequence: number; readonly count: number } {
  if (head.length < batchHeaderSizeBytes) throw new Damage(`${path} has a write that is too short`)
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  return { sequence: Number(view.getBigUint64(0, true)), count: view.getUint32(8, true) }
}

function numberOf(name: string): number {
  return Number(/^\d+/.exec(name)?.[0])
}

function fileName(number: number, suffix: string): string {
  return `${String(number).padStart(6, '0')}.${suffix}`
}

// --- the records of a log or a manifest ---

const blockSizeBytes = 32 * 1024
const fragmentHeaderSizeBytes = 7
const readSizeBytes = 32 * blockSizeBytes
const full = 1
const first = 2
const middle = 3
const last = 4

/**
 * Calls `onRecord` with at most `headSizeBytes` of each record, in order. `torn`: the last record is incomplete or does
 * not have its checksum; a crash can leave any part of it. Damage: another record comes after such a one.
 */
async function readLog(
  path: string,
  headSizeBytes: number,
  onRecord: (head: Uint8Array) => void,
): Promise<'clean' | 'torn'> {
  const records = new Records(path, headSizeBytes, onRecord)
  const file = await open(path, 'r')
  try {
    const bytes = new Uint8Array(readSizeBytes)
    for (let offset = 0; ; offset += readSizeBytes) {
      const lengthBytes = await readFully(file, bytes, offset)
      for (let at = 0; at < lengthBytes; at += blockSizeBytes) {
        records.addBlock(bytes.subarray(at, Math.min(at + blockSizeBytes, lengthBytes)), offset + at)
      }
      if (lengthBytes < readSizeBytes) return records.isTorn ? 'torn' : 'clean'
    }
  } finally {
    await file.close()
  }
}

async function readFully(file: Awaited<ReturnType<typeof open>>, bytes: Uint8Array, offset: number): Promise<number> {
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
    if (at < block.length && block.length < blockSizeBytes) this.#unreadableAt ??= offset + at
  }

  #addFragment(type: number, fragment: Uint8Array, offset: number): void {
    const begins = type === full || type === first
    if (this.#unreadableAt !== null) {
      if (!begins) return // the rest of the record that is unreadable
      throw new Damage(`${this.#path} was changed at offset ${this.#unreadableAt}: a later write is complete`)
    }
    if (begins === (this.#head !== null) || type > last) {
      throw new Damage(`${this.#path} has a fragment at offset ${offset} that does not fit the one before`)
    }
    this.#head ??= []
    if (this.#headLengthBytes < this.#headSizeBytes) {
      const kept = fragment.slice(0, this.#headSizeBytes - this.#headLengthBytes)
      this.#head.push(kept)
      this.#headLengthBytes += kept.length
    }
    if (type === first || type === middle) return
    const head = Buffer.concat(this.#head)
    this.#head = null
    this.#headLengthBytes = 0
    this.#onRecord(head)
  }
}

/** The checksum covers the type and the bytes. LevelDB masks it, since a CRC of bytes with a CRC in them is weak. */
function hasItsChecksum(fragment: Uint8Array): boolean {
  const view = new DataView(fragment.buffer, fragment.byteOffset, fragment.byteLength)
  const rotated = (view.getUint32(0, true) - 0xa282ead8) >>> 0
  return ((rotated >>> 17) | (rotated << 15)) >>> 0 === crc32c(fragment.subarray(6))
}
