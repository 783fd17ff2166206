/** The contract of every `KeyValueStores`; the real ones and the simulated ones both pass it. */
import { expect, test } from 'vitest'
import type { KeyValue, KeyValueRecords, KeyValueStore, KeyValueStores } from '../../src/ports/key-values.ts'
import { recordsOf } from '../support/records.ts'
import { SeededRandom } from '../support/seeded-random.ts'

export interface StoresUnderTest {
  readonly stores: KeyValueStores
  readonly folder: string // exists, empty
  readonly dispose: () => Promise<void>
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
const entry = (key: number[], value: number[]): KeyValue => ({ key: bytes(...key), value: bytes(...value) })
const shown = (entries: readonly KeyValue[]): readonly (readonly number[][])[] =>
  entries.map(({ key, value }) => [[...key], [...value]])

export async function opened(stores: KeyValueStores, folder: string, mayCreate = false): Promise<KeyValueStore> {
  const result = await stores.open(folder, mayCreate)
  if (!result.ok) throw new Error(`${result.error.kind}: ${result.error.message}`)
  return result.value
}

export async function allOf(store: KeyValueStore): Promise<readonly KeyValue[]> {
  const view = store.view()
  const all: KeyValue[] = []
  let from = bytes()
  for (;;) {
    const entries = await view.read(from, null, 100)
    if (entries.length === 0) break
    all.push(...entries)
    from = Buffer.concat([entries.at(-1)!.key, bytes(0)])
  }
  await view.close()
  return all
}

/** The entries in an order of their keys, in chunks of about `chunkSizeBytes` of records. */
export async function fillWith(
  stores: KeyValueStores,
  folder: string,
  entries: readonly KeyValue[],
  chunkSizeBytes: number,
): Promise<void> {
  const fill = await stores.fill(folder)
  for (const chunk of recordsIn(entries, chunkSizeBytes)) await fill.add(chunk)
  await fill.finish()
  await fill.close()
}

export function recordsIn(entries: readonly KeyValue[], chunkSizeBytes: number): readonly Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0; at < entries.length; ) {
    const end = at + 1 + entriesThatFit(entries.slice(at + 1, at + 1000), chunkSizeBytes - sizeOf(entries[at]!))
    chunks.push(inOne(entries.slice(at, end)))
    at = end
  }
  return chunks
}

function entriesThatFit(entries: readonly KeyValue[], sizeBytes: number): number {
  let left = sizeBytes
  let count = 0
  while (count < entries.length && left >= sizeOf(entries[count]!)) left -= sizeOf(entries[count++]!)
  return count
}

function sizeOf({ key, value }: KeyValue): number {
  return 8 + key.length + value.length
}

/** In order. Keys begin alike, as those of znodes do, and now and then one is the beginning of the next. */
export function randomEntries(random: SeededRandom, count: number, valueSizeBytesMax: number): readonly KeyValue[] {
  const byKey = new Map<string, KeyValue>()
  let key = Uint8Array.of(random.below(256))
  while (byKey.size < count) {
    const kept = key.subarray(0, Math.max(1, random.below(key.length + 1)))
    const tail = Uint8Array.from({ length: random.below(12) }, () => random.below(256))
    key = random.chance(100) ? Uint8Array.of(random.below(256)) : Uint8Array.from([...kept, ...tail])
    const sizeBytes = random.chance(5) ? 0 : random.below(valueSizeBytesMax + 1)
    const value = new Uint8Array(sizeBytes).fill(random.below(256))
    byKey.set(Buffer.from(key).toString('hex'), { key, value })
  }
  return [...byKey.values()].sort((a, b) => Buffer.compare(a.key, b.key))
}

const keysThatBeginAlike = (count: number): KeyValue[] =>
  Array.from({ length: count }, (_, i) => ({
    key: Buffer.concat([Buffer.alloc(700, 47), Buffer.from(String(i).padStart(6, '0'))]),
    value: Uint8Array.of(i),
  }))

const largeValues = (sizesBytes: readonly number[]): KeyValue[] =>
  sizesBytes.map((sizeBytes, i) => ({ key: bytes(i), value: new Uint8Array(sizeBytes).fill(i + 1) }))

