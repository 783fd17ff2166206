/**
 * A copy of the state replaces the log: the log restarts at the point of the copy and keeps its epochs.
 */
import { expect, test } from 'vitest'
import { type ChainHash, emptyChainHash } from '../../src/base/chain-hash.ts'
import { type Epoch, type ServerId, type Zxid, zeroZxid } from '../../src/base/ids.ts'
import type { ClusterId } from '../../src/protocol/disk/log-record.ts'
import type { LogBase, LogPoint } from '../../src/storage/log-state.ts'
import type { LogStorage } from '../../src/storage/log-storage.ts'
import { readSegmentHeader } from '../../src/storage/segment-header.ts'
import type { SimDisk } from '../simulator/sim-disk.ts'
import {
  appendAndWait,
  History,
  openStorage,
  promptDisk,
  recovered,
  restartAndWait,
  stretchAfter,
  VirtualTime,
} from './storage-rig.ts'

const clusterId = 77 as ClusterId
const copied: LogPoint = { zxid: (2 ** 32 + 50) as Zxid, hash: 4711 as ChainHash }
const received: LogBase = { ...copied, origin: 'received', clusterId, epoch: 1 }

interface Written {
  readonly disk: SimDisk
  readonly storage: LogStorage
  readonly history: History
}

/** Epoch 3 is accepted, epoch 2 is current; txns 1 to 5, of which 3 are committed, in several segments. */
async function writtenLog(disk = promptDisk()): Promise<Written> {
  const { storage } = await openStorage(disk, { segmentSizeBytes: 2048 })
  const history = new History()
  await appendAndWait(storage, [
    { kind: 'accepted-epoch', epoch: 2 as Epoch, leader: 2 as ServerId },
    { kind: 'current-epoch', epoch: 2 as Epoch, clusterId },
    { kind: 'accepted-epoch', epoch: 3 as Epoch, leader: 1 as ServerId },
  ])
  for (let zxid = 1; zxid <= 5; zxid++) {
    await appendAndWait(storage, [
      history.next(zxid, new Uint8Array(700).fill(zxid)),
      { kind: 'committed', zxid: Math.min(zxid, 3) as Zxid },
    ])
  }
  return { disk, storage, history }
}

const epochs = { acceptedEpoch: 3, acceptedLeader: 1, currentEpoch: 2, clusterId, mustSync: false }
const atCopy = { ...epochs, lastZxid: copied.zxid, lastHash: copied.hash, committed: copied.zxid, tail: [] }

test('a restarted log keeps its epochs and nothing of its txns, and goes on from the point of the copy', async () => {
  const { disk, storage } = await writtenLog()
  const before = disk.paths()
  const order: string[] = []
  const history = new History()
  history.entries = [{ ...copied, payload: new Uint8Array() }]
  storage.append([{ kind: 'accepted-epoch', epoch: 3 as Epoch, leader: 1 as ServerId }], () => order.push('before'))
  const restarted = restartAndWait(storage, copied, clusterId).then(() => order.push('restarted'))
  const next = history.next(copied.zxid + 1, Uint8Array.of(1))
  storage.append([next], () => order.push('after'))
  await restarted
  await appendAndWait(storage, [{ kind: 'committed', zxid: copied.zxid }])
  expect(order).toEqual(['before', 'restarted', 'after'])
  expect((await stretchAfter(storage, copied.zxid, 100)).start).toEqual(copied)
  expect(await storage.readAfter(5 as Zxid, 100)).toEqual({ kind: 'older-than-log', oldest: copied })
  await storage.close()
  expect(disk.paths()).toHaveLength(1)
  expect(before).not.toContain(disk.paths()[0])
  const opened = await openStorage(disk.crash('drop-all'), { base: received })
  expect(recovered(opened)).toMatchObject({ ...epochs, lastZxid: next.zxid, committed: copied.zxid })
  expect(recovered(opened).tail.map(({ zxid }) => zxid)).toEqual([next.zxid])
})

test('a log restarts when it is opened with a received base that it does not hold', async () => {
  const { disk, storage } = await writtenLog()
  await storage.close()
  const opened = await openStorage(disk, { base: received })
  expect(recovered(opened)).toEqual(atCopy)
  expect(opened.committed).toEqual([])
  expect(opened.log.count('log-restarted')).toBe(1)
  await opened.storage.close()
  const again = await openStorage(disk.crash('drop-all'), { base: received })
  expect(recovered(again)).toEqual(atCopy)
  expect(again.log.count('log-restarted')).toBe(0)
})

