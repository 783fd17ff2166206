/** A store that was made without LevelDB is one that LevelDB could have made, or none. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { expect, onTestFinished, test } from 'vitest'
import { FieldReader, readManifest } from '../../src/io/level-files.ts'
import { type FillFiles, fillFiles } from '../../src/io/level-fill.ts'
import { footerSizeBytes } from '../../src/io/level-format.ts'
import { newManifest } from '../../src/io/level-manifest.ts'
import { levelStores } from '../../src/io/level-stores.ts'
import { nodeDisk } from '../../src/io/node-disk.ts'
import type { KeyValue, KeyValueStores } from '../../src/ports/key-values.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { allOf, fillWith, opened, randomEntries, recordsIn } from './key-values.contract.ts'

const disk = nodeDisk()
const stores = levelStores(disk)
const chunkSizeBytes = 100_000

async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'zkts-fill-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

function storesWith(files: Partial<FillFiles>, other: Partial<typeof disk> = {}): KeyValueStores {
  return levelStores({ ...disk, ...other }, undefined, { ...fillFiles, ...files })
}

const textOf = (entries: readonly (readonly [Uint8Array, Uint8Array])[]): readonly string[] =>
  entries.map(([key, value]) => `${Buffer.from(key).toString('hex')}=${Buffer.from(value).toString('hex')}`)

const contentOf = (entries: readonly KeyValue[]): readonly string[] =>
  textOf(entries.map(({ key, value }) => [key, value]))

const tablesIn = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder)).filter((name) => name.endsWith('.ldb')).sort()

test('LevelDB reads a filled store, changes it, merges all of it, and finds the same when it is opened again', async () => {
  const folder = join(await scratch(), 'store')
  const entries = randomEntries(new SeededRandom(1), 4000, 3000)
  await fillWith(stores, folder, entries, chunkSizeBytes)
  const model = new Map(entries.map(({ key, value }) => [Buffer.from(key).toString('hex'), value]))
  const options = { keyEncoding: 'view', valueEncoding: 'view', compression: false, createIfMissing: false } as const
  const level = new ClassicLevel<Uint8Array, Uint8Array>(folder, options)
  const compare = async (): Promise<void> => {
    const found = await level.iterator().all()
    const expected = [...model].sort(([a], [b]) => (a < b ? -1 : 1))
    expect(found.map(([key]) => Buffer.from(key).toString('hex'))).toEqual(expected.map(([key]) => key))
    // LevelDB sees the checksum after each value.
    const isSame = found.every(([, value], i) => Buffer.compare(value.subarray(0, -4), expected[i]![1]) === 0)
    expect(isSame).toBe(true)
    for (const [key, value] of expected.filter((_, i) => i % 50 === 0)) {
      expect((await level.get(Buffer.from(key, 'hex')))!.length).toBe(value.length + 4)
    }
    const backwards = await level.iterator({ reverse: true, limit: 50 }).all()
    expect(backwards.map(([key]) => Buffer.from(key).toString('hex'))).toEqual(
      expected
        .map(([key]) => key)
        .reverse()
        .slice(0, 50),
    )
  }
  await level.open()
  await compare()
  for (const { key } of entries.filter((_, i) => i % 3 === 0)) {
    await level.put(key, Uint8Array.of(1, 2, 3, 4, 5))
    model.set(Buffer.from(key).toString('hex'), Uint8Array.of(1))
  }
  for (const { key } of entries.filter((_, i) => i % 5 === 0)) {
    await level.del(key)
    model.delete(Buffer.from(key).toString('hex'))
  }
  await compare()
  await level.compactRange(Uint8Array.of(), new Uint8Array(20).fill(255))
  await compare()
  await level.close()
  await level.open()
  await compare()
  await level.close()
})

test('the tables are in one level, which LevelDB has no reason to merge', async () => {
  const folder = join(await scratch(), 'store')
  await fillWith(stores, folder, randomEntries(new SeededRandom(2), 8000, 4000), chunkSizeBytes)
  const tables = await tablesIn(folder)
  expect(tables.length).toBe(7)
  const level = new ClassicLevel(folder)
  await level.open()
  const counts = [0, 1, 2, 3].map((at) => level.getProperty(`leveldb.num-files-at-level${at}`))
  expect(counts).toEqual(['0', '0', '7', '0'])
  await level.close()
  expect(await tablesIn(folder)).toEqual(tables)
  const { tables: listed } = await readManifest(folder, await readdir(folder))
  for (const { number, sizeBytes } of listed.values()) {
    expect((await stat(join(folder, `00000${number}.ldb`))).size).toBe(sizeBytes)
    expect(sizeBytes).toBeLessThan(2.1 * 2 ** 20)
  }
})

test.each([
  [0, 1],
  [10 * 2 ** 20 - 1, 1],
  [10 * 2 ** 20, 2],
  [400 * 2 ** 20, 3],
  [40 * 2 ** 30, 5],
  [4 * 2 ** 40, 6],
])('tables of %i bytes are in level %i', async (sizeBytes, level) => {
  const folder = await scratch()
  const key = (at: number): Uint8Array => Uint8Array.of(at, 1, 1, 0, 0, 0, 0, 0, 0)
  const tables = [
    { number: 2, sizeBytes: Math.floor(sizeBytes / 2), smallest: key(1), largest: key(2) },
    { number: 3, sizeBytes: Math.ceil(sizeBytes / 2), smallest: key(3), largest: key(4) },
  ]
  await writeFile(join(folder, 'MANIFEST-000001'), newManifest(tables, 4))
  await writeFile(join(folder, 'CURRENT'), 'MANIFEST-000001\n')
  const manifest = await readManifest(folder, await readdir(folder))
  expect([...manifest.tables.values()].map(({ level }) => level)).toEqual([level, level])
  expect(manifest.lastSequence).toBe(1)
})

test('a manifest may be longer than a block of a log', async () => {
  const folder = await scratch()
  // The record ends at the end of a block, shortly before it, shortly after it, and in a later block.
  for (const [count, keySizeBytes] of [
    ...Array.from({ length: 60 }, (_, i) => [1, 16_330 + i] as const),
    [3000, 40],
  ] as const) {
    const key = new Uint8Array(keySizeBytes)
    const tables = Array.from({ length: count }, (_, i) => ({
      number: i + 2,
      sizeBytes: i,
      smallest: key,
      largest: key,
    }))
    await writeFile(join(folder, 'MANIFEST-000001'), newManifest(tables, count + 2))
    await writeFile(join(folder, 'CURRENT'), 'MANIFEST-000001\n')
    const manifest = await readManifest(folder, await readdir(folder))
    expect([...manifest.tables.values()].map(({ number }) => number)).toEqual(tables.map(({ number }) => number))
  }
})

test('a byte of a filled store that the disk has changed is noticed, wherever it is', async () => {
  const folder = join(await scratch(), 'store')
  await fillWith(stores, folder, randomEntries(new SeededRandom(3), 100, 1000), chunkSizeBytes)
  const random = new SeededRandom(4)
  const table = join(folder, '000002.ldb')
  const bytes = await readFile(table)
  const store = await opened(stores, folder)
  const read = async (): Promise<Uint8Array> => {
    const view = store.view()
    return view
      .readRecords(Uint8Array.of(), 0, 1e6)
      .then(({ bytes }) => bytes)
      .finally(() => view.close())
  }
  const expected = await read()
  // The block of metadata is empty, and not read.
  const footerAt = bytes.length - footerSizeBytes
  const fields = new FieldReader(table, bytes, footerAt)
  const [metadataAt, , indexAt] = [fields.number(), fields.number(), fields.number()]
  for (let count = 0; count < 30; count++) {
    const at = count < 20 ? random.below(metadataAt) : indexAt + random.below(footerAt - indexAt)
    const changed = Buffer.from(bytes)
    changed[at]! ^= 1 << random.below(8)
    await writeFile(table, changed)
    await expect(read(), `byte ${at}`).rejects.toMatchObject({
      code: 'EDAMAGED',
      message: expect.stringContaining(table),
    })
  }
  await writeFile(table, bytes)
  expect(Buffer.compare(await read(), expected)).toBe(0)
  await store.close()
})

test('a byte of the manifest or of CURRENT that the disk has changed is damage', async () => {
  const folder = join(await scratch(), 'store')
  await fillWith(stores, folder, randomEntries(new SeededRandom(3), 300, 1000), chunkSizeBytes)
  for (const name of ['MANIFEST-000001', 'CURRENT']) {
    const bytes = await readFile(join(folder, name))
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at]! ^= 1 << (at % 8)
      await writeFile(join(folder, name), changed)
      expect(await stores.open(folder, false), `${name}, byte ${at}`).toMatchObject({
        ok: false,
        error: { kind: 'damaged', message: expect.stringContaining(folder) },
      })
    }
    await writeFile(join(folder, name), bytes)
  }
  await (await opened(stores, folder)).close()
})

// --- power failures ---

/** What a crash may leave of one file: nothing, a part of its bytes, all of them. */
interface Trace {
  readonly files: ReadonlyMap<string, Uint8Array> // by name, with the bytes that a reader sees
  readonly durable: ReadonlyMap<string, Uint8Array> // those that certainly exist, and what they certainly have
}

