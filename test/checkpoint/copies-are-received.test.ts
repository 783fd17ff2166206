/** A copy of one server becomes the checkpoint of another, over a transfer that breaks, repeats and damages chunks. */
import { expect, test } from 'vitest'
import { damageCode, retiredDamageCode } from '../../src/base/disk-failure.ts'
import type { Zxid } from '../../src/base/ids.ts'
import { ok, type Result } from '../../src/base/result.ts'
import type { CheckpointKeeper } from '../../src/checkpoint/checkpoint-keeper.ts'
import type {
  KeyValue,
  KeyValueFailure,
  KeyValueFill,
  KeyValueStore,
  KeyValueStores,
} from '../../src/ports/key-values.ts'
import type { SimDisk } from '../simulator/sim-disk.ts'
import { SimKeyValues } from '../simulator/sim-key-values.ts'
import { promptDisk } from '../storage/storage-rig.ts'
import { chunkOf, entriesOf } from '../support/records.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import type { HistoryTxn } from '../tree/random-history.ts'
import {
  changedStores,
  checkpointFolder,
  describeState,
  ExpectedState,
  loadedFrom,
  logWithHistory,
  openedKeeper,
} from './keeper-rig.ts'
import { finishCopy, receiveCopy } from './receiving.ts'

interface Server {
  readonly disk: SimDisk
  readonly history: readonly HistoryTxn[]
  readonly keeper: CheckpointKeeper
}

const options = { chunkSizeBytesMax: 2000 }

async function serverWith(seed: number, txnCount: number): Promise<Server> {
  const disk = promptDisk(seed)
  const history = await logWithHistory(disk, seed, txnCount)
  const { keeper } = await openedKeeper(disk, options)
  return { disk, history, keeper }
}

function stateAt({ history }: Server, index: number): string {
  const { zxid } = history.at(index)!
  return describeState(new ExpectedState(history).at(zxid))
}

async function chunksOf(keeper: CheckpointKeeper): Promise<readonly Uint8Array[]> {
  const copy = await keeper.copy()
  const chunks: Uint8Array[] = []
  for (let chunk = await copy.chunk(0); chunk !== null; chunk = await copy.chunk(chunks.length)) chunks.push(chunk)
  expect(copy.chunkCount).toBe(chunks.length)
  await copy.close()
  return chunks
}

function storesOn(disk: SimDisk): readonly string[] {
  const paths = disk.paths().filter((path) => path.startsWith(checkpointFolder))
  return paths.map((path) => path.slice(checkpointFolder.length + 1))
}

test('a copy is what its store was when it was made, whatever is folded meanwhile', async () => {
  const leader = await serverWith(1, 90)
  await leader.keeper.advance(leader.history[30]!.zxid)
  const copy = await leader.keeper.copy()
  const first = await copy.chunk(0)
  await leader.keeper.advance(leader.history[89]!.zxid)
  const chunks: Uint8Array[] = []
  for (let chunk = await copy.chunk(0); chunk !== null; chunk = await copy.chunk(chunks.length)) chunks.push(chunk)
  expect(Buffer.compare(chunks[0]!, first!)).toBe(0)
  expect(copy.facts.zxid).toBe(leader.history[30]!.zxid)
  const learner = await openedKeeper(promptDisk(9), options)
  expect((await receiveCopy(learner.keeper, chunks)).ok).toBe(true)
  expect(describeState(await loadedFrom(learner.keeper))).toBe(stateAt(leader, 30))
  expect(describeState(await loadedFrom(leader.keeper))).toBe(stateAt(leader, 89))
})

