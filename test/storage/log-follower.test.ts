/**
 * A log is read while it is written: the reader gets the committed txns in order, each once, whatever is at the end of the
 * files at that moment.
 */
import { expect, test } from 'vitest'
import { emptyChainHash } from '../../src/base/chain-hash.ts'
import type { Epoch, ServerId, Zxid } from '../../src/base/ids.ts'
import type { ClusterId } from '../../src/protocol/disk/log-record.ts'
import { LogFollower } from '../../src/storage/log-follower.ts'
import type { LogPoint } from '../../src/storage/log-state.ts'
import type { LogStorage } from '../../src/storage/log-storage.ts'
import type { SimDisk } from '../simulator/sim-disk.ts'
import { SimRandom } from '../simulator/sim-random.ts'
import {
  appendAndWait,
  folder,
  History,
  openStorage,
  payloadOf,
  promptDisk,
  recovered,
  truncateAndWait,
} from './storage-rig.ts'

interface Rig {
  readonly disk: SimDisk
  readonly storage: LogStorage
  readonly history: History
}

async function rig(segmentSizeBytes = 3000): Promise<Rig> {
  const disk = promptDisk()
  const opened = await openStorage(disk, { segmentSizeBytes })
  recovered(opened)
  return { disk, storage: opened.storage, history: new History() }
}

async function zxidsUpTo(follower: LogFollower, through: number): Promise<readonly number[]> {
  const zxids: number[] = []
  for (let entries = await follower.next(through as Zxid); entries !== null; ) {
    expect(entries.length).toBeGreaterThan(0)
    zxids.push(...entries.map(({ zxid }) => zxid))
    entries = await follower.next(through as Zxid)
  }
  return zxids
}