/** The states of the folder before and after each step of a fill. */
async function tracesOf(folder: string, entries: readonly KeyValue[]): Promise<readonly Trace[]> {
  const traces: Trace[] = []
  let files = new Map<string, Uint8Array>()
  let durable = new Map<string, Uint8Array>()
  const note = (): void => void traces.push({ files: new Map(files), durable: new Map(durable) })
  const traced = storesWith(
    {
      async write(path, bytes) {
        files.set(basename(path), bytes.slice(0, bytes.length >> 1))
        note()
        await fillFiles.write(path, bytes)
        files.set(basename(path), bytes.slice())
        note()
      },
      async rename(from, to) {
        await fillFiles.rename(from, to)
        files = new Map([...files].filter(([name]) => name !== basename(from)))
        files.set(basename(to), await readFile(to))
        note()
      },
    },
    {
      async syncDirectory(path) {
        await disk.syncDirectory(path)
        if (path === folder) durable = new Map(files)
        note()
      },
    },
  )
  await fillWith(traced, folder, entries, chunkSizeBytes)
  return traces
}

test('when power fails while a store is filled it is whole, or none', async () => {
  const scratchFolder = await scratch()
  const entries = randomEntries(new SeededRandom(5), 2500, 4000)
  const traces = await tracesOf(join(scratchFolder, 'store'), entries)
  expect(traces.length).toBeGreaterThan(10)
  const random = new SeededRandom(6)
  let [wholeCount, noneCount] = [0, 0]
  for (const { files, durable } of traces) {
    const some = new Map([...files].filter(([name]) => durable.has(name) || random.chance(2)))
    for (const left of [files, durable, some]) {
      const folder = join(scratchFolder, `found-${wholeCount + noneCount}`)
      await mkdir(folder)
      for (const [name, bytes] of left) await writeFile(join(folder, name), bytes)
      const found = await stores.open(folder, false)
      if (found.ok) {
        wholeCount++
        const isSame = Buffer.compare(
          recordsIn(await allOf(found.value), Number.POSITIVE_INFINITY)[0]!,
          recordsIn(entries, Number.POSITIVE_INFINITY)[0]!,
        )
        expect(isSame).toBe(0)
        await found.value.close()
      } else {
        noneCount++
        expect(found.error.kind).toBe('damaged')
      }
      await rm(folder, { recursive: true })
    }
  }
  // The last two steps: CURRENT has its name, and that is durable.
  expect(wholeCount).toBeGreaterThanOrEqual(4)
  expect(wholeCount).toBeLessThanOrEqual(6)
  expect(noneCount).toBeGreaterThan(24)
})