test('chunks that are damaged, repeated or early leave a transfer whole, and it goes on after a break', async () => {
  const leader = await serverWith(2, 80)
  const facts = await leader.keeper.advance(leader.history[79]!.zxid)
  const chunks = await chunksOf(leader.keeper)
  expect(chunks.length).toBeGreaterThan(8)
  const disk = promptDisk(3)
  const { keeper } = await openedKeeper(disk, options)
  const receiver = await keeper.receive()
  const random = new SeededRandom(5)
  for (const [number, chunk] of chunks.entries()) {
    const damaged = chunk.slice()
    damaged[random.below(chunk.length)]! ^= 1 << random.below(8)
    expect(await receiver.add(number, damaged)).toBe(false)
    expect(await receiver.add(number, chunk.subarray(0, random.below(chunk.length)))).toBe(false)
    expect(await receiver.add(number + 1, chunk)).toBe(false)
    if (number + 1 < chunks.length) expect(await receiver.add(number + 1, chunks[number + 1]!)).toBe(false)
    expect(await receiver.add(number, chunk)).toBe(true)
    // After a break the sender begins somewhat earlier.
    for (let again = Math.max(0, number - random.below(4)); again <= number; again += 1)
      expect(await receiver.add(again, chunks[again]!)).toBe(true)
  }
  const result = await finishCopy(receiver, chunks)
  expect(result).toEqual({ ok: true, value: { ...facts, origin: 'received' } })
  expect(describeState(await loadedFrom(keeper))).toBe(stateAt(leader, 79))
  await keeper.close()
  const again = await openedKeeper(disk, options)
  expect(again.facts).toEqual({ ...facts, origin: 'received' })
})

test('a transfer that ends early is refused, and the store before it stays', async () => {
  const leader = await serverWith(3, 60)
  await leader.keeper.advance(leader.history[59]!.zxid)
  const chunks = await chunksOf(leader.keeper)
  const learner = await serverWith(3, 20)
  await learner.keeper.advance(learner.history[19]!.zxid)
  for (let count = 0; count < chunks.length; count += 1) {
    const result = await receiveCopy(learner.keeper, chunks.slice(0, count))
    expect(result.ok).toBe(false)
    expect(describeState(await loadedFrom(learner.keeper))).toBe(stateAt(learner, 19))
  }
  expect(storesOn(learner.disk)).toEqual(['current', 'store-1/entries'])
})

/** The only entry of a chunk. */
function entryIn(chunk: Uint8Array): KeyValue {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length)
  const keyEnd = 12 + view.getUint32(8)
  return { key: chunk.slice(12, keyEnd), value: chunk.slice(keyEnd + 4) }
}

test('a copy with a value that is not that of its sender is refused, although its checksums fit', async () => {
  const leader = await serverWith(4, 60)
  await leader.keeper.close()
  const { keeper: sender } = await openedKeeper(leader.disk, { chunkSizeBytesMax: 1 })
  await sender.advance(leader.history[59]!.zxid)
  const chunks = await chunksOf(sender)
  const { keeper } = await openedKeeper(promptDisk(4), options)
  const messages = new Set<string>()
  for (let wrong = 0; wrong < chunks.length; wrong += 3) {
    const sent = chunks.map((chunk, number) => {
      const { key, value } = entryIn(chunk)
      if (number === wrong) value[value.length >>> 1]! ^= 0x10
      return chunkOf(number, [{ key, value }])
    })
    const result = await receiveCopy(keeper, sent)
    const isSession = entryIn(chunks[wrong]!).key[0] === 2 // the digest does not cover the sessions
    expect(result.ok).toBe(isSession)
    if (!result.ok) messages.add(result.error.split(' ')[0]!)
  }
  expect([...messages].sort()).toContain('it')
})

test('a receiver that is replaced or given up leaves no files', async () => {
  const leader = await serverWith(5, 40)
  await leader.keeper.advance(leader.history[39]!.zxid)
  const chunks = await chunksOf(leader.keeper)
  const disk = promptDisk(5)
  const { keeper } = await openedKeeper(disk, options)
  const first = await keeper.receive()
  expect(await first.add(0, chunks[0]!)).toBe(true)
  const second = await keeper.receive()
  expect(storesOn(disk)).toEqual(['store-2/entries.draft'])
  await second.abort()
  await second.abort()
  expect(storesOn(disk)).toEqual([])
  await expect(keeper.copy()).rejects.toThrow('there is no checkpoint')
  await keeper.close()
})

