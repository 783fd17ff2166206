import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { expect, onTestFinished, test } from 'vitest'
import { levelStores } from '../../src/io/level-stores.ts'
import { nodeDisk } from '../../src/io/node-disk.ts'
import type { KeyValue, KeyValueRecords, KeyValueStore, KeyValueView } from '../../src/ports/key-values.ts'
import { recordsOf } from '../support/records.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { allOf, keyValuesContract, opened } from './key-values.contract.ts'

const stores = levelStores(nodeDisk())

async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'zkts-level-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

keyValuesContract('LevelDB', async () => ({ stores, folder: await scratch(), dispose: async () => undefined }))

/** Bytes that do not compress. */
function incompressible(sizeBytes: number, seed: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(sizeBytes / 4))
  let state = seed
  for (let i = 0; i < words.length; i++) words[i] = state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return new Uint8Array(words.buffer, 0, sizeBytes)
}

const put = (key: number, sizeBytes: number): KeyValue => ({
  key: Uint8Array.of(key),
  value: incompressible(sizeBytes, key),
})
const keysOf = (entries: readonly KeyValue[]): readonly number[] => entries.map(({ key }) => key[0]!)

/** The folder of a store as kill -9 after three writes leaves it: all are in the log, and no table exists. */
async function killedStore(): Promise<{ readonly folder: string; readonly log: string }> {
  const folder = await scratch()
  const store = await opened(stores, join(folder, 'store'), true)
  for (const key of [1, 2, 3]) await store.write([put(key, 50_000)], [])
  await cp(join(folder, 'store'), join(folder, 'killed'), { recursive: true })
  await store.close()
  return { folder: join(folder, 'killed'), log: join(folder, 'killed', await nameOf(join(folder, 'killed'), /\.log$/)) }
}

async function nameOf(folder: string, pattern: RegExp): Promise<string> {
  return (await readdir(folder)).find((name) => pattern.test(name))!
}

async function flipByte(path: string, offset: number): Promise<void> {
  const bytes = await readFile(path)
  bytes[offset]! ^= 0x10
  await writeFile(path, bytes)
}

/** A closed store with several tables: LevelDB makes one of its log whenever it opens a store. */
async function storeWithTables(): Promise<string> {
  const folder = join(await scratch(), 'store')
  for (const key of [0, 1, 2]) {
    const store = await opened(stores, folder, true)
    await store.write([put(key, 100_000)], [])
    await store.close()
  }
  await (await opened(stores, folder)).close()
  return folder
}

async function expectDamaged(folder: string, file: string): Promise<void> {
  const before = await readdir(folder)
  const result = await stores.open(folder, false)
  if (result.ok) await result.value.close()
  expect(result).toMatchObject({ ok: false, error: { kind: 'damaged' } })
  expect(JSON.stringify(result)).toContain(file)
  expect(await readdir(folder)).toEqual(before)
}

test('a killed store has every write that was acknowledged', async () => {
  const { folder } = await killedStore()
  const store = await opened(stores, folder)
  expect(keysOf(await allOf(store))).toEqual([1, 2, 3])
  await store.close()
})

test('a store whose last write was torn at any place has the writes before it', async () => {
  const { folder, log } = await killedStore()
  const { size } = await stat(log)
  for (const lostBytes of [1, 3, 1000, 32 * 1024, 49_000]) {
    const torn = `${folder}-${lostBytes}`
    await cp(folder, torn, { recursive: true })
    await truncate(log.replace(folder, torn), size - lostBytes)
    const store = await opened(stores, torn)
    expect(keysOf(await allOf(store))).toEqual([1, 2])
    await store.close()
  }
})

test('a store whose last write reached the disk only in part has the writes before it', async () => {
  const { folder, log } = await killedStore()
  const { size } = await stat(log)
  const bytes = await readFile(log)
  await writeFile(log, bytes.fill(0, size - 20_000, size - 10_000))
  const store = await opened(stores, folder)
  expect(keysOf(await allOf(store))).toEqual([1, 2])
  await store.close()
})

test.each([
  ['the header of the first record', 3],
  ['the first write', 100],
  ['the second write', 70_000],
])('a log in which a byte of %s was changed is damaged, although LevelDB would skip it', async (_place, offset) => {
  const { folder, log } = await killedStore()
  await flipByte(log, offset)
  await expectDamaged(folder, log)
})

