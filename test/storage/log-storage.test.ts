import { expect, test } from 'vitest'
import { crc32c } from '../../src/base/crc32c.ts'
import type { Epoch, ServerId, Zxid } from '../../src/base/ids.ts'
import type { ClusterId, TxnEntry } from '../../src/protocol/disk/log-record.ts'
import { LogStorage } from '../../src/storage/log-storage.ts'
import { SimDisk } from '../simulator/sim-disk.ts'
import { SimRandom } from '../simulator/sim-random.ts'
import {
  appendAndWait,
  folder,
  History,
  type Opened,
  openStorage,
  payloadOf,
  promptDisk,
  RecordingLog,
  recovered,
  serverId,
  stillClock,
  stillTimers,
  stretchAfter,
  truncateAndWait,
  VirtualTime,
} from './storage-rig.ts'

interface Timed extends Opened {
  readonly time: VirtualTime
  readonly disk: SimDisk
  readonly operations: string[]
}

async function timedStorage(options: { segmentSizeBytes?: number } = {}): Promise<Timed> {
  const time = new VirtualTime()
  const operations: string[] = []
  const onOperation = (_count: number, operation: string): void => void operations.push(operation)
  const disk = new SimDisk({ random: new SimRandom(1), schedule: time.schedule, onOperation })
  const opened = await openStorage(disk, { timers: time.timers, ...options }, (promise) => time.settle(promise))
  return { ...opened, time, disk, operations }
}

/** Equal for equal entries; comparing payloads byte by byte through the matcher takes seconds. */
function digestOf(entries: readonly TxnEntry[]): readonly unknown[] {
  return entries.map((entry) => [entry.zxid, entry.hash, entry.payload.length, crc32c(entry.payload)])
}

test('a fresh log recovers as empty', async () => {
  const opened = await openStorage(promptDisk())
  expect(recovered(opened)).toEqual({
    lastZxid: 0,
    lastHash: 0,
    acceptedEpoch: 0,
    acceptedLeader: null,
    currentEpoch: 0,
    clusterId: 0,
    committed: 0,
    tail: [],
    mustSync: false,
  })
  expect(await opened.storage.readAfter(0 as Zxid, 1000)).toEqual({
    kind: 'stretch',
    start: { zxid: 0, hash: 0 },
    entries: [],
  })
})

test('everything that was appended is recovered after a close', async () => {
  const disk = promptDisk()
  const { storage } = await openStorage(disk)
  const history = new History()
  const [one, two] = [history.next(2 ** 32 + 1, new Uint8Array([1, 2])), history.next(2 ** 32 + 2, new Uint8Array(0))]
  await appendAndWait(storage, [{ kind: 'accepted-epoch', epoch: 1 as Epoch, leader: 2 as ServerId }])
  await appendAndWait(storage, [{ kind: 'current-epoch', epoch: 1 as Epoch, clusterId: (2 ** 52 + 5) as ClusterId }])
  await appendAndWait(storage, [one, two, { kind: 'committed', zxid: one.zxid }])
  await storage.close()
  const opened = await openStorage(disk)
  expect(opened.committed).toEqual(history.entries.slice(0, 1))
  expect(recovered(opened)).toEqual({
    lastZxid: two.zxid,
    lastHash: two.hash,
    acceptedEpoch: 1,
    acceptedLeader: 2,
    currentEpoch: 1,
    clusterId: 2 ** 52 + 5,
    committed: one.zxid,
    tail: history.entries.slice(1),
    mustSync: false,
  })
})

test('appends that arrive during a flush share the next one and are answered in order', async () => {
  const { storage, time, operations } = await timedStorage()
  const history = new History()
  const answered: number[] = []
  operations.length = 0
  for (let i = 1; i <= 50; i++) storage.append([history.next(i, new Uint8Array(10))], () => answered.push(i))
  expect(answered).toEqual([])
  await time.run(() => answered.length === 50)
  expect(answered).toEqual(history.entries.map((entry) => entry.zxid))
  // One flush for the header of the segment, one for the first append, one for all the others.
  expect(operations.filter((operation) => operation === 'write-durably')).toHaveLength(3)
})

test('a commit mark beyond the log is kept as far as the log goes', async () => {
  const disk = promptDisk()
  const { storage } = await openStorage(disk)
  const txn = new History().next(5, new Uint8Array(1))
  await appendAndWait(storage, [txn, { kind: 'committed', zxid: 9 as Zxid }])
  await storage.close()
  expect(recovered(await openStorage(disk)).committed).toBe(5)
})