test('an old store stays until the last copy of it is closed', async () => {
  const leader = await serverWith(6, 60)
  await leader.keeper.advance(leader.history[59]!.zxid)
  const chunks = await chunksOf(leader.keeper)
  const learner = await serverWith(6, 30)
  await learner.keeper.advance(learner.history[29]!.zxid)
  const copy = await learner.keeper.copy()
  expect((await receiveCopy(learner.keeper, chunks)).ok).toBe(true)
  await learner.keeper.clean()
  expect(storesOn(learner.disk)).toEqual(['current', 'store-1/entries', 'store-2/entries'])
  expect(await copy.chunk(0)).not.toBe(null)
  await copy.close()
  expect(storesOn(learner.disk)).toEqual(['current', 'store-2/entries'])
  expect(describeState(await loadedFrom(learner.keeper))).toBe(stateAt(leader, 59))
})

test('a copy that is being opened while another store becomes current shows the old one', async () => {
  const leader = await serverWith(6, 60)
  await leader.keeper.advance(leader.history[59]!.zxid)
  const chunks = await chunksOf(leader.keeper)
  const disk = promptDisk(6)
  const history = await logWithHistory(disk, 6, 30)
  let isHeld = false
  let release = (): void => {}
  const stores = changedStores(disk, (store) => ({
    view: (trustedFrom) => {
      const view = store.view(trustedFrom)
      const read: typeof view.read = async (...range) => {
        if (!isHeld) return view.read(...range)
        await new Promise<void>((resolve) => {
          release = resolve
        })
        return view.read(...range)
      }
      return { read, readRecords: (...range) => view.readRecords(...range), close: () => view.close() }
    },
  }))
  const { keeper } = await openedKeeper(disk, { ...options, stores })
  await keeper.advance(history[29]!.zxid)
  const receiver = await keeper.receive()
  for (const [number, chunk] of chunks.entries()) await receiver.add(number, chunk)
  isHeld = true
  const opening = keeper.copy()
  expect((await finishCopy(receiver, chunks)).ok).toBe(true)
  isHeld = false
  release()
  const copy = await opening
  expect(copy.facts.zxid).toBe(history[29]!.zxid)
  expect(await copy.chunk(0)).not.toBe(null)
  await copy.close()
  expect(storesOn(disk)).toEqual(['current', 'store-2/entries'])
})

test('damage of an old store is neither damage of the received one, nor does it discard that', async () => {
  const leader = await serverWith(6, 60)
  await leader.keeper.advance(leader.history[59]!.zxid)
  const chunks = await chunksOf(leader.keeper)
  const disk = promptDisk(6)
  const history = await logWithHistory(disk, 6, 30)
  let isDamaged = false
  const stores = changedStores(disk, (store) => ({
    view: (trustedFrom) => {
      const view = store.view(trustedFrom)
      const readRecords: typeof view.readRecords = (...range) => {
        if (!isDamaged) return view.readRecords(...range)
        return Promise.reject(Object.assign(new Error('a block was changed'), { code: damageCode }))
      }
      return { read: (...range) => view.read(...range), readRecords, close: () => view.close() }
    },
  }))
  const { keeper } = await openedKeeper(disk, { ...options, stores })
  await keeper.advance(history[29]!.zxid)
  const copy = await keeper.copy()
  const receiver = await keeper.receive()
  for (const [number, chunk] of chunks.entries()) await receiver.add(number, chunk)
  isDamaged = true
  await expect(copy.chunk(0)).rejects.toMatchObject({ code: damageCode, store: 'store-1' })
  expect((await finishCopy(receiver, chunks)).ok).toBe(true)
  await expect(copy.chunk(0)).rejects.toMatchObject({ code: retiredDamageCode })
  await keeper.discard('store-1')
  isDamaged = false
  expect(describeState(await loadedFrom(keeper))).toBe(stateAt(leader, 59))
  await keeper.discard('store-2')
  await expect(keeper.copy()).rejects.toThrow('there is no checkpoint')
})

test('a log that restarts at a received copy is folded from there, and the store is then a folded one', async () => {
  const leader = await serverWith(7, 90)
  await leader.keeper.advance(leader.history[49]!.zxid)
  const chunks = await chunksOf(leader.keeper)
  // The learner's log holds the same history, as after the restart at the copy and the txns that follow it.
  const learner = await serverWith(7, 90)
  await learner.keeper.advance(learner.history[10]!.zxid)
  expect(await receiveCopy(learner.keeper, chunks)).toMatchObject({ ok: true, value: { origin: 'received' } })
  expect(await learner.keeper.advance(learner.history[20]!.zxid)).toMatchObject({ origin: 'received' })
  expect(await learner.keeper.advance(learner.history[89]!.zxid)).toMatchObject({ origin: 'folded' })
  expect(describeState(await loadedFrom(learner.keeper))).toBe(stateAt(learner, 89))
})