// --- full disks ---

test('a fill goes on when a disk that was full at any step has space again', async () => {
  const scratchFolder = await scratch()
  const entries = randomEntries(new SeededRandom(7), 2500, 4000)
  let stepCount = 0
  for (let failsAt = 1, hasFailed = true; hasFailed; failsAt++) {
    hasFailed = false
    let [step, left] = [0, 0]
    const maybeFail = async (path: string): Promise<void> => {
      if (++step === failsAt) left = 3
      if (left === 0) return
      left--
      hasFailed = true
      throw Object.assign(new Error(`ENOSPC: no space left on device '${path}'`), { code: 'ENOSPC' })
    }
    const folder = join(scratchFolder, `store-${failsAt}`)
    const full = storesWith(
      {
        async write(path, bytes) {
          await fillFiles.write(path, bytes.subarray(0, bytes.length >> 1))
          await maybeFail(path)
          await fillFiles.write(path, bytes)
        },
        async rename(from, to) {
          await maybeFail(to)
          await fillFiles.rename(from, to)
        },
      },
      {
        async syncDirectory(path) {
          if (path === folder) await maybeFail(path)
          await disk.syncDirectory(path)
        },
      },
    )
    const fill = await full.fill(folder)
    const untilSpace = async (act: () => Promise<void>): Promise<void> => {
      for (;;) {
        try {
          return await act()
        } catch (error) {
          expect(error).toMatchObject({ code: 'ENOSPC', message: expect.stringContaining(folder) })
          const store = await stores.open(folder, false)
          if (store.ok) await store.value.close() // CURRENT has its name, and that could not be flushed
        }
      }
    }
    for (const chunk of recordsIn(entries, chunkSizeBytes)) await untilSpace(() => fill.add(chunk))
    await untilSpace(() => fill.finish())
    await fill.close()
    const store = await opened(stores, folder)
    expect(await store.check()).toBeNull()
    expect(contentOf(await allOf(store)).join() === contentOf(entries).join()).toBe(true)
    await store.close()
    stepCount = step
  }
  expect(stepCount).toBe(7)
})

