/** A store that was opened on a full disk can be read. It is opened again for the first step of folding that finds space. */
import { expect, test } from 'vitest'
import { ok } from '../../src/base/result.ts'
import type { KeyValueStores } from '../../src/ports/key-values.ts'
import { SimKeyValues } from '../simulator/sim-key-values.ts'
import { promptDisk } from '../storage/storage-rig.ts'
import { describeState, ExpectedState, keeperOn, loadedFrom, logWithHistory, openedKeeper } from './keeper-rig.ts'

test('a keeper whose disk is full gives copies and folds nothing, and folds when space has returned', async () => {
  const disk = promptDisk(1)
  const history = await logWithHistory(disk, 1, 40)
  const { keeper: first } = await openedKeeper(disk)
  await first.advance(history[19]!.zxid)
  await first.close()
  const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
  let isFull = true
  let [openCount, getCount] = [0, 0]
  const real = new SimKeyValues(disk)
  const stores: KeyValueStores = {
    fill: (folder) => real.fill(folder),
    remove: (folder) => real.remove(folder),
    async open(folder, mayCreate) {
      openCount++
      const store = await real.open(folder, mayCreate)
      if (!store.ok || !isFull) return store
      const { value } = store
      return ok({
        readOnlyBecause: full,
        get: (keys) => {
          getCount++
          return value.get(keys)
        },
        write: () => Promise.reject(full),
        view: () => value.view(),
        check: () => value.check(),
        sizeBytes: () => value.sizeBytes(),
        close: () => value.close(),
      })
    },
  }
  const keeper = keeperOn(disk, { stores })
  expect(await keeper.open()).toMatchObject({ ok: true })
  const at = (index: number): string => describeState(new ExpectedState(history).at(history[index]!.zxid))
  expect(describeState(await loadedFrom(keeper))).toBe(at(19))
  const before = getCount
  await expect(keeper.advance(history[29]!.zxid)).rejects.toMatchObject({ code: 'ENOSPC' })
  expect([getCount - before, openCount]).toEqual([1, 2]) // the meta record
  const copy = await keeper.copy()
  await expect(keeper.advance(history[29]!.zxid)).rejects.toMatchObject({ code: 'ENOSPC' })
  expect(openCount).toBe(2)
  expect(await copy.chunk(0)).not.toBeNull()
  await copy.close()
  isFull = false
  await keeper.advance(history[29]!.zxid)
  expect(describeState(await loadedFrom(keeper))).toBe(at(29))
  await keeper.close()
})