test('what a full disk has kept a learner from writing is written when space returns', async () => {
  const leader = await serverWith(8, 90)
  await leader.keeper.advance(leader.history[89]!.zxid)
  const chunks = await chunksOf(leader.keeper)
  const expected = stateAt(leader, 89)
  // The disk is full from a call on: from one of the chunks, from the end of the fill, or from the meta record after it.
  for (const fullFrom of [1, 2, chunks.length, chunks.length + 1, chunks.length + 2]) {
    const disk = promptDisk(8)
    const stores = new FullStores(new SimKeyValues(disk), fullFrom)
    const { keeper } = await openedKeeper(disk, { ...options, stores })
    const receiver = await keeper.receive()
    for (const [number, chunk] of chunks.entries()) await untilSpace(stores, () => receiver.add(number, chunk))
    const facts = await untilSpace(stores, () => finishCopy(receiver, chunks))
    expect(facts.ok).toBe(true)
    expect(stores.rejectionCount).toBeGreaterThan(1)
    expect(describeState(await loadedFrom(keeper))).toBe(expected)
    await keeper.close()
    const again = await openedKeeper(disk, options)
    expect(describeState(await loadedFrom(again.keeper))).toBe(expected)
  }
})

test('a copy is received in spite of a disk that is full at any of its operations', async () => {
  const leader = await serverWith(8, 60)
  await leader.keeper.advance(leader.history[59]!.zxid)
  const chunks = await chunksOf(leader.keeper)
  const expected = stateAt(leader, 59)
  let rejectionCount = 0
  for (let fullFrom = 1, wasFull = true; wasFull; fullFrom++) {
    let isReceiving = false
    let count = 0
    wasFull = false
    const disk: SimDisk = promptDisk(8, {
      onOperation: () => {
        if (!isReceiving || ++count !== fullFrom) return
        disk.faults.full = true
        wasFull = true
      },
    })
    const untilItFits = async <T>(act: () => Promise<T>): Promise<T> => {
      for (let attempt = 0; ; attempt++) {
        try {
          return await act()
        } catch (error) {
          expect(error).toMatchObject({ code: 'ENOSPC' })
          rejectionCount++
          if (attempt === 1) disk.faults.full = false
        }
      }
    }
    const { keeper } = await openedKeeper(disk, options)
    isReceiving = true
    const receiver = await untilItFits(() => keeper.receive())
    for (const [number, chunk] of chunks.entries()) await untilItFits(() => receiver.add(number, chunk))
    isReceiving = false
    expect((await untilItFits(() => finishCopy(receiver, chunks))).ok).toBe(true)
    disk.faults.full = false
    expect(describeState(await loadedFrom(keeper))).toBe(expected)
    await keeper.close()
    const again = await openedKeeper(disk.crash('drop-all'), options)
    expect(describeState(await loadedFrom(again.keeper))).toBe(expected)
  }
  expect(rejectionCount).toBeGreaterThan(20)
})

test('a copy whose entries are not in order is refused, and the store before it stays', async () => {
  const leader = await serverWith(3, 60)
  await leader.keeper.advance(leader.history[59]!.zxid)
  const entries = (await chunksOf(leader.keeper)).flatMap((chunk) => [...entriesOf(chunk.subarray(8))!])
  const learner = await serverWith(3, 20)
  await learner.keeper.advance(learner.history[19]!.zxid)
  for (const at of [1, entries.length - 2]) {
    const swapped = [...entries.slice(0, at), entries[at + 1]!, entries[at]!, ...entries.slice(at + 2)]
    const receiver = await learner.keeper.receive()
    await expect(receiver.add(0, chunkOf(0, swapped))).rejects.toMatchObject({ code: damageCode })
    await receiver.abort()
    expect(describeState(await loadedFrom(learner.keeper))).toBe(stateAt(learner, 19))
  }
  expect(storesOn(learner.disk)).toEqual(['current', 'store-1/entries'])
})

