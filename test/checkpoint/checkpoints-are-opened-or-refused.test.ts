/** What is found in the folder of the checkpoint is used, or refused with the place, the reason and the way out. */
import { expect, test } from 'vitest'
import { crc32c } from '../../src/base/crc32c.ts'
import type { CheckpointKeeper } from '../../src/checkpoint/checkpoint-keeper.ts'
import { metaKey } from '../../src/checkpoint/store-keys.ts'
import type { SimDisk } from '../simulator/sim-disk.ts'
import { SimKeyValues } from '../simulator/sim-key-values.ts'
import { promptDisk, promptSchedule } from '../storage/storage-rig.ts'
import type { HistoryTxn } from '../tree/random-history.ts'
import {
  checkpointFolder,
  describeState,
  ExpectedState,
  keeperOn,
  loadedFrom,
  logWithHistory,
  openedKeeper,
} from './keeper-rig.ts'

interface Folded {
  readonly disk: SimDisk // the keeper on it has been closed
  readonly history: readonly HistoryTxn[]
}

async function folded(): Promise<Folded> {
  const disk = promptDisk(1)
  const history = await logWithHistory(disk, 1, 40)
  const { keeper } = await openedKeeper(disk)
  await keeper.advance(history[19]!.zxid)
  await keeper.close()
  return { disk, history }
}

async function failureOf(keeper: CheckpointKeeper): Promise<string> {
  const result = await keeper.open()
  return result.ok ? 'opened' : `${result.error.kind}: ${result.error.message}`
}

async function replaceFile(disk: SimDisk, path: string, bytes: Uint8Array): Promise<void> {
  disk.removeAtOnce(path)
  const file = await disk.open(path, 'create-new')
  await file.writeDurably(0, [bytes])
  await file.close()
}

const current = `${checkpointFolder}/current`

test('an empty and a missing folder hold no checkpoint, and opening changes nothing', async () => {
  const disk = promptDisk(1)
  expect((await openedKeeper(disk)).facts).toBe(null)
  expect(disk.paths()).toEqual([])
  await disk.makeFolder(checkpointFolder)
  expect((await openedKeeper(disk)).facts).toBe(null)
  expect(disk.paths()).toEqual([])
})

test('a file current that names no store is damage, and so is a store that is missing', async () => {
  for (const text of ['', 'store-1', 'store-0\n', 'store-x\n', '../store-1\n', 'store-1\nstore-2\n']) {
    const { disk } = await folded()
    await replaceFile(disk, current, new TextEncoder().encode(text))
    const failure = await failureOf(keeperOn(disk))
    expect(failure).toBe('damaged: the checkpoint is damaged: /data/checkpoint/current does not name a store')
  }
  const { disk } = await folded()
  await replaceFile(disk, current, new TextEncoder().encode('store-2\n'))
  expect(await failureOf(keeperOn(disk))).toMatch(/^damaged: .*store-2/)
})

test('a bit that flips in the store is damage, or leaves the state at an earlier batch', async () => {
  const { disk, history } = await folded()
  const path = `${checkpointFolder}/store-1/entries`
  const sizeBytes = disk.contents(path).length
  const expected = describeState(new ExpectedState(history).at(history[19]!.zxid))
  let damagedCount = 0
  for (let byte = 0; byte < sizeBytes; byte += 1 + Math.floor(sizeBytes / 60)) {
    const copy = disk.crash('keep-all', { schedule: promptSchedule })
    copy.flipBit(path, byte * 8 + (byte % 8))
    const keeper = keeperOn(copy)
    const result = await keeper.open()
    // The store holds one batch: without it there is no meta record.
    if (result.ok) expect(describeState(await loadedFrom(keeper))).toBe(expected)
    else damagedCount += 1
    await keeper.close()
  }
  expect(damagedCount).toBeGreaterThan(30)
})

