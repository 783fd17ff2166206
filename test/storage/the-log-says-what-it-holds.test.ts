/** What the log says about itself to the part of a server that makes checkpoints and removes segments. */
import { expect, test } from 'vitest'
import type { Zxid } from '../../src/base/ids.ts'
import type { ClusterId } from '../../src/protocol/disk/log-record.ts'
import { LogStorage } from '../../src/storage/log-storage.ts'
import type { ReadProgress } from '../../src/storage/recover-log.ts'
import {
  appendAndWait,
  folder,
  History,
  openStorage,
  promptDisk,
  RecordingLog,
  recovered,
  restartAndWait,
  serverId,
  stillClock,
  stillTimers,
  truncateAndWait,
} from './storage-rig.ts'

const at = (zxid: number): Zxid => zxid as Zxid
const small = { segmentSizeBytes: 2048 }

function txn(history: History, zxid: number, sizeBytes = 400) {
  return history.next(zxid, new Uint8Array(sizeBytes).fill(zxid))
}

test('a txn counts as durable once its flush has completed, and only up to the zxid that is asked for', async () => {
  const { storage } = await openStorage(promptDisk())
  const history = new History()
  expect(storage.durableUpTo(at(9))).toBe(0)
  await appendAndWait(storage, [txn(history, 1), txn(history, 2)])
  const later = appendAndWait(storage, [txn(history, 3)])
  expect(storage.durableUpTo(at(3))).toBe(2)
  expect(storage.durableUpTo(at(1))).toBe(1)
  await later
  expect(storage.durableUpTo(at(3))).toBe(3)
  expect(storage.durableUpTo(at(2))).toBe(2)
})

test('a txn that is being taken back is not named as durable', async () => {
  const { storage } = await openStorage(promptDisk())
  const history = new History()
  await appendAndWait(storage, [txn(history, 1), txn(history, 2), txn(history, 3)])
  const truncated = truncateAndWait(storage, at(1))
  history.truncateAfter(1)
  const next = txn(history, 5)
  const appended = appendAndWait(storage, [next])
  // A commit of txn 5 may arrive from the quorum before the log of this server has it.
  expect(storage.durableUpTo(at(5))).toBe(1)
  await Promise.all([truncated, appended])
  expect(storage.durableUpTo(at(5))).toBe(5)
})

test('commit marks that are queued do not hide what is durable, however many there are', async () => {
  const { storage } = await openStorage(promptDisk())
  const history = new History()
  await appendAndWait(storage, [txn(history, 1)])
  const later = [2, 3, 4].map((zxid) =>
    appendAndWait(storage, [txn(history, zxid), { kind: 'committed', zxid: at(zxid) }]),
  )
  expect(storage.durableUpTo(at(4))).toBe(1)
  await Promise.all(later)
  expect(storage.durableUpTo(at(4))).toBe(4)
})

test('while the disk is full, what is durable is known, and its front can be removed', async () => {
  const disk = promptDisk()
  const { storage } = await openStorage(disk, small)
  const history = new History()
  for (let zxid = 1; zxid <= 6; zxid++) {
    await appendAndWait(storage, [txn(history, zxid), { kind: 'committed', zxid: at(zxid) }])
  }
  disk.faults.full = true
  for (let zxid = 7; zxid <= 30; zxid++) {
    storage.append([txn(history, zxid), { kind: 'committed', zxid: at(zxid) }], () => {})
  }
  for (let i = 0; i < 200; i++) await Promise.resolve()
  expect(storage.diskFullSinceMs).not.toBeNull()
  const durable = storage.durableUpTo(at(30))!
  expect(durable).toBeGreaterThanOrEqual(6)
  expect(durable).toBeLessThan(30)
  const before = disk.paths().length
  await storage.removeThrough(durable)
  expect(disk.paths().length).toBeLessThan(before)
})

test('nothing is named as durable while a restart of the log is queued', async () => {
  const { storage } = await openStorage(promptDisk())
  const history = new History()
  await appendAndWait(storage, [txn(history, 1)])
  const restarted = restartAndWait(storage, { zxid: at(9), hash: history.entries[0]!.hash }, 5 as ClusterId)
  expect(storage.durableUpTo(at(9))).toBeNull()
  await restarted
  expect(storage.durableUpTo(at(9))).toBe(9)
})

test('the growth counts the txns and bytes since the log was opened, removed segments included', async () => {
  const disk = promptDisk()
  const first = await openStorage(disk, small)
  const history = new History()
  for (let zxid = 1; zxid <= 6; zxid++) {
    await appendAndWait(first.storage, [txn(history, zxid), { kind: 'committed', zxid: at(zxid) }])
  }
  const sizeBytes = first.storage.sizeBytes
  expect(first.storage.appended).toEqual({ txnCount: 6, sizeBytes })
  await first.storage.removeThrough(at(4))
  expect(first.storage.sizeBytes).toBeLessThan(sizeBytes)
  expect(first.storage.appended).toEqual({ txnCount: 6, sizeBytes })
  await first.storage.close()
  const base = { zxid: at(4), hash: history.entries[3]!.hash }
  const again = await openStorage(disk, { ...small, base })
  recovered(again)
  expect(again.storage.appended).toEqual({ txnCount: 0, sizeBytes: 0 })
})

test('the closed segments are listed with the zxid up to which each can be removed', async () => {
  const disk = promptDisk()
  const { storage } = await openStorage(disk, small)
  const history = new History()
  for (let zxid = 1; zxid <= 7; zxid++) {
    await appendAndWait(storage, [txn(history, zxid), { kind: 'committed', zxid: at(zxid) }])
  }
  const segments = storage.closedSegments()
  const paths = disk.paths()
  expect(segments.map(({ nextPath }) => nextPath)).toEqual(paths.slice(1))
  for (const { lastZxid } of segments) {
    await storage.removeThrough(at(lastZxid - 1))
    const before = disk.paths().length
    await storage.removeThrough(lastZxid)
    expect(disk.paths()).toHaveLength(before - 1)
  }
  expect(storage.closedSegments()).toEqual([])
  expect(disk.paths()).toEqual(paths.slice(-1))
})

test('a log that is opened reports how far it was read', async () => {
  const disk = promptDisk()
  const { storage } = await openStorage(disk, small)
  const history = new History()
  for (let zxid = 1; zxid <= 5; zxid++) await appendAndWait(storage, [txn(history, zxid)])
  await storage.close()
  const seen: ReadProgress[] = []
  recovered(await openStorage(disk, { ...small, onProgress: (read) => seen.push(read) }))
  expect(seen.map(({ segmentCount }) => segmentCount)).toEqual([0, 0, 0, 1, 1, 1])
  expect(seen.every(({ segmentCountTotal, offset }) => segmentCountTotal === 2 && offset > 0)).toBe(true)
})

test('the folder can be taken before the log is opened, and is released without opening it', async () => {
  const disk = promptDisk()
  const { storage } = await openStorage(disk)
  await storage.close()
  const options = { disk, clock: stillClock, timers: stillTimers, log: new RecordingLog(), folder, serverId }
  const first = new LogStorage(options)
  expect(await first.lock()).toBeNull()
  expect(await new LogStorage(options).lock()).toMatchObject({ kind: 'locked' })
  await first.close()
  const second = new LogStorage(options)
  expect(await second.lock()).toBeNull()
  expect((await second.open(() => {})).ok).toBe(true)
  await second.close()
  await disk.lock(folder)
})
