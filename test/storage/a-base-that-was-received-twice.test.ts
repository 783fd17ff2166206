/**
 * A txn that was not yet committed may be taken back and received again. If it becomes the base later, the log has it twice.
 */
import { expect, test } from 'vitest'
import type { Zxid } from '../../src/base/ids.ts'
import { LogFollower } from '../../src/storage/log-follower.ts'
import type { LogPoint } from '../../src/storage/log-state.ts'
import { appendAndWait, folder, History, openStorage, promptDisk, recovered, truncateAndWait } from './storage-rig.ts'

const options = { segmentSizeBytes: 2048 }

const pointsOf = (history: History): readonly LogPoint[] => history.entries.map(({ zxid, hash }) => ({ zxid, hash }))

test('a log whose base was received, taken back and received again is accepted, and then goes on from it', async () => {
  const disk = promptDisk()
  const { storage } = await openStorage(disk, options)
  const history = new History()
  for (const zxid of [1, 2, 3]) await appendAndWait(storage, [history.next(zxid, new Uint8Array(100).fill(zxid))])
  const again = history.entries.slice(1)
  // The leader of a next epoch lacks 2 and 3, and fails before a quorum follows it; the one after it has them.
  await truncateAndWait(storage, 1 as Zxid)
  await appendAndWait(
    storage,
    again.map((entry) => ({ kind: 'txn', ...entry }) as const),
  )
  await appendAndWait(storage, [{ kind: 'committed', zxid: 3 as Zxid }])
  await storage.close()
  for (const base of pointsOf(history)) {
    const opened = await openStorage(disk.crash('keep-all'), { ...options, base })
    expect(recovered(opened).lastZxid).toBe(3)
    expect(opened.committed.map(({ zxid }) => zxid)).toEqual([1, 2, 3].filter((zxid) => zxid > base.zxid))
    await opened.storage.close()
    const follower = new LogFollower(disk.crash('keep-all'), folder, base)
    const entries = base.zxid === 3 ? [] : await follower.next(3 as Zxid)
    expect(entries?.map(({ zxid }) => zxid)).toEqual([1, 2, 3].filter((zxid) => zxid > base.zxid))
    await follower.release()
  }
})

test('a log that takes its base back, and ends without it, is refused', async () => {
  const disk = promptDisk()
  const { storage } = await openStorage(disk, options)
  const history = new History()
  for (const zxid of [1, 2, 3]) await appendAndWait(storage, [history.next(zxid, new Uint8Array(100).fill(zxid))])
  const base = pointsOf(history)[1]!
  await truncateAndWait(storage, 1 as Zxid)
  history.truncateAfter(1)
  await appendAndWait(storage, [history.next(4, new Uint8Array(100).fill(4))])
  await storage.close()
  const { result } = await openStorage(disk, { ...options, base })
  expect(result).toMatchObject({ error: { kind: 'corrupt', message: expect.stringContaining('another history') } })
})
