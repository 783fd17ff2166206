/**
 * Makes a new store of LevelDB from entries that come in the order of their keys, without LevelDB, which would write each of
 * them three times: to its log, to a table, and when it merges tables. All tables are in the one level whose limit is above
 * their size, so LevelDB has nothing to merge when it opens the store.
 *
 * CURRENT makes a store of the files. It is written last, when all else is durable; a crash before that leaves no store.
 *
 * A table stays in memory until it is durable. One that does not fit a full disk is written again into another file: after a
 * flush that failed, the system may take bytes for durable that are not.
 */
import { open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { assert } from '../base/assert.ts'
import { damageCode } from '../base/disk-failure.ts'
import { forEachRecord } from '../base/records.ts'
import type { Disk } from '../ports/disk.ts'
import type { KeyValueFill } from '../ports/key-values.ts'
import type { LevelBytes } from './level-bytes.ts'
import { fileName } from './level-format.ts'
import { type FilledTable, newManifest } from './level-manifest.ts'
import { TableBuilder, type TableSizes } from './level-tables.ts'
import { rejectWithPath } from './path-in-error.ts'

/** What a fill does with files. Tests have others. */
export interface FillFiles {
  /** The bytes are durable in a new file when it resolves. What an attempt before has left of the file is removed. */
  write(path: string, bytes: Uint8Array): Promise<void>
  rename(from: string, to: string): Promise<void>
}

export const fillFiles: FillFiles = { write: writeDurably, rename }

export interface LevelFillOptions {
  readonly folder: string
  readonly sizes: TableSizes
  readonly disk: Pick<Disk, 'makeFolder' | 'syncDirectory'>
  readonly files: FillFiles
}

interface UnwrittenTable {
  readonly path: string
  readonly content: LevelBytes
  done: Promise<void>
  hasFailed: boolean
}

/** While more tables than this are not durable, `add` waits, so that memory is bounded. */
const unwrittenCountMax = 2
const manifestNumber = 1
const manifestName = `MANIFEST-${String(manifestNumber).padStart(6, '0')}`

export async function openFill(options: LevelFillOptions): Promise<KeyValueFill> {
  const { folder, disk } = options
  await disk.makeFolder(folder)
  const [name] = await readdir(folder)
  if (name === undefined) return new LevelFill(options)
  throw Object.assign(new Error(`${folder} must be empty, and has the file ${name}`), { code: 'EEXIST' })
}

class LevelFill implements KeyValueFill {
  readonly #options: LevelFillOptions
  readonly #builder: TableBuilder
  readonly #tables: FilledTable[] = []
  #nextNumber = manifestNumber + 1
  readonly #unwritten: UnwrittenTable[] = [] // oldest first
  #damage: Error | null = null
  #isClosed = false

  constructor(options: LevelFillOptions) {
    this.#options = options
    this.#builder = new TableBuilder(options.sizes)
  }

  async add(records: Uint8Array): Promise<void> {
    this.#assertUsable()
    await this.#awaitTables(unwrittenCountMax)
    this.#take(records)
    this.#builder.releaseBytes()
  }

  async finish(): Promise<void> {
    this.#assertUsable()
    this.#endTable()
    await this.#awaitTables(0)
    const { folder, disk, files } = this.#options
    await files.write(join(folder, manifestName), newManifest(this.#tables, this.#nextNumber))
    await disk.syncDirectory(folder)
    const draft = join(folder, fileName(manifestNumber, 'dbtmp'))
    await files.write(draft, Buffer.from(`${manifestName}\n`))
    await files.rename(draft, join(folder, 'CURRENT'))
    await disk.syncDirectory(folder)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.allSettled(this.#unwritten.map(({ done }) => done))
  }

  #take(records: Uint8Array): void {
    const view = new DataView(records.buffer, records.byteOffset, records.length)
    const builder = this.#builder
    const problem = forEachRecord(records, view, 0, (keyStart, keyEnd, valueStart, valueEnd) => {
      if (!builder.add(records, view, keyStart, keyEnd, valueStart, valueEnd)) return 'entries are out of order'
      if (builder.isFull) this.#endTable()
      return null
    })
    if (problem !== null) throw this.#damaged(problem)
  }

  #endTable(): void {
    const built = this.#builder.finish()
    if (built === null) return
    const { content, smallest, largest } = built
    const number = this.#nextNumber++
    this.#tables.push({ number, sizeBytes: content.length, smallest, largest })
    const path = join(this.#options.folder, fileName(number, 'ldb'))
    const table: UnwrittenTable = { path, content, done: Promise.resolve(), hasFailed: false }
    this.#unwritten.push(table)
    this.#beginWrite(table)
  }

  #beginWrite(table: UnwrittenTable): void {
    table.hasFailed = false
    table.done = this.#options.files.write(table.path, table.content.stretch(0))
    table.done.catch(() => {
      table.hasFailed = true
    })
  }

  /** At most that many tables are not durable when it resolves. Those that could not be written are written again. */
  async #awaitTables(countMax: number): Promise<void> {
    while (this.#unwritten.length > countMax) {
      const table = this.#unwritten[0]!
      if (table.hasFailed) this.#beginWrite(table)
      await table.done
      this.#unwritten.shift()
      this.#builder.reuse(table.content)
    }
  }

  #damaged(problem: string): Error {
    const message = `the entries for ${this.#options.folder} are damaged: ${problem}`
    this.#damage = Object.assign(new Error(message), { code: damageCode })
    return this.#damage
  }

  #assertUsable(): void {
    assert(!this.#isClosed, 'a store is filled until that is given up', { folder: this.#options.folder })
    if (this.#damage !== null) throw this.#damage
  }
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  await rm(path, { force: true })
  const file = await open(path, 'wx')
  try {
    await file.writeFile(bytes)
    await file.datasync()
  } catch (error) {
    rejectWithPath(path)(error)
  } finally {
    await file.close()
  }
}