async function withMeta(change: (value: Uint8Array) => Uint8Array | null): Promise<SimDisk> {
  const { disk } = await folded()
  const opened = await new SimKeyValues(disk).open(`${checkpointFolder}/store-1`, false)
  if (!opened.ok) throw new Error(opened.error.message)
  const [value] = await opened.value.get([metaKey])
  const changed = change(value!)
  await opened.value.write(
    changed === null ? [] : [{ key: metaKey, value: changed }],
    changed === null ? [metaKey] : [],
  )
  await opened.value.close()
  return disk
}

function withChecksum(value: Uint8Array): Uint8Array {
  const end = value.length - 4
  new DataView(value.buffer, value.byteOffset).setUint32(end, crc32c(value.subarray(0, end)))
  return value
}

test('a meta record that is missing or damaged, of another version or of another server is refused', async () => {
  expect(await failureOf(keeperOn(await withMeta(() => null)))).toMatch(/^damaged: .*has no meta record/)
  for (let byte = 0; byte < 72; byte += 5) {
    const disk = await withMeta((value) => {
      value[byte]! ^= 4
      return value
    })
    expect(await failureOf(keeperOn(disk))).toMatch(/^damaged: .*is not readable/)
  }
  const newer = await withMeta((value) => {
    value[3] = 2
    return withChecksum(value)
  })
  expect(await failureOf(keeperOn(newer))).toMatch(/^foreign: .* format 2, which this version does not read/)
  const digests = await withMeta((value) => {
    value[27] = 9
    return withChecksum(value)
  })
  expect(await failureOf(keeperOn(digests))).toMatch(/^foreign: .* tree digests of version 9/)
  const { disk } = await folded()
  const foreign = await failureOf(keeperOn(disk, { serverId: 5 }))
  expect(foreign).toMatch(/^foreign: .*store-1 is the checkpoint of server 3, this is server 5/)
})

test('a store that is in use is refused', async () => {
  const { disk } = await folded()
  const { keeper } = await openedKeeper(disk)
  expect(await failureOf(keeperOn(disk))).toMatch(/^locked: .*store-1 is in use/)
  await keeper.close()
  expect((await openedKeeper(disk)).facts).not.toBe(null)
})

test('after a damaged store was forgotten the whole log is folded again', async () => {
  const { disk, history } = await folded()
  const entries = `${checkpointFolder}/store-1/entries`
  disk.flipBit(entries, 8)
  const keeper = keeperOn(disk)
  expect(await failureOf(keeper)).toMatch(/^damaged/)
  await keeper.discard()
  expect(disk.paths()).not.toContain(current)
  const reached = await keeper.advance(history[39]!.zxid)
  expect(reached.zxid).toBe(history[39]!.zxid)
  await keeper.clean()
  expect(disk.paths().filter((path) => path.startsWith(checkpointFolder))).toEqual([
    current,
    `${checkpointFolder}/store-2/entries`,
  ])
  const expected = describeState(new ExpectedState(history).at(history[39]!.zxid))
  expect(describeState(await loadedFrom(keeper))).toBe(expected)
})

test('a keeper may be closed at any moment of its work', async () => {
  const { disk: found, history } = await folded()
  for (let turns = 0; turns < 400; turns += 9) {
    const disk = found.crash('keep-all', { schedule: promptSchedule })
    const options = { stepSizeBytesMax: 3000, chunkSizeBytesMax: 2000 }
    const { keeper } = await openedKeeper(disk, options)
    const copy = await keeper.copy()
    const receiver = await keeper.receive()
    const outcomes = [
      keeper.advance(history[39]!.zxid).then(() => null),
      copy.chunk(0).then((chunk) => receiver.add(0, chunk!)),
      copy.chunk(3),
      keeper.clean(),
    ].map((work) => work.catch((error: Error) => expect(error.message).toMatch(/closed|finished or given up/)))
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve()
    await keeper.close()
    await Promise.all(outcomes)
    await copy.close()
    await expect(keeper.advance(history[39]!.zxid)).rejects.toThrow('closed')
    // Nothing is locked, and what is found is exact.
    const again = await openedKeeper(disk, options)
    const { zxid } = again.facts!
    expect(describeState(await loadedFrom(again.keeper))).toBe(describeState(new ExpectedState(history).at(zxid)))
    await again.keeper.close()
  }
})