test('a log from which a whole write was cut is damaged', async () => {
  const { folder, log } = await killedStore()
  // The first write ends in the second block. The blocks after it begin with fragments of the later ones.
  const bytes = await readFile(log)
  await writeFile(log, bytes.subarray(2 * 32 * 1024))
  await expectDamaged(folder, log)
})

test('a missing log is damage', async () => {
  const folder = await storeWithTables()
  const log = await nameOf(folder, /\.log$/)
  await rm(join(folder, log))
  await expectDamaged(folder, log)
})

test('a missing table is damage, and so is one that was cut', async () => {
  const folder = await storeWithTables()
  const table = await nameOf(folder, /\.ldb$/)
  const { size } = await stat(join(folder, table))
  await truncate(join(folder, table), size - 1)
  await expectDamaged(folder, table)
  await rm(join(folder, table))
  await expectDamaged(folder, table)
})

test('a store on a full disk is opened to be read, with all that it holds, and takes writes when it is opened again', async () => {
  const { folder } = await openStore().then(async ({ folder, store }) => {
    await cp(folder, `${folder}-killed`, { recursive: true })
    await store.close()
    return { folder: `${folder}-killed` }
  })
  let isFull = true
  const onFullDisk = levelStores(nodeDisk(), async (level) => {
    if (isFull)
      throw Object.assign(new Error(`IO error: ${folder}/000009.ldb: No space left on device`), {
        code: 'LEVEL_IO_ERROR',
      })
    await level.open()
  })
  const store = await opened(onFullDisk, folder)
  expect(keysOf(await allOf(store))).toEqual([0, 1, 2, 8, 9])
  const values = await store.get([put(8, 1000).key, Uint8Array.of(77), put(0, 100_000).key])
  expect(values.map((value) => value?.length ?? null)).toEqual([1000, null, 100_000])
  expect(await store.check()).toBeNull()
  expect(await store.sizeBytes()).toBeGreaterThan(300_000)
  await expect(store.write([put(3, 10)], [])).rejects.toMatchObject({ code: 'ENOSPC' })
  await rm(join(folder, await nameOf(folder, /\.ldb$/)))
  expect(await store.check()).toMatchObject({ kind: 'damaged' })
  await store.close()
  const again = await openStore()
  await again.store.close()
  isFull = false
  const writable = await opened(onFullDisk, again.folder)
  await writable.write([put(3, 10)], [])
  await writable.close()
})

test('a damaged store is damaged on a full disk, too, and a new store cannot be made', async () => {
  const onFullDisk = levelStores(nodeDisk(), () =>
    Promise.reject(Object.assign(new Error('IO error: No space left on device'), { code: 'LEVEL_IO_ERROR' })),
  )
  const folder = await storeWithTables()
  await rm(join(folder, await nameOf(folder, /\.ldb$/)))
  expect(await onFullDisk.open(folder, false)).toMatchObject({ ok: false, error: { kind: 'damaged' } })
  await expect(onFullDisk.open(join(await scratch(), 'new'), true)).rejects.toMatchObject({ code: 'ENOSPC' })
})

test.each(['CURRENT', 'MANIFEST', 'log', 'LOCK'])(
  'a folder in the place of the file %s is an error with its path',
  async (kind) => {
    const { folder } = await killedStore()
    const name = await nameOf(folder, kind === 'log' ? /\.log$/ : new RegExp(`^${kind}`))
    await rm(join(folder, name))
    await mkdir(join(folder, name))
    const refused = stores.open(folder, false)
    await expect(refused).rejects.toMatchObject({
      code: 'EISDIR',
      message: expect.stringContaining(join(folder, name)),
    })
  },
)

/** A store that is open, and has both tables and writes that are in its log alone. */
async function openStore(): Promise<{ readonly folder: string; readonly store: KeyValueStore }> {
  const folder = await storeWithTables()
  const store = await opened(stores, folder)
  await store.write([put(8, 1000)], [])
  await store.write([put(9, 1000)], [])
  expect(await store.check()).toBeNull()
  return { folder, store }
}