test('a disk that fails rejects the call with its code, and the path of the file', async () => {
  const folder = join(await scratch(), 'store')
  const failing = storesWith({
    write: (path) => Promise.reject(Object.assign(new Error(`EIO: i/o error '${path}'`), { code: 'EIO' })),
  })
  const fill = await failing.fill(folder)
  await fill.add(recordsIn(randomEntries(new SeededRandom(8), 10, 100), 1e6)[0]!)
  await expect(fill.finish()).rejects.toMatchObject({ code: 'EIO', message: expect.stringContaining('000002.ldb') })
  await fill.close()
})

test('a file that cannot be written names itself', async () => {
  const folder = await scratch()
  await expect(fillFiles.write(join(folder, 'missing', 'file'), Uint8Array.of(1))).rejects.toMatchObject({
    code: 'ENOENT',
    message: expect.stringContaining(join(folder, 'missing', 'file')),
  })
  await fillFiles.write(join(folder, 'file'), Uint8Array.of(1, 2, 3))
  await fillFiles.write(join(folder, 'file'), Uint8Array.of(4))
  expect([...(await readFile(join(folder, 'file')))]).toEqual([4])
})

// --- memory ---

test('an add waits while the disk has more than two tables to write, and none of them is lost', async () => {
  const folder = join(await scratch(), 'store')
  const waiting: (() => void)[] = []
  let isSlow = true
  const slow = storesWith({
    async write(path, bytes) {
      if (isSlow) await new Promise<void>((done) => waiting.push(done))
      await fillFiles.write(path, bytes)
    },
  })
  const entries = Array.from({ length: 200 }, (_, i) => ({
    key: Uint8Array.of(i),
    value: new Uint8Array(100_000).fill(i),
  }))
  const fill = await slow.fill(folder)
  const chunks = recordsIn(entries, 1)
  // 21 entries fill a table. After three tables the next add waits.
  for (const chunk of chunks.slice(0, 63)) await fill.add(chunk)
  let hasEnded = false
  const added = fill.add(chunks[63]!).then(() => {
    hasEnded = true
  })
  await disk.syncDirectory(folder)
  expect([waiting.length, hasEnded]).toEqual([3, false])
  waiting[0]!()
  await added
  isSlow = false
  for (const release of waiting) release()
  for (const chunk of chunks.slice(64)) await fill.add(chunk)
  await fill.finish()
  await fill.close()
  const store = await opened(stores, folder)
  expect(contentOf(await allOf(store)).join() === contentOf(entries).join()).toBe(true)
  await store.close()
})
