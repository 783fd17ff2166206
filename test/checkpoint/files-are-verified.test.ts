/**
 * The files of a checkpoint are removed or changed while its keeper has them open: it finds out when it is asked, and not
 * when the next start needs them.
 */
import { expect, test } from 'vitest'
import type { CheckpointKeeper } from '../../src/checkpoint/checkpoint-keeper.ts'
import type { SimDisk } from '../simulator/sim-disk.ts'
import { promptDisk } from '../storage/storage-rig.ts'
import type { HistoryTxn } from '../tree/random-history.ts'
import {
  changedStores,
  checkpointFolder,
  describeState,
  ExpectedState,
  keeperOn,
  loadedFrom,
  logWithHistory,
  openedKeeper,
} from './keeper-rig.ts'

interface Kept {
  readonly disk: SimDisk
  readonly keeper: CheckpointKeeper
  readonly history: readonly HistoryTxn[]
}

const current = `${checkpointFolder}/current`
const entries = `${checkpointFolder}/store-1/entries`

/** A keeper that has folded the first half of its log. */
async function kept(): Promise<Kept> {
  const disk = promptDisk(1)
  const history = await logWithHistory(disk, 1, 40)
  const { keeper } = await openedKeeper(disk)
  expect(await keeper.verify()).toEqual({ ok: true, value: null })
  await keeper.advance(history[19]!.zxid)
  expect(await keeper.verify()).toMatchObject({
    ok: true,
    value: { facts: { zxid: history[19]!.zxid }, repaired: null },
  })
  return { disk, keeper, history }
}

async function replaceFile(disk: SimDisk, path: string, text: string): Promise<void> {
  disk.removeAtOnce(path)
  const file = await disk.open(path, 'create-new')
  await file.writeDurably(0, [new TextEncoder().encode(text)])
  await file.close()
}

async function expectNextStartAt(disk: SimDisk, history: readonly HistoryTxn[], zxid: number): Promise<void> {
  const again = disk.kill()
  const { keeper } = await openedKeeper(again)
  expect(describeState(await loadedFrom(keeper))).toBe(describeState(new ExpectedState(history).at(zxid)))
}

test.each<[string, (disk: SimDisk) => unknown, RegExp]>([
  ['is missing', (disk) => disk.removeAtOnce(current), /current was missing$/],
  ['is empty', (disk) => replaceFile(disk, current, ''), /current did not name the store in use, store-1$/],
  ['names another store', (disk) => replaceFile(disk, current, 'store-7\n'), /did not name the store in use, store-1$/],
])('a file current that %s is written again', async (_what, change, repaired) => {
  const { disk, keeper, history } = await kept()
  await change(disk)
  expect(await keeper.verify()).toMatchObject({ ok: true, value: { repaired: expect.stringMatching(repaired) } })
  expect(await keeper.verify()).toMatchObject({ ok: true, value: { repaired: null } })
  await expectNextStartAt(disk, history, history[19]!.zxid)
})

test.each<[string, (disk: SimDisk) => unknown]>([
  ['missing', (disk) => disk.removeAtOnce(entries)],
  ['changed', (disk) => disk.flipBit(entries, 8 * 100)],
  ['replaced by an older one', (disk) => replaceFile(disk, entries, 'simstore')],
])('a store whose file is %s is damaged, and is made again after it was discarded', async (_what, change) => {
  const { disk, keeper, history } = await kept()
  await change(disk)
  for (let i = 0; i < 2; i++) {
    const verified = await keeper.verify()
    expect(verified).toMatchObject({ ok: false, error: { kind: 'damaged', message: expect.stringContaining(entries) } })
  }
  await keeper.discard()
  expect(await keeper.verify()).toEqual({ ok: true, value: null })
  await keeper.advance(history[29]!.zxid)
  expect(await keeper.verify()).toMatchObject({ ok: true, value: { repaired: null } })
  await expectNextStartAt(disk, history, history[29]!.zxid)
})

test('a copy whose meta record cannot be read leaves nothing open', async () => {
  const { disk, keeper: before } = await kept()
  await before.close()
  let openCount = 0
  const stores = changedStores(disk, () => ({
    view: () => {
      openCount++
      return {
        read: () => Promise.reject(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })),
        readRecords: () => Promise.reject(new Error('nothing else is read')),
        close: async () => void openCount--,
      }
    },
  }))
  const { keeper } = await openedKeeper(disk, { stores })
  await expect(keeper.copy()).rejects.toMatchObject({ code: 'EIO' })
  expect(openCount).toBe(0)
  await keeper.close()
})

test('a checkpoint that could not be opened is damaged for every call until it is discarded', async () => {
  for (const damage of [
    (disk: SimDisk) => disk.removeAtOnce(entries),
    (disk: SimDisk) => replaceFile(disk, current, 'store-x\n'),
  ]) {
    const { disk, keeper: before, history } = await kept()
    await before.close()
    await damage(disk)
    const keeper = keeperOn(disk)
    expect(await keeper.open()).toMatchObject({ ok: false, error: { kind: 'damaged' } })
    expect(await keeper.verify()).toMatchObject({ ok: false, error: { kind: 'damaged' } })
    await expect(keeper.advance(history[29]!.zxid)).rejects.toMatchObject({ code: 'EDAMAGED' })
    await expect(keeper.copy()).rejects.toMatchObject({ code: 'EDAMAGED' })
    await keeper.discard()
    await keeper.advance(history[29]!.zxid)
    expect(describeState(await loadedFrom(keeper))).toBe(
      describeState(new ExpectedState(history).at(history[29]!.zxid)),
    )
    await keeper.close()
  }
})