test('a copy that cannot become current on a full disk is given up, and the next one is installed', async () => {
  const leader = await serverWith(9, 60)
  await leader.keeper.advance(leader.history[59]!.zxid)
  const chunks = await chunksOf(leader.keeper)
  const disk = promptDisk(9)
  const { keeper } = await openedKeeper(disk, options)
  const receiver = await keeper.receive()
  for (const [number, chunk] of chunks.entries()) await receiver.add(number, chunk)
  const open = disk.open.bind(disk)
  disk.open = (path, mode) => {
    if (!path.endsWith('current.next')) return open(path, mode)
    return Promise.reject(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }))
  }
  await expect(finishCopy(receiver, chunks)).rejects.toMatchObject({ code: 'ENOSPC' })
  await expect(finishCopy(receiver, chunks)).rejects.toMatchObject({ code: 'ECLOSED' })
  await receiver.abort()
  disk.open = open
  expect((await receiveCopy(keeper, chunks)).ok).toBe(true)
  await keeper.clean()
  expect(storesOn(disk)).toEqual(['current', 'store-2/entries'])
  expect(describeState(await loadedFrom(keeper))).toBe(stateAt(leader, 59))
})

test('a copy that could not be installed is given up without a store that current may name being removed', async () => {
  for (let failAt = 1; failAt <= 12; failAt++) {
    const leaderDisk = promptDisk(2)
    const history = await logWithHistory(leaderDisk, 2, 30)
    const leader = (await openedKeeper(leaderDisk)).keeper
    await leader.advance(history[29]!.zxid)
    const chunk = await (await leader.copy()).chunk(0)
    let isFinishing = false
    let count = 0
    const disk: SimDisk = promptDisk(3, {
      onOperation: () => {
        if (isFinishing && ++count === failAt) disk.faults.full = true
      },
    })
    await logWithHistory(disk, 4, 20)
    const { keeper } = await openedKeeper(disk)
    await keeper.advance(0x7_0000_0005 as Zxid)
    const receiver = await keeper.receive()
    await receiver.add(0, chunk!)
    isFinishing = true
    await finishCopy(receiver, [chunk!]).catch(() => {})
    await receiver.abort()
    disk.faults.full = false
    isFinishing = false
    const { facts } = await openedKeeper(disk.kill())
    expect([history[29]!.zxid, 0x7_0000_0005]).toContain(facts?.zxid)
  }
})

/** The first attempts fail. */
async function untilSpace<T>(stores: FullStores, act: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await act()
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' })
      if (attempt === 2) stores.isFull = false
    }
  }
}

/** Stores that find the disk full from a call on. As LevelDB, they then reject every write until they are opened again. */
class FullStores implements KeyValueStores {
  readonly #real: KeyValueStores
  #callsLeft: number
  isFull = true
  rejectionCount = 0

  constructor(real: KeyValueStores, fullFrom: number) {
    this.#real = real
    this.#callsLeft = fullFrom - 1
  }

  async fill(folder: string): Promise<KeyValueFill> {
    const fill = await this.#real.fill(folder)
    return {
      add: (records) => this.#ifFits(() => fill.add(records)),
      finish: () => this.#ifFits(() => fill.finish()),
      close: () => fill.close(),
    }
  }

  remove(folder: string): Promise<void> {
    return this.#real.remove(folder)
  }

  async open(folder: string, mayCreate: boolean): Promise<Result<KeyValueStore, KeyValueFailure>> {
    const opened = await this.#real.open(folder, mayCreate)
    if (!opened.ok) return opened
    const store = opened.value
    let hasFailed = false
    return ok({
      readOnlyBecause: null,
      get: (keys) => store.get(keys),
      write: async (puts, removals) => {
        if (hasFailed) throw this.#full()
        hasFailed = true
        await this.#ifFits(() => store.write(puts, removals))
        hasFailed = false
      },
      view: () => store.view(),
      check: () => store.check(),
      sizeBytes: () => store.sizeBytes(),
      close: () => store.close(),
    })
  }

  async #ifFits(act: () => Promise<void>): Promise<void> {
    if (this.isFull && this.#callsLeft === 0) throw this.#full()
    if (this.#callsLeft > 0) this.#callsLeft -= 1
    return act()
  }

  #full(): Error {
    this.rejectionCount += 1
    return Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
  }
}
