/**
 * Reads the files of a LevelDB in the order of the keys, beside the LevelDB that has the store open. An iterator of the
 * package makes two buffers of Node.js for each entry: 1,000,000 entries of 223 bytes took 7 s of processor time, and a
 * server that starts waits for them. Here whole blocks are read, entries are views of them, and it takes 2.2 s (on a busy
 * machine, both). The checksum of each block is verified, which LevelDB does not do. And LevelDB maps no table into memory.
 *
 * The caller holds a snapshot of LevelDB, so that each entry that it shows is kept. Files may disappear at any time, since
 * LevelDB merges tables in the background; then the manifest is read again, and reading goes on after the last key.
 */
import { type FileHandle, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { KeyValue } from '../ports/key-values.ts'
import {
  batchHead,
  batchHeaderSizeBytes,
  FieldReader,
  fileName,
  hasChecksum,
  LevelDamage,
  type LevelManifest,
  type LevelTable,
  liveLogs,
  markSizeBytes,
  readFully,
  readLog,
  readManifest,
} from './level-files.ts'
import { rejectWithPath } from './path-in-error.ts'

/** One version of an entry. Its users outside see the fields of `KeyValue` only. */
interface Version extends KeyValue {
  readonly sequence: number // of its write
  readonly isRemoval: boolean
}

/** Versions in order: by key, newer ones first. */
interface Source {
  /** The next versions; empty after the last. Each of at most about `readSizeBytes`. */
  next(): Promise<readonly Version[]>
  close(): Promise<void>
}

export class LevelReader {
  readonly #folder: string
  readonly #sequence: number // newer versions are not seen
  #heads: readonly Head[] = []
  #decided: Uint8Array | null = null // the key of which the newest visible version was seen last

  constructor(folder: string, sequence: number) {
    this.#folder = folder
    this.#sequence = sequence
  }

  /** Where the next `take` begins. */
  async seek(from: Uint8Array): Promise<void> {
    await this.close()
    this.#decided = null
    const names = await readdir(this.#folder)
    const manifest = await readManifest(this.#folder, names)
    this.#heads = (await sourcesOf(this.#folder, names, manifest, from)).map((source) => new Head(source))
    for (const head of this.#heads) await head.skipBefore(from)
  }

  /** Adds the next entries below `end`, until all have about the size, and at least one if any is left. */
  async take(end: Uint8Array | null, sizeBytesMax: number, entries: KeyValue[]): Promise<void> {
    let sizeBytes = entries.reduce((sum, { key, value }) => sum + key.length + value.length, 0)
    for (;;) {
      const [head, limit] = smallestOf(this.#heads)
      if (head === null) return
      // All versions up to the next key of the other sources come from this one.
      do {
        const version = head.version!
        if (end !== null && compareKeys(version.key, end) >= 0) return
        const isNew =
          version.sequence <= this.#sequence && (this.#decided === null || !isSameKey(version.key, this.#decided))
        if (isNew && !version.isRemoval) {
          const entrySizeBytes = version.key.length + version.value.length
          if (entries.length > 0 && sizeBytes + entrySizeBytes > sizeBytesMax) return
          sizeBytes += entrySizeBytes
          entries.push(version)
        }
        if (isNew) this.#decided = version.key
        head.step()
        if (head.version === null) await head.load()
      } while (head.version !== null && (limit === null || compareVersions(head.version, limit) < 0))
    }
  }

  async close(): Promise<void> {
    const heads = this.#heads
    this.#heads = []
    for (const { source } of heads) await source.close()
  }
}

/** A source and its next version. */
class Head {
  readonly source: Source
  version: Version | null = null // null: the versions at hand are used up
  #versions: readonly Version[] = []
  #at = 0

  constructor(source: Source) {
    this.source = source
  }

  step(): void {
    this.version = this.#versions[++this.#at] ?? null
  }

  async load(): Promise<void> {
    this.#versions = await this.source.next()
    this.#at = 0
    this.version = this.#versions[0] ?? null
  }

  async skipBefore(from: Uint8Array): Promise<void> {
    await this.load()
    while (this.version !== null && compareKeys(this.version.key, from) < 0) {
      this.step()
      if (this.version === null) await this.load()
    }
  }
}

/** The head with the smallest version, and the smallest version of the others. */
function smallestOf(heads: readonly Head[]): readonly [Head | null, Version | null] {
  let smallest: Head | null = null
  let limit: Version | null = null
  for (const head of heads) {
    if (head.version === null) continue
    if (smallest === null || compareVersions(head.version, smallest.version!) < 0) {
      limit = smallest?.version ?? null
      smallest = head
    } else if (limit === null || compareVersions(head.version, limit) < 0) limit = head.version
  }
  return [smallest, limit]
}

function compareVersions(a: Version, b: Version): number {
  return compareKeys(a.key, b.key) || b.sequence - a.sequence
}

/** In JavaScript, since a call of Buffer.compare takes longer than comparing most keys. */
function compareKeys(a: Uint8Array, b: Uint8Array): number {
  const lengthBytes = Math.min(a.length, b.length)
  for (let i = 0; i < lengthBytes; i++) {
    const difference = a[i]! - b[i]!
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** From the end, since neighbours begin alike. */
function isSameKey(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = a.length - 1; i >= 0; i--) if (a[i] !== b[i]) return false
  return true
}

async function sourcesOf(
  folder: string,
  names: readonly string[],
  manifest: LevelManifest,
  from: Uint8Array,
): Promise<readonly Source[]> {
  const sources: Source[] = [await logSource(liveLogs(folder, names, manifest))]
  const byLevel = new Map<number, LevelTable[]>()
  for (const table of manifest.tables.values()) {
    if (table.level === 0) sources.push(new TablesSource(folder, names, [table], from))
    else byLevel.set(table.level, [...(byLevel.get(table.level) ?? []), table])
  }
  for (const tables of byLevel.values()) {
    tables.sort((a, b) => compareKeys(a.smallest, b.smallest))
    // A key with several versions may lie in two neighbouring tables, so the comparison is strict.
    const first = tables.findLastIndex(({ smallest }) => compareKeys(smallest, from) < 0)
    sources.push(new TablesSource(folder, names, tables.slice(Math.max(first, 0)), from))
  }
  return sources
}

// --- writes that are in no table ---

async function logSource(paths: readonly string[]): Promise<Source> {
  const versions: Version[] = []
  for (const path of paths) {
    await readLog(path, Number.POSITIVE_INFINITY, (batch) => {
      const { sequence, count } = batchHead(path, batch)
      const fields = new FieldReader(path, batch, batchHeaderSizeBytes)
      for (let i = 0; i < count; i++) {
        const isRemoval = fields.number() === removalKind
        const key = fields.bytes()
        const value = isRemoval ? noBytes : fields.bytes().slice(0, -checksumSizeBytes)
        versions.push({ key, value, sequence: sequence + i, isRemoval })
      }
    })
  }
  versions.sort(compareVersions)
  let rest: readonly Version[] = versions
  return {
    async next() {
      const all = rest
      rest = []
      return all
    },
    close: async () => undefined,
  }
}

const removalKind = 0
/** level-stores.ts writes a checksum after each value. Blocks have checksums of their own, which are verified here. */
export const checksumSizeBytes = 4
const noBytes = new Uint8Array(0)
/** Bytes that are read at once: many blocks. */
const readSizeBytes = 256 * 1024
/** After each block: how it is compressed (1 byte), a checksum (4). */
const trailerSizeBytes = 5
/** At the end of each table: where its blocks of metadata and its index are, a magic number. */
const footerSizeBytes = 48
const footerMagic = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]

// --- tables ---

interface BlockPlace {
  readonly offset: number
  readonly sizeBytes: number
}

/** Tables one after another. Only one file is open at a time. */
class TablesSource implements Source {
  readonly #folder: string
  readonly #names: readonly string[]
  readonly #tables: readonly LevelTable[]
  readonly #from: Uint8Array
  #nextTable = 0
  #file: FileHandle | null = null
  #path = ''
  #blocks: readonly BlockPlace[] = []
  #nextBlock = 0
  #ahead: Promise<readonly Version[]> | null = null

  constructor(folder: string, names: readonly string[], tables: readonly LevelTable[], from: Uint8Array) {
    this.#folder = folder
    this.#names = names
    this.#tables = tables
    this.#from = from
  }

  /** The disk reads the blocks of the next call while the caller uses those of this one. */
  async next(): Promise<readonly Version[]> {
    const versions = await (this.#ahead ?? this.#load())
    this.#ahead = versions.length === 0 ? null : this.#load()
    this.#ahead?.catch(() => undefined) // the next call rejects with it
    return versions
  }

  async close(): Promise<void> {
    const ahead = this.#ahead
    this.#ahead = null
    await ahead?.catch(() => undefined) // its file must not be closed meanwhile
    await this.#closeFile()
  }

  async #load(): Promise<readonly Version[]> {
    while (this.#nextBlock === this.#blocks.length) {
      await this.#closeFile()
      const table = this.#tables[this.#nextTable++]
      if (table === undefined) {
        this.#blocks = []
        this.#nextBlock = 0
        return []
      }
      await this.#openTable(table)
    }
    const first = this.#blocks[this.#nextBlock]!
    let end = this.#nextBlock + 1
    while (end < this.#blocks.length && endOf(this.#blocks[end]!) - first.offset <= readSizeBytes) end++
    const blocks = this.#blocks.slice(this.#nextBlock, end)
    const bytes = await this.#read(first.offset, endOf(blocks.at(-1)!) - first.offset)
    this.#nextBlock = end
    const versions: Version[] = []
    for (const block of blocks) {
      addVersions(this.#path, this.#checked(bytes, block, first.offset), versions)
    }
    return versions
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
    const footer = await this.#read(sizeBytes - footerSizeBytes, footerSizeBytes)
    if (!footerMagic.every((byte, i) => footer[footerSizeBytes - footerMagic.length + i] === byte)) {
      throw new LevelDamage(`${this.#path} does not end as a table does`)
    }
    const fields = new FieldReader(this.#path, footer)
    placeOf(fields) // of the metadata
    const index = placeOf(fields)
    const bytes = await this.#read(index.offset, index.sizeBytes + trailerSizeBytes)
    const blocks: BlockPlace[] = []
    const entries = this.#checked(bytes, index, index.offset)
    forEachEntry(this.#path, entries, (lastKey, lastKeySizeBytes, valueAt, valueEnd) => {
      // The key in the index is not below any key of its block.
      if (compareKeys(lastKey.subarray(0, lastKeySizeBytes - markSizeBytes), this.#from) < 0) return
      blocks.push(placeOf(new FieldReader(this.#path, entries.subarray(valueAt, valueEnd))))
    })
    this.#blocks = blocks
    this.#nextBlock = 0
  }

  async #read(offset: number, lengthBytes: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(lengthBytes)
    const read = await readFully(this.#file!, bytes, offset).catch(rejectWithPath(this.#path))
    if (read === lengthBytes) return bytes
    throw new LevelDamage(`${this.#path} ends before offset ${offset + lengthBytes}`)
  }

  /** The entries of a block in bytes that were read from `start` on. */
  #checked(bytes: Uint8Array, { offset, sizeBytes }: BlockPlace, start: number): Uint8Array {
    const at = offset - start
    const end = at + sizeBytes
    if (!hasChecksum(bytes, end + 1, bytes.subarray(at, end + 1))) {
      throw new LevelDamage(`${this.#path} was changed: the block at offset ${offset} does not have its checksum`)
    }
    if (bytes[end] !== 0) throw new LevelDamage(`${this.#path} is compressed, which this version does not read`)
    return bytes.subarray(at, end)
  }
}

function endOf({ offset, sizeBytes }: BlockPlace): number {
  return offset + sizeBytes + trailerSizeBytes
}

function placeOf(fields: FieldReader): BlockPlace {
  return { offset: fields.number(), sizeBytes: fields.number() }
}

/**
 * LevelDB: table/block.cc. An entry has the count of bytes that its key shares with the key before, the count of its other
 * bytes, the length of its value, those bytes and the value. After the entries come the places where keys are whole (4
 * bytes each), and their count (4). `onEntry` gets the key in bytes that are used again for the next one.
 */
function forEachEntry(
  path: string,
  block: Uint8Array,
  onEntry: (key: Uint8Array, keySizeBytes: number, valueAt: number, valueEnd: number) => void,
): void {
  const last = block.length - 4
  const restartCount = block[last]! | (block[last + 1]! << 8) | (block[last + 2]! << 16)
  const end = last - 4 * restartCount
  let key = new Uint8Array(1024)
  let keySizeBytes = 0
  let at = 0
  const length = (): number => {
    let value = block[at++]!
    if (value < 128) return value
    value &= 127
    for (let shift = 7; ; shift += 7) {
      const byte = block[at++]!
      value |= (byte & 127) << shift
      if (byte < 128) return value
    }
  }
  while (at < end) {
    const sharedBytes = length()
    const ownBytes = length()
    const valueBytes = length()
    const valueAt = at + ownBytes
    if (sharedBytes > keySizeBytes || valueAt + valueBytes > end) {
      throw new LevelDamage(`${path} has an entry that is longer than its block`)
    }
    keySizeBytes = sharedBytes + ownBytes
    if (keySizeBytes > key.length) key = enlarged(key, 2 * keySizeBytes)
    for (let i = sharedBytes; i < keySizeBytes; i++) key[i] = block[at++]!
    at = valueAt + valueBytes
    onEntry(key, keySizeBytes, valueAt, at)
  }
}

function enlarged(bytes: Uint8Array, sizeBytes: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(sizeBytes)
  larger.set(bytes)
  return larger
}

function addVersions(path: string, block: Uint8Array, versions: Version[]): void {
  forEachEntry(path, block, (marked, markedSizeBytes, valueAt, valueEnd) => {
    const at = markedSizeBytes - markSizeBytes
    // The kind is the lowest byte, the number of the write the seven above it.
    const low = (marked[at + 1]! | (marked[at + 2]! << 8) | (marked[at + 3]! << 16) | (marked[at + 4]! << 24)) >>> 0
    const high = marked[at + 5]! | (marked[at + 6]! << 8) | (marked[at + 7]! << 16)
    const isRemoval = marked[at] === removalKind
    versions.push({
      key: marked.slice(0, at),
      value: isRemoval ? noBytes : block.subarray(valueAt, valueEnd - checksumSizeBytes),
      sequence: high * 2 ** 32 + low,
      isRemoval,
    })
  })
}