test('a full disk delays appends and no reads, and appends continue when space returns', async () => {
  const { storage, time, disk, log } = await timedStorage({ segmentSizeBytes: 70_000 })
  const history = new History()
  const random = new SimRandom(3)
  const results: (Error | null)[] = []
  const push = (sizeBytes: number): void =>
    storage.append([history.next(history.entries.length + 1, payloadOf(random, sizeBytes))], (error) =>
      results.push(error),
    )
  push(30_000)
  await time.run(() => results.length === 1)
  disk.faults.full = true
  for (let i = 0; i < 5; i++) push(20_000)
  await time.run(() => false, time.nowMs + 10_000)
  expect(results.length).toBeLessThan(6)
  expect(log.count('disk-full')).toBe(1)
  const { entries } = await time.settle(stretchAfter(storage, 0, 1e6))
  expect(digestOf(entries)).toEqual(digestOf(history.entries.slice(0, results.length)))
  disk.faults.full = false
  await time.run(() => results.length === 6, time.nowMs + 5_000)
  expect(results).toEqual([null, null, null, null, null, null])
  expect(log.count('disk-space-returned')).toBe(1)
  const after = await openStorage(disk.crash('drop-all'), { timers: time.timers }, (promise) => time.settle(promise))
  expect(digestOf(recovered(after).tail)).toEqual(digestOf(history.entries))
})

test('a log on a full disk closes, and the waiting appends get an error', async () => {
  const { storage, time, disk } = await timedStorage()
  disk.faults.full = true
  const results: string[] = []
  storage.append([new History().next(1, new Uint8Array(9))], (error) => results.push(error?.message ?? 'written'))
  await time.run(() => false, time.nowMs + 100)
  await time.settle(storage.close())
  expect(results).toEqual(['the log was closed while the disk was full'])
})

test('a failed flush is final for all waiting and all later appends', async () => {
  const { storage, time, disk, log, operations } = await timedStorage()
  const history = new History()
  const results: (string | null)[] = []
  const push = (): void =>
    storage.append([history.next(history.entries.length + 1, new Uint8Array(9))], (error) =>
      results.push(error && 'failed'),
    )
  push()
  await time.run(() => results.length === 1)
  disk.faults.flushFails = true
  push()
  push()
  await time.run(() => results.length === 3)
  disk.faults.flushFails = false
  operations.length = 0
  push()
  expect(results).toHaveLength(3)
  await time.run(() => results.length === 4)
  expect(results).toEqual([null, 'failed', 'failed', 'failed'])
  expect(operations).toEqual([])
  expect(log.count('log-write-failed')).toBe(1)
})

test('reading after any zxid returns the txn at or before it and those that follow', async () => {
  const disk = promptDisk()
  const { storage } = await openStorage(disk, { segmentSizeBytes: 64 * 1024 })
  const history = new History()
  const random = new SimRandom(5)
  for (let i = 1; i <= 60; i++) {
    const records = Array.from({ length: random.between(1, 4) }, (_, k) =>
      history.next(i * 100 + k * 3, payloadOf(random, random.below(6000))),
    )
    await appendAndWait(storage, records)
    if (i % 10 !== 0) continue
    const cut = history.entries.at(-random.between(1, 5))!.zxid
    history.truncateAfter(cut)
    await truncateAndWait(storage, cut)
  }
  const check = async (reader: LogStorage): Promise<void> => {
    for (let asked = 0; asked <= 6020; asked += 1 + random.below(20)) {
      const { start, entries } = await stretchAfter(reader, asked, 10_000)
      const before = history.entries.findLast((entry) => entry.zxid <= asked)
      expect(start).toEqual({ zxid: before?.zxid ?? 0, hash: before?.hash ?? 0 })
      const following = history.entries.filter((entry) => entry.zxid > asked)
      expect(digestOf(entries)).toEqual(digestOf(following.slice(0, entries.length)))
      const sizeBytes = entries.reduce((sum, entry) => sum + entry.payload.length, 0)
      expect(entries.length === following.length || sizeBytes >= 10_000).toBe(true)
      expect(sizeBytes).toBeLessThan(16_000)
    }
  }
  await check(storage)
  await storage.close()
  const again = await openStorage(disk, { segmentSizeBytes: 64 * 1024 })
  expect(again.result.ok).toBe(true)
  await check(again.storage)
})

test('a truncation keeps epochs and marks that were written after the removed txns', async () => {
  const disk = promptDisk()
  const { storage } = await openStorage(disk)
  const history = new History()
  await appendAndWait(storage, [
    history.next(1, new Uint8Array(3)),
    history.next(2, new Uint8Array(3)),
    history.next(3, new Uint8Array(3)),
  ])
  await appendAndWait(storage, [
    { kind: 'accepted-epoch', epoch: 7 as Epoch, leader: 1 as ServerId },
    { kind: 'committed', zxid: 1 as Zxid },
  ])
  await truncateAndWait(storage, 1 as Zxid)
  history.truncateAfter(1)
  await appendAndWait(storage, [history.next(2 ** 32 * 7 + 1, new Uint8Array(8))])
  const after = await openStorage(disk.crash('drop-all'))
  expect(recovered(after)).toMatchObject({
    acceptedEpoch: 7,
    acceptedLeader: 1,
    committed: 1,
    lastZxid: 2 ** 32 * 7 + 1,
  })
  expect([...after.committed, ...recovered(after).tail]).toEqual(history.entries)
})

