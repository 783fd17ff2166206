/**
 * The files of a LevelDB as sources of versions: the logs together, each table of level 0, and the tables of each other
 * level, which do not overlap. level-reader.ts merges them.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import {
  batchHead,
  batchHeaderSizeBytes,
  FieldReader,
  LevelDamage,
  type LevelManifest,
  type LevelTable,
  liveLogs,
  readFully,
  readLog,
} from './level-files.ts'
import {
  type BlockPlace,
  fileName,
  footerMagic,
  footerSizeBytes,
  hasChecksum,
  removalKind,
  trailerSizeBytes,
  uncompressed,
} from './level-format.ts'
import { VersionRun, type VersionSource } from './level-versions.ts'
import { rejectWithPath } from './path-in-error.ts'

/** All that may have entries from `from` on. */
export async function versionSources(
  folder: string,
  names: readonly string[],
  manifest: LevelManifest,
  from: Uint8Array,
): Promise<readonly VersionSource[]> {
  const sources: VersionSource[] = [await logSource(liveLogs(folder, names, manifest))]
  const byLevel = new Map<number, LevelTable[]>()
  for (const table of manifest.tables.values()) {
    if (table.level === 0) sources.push(new TablesSource(folder, names, [table], from))
    else byLevel.set(table.level, [...(byLevel.get(table.level) ?? []), table])
  }
  for (const tables of byLevel.values()) {
    tables.sort((a, b) => compareWholeKeys(a.smallest, b.smallest))
    // A key with several versions may lie in two neighbouring tables, so the comparison is strict.
    const first = tables.findLastIndex(({ smallest }) => compareWholeKeys(smallest, from) < 0)
    sources.push(new TablesSource(folder, names, tables.slice(Math.max(first, 0)), from))
  }
  return sources
}

/** Of the keys in [start, end) of the bytes. In JavaScript, since a call of Buffer.compare takes longer than most keys. */
export function compareKeys(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const [aSizeBytes, bSizeBytes] = [aEnd - aStart, bEnd - bStart]
  const lengthBytes = Math.min(aSizeBytes, bSizeBytes)
  for (let i = 0; i < lengthBytes; i++) {
    const difference = a[aStart + i]! - b[bStart + i]!
    if (difference !== 0) return difference
  }
  return aSizeBytes - bSizeBytes
}

function compareWholeKeys(a: Uint8Array, b: Uint8Array): number {
  return compareKeys(a, 0, a.length, b, 0, b.length)
}

// --- writes that are in no table ---

interface LoggedVersion {
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly sequence: number
  readonly isRemoval: boolean
}

async function logSource(paths: readonly string[]): Promise<VersionSource> {
  const versions: LoggedVersion[] = []
  for (const path of paths) {
    await readLog(path, Number.POSITIVE_INFINITY, (batch) => {
      const { sequence, count } = batchHead(path, batch)
      const fields = new FieldReader(path, batch, batchHeaderSizeBytes)
      for (let i = 0; i < count; i++) {
        const isRemoval = fields.number() === removalKind
        const key = fields.bytes()
        const value = isRemoval ? noBytes : fields.bytes()
        versions.push({ key, value, sequence: sequence + i, isRemoval })
      }
    })
  }
  versions.sort((a, b) => compareWholeKeys(a.key, b.key) || b.sequence - a.sequence)
  let rest: readonly LoggedVersion[] = versions
  return {
    async next() {
      const run = runOf(rest)
      rest = []
      return run
    },
    close: async () => undefined,
  }
}

function runOf(versions: readonly LoggedVersion[]): VersionRun {
  const bytes = new Uint8Array(versions.reduce((sum, { value }) => sum + value.length, 0))
  const run = new VersionRun()
  run.reset(bytes)
  let at = 0
  for (const { key, value, sequence, isRemoval } of versions) {
    bytes.set(value, at)
    run.add(key, at, at + value.length, sequence, isRemoval)
    at += value.length
  }
  return run
}

const noBytes = new Uint8Array(0)
/** Bytes that are read at once: many blocks. */
const readSizeBytes = 256 * 1024

// --- tables ---

/** Of one run. */
interface Memory {
  readonly run: VersionRun
  bytes: Uint8Array
}

/** Tables one after another. Only one file is open at a time. */
class TablesSource implements VersionSource {
  readonly #folder: string
  readonly #names: readonly string[]
  readonly #tables: readonly LevelTable[]
  readonly #from: Uint8Array
  #nextTable = 0
  #file: FileHandle | null = null
  #path = ''
  #blocks: readonly BlockPlace[] = []
  #nextBlock = 0
  #ahead: Promise<VersionRun> | null = null
  /** Of the run that the caller has and of the one that is read ahead. */
  #memory: Memory = newMemory()
  #spareMemory: Memory = newMemory()

  constructor(folder: string, names: readonly string[], tables: readonly LevelTable[], from: Uint8Array) {
    this.#folder = folder
    this.#names = names
    this.#tables = tables
    this.#from = from
  }