const cut = async (path: string, byBytes: number) => truncate(path, (await stat(path)).size - byBytes)

test.each<[string, RegExp, (path: string) => Promise<unknown>]>([
  ['a table is missing', /\.ldb$/, (path) => rm(path)],
  ['a table was cut', /\.ldb$/, (path) => cut(path, 1)],
  ['the log is missing', /\.log$/, (path) => rm(path)],
  ['the log lost its last write', /\.log$/, (path) => cut(path, 1)],
  ['the log was emptied', /\.log$/, (path) => truncate(path, 0)],
  ['the manifest is missing', /^MANIFEST/, (path) => rm(path)],
  ['the file CURRENT is missing', /^CURRENT$/, (path) => rm(path)],
  ['the file CURRENT was changed', /^CURRENT$/, (path) => writeFile(path, 'MANIFEST-999999\n')],
])('a store that is open finds out that %s', async (_what, name, damage) => {
  const { folder, store } = await openStore()
  await damage(join(folder, await nameOf(folder, name)))
  const failure = await store.check()
  expect(failure).toMatchObject({ kind: 'damaged', message: expect.stringContaining(folder) })
  await store.close()
})

test('a store that is open finds out that its folder is missing', async () => {
  const { folder, store } = await openStore()
  await rm(folder, { recursive: true })
  expect(await store.check()).toEqual({ kind: 'damaged', message: `${folder} no longer has a store` })
  await store.close()
})

test('a manifest that is missing or changed is damage, and so is a CURRENT that names none', async () => {
  const folder = await storeWithTables()
  const manifest = await nameOf(folder, /^MANIFEST/)
  const bytes = await readFile(join(folder, manifest))
  await flipByte(join(folder, manifest), 10)
  await expectDamaged(folder, manifest)
  await writeFile(join(folder, manifest), '')
  await expectDamaged(folder, manifest)
  await rm(join(folder, manifest))
  await expectDamaged(folder, manifest)
  await writeFile(join(folder, manifest), bytes)
  await writeFile(join(folder, 'CURRENT'), 'MANIFEST')
  await expectDamaged(folder, 'CURRENT')
  await rm(join(folder, 'CURRENT'))
  await expectDamaged(folder, 'CURRENT')
})

test('a changed byte of a table is noticed when its entry is read, by key or by range', async () => {
  const folder = await storeWithTables()
  for (const name of (await readdir(folder)).filter((one) => one.endsWith('.ldb'))) {
    await flipByte(join(folder, name), 50_000)
  }
  const store = await opened(stores, folder)
  const keys = Array.from({ length: 3 }, (_, key) => Uint8Array.of(key))
  const expected = { code: 'EDAMAGED', message: expect.stringContaining(folder) }
  for (const mayMerge of [false, true]) await expect(store.get(keys, mayMerge)).rejects.toMatchObject(expected)
  await expect(allOf(store)).rejects.toMatchObject(expected)
  await store.close()
})

test('an entry that LevelDB has written into a new table after the disk had changed it is noticed, unless the reader trusts it', async () => {
  const folder = await storeWithTables()
  const level = new ClassicLevel<Uint8Array, Uint8Array>(folder, { keyEncoding: 'view', valueEncoding: 'view' })
  await level.put(Uint8Array.of(1, 1), Uint8Array.of(5, 0, 0, 0, 0), { sync: true })
  await level.put(Uint8Array.of(1, 2), Uint8Array.of(7), { sync: true }) // too short for a checksum
  await level.close()
  const store = await opened(stores, folder)
  const read = async (from: number[], end: number[] | null, trustedFrom?: number[]): Promise<readonly number[]> => {
    const view = store.view(trustedFrom && Uint8Array.from(trustedFrom))
    try {
      const { bytes } = await view.readRecords(Uint8Array.from(from), 0, 1_000_000)
      const entries = await view.read(Uint8Array.from(from), end && Uint8Array.from(end), 1_000_000)
      expect(bytes.length).toBeGreaterThan(entries.reduce((sum, { value }) => sum + value.length, 0))
      return keysOf(entries)
    } finally {
      await view.close()
    }
  }
  const expected = { code: 'EDAMAGED', message: expect.stringContaining(folder) }
  for (const [from, trustedFrom] of [[[]], [[1, 1]], [[1, 2]], [[], [1, 2]], [[1], [2]]] as const) {
    await expect(read([...from], null, trustedFrom && [...trustedFrom])).rejects.toMatchObject(expected)
  }
  expect(await read([2], null)).toEqual([2])
  expect(await read([1, 1], [1, 2], [1, 1])).toEqual([1])
  await store.close()
})

