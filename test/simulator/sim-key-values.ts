/**
 * Stores of keys and values over the simulated disk, for checkpoints in tests and in the simulator. A store is one file to
 * which batches are appended, each with one durable write, so that it fails wherever the disk fails; the content is in
 * memory as well. A batch that is not complete at the end of the file was never acknowledged and is dropped when the store
 * is opened. Like LevelDB, a store whose write failed takes no further one until it is opened again.
 *   file  =  magic (8 bytes), batches
 *   batch =  size of the body u32, CRC32C of the body u32, CRC32C of both u32, body
 *   body  =  number of puts u32, puts (key, value), removals (key); each with its size u32
 * The checksums continue that of the batch before. A store that is filled is written under another name, which it loses when
 * all of it is durable.
 */
import { assert } from '../../src/base/assert.ts'
import { crc32c } from '../../src/base/crc32c.ts'
import { damageCode } from '../../src/base/disk-failure.ts'
import { err, ok, type Result } from '../../src/base/result.ts'
import type { Disk, DiskFile, FolderLock } from '../../src/ports/disk.ts'
import type {
  KeyValue,
  KeyValueFailure,
  KeyValueFill,
  KeyValueRecords,
  KeyValueStore,
  KeyValueStores,
  KeyValueView,
} from '../../src/ports/key-values.ts'
import { entriesOf, recordsOf } from '../support/records.ts'

const fileName = 'entries'
const draftName = 'entries.draft'
const magic = new TextEncoder().encode('simstore')
const batchHeaderSizeBytes = 12

export class SimKeyValues implements KeyValueStores {
  readonly #disk: Disk

  constructor(disk: Disk) {
    this.#disk = disk
  }

