/** However much there is to fold, a batch is about as large as a step may be, and reads ask for few znodes at a time. */
import { expect, test } from 'vitest'
import type { SessionId, Zxid } from '../../src/base/ids.ts'
import { CheckpointKeeper } from '../../src/checkpoint/checkpoint-keeper.ts'
import type { KeyValueStore, KeyValueStores } from '../../src/ports/key-values.ts'
import type { Change } from '../../src/protocol/txn/txn.ts'
import { SimKeyValues } from '../simulator/sim-key-values.ts'
import { appendAndWait, folder, History, openStorage, promptDisk, recovered, serverId } from '../storage/storage-rig.ts'
import { creation } from '../support/tree-driver.ts'
import { checkpointFolder, describeState, ExpectedState, loadedFrom, payloadOfTxn } from './keeper-rig.ts'

interface Measured {
  readonly batchSizesBytes: number[]
  keysPerReadMax: number
  getCount: number
}

function measuring(stores: KeyValueStores, measured: Measured): KeyValueStores {
  return {
    fill: (path) => stores.fill(path),
    remove: (path) => stores.remove(path),
    async open(path, mayCreate) {
      const opened = await stores.open(path, mayCreate)
      if (!opened.ok) return opened
      const store = opened.value
      const measuredStore: KeyValueStore = {
        readOnlyBecause: null,
        check: () => store.check(),
        view: () => store.view(),
        sizeBytes: () => store.sizeBytes(),
        close: () => store.close(),
        get(keys) {
          measured.keysPerReadMax = Math.max(measured.keysPerReadMax, keys.length)
          measured.getCount += 1
          return store.get(keys)
        },
        write(puts, removals) {
          measured.batchSizesBytes.push([...puts].reduce((sum, { key, value }) => sum + key.length + value.length, 0))
          return store.write(puts, removals)
        },
      }
      return { ok: true, value: measuredStore }
    },
  }
}

async function fold(changesOf: readonly (readonly Change[])[], stepSizeBytesMax: number): Promise<Measured> {
  const disk = promptDisk()
  const opened = await openStorage(disk)
  recovered(opened)
  const history = changesOf.map((changes, index) => ({ zxid: (index + 1) as Zxid, timeMs: 7, origin: null, changes }))
  const written = new History()
  await appendAndWait(
    opened.storage,
    history.map((txn) => written.next(txn.zxid, payloadOfTxn(txn))),
  )
  const measured: Measured = { batchSizesBytes: [], keysPerReadMax: 0, getCount: 0 }
  const stores = measuring(new SimKeyValues(disk), measured)
  const options = { disk, stores, folder: checkpointFolder, logFolder: folder, serverId, stepSizeBytesMax }
  const keeper = new CheckpointKeeper(options)
  await keeper.open()
  await keeper.advance(history.at(-1)!.zxid)
  const expected = new ExpectedState(history).at(history.at(-1)!.zxid)
  expect(describeState(await loadedFrom(keeper))).toBe(describeState(expected))
  return measured
}

const none = 0n as SessionId
const data = (sizeBytes: number, byte: number): Uint8Array => new Uint8Array(sizeBytes).fill(byte)

test('creates of many znodes are written in batches of about the size of a step', async () => {
  const creates = Array.from({ length: 400 }, (_, i) => [
    creation(`/n${i}`, i + 2, { data: data(3000, i), owner: none }),
  ])
  const { batchSizesBytes, keysPerReadMax } = await fold(creates, 100_000)
  expect(Math.max(...batchSizesBytes)).toBeLessThan(115_000)
  expect(batchSizesBytes.length).toBeGreaterThan(10)
  expect(keysPerReadMax).toBeLessThanOrEqual(64)
})

test('sets of one znode are one batch, however many they are', async () => {
  const sets = Array.from({ length: 500 }, (_, i): readonly Change[] => [
    { kind: 'set-data', path: '/hot', data: data(2000, i), version: i + 1 },
  ])
  const { batchSizesBytes, getCount } = await fold([[creation('/hot', 2)], ...sets], 100_000)
  expect(batchSizesBytes.length).toBe(1)
  expect(getCount).toBeLessThan(5)
})

test('one txn that is larger than a step is a batch of its own', async () => {
  const many = Array.from({ length: 200 }, (_, i) => creation(`/big/n${i}`, i + 1, { data: data(1000, i) }))
  const removals = Array.from({ length: 200 }, (_, i): Change => ({ kind: 'delete', path: `/big/n${i}` }))
  const { batchSizesBytes, keysPerReadMax } = await fold([[creation('/big', 2)], many, removals], 50_000)
  expect(batchSizesBytes.length).toBe(2)
  expect(keysPerReadMax).toBeLessThanOrEqual(64)
})

test('long data of znodes that get children is read again for the batch, and counts for its size', async () => {
  const parents = Array.from({ length: 40 }, (_, i) => [creation(`/p${i}`, i + 2, { data: data(20_000, i) })])
  const children = parents.map((_, i) => [creation(`/p${i}/c`, 1)])
  const acls = parents.map((_, i): readonly Change[] => [
    { kind: 'set-acl', path: `/p${i}`, acl: [{ perms: 1, scheme: 'world', id: 'anyone' }], aversion: 1 },
  ])
  const { batchSizesBytes } = await fold([...parents, ...children, ...acls], 100_000)
  expect(Math.max(...batchSizesBytes)).toBeLessThan(700_000)
  expect(batchSizesBytes.length).toBeGreaterThan(9)
})