test('a table that disappears while its store is open is damage', async () => {
  const folder = await storeWithTables()
  const store = await opened(stores, folder)
  for (const name of await readdir(folder)) if (name.endsWith('.ldb')) await rm(join(folder, name))
  await expect(allOf(store)).rejects.toMatchObject({ code: 'EDAMAGED', message: expect.stringContaining('.ldb') })
  await store.close()
})

test('views show what they saw while LevelDB makes and removes tables', async () => {
  const random = new SeededRandom(3)
  const folder = join(await scratch(), 'store')
  const store = await opened(stores, folder, true)
  const model = new Map<number, number>()
  const keyOf = (number: number) => Uint8Array.of(1, number >> 8, number & 255)
  const open: { readonly view: KeyValueView; readonly expected: string; from: Uint8Array; seen: string[] }[] = []
  const tables = new Set<string>()
  let finishedCount = 0
  let before = ''
  for (let round = 1; round <= 70; round++) {
    const puts: KeyValue[] = []
    for (let i = 0; i < 600; i++) {
      const number = random.below(3000)
      puts.push({ key: keyOf(number), value: new Uint8Array(1500).fill(round) })
      model.set(number, round)
    }
    const removed = random.below(3000)
    model.delete(removed)
    const write = store.write(puts.concat({ key: keyOf(removed), value: Uint8Array.of() }), [keyOf(removed)])
    // Every second view is made during a write.
    const early = round % 20 === 16 ? store.view() : null
    await write
    if (early !== null) open.push({ view: early, expected: before, from: Uint8Array.of(), seen: [] })
    for (const name of await readdir(folder)) if (name.endsWith('.ldb')) tables.add(name)
    const entries = [...model].sort(([a], [b]) => a - b)
    before = entries.map(([number, value]) => `${number}=${value}`).join(' ')
    if (round % 20 === 5) open.push({ view: store.view(), expected: before, from: Uint8Array.of(), seen: [] })
    for (const one of [...open]) {
      const entries = await one.view.read(one.from, null, 400_000)
      one.seen.push(...entries.map(({ key, value }) => `${key[1]! * 256 + key[2]!}=${value[0]}`))
      const last = entries.at(-1)?.key
      if (last !== undefined) one.from = Buffer.concat([last, Uint8Array.of(0)])
      else {
        expect(one.seen.join(' ')).toBe(one.expected)
        open.splice(open.indexOf(one), 1)
        await one.view.close()
        finishedCount++
      }
    }
  }
  expect(finishedCount).toBeGreaterThan(2)
  const left = (await readdir(folder)).filter((name) => name.endsWith('.ldb'))
  expect(tables.size).toBeGreaterThan(left.length + 5)
  await store.close()
})

test('records are the entries, wherever these lie and however often a key was written', async () => {
  const random = new SeededRandom(5)
  const folder = join(await scratch(), 'store')
  const store = await opened(stores, folder, true)
  const model = new Map<number, KeyValue>()
  const keyOf = (number: number) => Buffer.from(`/${number >> 7}\0${number}`)
  for (let round = 1; round <= 30; round++) {
    const numbers = Array.from({ length: 500 }, () => random.below(4000))
    const removed = random.below(4000)
    const puts = numbers.map((number) => ({
      key: keyOf(number),
      value: incompressible(random.below(900), number + round),
    }))
    await store.write(puts, [keyOf(removed)])
    for (const [i, number] of numbers.entries()) model.set(number, puts[i]!)
    model.delete(removed)
  }
  const expected = [...model.values()].sort((a, b) => Buffer.compare(a.key, b.key))
  const view = store.view()
  const parts: Uint8Array[] = []
  for (let from: Uint8Array | null = Uint8Array.of(); from !== null; ) {
    const { bytes, next }: KeyValueRecords = await view.readRecords(from, 4, 50_000)
    parts.push(bytes.subarray(4))
    // Every second part from a place that is looked for.
    if (parts.length % 2 === 0) await view.read(Uint8Array.of(), null, 1)
    from = next
  }
  expect(Buffer.compare(Buffer.concat(parts), recordsOf(expected, 0, Number.POSITIVE_INFINITY).bytes)).toBe(0)
  expect(parts.length).toBeGreaterThan(20)
  await view.close()
  await store.close()
})