test('the cluster id of a copy from another cluster waits until the server is in step', async () => {
  const { disk, storage } = await writtenLog()
  await restartAndWait(storage, copied, 0 as ClusterId)
  await storage.close()
  expect(recovered(await openStorage(disk, { base: received })).clusterId).toBe(0)
})

test('a log that has committed more than a received base is refused, and so is one of another cluster', async () => {
  const { disk, storage } = await writtenLog()
  await storage.close()
  const older: LogBase = { ...received, zxid: 2 as Zxid }
  const other: LogBase = { ...received, clusterId: 78 }
  const before = disk.paths().map((path) => disk.contents(path))
  for (const [base, text] of [
    [older, 'has another history than the checkpoint at 0x2'],
    [other, 'is of cluster 0x4d, the checkpoint of cluster 0x4e'],
  ] as const) {
    const { result } = await openStorage(disk, { base })
    expect(result.ok ? '' : result.error.message).toContain(text)
  }
  expect(disk.paths().map((path) => disk.contents(path))).toEqual(before)
})

test('a restored base without a log begins one, with the epochs of the backup', async () => {
  const disk = promptDisk()
  const opened = await openStorage(disk, { base: { ...received, origin: 'restored', epoch: 6 } })
  const state = { acceptedEpoch: 6, acceptedLeader: null, currentEpoch: 6, clusterId, mustSync: false }
  expect(recovered(opened)).toEqual({ ...atCopy, ...state })
  await opened.storage.close()
  const folded = await openStorage(disk, { base: copied })
  expect(recovered(folded)).toEqual({ ...atCopy, ...state })
})

test('a received base without a log is refused: the promises of the server are lost', async () => {
  const { result } = await openStorage(promptDisk(), { base: received })
  expect(result.ok ? '' : result.error.message).toContain('holds no log, but there is a checkpoint')
})

test('a restarted log without its checkpoint is refused', async () => {
  const { disk, storage } = await writtenLog()
  await restartAndWait(storage, copied, clusterId)
  await storage.close()
  const { result } = await openStorage(disk)
  expect(result.ok ? '' : result.error.message).toContain('the segments before it are missing')
})

test('a part of a history is given up: the log restarts from nothing and needs no checkpoint', async () => {
  const { disk, storage } = await writtenLog()
  await restartAndWait(storage, copied, 0 as ClusterId)
  await restartAndWait(storage, { zxid: zeroZxid, hash: emptyChainHash }, 0 as ClusterId)
  await storage.close()
  expect(recovered(await openStorage(disk))).toMatchObject({ acceptedEpoch: 3, lastZxid: 0, committed: 0 })
})

test('a log never restarts before what it knows to be committed', async () => {
  const { storage, history } = await writtenLog()
  const { zxid, hash } = history.entries[2]!
  expect(() => storage.restartAt({ zxid, hash }, clusterId, () => {})).toThrow('after all that it knows')
})

test('segments before a restart are void and removed by the next start, if a crash left them', async () => {
  const time = new VirtualTime()
  const { disk, storage } = await writtenLog()
  const count = disk.paths().length
  expect(count).toBeGreaterThan(1)
  disk.faults.flushFails = false
  const restarting = restartAndWait(storage, copied, clusterId)
  await restarting // the removal has begun, and nothing of it is durable
  const crashed = disk.crash('drop-all')
  await time.run()
  expect(crashed.paths()).toHaveLength(count + 1)
  const restarts = crashed.paths().filter((path) => {
    const reading = readSegmentHeader(crashed.contents(path))
    return reading.kind === 'valid' && reading.header.restarts
  })
  expect(restarts).toHaveLength(1)
  expect(recovered(await openStorage(crashed, { base: received }))).toEqual(atCopy)
  expect(crashed.paths()).toEqual(restarts)
})

test('a restart waits while the disk is full', async () => {
  const time = new VirtualTime()
  const { disk, storage } = await writtenLog()
  await storage.close()
  const opened = await openStorage(disk, { timers: time.timers })
  disk.faults.full = true
  let isDone = false
  const restarting = restartAndWait(opened.storage, copied, clusterId).then(() => {
    isDone = true
  })
  await time.run(() => false, 2_500)
  expect(isDone).toBe(false)
  expect(opened.log.count('disk-full')).toBe(1)
  disk.faults.full = false
  await time.run(() => isDone)
  await restarting
  expect(opened.log.count('disk-space-returned')).toBe(1)
})