const filledStores: readonly (readonly [title: string, entries: () => readonly KeyValue[], chunkSizeBytes: number])[] =
  [
    ['no entries', () => [], 1000],
    ['one entry', () => [entry([7], [])], 1000],
    ['every key of one byte', () => Array.from({ length: 256 }, (_, i) => entry([i], i % 3 === 0 ? [] : [i])), 500],
    ['the empty key first', () => [entry([], [1]), entry([0], []), entry([0, 0], [3])], 10],
    ['keys that begin alike', () => keysThatBeginAlike(1000), 50_000],
    ['small entries in chunks of one entry', () => randomEntries(new SeededRandom(1), 1000, 40), 1],
    ['entries in usual chunks', () => randomEntries(new SeededRandom(2), 4000, 1500), 256 * 1024],
    ['all entries in one chunk', () => randomEntries(new SeededRandom(3), 3000, 2000), Number.POSITIVE_INFINITY],
    ['values that are larger than a block', () => randomEntries(new SeededRandom(4), 50, 90_000), 100_000],
    ['values that are larger than a table', () => largeValues([10, 5_000_000, 0, 2_500_000, 2_500_000, 1]), 1_000_000],
  ]

export function keyValuesContract(twin: string, make: () => Promise<StoresUnderTest>): void {
  const check = (title: string, body: (stores: KeyValueStores, folder: string) => Promise<void>): void => {
    test(`${twin}: ${title}`, async () => {
      const rig = await make()
      try {
        await body(rig.stores, rig.folder)
      } finally {
        await rig.dispose()
      }
    })
  }

  check(
    'a store that may not be created is damaged if its folder is missing or empty, and none is made',
    async (stores, folder) => {
      for (const place of [folder, `${folder}/missing`]) {
        const refused = await stores.open(place, false)
        expect(refused).toMatchObject({ ok: false, error: { kind: 'damaged' } })
        expect(JSON.stringify(refused)).toContain(place)
        expect(await stores.open(place, false)).toMatchObject({ ok: false })
      }
    },
  )

  check('what was written is read after the store was opened again', async (stores, folder) => {
    const place = `${folder}/parent/store`
    const store = await opened(stores, place, true)
    await store.write([entry([1], [10]), entry([2], []), entry([], [9])], [])
    await store.write([entry([1, 0], [11])], [bytes(2), bytes(77)])
    await store.close()
    const again = await opened(stores, place)
    expect(shown(await allOf(again))).toEqual([
      [[], [9]],
      [[1], [10]],
      [[1, 0], [11]],
    ])
    await again.close()
  })

  check('a missing key gives null, and each value is at the place of its key', async (stores, folder) => {
    const store = await opened(stores, folder, true)
    await store.write([entry([3], [30]), entry([1], [10]), entry([2], [])], [])
    const keys = [bytes(2), bytes(9), bytes(1), bytes(1, 0), bytes(3), bytes(2), bytes()]
    for (const mayMerge of [false, true]) {
      const values = await store.get(keys, mayMerge)
      expect(values.map((value) => value && [...value])).toEqual([[], null, [10], null, [30], [], null])
      expect(await store.get([], mayMerge)).toEqual([])
    }
    await store.close()
  })

  check('keys are ordered by their bytes, and a range has its start and not its end', async (stores, folder) => {
    const store = await opened(stores, folder, true)
    await store.write(
      [entry([255], [1]), entry([1, 1], [2]), entry([128], [3]), entry([1], [4]), entry([1, 0], [5])],
      [],
    )
    const view = store.view()
    expect(shown(await view.read(bytes(1), bytes(128), 1000)).map(([key]) => key)).toEqual([[1], [1, 0], [1, 1]])
    expect(shown(await view.read(bytes(1, 1), null, 1000)).map(([key]) => key)).toEqual([[1, 1], [128], [255]])
    expect(await view.read(bytes(1), bytes(1), 1000)).toEqual([])
    await view.close()
    await store.close()
  })

  check('a view gives at least one entry, and as many as fit the size', async (stores, folder) => {
    const store = await opened(stores, folder, true)
    const large = { key: bytes(2), value: new Uint8Array(5000).fill(7) }
    await store.write([entry([1], [1, 2, 3]), large, entry([3], [1]), entry([4], [1])], [])
    const view = store.view()
    expect((await view.read(bytes(), null, 100)).map(({ key }) => key[0])).toEqual([1])
    const [one, ...more] = await view.read(bytes(1, 0), null, 100)
    expect(more).toEqual([])
    expect(Buffer.compare(one!.value, large.value)).toBe(0)
    expect((await view.read(bytes(2, 0), null, 100)).map(({ key }) => key[0])).toEqual([3, 4])
    expect(await view.read(bytes(4, 0), null, 100)).toEqual([])
    expect((await view.read(bytes(3), null, 1)).map(({ key }) => key[0])).toEqual([3])
    await view.close()
    await store.close()
  })

  check(
    'the files of a store are found as they should be after any write, and after it was opened again',
    async (stores, folder) => {
      const random = new SeededRandom(3)
      let store = await opened(stores, folder, true)
      expect(await store.check()).toBeNull()
      for (let i = 0; i < 40; i++) {
        const puts = Array.from({ length: 20 }, () =>
          entry([random.below(256)], new Array(2000).fill(random.below(256))),
        )
        const byKey = new Map(puts.map((put) => [put.key[0], put]))
        await store.write([...byKey.values()], i % 5 === 0 ? [bytes(7, 7)] : [])
        expect(await store.check()).toBeNull()
        if (i % 10 !== 9) continue
        await store.close()
        store = await opened(stores, folder)
        expect(await store.check()).toBeNull()
      }
      await store.close()
    },
  )

  check(
    'records are as many as fit with the head, at least one, and say where the next ones begin',
    async (stores, folder) => {
      const store = await opened(stores, folder, true)
      const large = { key: bytes(2), value: new Uint8Array(5000).fill(7) }
      await store.write([entry([1], [1, 2, 3]), large, entry([3, 0], []), entry([4], [9])], [])
      const view = store.view()
      const read = async (from: Uint8Array, sizeBytesMax: number) => {
        const { bytes: found, next } = await view.readRecords(from, 5, sizeBytesMax)
        const inUsedMemory = await view.readRecords(from, 5, sizeBytesMax, new Uint8Array(sizeBytesMax).fill(255))
        expect(Buffer.compare(inUsedMemory.bytes.subarray(5), found.subarray(5))).toBe(0)
        expect(inUsedMemory.next).toEqual(next)
        return { found: Buffer.from(found).toString('hex'), next: next && [...next] }
      }
      const hex = (...entries: readonly KeyValue[]) => Buffer.from(recordsOf(entries, 5, 1e6).bytes).toString('hex')
      expect(await read(bytes(), 17)).toEqual({ found: hex(entry([1], [1, 2, 3])), next: [2] })
      expect(await read(bytes(2), 17)).toEqual({ found: hex(large), next: [3, 0] })
      expect(await read(bytes(3, 0), 24)).toEqual({ found: hex(entry([3, 0], [])), next: [4] })
      expect(await read(bytes(3, 0), 25)).toEqual({ found: hex(entry([3, 0], []), entry([4], [9])), next: null })
      expect(await read(bytes(1, 0), 5030)).toEqual({ found: hex(large, entry([3, 0], [])), next: [4] })
      expect(await read(bytes(5), 100)).toEqual({ found: '0000000000', next: null })
      await view.close()
      await store.close()
    },
  )

  check('a view does not see later writes', async (stores, folder) => {
    const store = await opened(stores, folder, true)
    await store.write([entry([1], [1]), entry([2], [2])], [])
    const view = store.view()
    await store.write([entry([1], [9]), entry([3], [3])], [bytes(2)])
    const late = store.view()
    expect(shown(await view.read(bytes(), null, 1000))).toEqual([
      [[1], [1]],
      [[2], [2]],
    ])
    expect(shown(await late.read(bytes(), null, 1000))).toEqual([
      [[1], [9]],
      [[3], [3]],
    ])
    await view.close()
    await late.close()
    await store.close()
  })

  check('a view that is made during a write shows the store before it', async (stores, folder) => {
    const store = await opened(stores, folder, true)
    await store.write([entry([1], [1])], [])
    const write = store.write([entry([1], [2]), entry([2], [2])], [])
    const view = store.view()
    await write
    await store.write([entry([1], [3])], [])
    expect(shown(await view.read(bytes(), null, 1000))).toEqual([[[1], [1]]])
    await view.close()
    await view.close()
    expect(shown(await allOf(store))).toEqual([
      [[1], [3]],
      [[2], [2]],
    ])
    await store.close()
  })

  check('a store in use is locked', async (stores, folder) => {
    const store = await opened(stores, folder, true)
    expect(await stores.open(folder, false)).toMatchObject({ ok: false, error: { kind: 'locked' } })
    await store.close()
    await (await opened(stores, folder)).close()
  })

  check('a removed store is gone, and removing it again changes nothing', async (stores, folder) => {
    const place = `${folder}/store`
    const store = await opened(stores, place, true)
    await store.write([entry([1], [1])], [])
    expect(await store.sizeBytes()).toBeGreaterThan(0)
    await store.close()
    await stores.remove(place)
    await stores.remove(place)
    await stores.remove(`${folder}/never/made`)
    expect(await stores.open(place, false)).toMatchObject({ ok: false, error: { kind: 'damaged' } })
    const fresh = await opened(stores, place, true)
    expect(await allOf(fresh)).toEqual([])
    await fresh.close()
  })

  for (const [what, entriesOf, chunkSizeBytes] of filledStores) {
    check(`a filled store reads as one to which the same was written: ${what}`, async (stores, folder) => {
      const entries = entriesOf()
      await fillWith(stores, `${folder}/filled`, entries, chunkSizeBytes)
      const written = await opened(stores, `${folder}/written`, true)
      await written.write(entries, [])
      const filled = await opened(stores, `${folder}/filled`)
      expect(await filled.check()).toBeNull()
      await expectSame(filled, written, entries)
      // Both are changed in the same way.
      const random = new SeededRandom(9)
      for (let round = 0; round < 3; round++) {
        const puts = entries.filter(() => random.chance(4)).map(({ key }) => ({ key, value: bytes(round, 1, 2) }))
        const isPut = new Set(puts.map(({ key }) => key))
        const removals = entries.filter(({ key }) => !isPut.has(key) && random.chance(5)).map(({ key }) => key)
        puts.push(entry([255, round, 255, 255, 255, 255, 7], [round]))
        for (const store of [filled, written]) await store.write(puts, removals)
        expect(await filled.check()).toBeNull()
      }
      await expectSame(filled, written, entries)
      await filled.close()
      const again = await opened(stores, `${folder}/filled`)
      await expectSame(again, written, entries)
      await again.close()
      await written.close()
    })
  }

  check('a fill that was not finished leaves no store, and its folder can be removed', async (stores, folder) => {
    const place = `${folder}/store`
    const fill = await stores.fill(place)
    for (const chunk of recordsIn(randomEntries(new SeededRandom(1), 3000, 3000), 100_000)) await fill.add(chunk)
    await fill.close()
    await fill.close()
    expect(await stores.open(place, false)).toMatchObject({ ok: false, error: { kind: 'damaged' } })
    await stores.remove(place)
    await fillWith(stores, place, [entry([1], [1])], 100)
    const store = await opened(stores, place)
    expect(shown(await allOf(store))).toEqual([[[1], [1]]])
    await store.close()
  })

  check('a folder that is not empty is not filled', async (stores, folder) => {
    await fillWith(stores, `${folder}/store`, [entry([1], [1])], 100)
    await expect(stores.fill(`${folder}/store`)).rejects.toMatchObject({
      code: 'EEXIST',
      message: expect.stringContaining(`${folder}/store`),
    })
    const store = await opened(stores, `${folder}/store`)
    expect(shown(await allOf(store))).toEqual([[[1], [1]]])
    await store.close()
  })

  check(
    'entries that are out of order, repeated or no records are damage, and leave no store',
    async (stores, folder) => {
      const wrong: readonly (readonly Uint8Array[])[] = [
        [recordsOf([entry([2], []), entry([1], [])], 0, 1000).bytes],
        [recordsOf([entry([2], []), entry([2], [])], 0, 1000).bytes],
        [recordsOf([entry([2, 1], []), entry([2], [])], 0, 1000).bytes],
        ...[[1], [2], []].map((key) => [
          recordsOf([entry([1], []), entry([2], [])], 0, 1000).bytes,
          recordsOf([entry(key, []), entry([9], [])], 0, 1000).bytes,
        ]),
        ...[1, 4, 6, 9, 12].map((sizeBytes) => [
          recordsOf([entry([2, 2], [3, 3])], 0, 1000).bytes.subarray(0, -sizeBytes),
        ]),
      ].filter((chunks) => chunks.at(-1)!.length > 0)
      expect(wrong.length).toBeGreaterThan(9)
      for (const [number, chunks] of wrong.entries()) {
        const place = `${folder}/store-${number}`
        const fill = await stores.fill(place)
        for (const chunk of chunks.slice(0, -1)) await fill.add(chunk)
        const damage = { code: 'EDAMAGED', message: expect.stringContaining(place) }
        await expect(fill.add(chunks.at(-1)!)).rejects.toMatchObject(damage)
        await expect(fill.add(recordsOf([entry([99], [])], 0, 1000).bytes)).rejects.toMatchObject(damage)
        await expect(fill.finish()).rejects.toMatchObject(damage)
        await fill.close()
        expect(await stores.open(place, false)).toMatchObject({ ok: false, error: { kind: 'damaged' } })
      }
    },
  )

  check('the bytes of records are used only while they are added', async (stores, folder) => {
    const entries = randomEntries(new SeededRandom(6), 3000, 2000)
    const fill = await stores.fill(`${folder}/store`)
    for (const chunk of recordsIn(entries, 10_000)) {
      await fill.add(chunk)
      chunk.fill(255)
    }
    await fill.finish()
    await fill.close()
    const store = await opened(stores, `${folder}/store`)
    expect((await allOf(store)).map(({ key }) => [...key])).toEqual(entries.map(({ key }) => [...key]))
    await store.close()
  })

  check('a store agrees with a map after many writes, removals and restarts', async (stores, folder) => {
    const random = new SeededRandom(7)
    const model = new Map<string, Uint8Array>()
    let store = await opened(stores, folder, true)
    for (let round = 0; round < 40; round++) {
      const puts: KeyValue[] = []
      const removals: Uint8Array[] = []
      for (let i = 0; i < 30; i++) {
        const key = Uint8Array.from({ length: 1 + random.below(3) }, () => random.below(6) * 50)
        const name = Buffer.from(key).toString('hex')
        if (
          puts
            .concat(removals.map((one) => ({ key: one, value: one })))
            .some((put) => Buffer.compare(put.key, key) === 0)
        )
          continue
        if (random.below(3) === 0) {
          removals.push(key)
          model.delete(name)
        } else {
          const value = new Uint8Array(random.below(3000)).fill(round)
          puts.push({ key, value })
          model.set(name, value)
        }
      }
      await store.write(puts, removals)
      if (round % 10 === 9) {
        await store.close()
        store = await opened(stores, folder)
      }
      const names = [...model.keys()].sort()
      const all = await allOf(store)
      expect(all.map(({ key }) => Buffer.from(key).toString('hex'))).toEqual(names)
      const values = await store.get(names.map((name) => Buffer.from(name, 'hex')))
      for (const [i, name] of names.entries()) {
        expect(Buffer.compare(all[i]!.value, model.get(name)!)).toBe(0)
        expect(Buffer.compare(values[i]!, model.get(name)!)).toBe(0)
      }
    }
    await store.close()
  })
}