test('a folder in which the creation of a store was interrupted becomes a store', async () => {
  const folder = await scratch()
  await writeFile(join(folder, 'MANIFEST-000001'), 'abc')
  await writeFile(join(folder, 'LOCK'), '')
  expect(await stores.open(folder, false)).toMatchObject({ ok: false, error: { kind: 'damaged' } })
  await (await opened(stores, folder, true)).close()
})

test('a folder with files of another kind does not become a store', async () => {
  const folder = await scratch()
  await writeFile(join(folder, 'notes.txt'), 'abc')
  expect(await stores.open(folder, true)).toMatchObject({ ok: false, error: { kind: 'damaged' } })
  expect(await readdir(folder)).toEqual(['notes.txt'])
})

test('the parents of a new store are flushed, and its folder after each write', async () => {
  const disk = nodeDisk()
  const flushed: string[] = []
  const noted = levelStores({
    makeFolder: (folder) => disk.makeFolder(folder).then(() => void flushed.push(`made ${folder}`)),
    syncDirectory: (folder) => disk.syncDirectory(folder).then(() => void flushed.push(folder)),
  })
  const folder = join(await scratch(), 'store')
  const store = await opened(noted, folder, true)
  expect(flushed).toEqual([`made ${folder}`, folder])
  await store.write([put(1, 10)], [])
  expect(flushed).toEqual([`made ${folder}`, folder, folder])
  await store.close()
})

test('a write whose folder cannot be flushed rejects, and so does every call until the store is opened again', async () => {
  const disk = nodeDisk()
  let isFull = false
  const failing = levelStores({
    makeFolder: disk.makeFolder,
    syncDirectory: async (folder) => {
      if (isFull) throw Object.assign(new Error('ENOSPC: no space left on device, fdatasync'), { code: 'ENOSPC' })
      await disk.syncDirectory(folder)
    },
  })
  const folder = join(await scratch(), 'store')
  const store: KeyValueStore = await opened(failing, folder, true)
  await store.write([put(1, 10)], [])
  isFull = true
  await expect(store.write([put(2, 10)], [])).rejects.toMatchObject({ code: 'ENOSPC' })
  isFull = false
  await expect(store.write([put(3, 10)], [])).rejects.toMatchObject({ code: 'ENOSPC' })
  await expect(store.get([])).rejects.toMatchObject({ code: 'ENOSPC' })
  expect(() => store.view()).toThrow('opened again')
  await store.close()
  const again = await opened(failing, folder)
  expect(keysOf(await allOf(again))).toContain(1)
  await again.close()
})

test('a full disk rejects a write with ENOSPC and the path of the file', async () => {
  const folder = join(await scratch(), 'store')
  const store = await opened(stores, folder, true)
  await store.write([put(1, 6_000_000)], [])
  // The next files of the store: they are made as soon as the memory for writes is full.
  for (let number = 4; number < 20; number++) {
    for (const suffix of ['log', 'ldb'])
      await symlink('/dev/full', join(folder, `0000${number < 10 ? 0 : ''}${number}.${suffix}`))
  }
  const writes = (async () => {
    for (let key = 2; key < 6; key++) await store.write([put(key, 6_000_000)], [])
  })()
  await expect(writes).rejects.toMatchObject({ code: 'ENOSPC', message: expect.stringContaining(folder) })
  await store.close()
})

test('a folder that cannot be made rejects with the code of the system', async () => {
  const folder = await scratch()
  await writeFile(join(folder, 'file'), '')
  await expect(stores.open(join(folder, 'file', 'store'), true)).rejects.toMatchObject({ code: 'ENOTDIR' })
  await mkdir(join(folder, 'empty'))
  await expect(stores.open('/proc/no-store', true)).rejects.toMatchObject({ code: 'ENOENT' })
})