  async open(folder: string, mayCreate: boolean): Promise<Result<KeyValueStore, KeyValueFailure>> {
    const disk = this.#disk
    const path = `${folder}/${fileName}`
    if (!mayCreate && !(await disk.exists(path))) return err({ kind: 'damaged', message: `${path} is missing` })
    await disk.makeFolder(folder)
    let lock: FolderLock
    try {
      lock = await disk.lock(folder)
    } catch (error) {
      return err({ kind: 'locked', message: (error as Error).message })
    }
    try {
      const file = (await disk.exists(path)) ? await disk.open(path, 'read-write') : await create(disk, folder, path)
      const content = await readContent(file)
      if (content.ok) {
        // As LevelDB, which writes what it reads into new files: the flush of an earlier process may have failed.
        await file.sync()
        await disk.syncDirectory(folder)
        return ok(new SimStore(disk, file, content.value, lock))
      }
      await file.close()
      await lock.release()
      return content
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  async fill(folder: string): Promise<KeyValueFill> {
    const disk = this.#disk
    await disk.makeFolder(folder)
    const [name] = await disk.list(folder)
    if (name !== undefined) throw Object.assign(new Error(`${folder} has the file ${name}`), { code: 'EEXIST' })
    const file = await disk.open(`${folder}/${draftName}`, 'create-new')
    await file.write(0, [magic])
    return new SimFill(disk, file, folder)
  }

  async remove(folder: string): Promise<void> {
    const disk = this.#disk
    if (!(await disk.exists(folder))) return
    for (const name of await disk.list(folder)) await disk.remove(`${folder}/${name}`)
    await disk.syncDirectory(folder)
  }
}

interface Content {
  readonly values: Map<string, Uint8Array>
  end: number // of the last good batch
  checksum: number
}

class SimStore implements KeyValueStore {
  readonly readOnlyBecause = null
  readonly #disk: Disk
  readonly #file: DiskFile
  readonly #content: Content
  readonly #lock: FolderLock
  #sorted: readonly KeyValue[] | null = null
  #state: 'open' | 'writing' | 'failed' | 'closed' = 'open'

  constructor(disk: Disk, file: DiskFile, content: Content, lock: FolderLock) {
    this.#disk = disk
    this.#file = file
    this.#content = content
    this.#lock = lock
  }

  async get(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | null)[]> {
    this.#assertNotClosed()
    // A read of the file, so that reads fail as those of a disk do.
    await this.#file.read(0, magic.length)
    return keys.map((key) => this.#content.values.get(textOf(key))?.slice() ?? null)
  }

  async write(entries: Iterable<KeyValue>, removals: readonly Uint8Array[]): Promise<void> {
    this.#assertNotClosed()
    const puts = [...entries]
    assert(this.#state === 'open', 'a store is written by one call at a time, and not after a failure', {
      state: this.#state,
    })
    this.#state = 'writing'
    const content = this.#content
    const { bytes, checksum } = encodeBatch(puts, removals, content.checksum)
    try {
      // What a crash left of a batch must not be read after the batch that takes its place.
      if ((await this.#file.sizeBytes()) > content.end) await this.#file.truncate(content.end)
      await this.#file.writeDurably(content.end, [bytes])
    } catch (error) {
      this.#state = 'failed'
      throw error
    }
    for (const { key, value } of puts) content.values.set(textOf(key), value.slice())
    for (const key of removals) content.values.delete(textOf(key))
    content.end += bytes.length
    content.checksum = checksum
    this.#sorted = null
    this.#state = 'open'
  }

  view(): KeyValueView {
    this.#assertNotClosed()
    this.#sorted ??= [...this.#content.values]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => ({ key: bytesOf(key), value }))
    return new SimView(this.#sorted, () => this.#assertNotClosed())
  }

  /** Reads the file by its name, which may be another one by now. */
  async check(): Promise<KeyValueFailure | null> {
    this.#assertNotClosed()
    const { path } = this.#file
    if (!(await this.#disk.exists(path))) return { kind: 'damaged', message: `${path} is missing` }
    const file = await this.#disk.open(path, 'read')
    try {
      const found = await readContent(file)
      if (!found.ok) return found.error
      const isWhole = found.value.end === this.#content.end && found.value.checksum === this.#content.checksum
      return isWhole ? null : { kind: 'damaged', message: `${path} lacks the newest writes` }
    } finally {
      await file.close()
    }
  }

  async sizeBytes(): Promise<number> {
    this.#assertNotClosed()
    return this.#file.sizeBytes()
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    await this.#file.close()
    await this.#lock.release()
  }

  #assertNotClosed(): void {
    if (this.#state === 'closed') throw new Error(`${this.#file.path} is closed`)
  }
}

interface DraftBatch {
  readonly bytes: Uint8Array
  done: Promise<void>
  hasFailed: boolean
}

/** As the real one, it writes a batch while the next one is added, and writes it again if that failed. */
class SimFill implements KeyValueFill {
  readonly #disk: Disk
  readonly #file: DiskFile
  readonly #folder: string
  #end = magic.length
  #checksum = 0
  #lastKey: Uint8Array | null = null
  #batch: DraftBatch | null = null // null: all that was added is in the file
  #state: 'adding' | 'renamed' | 'damaged' | 'closed' = 'adding'

  constructor(disk: Disk, file: DiskFile, folder: string) {
    this.#disk = disk
    this.#file = file
    this.#folder = folder
  }

  async add(records: Uint8Array): Promise<void> {
    assert(this.#state !== 'closed' && this.#state !== 'renamed', 'a fill takes entries until it ends', {})
    await this.#awaitBatch()
    const entries = entriesOf(records)
    for (const { key } of entries ?? []) {
      if (this.#lastKey !== null && Buffer.compare(key, this.#lastKey) <= 0) this.#state = 'damaged'
      this.#lastKey = key
    }
    if (entries === null) this.#state = 'damaged'
    this.#assertNotDamaged()
    const { bytes, checksum } = encodeBatch(entries ?? [], [], this.#checksum)
    this.#checksum = checksum
    this.#batch = { bytes, done: Promise.resolve(), hasFailed: false }
    this.#begin(this.#batch)
  }

  async finish(): Promise<void> {
    this.#assertNotDamaged()
    await this.#awaitBatch()
    await this.#file.sync()
    if (this.#state === 'adding') await this.#disk.rename(this.#file.path, `${this.#folder}/${fileName}`)
    this.#state = 'renamed'
    await this.#disk.syncDirectory(this.#folder)
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    await this.#batch?.done.catch(() => {})
    await this.#file.close()
  }

  #begin(batch: DraftBatch): void {
    batch.hasFailed = false
    batch.done = this.#file.write(this.#end, [batch.bytes])
    batch.done.catch(() => {
      batch.hasFailed = true
    })
  }

  async #awaitBatch(): Promise<void> {
    const batch = this.#batch
    if (batch === null) return
    if (batch.hasFailed) this.#begin(batch)
    await batch.done
    this.#end += batch.bytes.length
    this.#batch = null
  }

  #assertNotDamaged(): void {
    if (this.#state !== 'damaged') return
    throw Object.assign(new Error(`${this.#folder} is filled with damaged entries`), { code: damageCode })
  }
}

class SimView implements KeyValueView {
  readonly #entries: readonly KeyValue[]
  readonly #assertOpen: () => void
  #isClosed = false

  constructor(entries: readonly KeyValue[], assertOpen: () => void) {
    this.#entries = entries
    this.#assertOpen = assertOpen
  }

  async read(from: Uint8Array, end: Uint8Array | null, sizeBytesMax: number): Promise<readonly KeyValue[]> {
    this.#assertOpen()
    assert(!this.#isClosed, 'a view is read until it is closed', {})
    const found: KeyValue[] = []
    let sizeBytes = 0
    for (let at = this.#firstFrom(from); at < this.#entries.length; at += 1) {
      const { key, value } = this.#entries[at]!
      if (end !== null && Buffer.compare(key, end) >= 0) break
      sizeBytes += key.length + value.length
      if (found.length > 0 && sizeBytes > sizeBytesMax) break
      found.push({ key: key.slice(), value: value.slice() })
    }
    return found
  }

  async readRecords(from: Uint8Array, headSizeBytes: number, sizeBytesMax: number): Promise<KeyValueRecords> {
    this.#assertOpen()
    assert(!this.#isClosed, 'a view is read until it is closed', {})
    return recordsOf(this.#entries.slice(this.#firstFrom(from)), headSizeBytes, sizeBytesMax)
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  #firstFrom(from: Uint8Array): number {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (Buffer.compare(this.#entries[middle]!.key, from) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

async function create(disk: Disk, folder: string, path: string): Promise<DiskFile> {
  const file = await disk.open(path, 'create-new')
  await file.writeDurably(0, [magic])
  await disk.syncDirectory(folder)
  return file
}

async function readContent(file: DiskFile): Promise<Result<Content, KeyValueFailure>> {
  const bytes = await file.read(0, await file.sizeBytes())
  const damaged = (at: number): Result<Content, KeyValueFailure> =>
    err({ kind: 'damaged', message: `${file.path}, offset ${at}, is not as it was written` })
  if (textOf(bytes.subarray(0, magic.length)) !== textOf(magic)) return damaged(0)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const content: Content = { values: new Map(), end: magic.length, checksum: 0 }
  while (content.end + batchHeaderSizeBytes <= bytes.length) {
    const header = bytes.subarray(content.end, content.end + 8)
    if (crc32c(header, content.checksum) !== view.getUint32(content.end + 8)) break
    const start = content.end + batchHeaderSizeBytes
    const end = start + view.getUint32(content.end)
    const checksum = view.getUint32(content.end + 4)
    if (end > bytes.length || crc32c(bytes.subarray(start, end), content.checksum) !== checksum) {
      // A batch is made when the one before it is durable: what comes after a wrong one proves that it was whole once.
      if (end < bytes.length) return damaged(content.end)
      break
    }
    applyBody(content.values, bytes.subarray(start, end))
    content.end = end
    content.checksum = checksum
  }
  return ok(content)
}

function encodeBatch(
  puts: readonly KeyValue[],
  removals: readonly Uint8Array[],
  checksumBefore: number,
): { readonly bytes: Uint8Array; readonly checksum: number } {
  const parts = [...puts.flatMap(({ key, value }) => [key, value]), ...removals]
  const sizeBytes = parts.reduce((sum, part) => sum + 4 + part.length, batchHeaderSizeBytes + 4)
  const bytes = new Uint8Array(sizeBytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, sizeBytes - batchHeaderSizeBytes)
  view.setUint32(batchHeaderSizeBytes, puts.length)
  let at = batchHeaderSizeBytes + 4
  for (const part of parts) {
    view.setUint32(at, part.length)
    bytes.set(part, at + 4)
    at += 4 + part.length
  }
  const checksum = crc32c(bytes.subarray(batchHeaderSizeBytes), checksumBefore)
  view.setUint32(4, checksum)
  view.setUint32(8, crc32c(bytes.subarray(0, 8), checksumBefore))
  return { bytes, checksum }
}

function applyBody(values: Map<string, Uint8Array>, body: Uint8Array): void {
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  let at = 4
  const next = (): Uint8Array => {
    const end = at + 4 + view.getUint32(at)
    const part = body.slice(at + 4, end)
    at = end
    return part
  }
  for (let left = view.getUint32(0); left > 0; left -= 1) {
    const key = next()
    values.set(textOf(key), next())
  }
  while (at < body.length) values.delete(textOf(next()))
}

/** One UTF-16 unit for each byte, so texts are ordered as the bytes are. */
function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'))
}
