/**
 * Reads the files of a LevelDB in the order of the keys, beside the LevelDB that has the store open. An iterator of the
 * package makes two buffers of Node.js for each entry: 1,000,000 entries of 223 bytes took 7 s of processor time, and a
 * server that starts waits for them. Here whole blocks are read, and an entry is a few numbers (level-versions.ts). The
 * checksum of each block is verified, which LevelDB does not do. And LevelDB maps no table into memory.
 *
 * The caller holds a snapshot of LevelDB, so that each entry that it shows is kept. Files may disappear at any time, since
 * LevelDB merges tables in the background; then the manifest is read again, and reading goes on after the last key.
 */
import { readdir } from 'node:fs/promises'
import { readManifest } from './level-files.ts'
import { compareKeys, versionSources } from './level-sources.ts'
import type { VersionRun, VersionSource } from './level-versions.ts'

/** What becomes of the entries. */
export interface EntrySink {
  /** False: there is no room for the entry. It is the first one of the next `take`. */
  add(run: VersionRun, at: number): boolean
}

export class LevelReader {
  readonly #folder: string
  readonly #sequence: number // newer versions are not seen
  #heads: readonly Head[] = []
  /** The place of the key of which the newest visible version was seen last, or a copy of it after its run was dropped. */
  #decidedRun: VersionRun | null = null
  #decidedAt = 0
  #decidedKey: Uint8Array | null = null

  constructor(folder: string, sequence: number) {
    this.#folder = folder
    this.#sequence = sequence
  }

  /** Where the next `take` begins. */
  async seek(from: Uint8Array): Promise<void> {
    await this.close()
    this.#decidedRun = null
    this.#decidedKey = null
    const names = await readdir(this.#folder)
    const manifest = await readManifest(this.#folder, names)
    const sources = await versionSources(this.#folder, names, manifest, from)
    this.#heads = sources.map((source) => new Head(source))
    for (const head of this.#heads) await head.skipBefore(from)
  }

  /** Gives the next entries below `end`, until the sink has no room. */
  async take(end: Uint8Array | null, sink: EntrySink): Promise<void> {
    for (;;) {
      const [head, limit] = smallestOf(this.#heads)
      if (head === null) return
      // All versions up to the next key of the other sources come from this one.
      do {
        const { run, at } = head
        if (end !== null && compareKeys(run.keys, run.keyStart(at), run.keyEnd(at), end, 0, end.length) >= 0) return
        if (run.sequence(at) <= this.#sequence && !this.#isDecided(run, at)) {
          if (!run.isRemoval(at) && !sink.add(run, at)) return
          this.#decidedRun = run
          this.#decidedAt = at
        }
        const loading = this.#step(head)
        if (loading !== null) await loading // not for each entry, which would double the time
      } while (!head.isAtEnd && (limit === null || compareHeads(head, limit) < 0))
    }
  }

  async close(): Promise<void> {
    const heads = this.#heads
    this.#heads = []
    for (const { source } of heads) await source.close()
  }

  #step(head: Head): Promise<void> | null {
    if (head.step()) return null
    if (this.#decidedRun === head.run) {
      this.#decidedKey = head.run.keyOf(this.#decidedAt)
      this.#decidedRun = null
    }
    return head.load()
  }

  #isDecided(run: VersionRun, at: number): boolean {
    const [start, end] = [run.keyStart(at), run.keyEnd(at)]
    const decided = this.#decidedRun
    if (decided !== null) {
      const [decidedStart, decidedEnd] = [decided.keyStart(this.#decidedAt), decided.keyEnd(this.#decidedAt)]
      return isSameKey(run.keys, start, end, decided.keys, decidedStart, decidedEnd)
    }
    const key = this.#decidedKey
    return key !== null && isSameKey(run.keys, start, end, key, 0, key.length)
  }
}

/** A source and its next version. */
class Head {
  readonly source: VersionSource
  #run: VersionRun | null = null
  at = 0

  constructor(source: VersionSource) {
    this.source = source
  }

  get run(): VersionRun {
    return this.#run!
  }

  get isAtEnd(): boolean {
    return this.at >= this.run.count
  }

  /** False: the versions at hand are used up, and more must be loaded. */
  step(): boolean {
    this.at++
    return this.at < this.run.count
  }

  async load(): Promise<void> {
    this.#run = await this.source.next()
    this.at = 0
  }

  async skipBefore(from: Uint8Array): Promise<void> {
    await this.load()
    for (;;) {
      const { run, at } = this
      if (this.isAtEnd) return
      if (compareKeys(run.keys, run.keyStart(at), run.keyEnd(at), from, 0, from.length) >= 0) return
      if (!this.step()) await this.load()
    }
  }
}

/** The head with the smallest version, and the one with the smallest of the others. */
function smallestOf(heads: readonly Head[]): readonly [Head | null, Head | null] {
  let smallest: Head | null = null
  let limit: Head | null = null
  for (const head of heads) {
    if (head.isAtEnd) continue
    if (smallest === null || compareHeads(head, smallest) < 0) {
      limit = smallest
      smallest = head
    } else if (limit === null || compareHeads(head, limit) < 0) limit = head
  }
  return [smallest, limit]
}

function compareHeads({ run: a, at: i }: Head, { run: b, at: k }: Head): number {
  const order = compareKeys(a.keys, a.keyStart(i), a.keyEnd(i), b.keys, b.keyStart(k), b.keyEnd(k))
  return order || b.sequence(k) - a.sequence(i)
}

/** From the end, since neighbours begin alike. */
function isSameKey(a: Uint8Array, aStart: number, aEnd: number, b: Uint8Array, bStart: number, bEnd: number): boolean {
  if (aEnd - aStart !== bEnd - bStart) return false
  for (let i = aEnd - 1, k = bEnd - 1; i >= aStart; i--, k--) if (a[i] !== b[k]) return false
  return true
}