test('a truncation below the commit mark or to an unknown txn is a bug of the caller', async () => {
  const { storage } = await openStorage(promptDisk())
  const history = new History()
  await appendAndWait(storage, [
    history.next(1, new Uint8Array(1)),
    history.next(4, new Uint8Array(1)),
    { kind: 'committed', zxid: 1 as Zxid },
  ])
  expect(() => storage.truncateAfter(0 as Zxid, () => {})).toThrow('never taken back')
  expect(() => storage.truncateAfter(3 as Zxid, () => {})).toThrow('a txn that it holds')
  expect(() => storage.append([history.next(2, new Uint8Array(1))], () => {})).toThrow('in order')
})

test('the log of a running server is refused as locked until its process dies', async () => {
  const disk = promptDisk()
  const first = await openStorage(disk)
  const second = await openStorage(disk)
  expect(second.result).toMatchObject({ ok: false, error: { kind: 'locked' } })
  expect(first.result.ok).toBe(true)
  expect((await openStorage(disk.kill())).result.ok).toBe(true)
})

test('the folder of a log that was copied while its server ran is opened, with one log line', async () => {
  const disk = promptDisk()
  const first = await openStorage(disk)
  await appendAndWait(first.storage, [new History().next(1, new Uint8Array(9))])
  disk.copyFolder(folder, '/copy')
  const copy = await openStorage(disk, { folder: '/copy' })
  expect(recovered(copy).lastZxid).toBe(1)
  expect(copy.log.lines).toEqual([{ level: 'info', event: 'log-folder-is-a-copy' }])
  expect(first.log.lines).toEqual([])
})

test('a file system that cannot flush folders is an io failure with a message that names it', async () => {
  const disk = promptDisk()
  disk.faults.cannotSyncDirectories = true
  const { result } = await openStorage(disk)
  expect(result).toMatchObject({ ok: false, error: { kind: 'io' } })
  expect(result.ok ? '' : result.error.message).toContain('ENODIRSYNC')
})

test('an unreadable disk is reported as an io failure', async () => {
  const disk = promptDisk()
  const first = await openStorage(disk)
  await appendAndWait(first.storage, [new History().next(1, new Uint8Array(1))])
  const next = disk.kill()
  next.faults.readFails = true
  expect((await openStorage(next)).result).toMatchObject({ ok: false, error: { kind: 'io' } })
})

test('what a killed process left unflushed is durable after recovery', async () => {
  const disk = promptDisk()
  const { storage } = await openStorage(disk)
  const history = new History()
  await appendAndWait(storage, [history.next(1, new Uint8Array(9))])
  storage.append([history.next(2, new Uint8Array(2000))], () => {})
  const killed = disk.kill()
  expect(recovered(await openStorage(killed)).lastZxid).toBe(2)
  expect(recovered(await openStorage(killed.crash('drop-all'))).lastZxid).toBe(2)
})

test('an idle log is sealed once and then does not use the disk', async () => {
  const { storage, time, operations } = await timedStorage()
  let isDone = false
  storage.append([new History().next(1, new Uint8Array(5))], () => {
    isDone = true
  })
  await time.run(() => isDone)
  operations.length = 0
  await time.run()
  expect(operations).toEqual(['write-durably'])
})

test('a txn larger than a segment gets a segment of its own', async () => {
  const disk = promptDisk()
  const { storage } = await openStorage(disk, { segmentSizeBytes: 4096 })
  const history = new History()
  const random = new SimRandom(2)
  for (const sizeBytes of [10, 200_000, 10]) {
    await appendAndWait(storage, [history.next(history.entries.length + 1, payloadOf(random, sizeBytes))])
  }
  expect(disk.paths()).toHaveLength(3)
  expect(storage.sizeBytes).toBeGreaterThan(200_000)
  await storage.close()
  expect(digestOf(recovered(await openStorage(disk)).tail)).toEqual(digestOf(history.entries))
})

test('a log storage that is not open refuses to append', () => {
  const storage = new LogStorage({
    disk: promptDisk(),
    clock: stillClock,
    timers: stillTimers,
    log: new RecordingLog(),
    folder,
    serverId,
  })
  expect(() => storage.append([], () => {})).toThrow('the log is open')
})