function range(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

const txn = ({ history }: Rig, zxid: number, sizeBytes = 300) =>
  history.next(zxid, new Uint8Array(sizeBytes).fill(zxid))

function pointAt({ history }: Rig, zxid: number): LogPoint {
  return { zxid: zxid as Zxid, hash: history.entries.find((entry) => entry.zxid === zxid)!.hash }
}

const mark = (zxid: number) => ({ kind: 'committed', zxid: zxid as Zxid }) as const

test('a reader follows a log over segments, and goes on where it stopped', async () => {
  const log = await rig()
  const follower = new LogFollower(log.disk, folder, null)
  let given = 0
  for (let zxid = 1; zxid <= 40; zxid += 1) {
    await appendAndWait(log.storage, zxid % 7 === 0 ? [txn(log, zxid), mark(zxid - 2)] : [txn(log, zxid)])
    if (zxid % 3 !== 0) continue
    expect(await zxidsUpTo(follower, zxid - 1)).toEqual(range(given + 1, zxid - 1))
    if (zxid % 2 === 0) await follower.release()
    given = zxid - 1
  }
  expect(log.disk.paths().length).toBeGreaterThan(3)
})

test('nothing after the point that is asked for is passed on, even if the log marks it', async () => {
  const log = await rig()
  await appendAndWait(log.storage, [...range(1, 9).map((zxid) => txn(log, zxid)), mark(8)])
  const follower = new LogFollower(log.disk, folder, null)
  expect(await zxidsUpTo(follower, 3)).toEqual([1, 2, 3])
  expect(await zxidsUpTo(follower, 3)).toEqual([])
  expect(await zxidsUpTo(follower, 9)).toEqual(range(4, 9))
})

test('txns that were taken back and came again with the same zxids are read in their last form', async () => {
  for (const tailSizeBytesMax of [0, 1000, 1e9]) {
    const log = await rig(5000)
    await appendAndWait(
      log.storage,
      range(1, 4).map((zxid) => txn(log, zxid)),
    )
    const dead = { ...log, history: Object.assign(new History(), { entries: [...log.history.entries] }) }
    await appendAndWait(
      log.storage,
      range(5, 8).map((zxid) => txn(dead, zxid, 500)),
    )
    await truncateAndWait(log.storage, 4 as Zxid)
    await appendAndWait(
      log.storage,
      range(5, 30).map((zxid) => txn(log, zxid)),
    )
    const follower = new LogFollower(log.disk, folder, null, tailSizeBytesMax)
    const sizes: number[] = []
    for (let entries = await follower.next(28 as Zxid); entries !== null; entries = await follower.next(28 as Zxid))
      for (const { zxid, hash, payload } of entries) {
        sizes.push(payload.length)
        expect(hash).toBe(pointAt(log, zxid).hash)
      }
    expect(sizes).toEqual(range(1, 28).map(() => 300))
    expect(await zxidsUpTo(follower, 30)).toEqual([29, 30])
  }
})

test('a long stretch without a mark is passed on while it is read', async () => {
  const log = await rig(60_000)
  for (const zxid of range(1, 200)) await appendAndWait(log.storage, [txn(log, zxid, 1000)])
  const follower = new LogFollower(log.disk, folder, null, 20_000)
  const first = await follower.next(200 as Zxid)
  expect(first!.length).toBeLessThan(30)
  expect([...first!.map(({ zxid }) => zxid as number), ...(await zxidsUpTo(follower, 200))]).toEqual(range(1, 200))
})

test('a reader stops at every moment of a write, and goes on afterwards', async () => {
  // A reader looks at the files after each operation of the writer: batches are in the file before they are durable.
  const log = await rig(2500)
  const follower = new LogFollower(log.disk, folder, null)
  const random = new SimRandom(3)
  const read: number[] = []
  let durable = 0
  for (let zxid = 1; zxid <= 60; zxid += 1) {
    const done = appendAndWait(log.storage, [log.history.next(zxid, payloadOf(random, random.below(900)))])
    const looked = durable === 0 ? [] : await zxidsUpTo(follower, durable)
    read.push(...looked)
    await done
    durable = zxid
    if (random.chance(0.3)) await follower.release()
  }
  read.push(...(await zxidsUpTo(follower, 60)))
  expect(read).toEqual(range(1, 60))
})

test('every prefix of the bytes of a log can be read', async () => {
  const log = await rig(4000)
  for (const zxid of range(1, 10)) await appendAndWait(log.storage, [txn(log, zxid, 200), mark(zxid - 1)])
  const [path] = log.disk.paths().filter((each) => each.startsWith(folder))
  const whole = log.disk.contents(path!)
  const seen = new Set<number>()
  for (let sizeBytes = 512; sizeBytes < whole.length; sizeBytes += 37) {
    const disk = promptDisk()
    await disk.makeFolder(folder)
    const file = await disk.open(path!, 'create-new')
    // The rest is zeros, as where the writer has not been yet.
    await file.write(0, [whole.subarray(0, sizeBytes), new Uint8Array(whole.length - sizeBytes)])
    const follower = new LogFollower(disk, folder, null)
    let last = 0
    for (let through = 1; through <= 10; through += 1) {
      const entries = await follower.next(through as Zxid).catch((error: Error) => {
        expect(error.message).toContain(`before 0x${through.toString(16)}`)
        return null
      })
      if (entries === null) break
      last = entries.at(-1)!.zxid
    }
    seen.add(last)
    await file.write(0, [whole])
    expect(await zxidsUpTo(follower, 10)).toEqual(range(last + 1, 10))
  }
  expect(seen.size).toBeGreaterThan(5)
})

test('a reader starts at a base, also in a log whose front was removed', async () => {
  const log = await rig(2500)
  for (const zxid of range(1, 30)) await appendAndWait(log.storage, [txn(log, zxid), mark(zxid)])
  for (const base of range(12, 29)) {
    expect(await zxidsUpTo(new LogFollower(log.disk, folder, pointAt(log, base)), 30)).toEqual(range(base + 1, 30))
  }
  const early = new LogFollower(log.disk, folder, null)
  expect(await zxidsUpTo(early, 12)).toEqual(range(1, 12))
  await log.storage.removeThrough(12 as Zxid)
  expect(await zxidsUpTo(early, 20)).toEqual(range(13, 20))
  await early.release()
  await log.storage.removeThrough(20 as Zxid)
  expect(await zxidsUpTo(early, 30)).toEqual(range(21, 30))
  await expect(new LogFollower(log.disk, folder, null).next(30 as Zxid)).rejects.toThrow('are missing at its front')
  await expect(new LogFollower(log.disk, folder, pointAt(log, 4)).next(30 as Zxid)).rejects.toThrow('missing')
})

test('a log with another history than the base is refused', async () => {
  const log = await rig(2500)
  for (const zxid of range(1, 30)) await appendAndWait(log.storage, [txn(log, zxid), mark(zxid)])
  const other: LogPoint = { zxid: 15 as Zxid, hash: emptyChainHash }
  await expect(new LogFollower(log.disk, folder, other).next(30 as Zxid)).rejects.toThrow('another history')
})

test('a point that the log does not have, and damage before it, are refused with the place', async () => {
  const log = await rig(2500)
  for (const zxid of range(1, 20)) await appendAndWait(log.storage, [txn(log, zxid * 2), mark(zxid * 2)])
  await expect(new LogFollower(log.disk, folder, null).next(41 as Zxid)).resolves.not.toBe(null)
  await expect(zxidsUpTo(new LogFollower(log.disk, folder, null), 41)).rejects.toThrow('before 0x29')
  await expect(zxidsUpTo(new LogFollower(log.disk, folder, null), 7)).rejects.toThrow('it has no txn 0x7')
  const second = log.disk.paths().filter((path) => path.startsWith(folder))[1]!
  log.disk.flipBit(second, 8 * (512 + 200))
  await expect(zxidsUpTo(new LogFollower(log.disk, folder, null), 40)).rejects.toThrow(second)
})

test('the state of the log is that of the records that were read', async () => {
  const log = await rig()
  await appendAndWait(log.storage, [
    { kind: 'accepted-epoch', epoch: 3 as Epoch, leader: 2 as ServerId },
    { kind: 'current-epoch', epoch: 3 as Epoch, clusterId: 77 as ClusterId },
    txn(log, 1),
  ])
  const follower = new LogFollower(log.disk, folder, null)
  expect(follower.state).toBe(null)
  await zxidsUpTo(follower, 1)
  expect(follower.state).toMatchObject({ currentEpoch: 3, clusterId: 77, lastZxid: 1 })
})