  /** The disk reads the blocks of the next call while the caller uses those of this one. */
  async next(): Promise<VersionRun> {
    const run = await (this.#ahead ?? this.#load())
    this.#ahead = run.count === 0 ? null : this.#load()
    this.#ahead?.catch(() => undefined) // the next call rejects with it
    return run
  }

  async close(): Promise<void> {
    const ahead = this.#ahead
    this.#ahead = null
    await ahead?.catch(() => undefined) // its file must not be closed meanwhile
    await this.#closeFile()
  }

  async #load(): Promise<VersionRun> {
    const memory = this.#spareMemory
    this.#spareMemory = this.#memory
    this.#memory = memory
    const { run } = memory
    run.reset(noBytes)
    while (this.#nextBlock === this.#blocks.length) {
      await this.#closeFile()
      const table = this.#tables[this.#nextTable++]
      if (table === undefined) {
        this.#blocks = []
        this.#nextBlock = 0
        return run
      }
      await this.#openTable(table)
    }
    const first = this.#blocks[this.#nextBlock]!
    let end = this.#nextBlock + 1
    while (end < this.#blocks.length && endOf(this.#blocks[end]!) - first.offset <= readSizeBytes) end++
    const blocks = this.#blocks.slice(this.#nextBlock, end)
    const sizeBytes = endOf(blocks.at(-1)!) - first.offset
    if (memory.bytes.length < sizeBytes) memory.bytes = new Uint8Array(Math.max(sizeBytes, readSizeBytes))
    const bytes = memory.bytes.subarray(0, sizeBytes)
    await this.#read(first.offset, bytes)
    this.#nextBlock = end
    run.reset(bytes)
    for (const block of blocks) {
      const start = block.offset - first.offset
      this.#check(bytes, start, block)
      run.addBlock(this.#path, start, start + block.sizeBytes)
    }
    return run
  }

  async #closeFile(): Promise<void> {
    const file = this.#file
    this.#file = null
    await file?.close()
  }

  async #openTable({ number, sizeBytes }: LevelTable): Promise<void> {
    const name = [fileName(number, 'ldb'), fileName(number, 'sst')].find((each) => this.#names.includes(each))
    this.#path = join(this.#folder, name ?? fileName(number, 'ldb'))
    this.#file = await open(this.#path, 'r')
    const footer = new Uint8Array(footerSizeBytes)
    await this.#read(sizeBytes - footerSizeBytes, footer)
    if (!footerMagic.every((byte, i) => footer[footerSizeBytes - footerMagic.length + i] === byte)) {
      throw new LevelDamage(`${this.#path} does not end as a table does`)
    }
    const fields = new FieldReader(this.#path, footer)
    placeOf(fields) // of the metadata
    this.#blocks = await this.#readIndex(placeOf(fields))
    this.#nextBlock = 0
  }

  /** The places of the blocks that may have entries from `from` on. */
  async #readIndex(index: BlockPlace): Promise<readonly BlockPlace[]> {
    const bytes = new Uint8Array(index.sizeBytes + trailerSizeBytes)
    await this.#read(index.offset, bytes)
    this.#check(bytes, 0, index)
    const entries = new VersionRun()
    entries.reset(bytes)
    entries.addBlock(this.#path, 0, index.sizeBytes)
    const from = this.#from
    const blocks: BlockPlace[] = []
    for (let at = 0; at < entries.count; at++) {
      // The key in the index is not below any key of its block.
      if (compareKeys(entries.keys, entries.keyStart(at), entries.keyEnd(at), from, 0, from.length) < 0) continue
      blocks.push(placeOf(new FieldReader(this.#path, bytes.subarray(entries.valueStart(at), index.sizeBytes))))
    }
    return blocks
  }

  async #read(offset: number, bytes: Uint8Array): Promise<void> {
    const read = await readFully(this.#file!, bytes, offset).catch(rejectWithPath(this.#path))
    if (read === bytes.length) return
    throw new LevelDamage(`${this.#path} ends before offset ${offset + bytes.length}`)
  }

  /** The block begins at `start` of the bytes. */
  #check(bytes: Uint8Array, start: number, { offset, sizeBytes }: BlockPlace): void {
    const end = start + sizeBytes
    if (!hasChecksum(bytes, end + 1, bytes.subarray(start, end + 1))) {
      throw new LevelDamage(`${this.#path} was changed: the block at offset ${offset} does not have its checksum`)
    }
    if (bytes[end] !== uncompressed)
      throw new LevelDamage(`${this.#path} is compressed, which this version does not read`)
  }
}

function newMemory(): Memory {
  return { run: new VersionRun(), bytes: noBytes }
}

function endOf({ offset, sizeBytes }: BlockPlace): number {
  return offset + sizeBytes + trailerSizeBytes
}

function placeOf(fields: FieldReader): BlockPlace {
  return { offset: fields.number(), sizeBytes: fields.number() }
}