/** Both stores hold the same, in each way to read it. `keys` are looked up. */
async function expectSame(one: KeyValueStore, other: KeyValueStore, keys: readonly KeyValue[]): Promise<void> {
  const [found, expected] = await Promise.all([recordsOfStore(one), recordsOfStore(other)])
  expect(Buffer.compare(found, expected)).toBe(0)
  const asked = keys.filter((_, i) => i % 7 === 0).map(({ key }) => key)
  const [values, expectedValues] = await Promise.all([one.get(asked), other.get(asked)])
  expect(values.every((value, i) => isSameValue(value, expectedValues[i]!))).toBe(true)
  const start = keys[keys.length >> 1]?.key ?? bytes(1)
  const [view, otherView] = [one.view(), other.view()]
  const [some, expectedSome] = [await view.read(start, null, 500), await otherView.read(start, null, 500)]
  expect(Buffer.compare(inOne(some), inOne(expectedSome))).toBe(0)
  await view.close()
  await otherView.close()
}

function inOne(entries: readonly KeyValue[]): Uint8Array {
  return recordsOf(entries, 0, Number.POSITIVE_INFINITY).bytes
}

function isSameValue(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : Buffer.compare(a, b) === 0
}

async function recordsOfStore(store: KeyValueStore): Promise<Uint8Array> {
  const view = store.view()
  const parts: Uint8Array[] = []
  for (let from: Uint8Array | null = bytes(); from !== null; ) {
    const records: KeyValueRecords = await view.readRecords(from, 0, 100_000)
    parts.push(records.bytes)
    from = records.next
  }
  await view.close()
  return Buffer.concat(parts)
}
