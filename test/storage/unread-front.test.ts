/**
 * A start with a checkpoint does not read the segments that the checkpoint covers; they are read when a learner needs them.
 */
import { describe, expect, test } from 'vitest'
import type { Epoch, ServerId, Zxid } from '../../src/base/ids.ts'
import type { ClusterId } from '../../src/protocol/disk/log-record.ts'
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

const options = { segmentSizeBytes: 2048 }
const epochSize = 2 ** 32

const pointsOf = (history: History): readonly LogPoint[] => history.entries.map(({ zxid, hash }) => ({ zxid, hash }))

/** A closed log of txns 1 to 12 in five segments, which begin after 0, 2, 5, 8 and 11. */
async function plainLog(): Promise<{ readonly disk: SimDisk; readonly history: History }> {
  const disk = promptDisk()
  const { storage } = await openStorage(disk, options)
  const history = new History()
  await appendAndWait(storage, [
    { kind: 'accepted-epoch', epoch: 1 as Epoch, leader: 2 as ServerId },
    { kind: 'current-epoch', epoch: 1 as Epoch, clusterId: 77 as ClusterId },
  ])
  for (let zxid = 1; zxid <= 12; zxid++) {
    const mark = { kind: 'committed', zxid: (zxid - 1) as Zxid } as const
    await appendAndWait(storage, [history.next(zxid, new Uint8Array(400).fill(zxid)), mark])
  }
  await storage.close()
  return { disk, history }
}

/** A closed log of several leaders; each takes back what was not committed and may send some of it again. */
async function logOfManyLeaders(random: SimRandom) {
  const disk = promptDisk()
  const { storage } = await openStorage(disk, options)
  const history = new History()
  let committed = 0
  let epoch = 1
  let counter = 0
  for (let step = 0; step < 60; step++) {
    const last = history.entries.at(-1)?.zxid ?? 0
    if (random.chance(0.15) && committed > 0 && last > committed) {
      const kept = random.pick(history.entries.filter(({ zxid }) => zxid >= committed))
      const again = history.entries.filter(({ zxid }) => zxid > kept.zxid)
      await truncateAndWait(storage, kept.zxid)
      history.truncateAfter(kept.zxid)
      const sent = random.chance(0.5) ? again.slice(0, random.between(0, again.length)) : []
      for (const { zxid, payload } of sent) await appendAndWait(storage, [history.next(zxid, payload)])
      epoch++
      counter = 0
    } else if (random.chance(0.15) && history.entries.length > 0) {
      committed = Math.max(committed, random.pick(history.entries).zxid)
      await appendAndWait(storage, [{ kind: 'committed', zxid: committed as Zxid }])
    } else {
      const zxid = epoch * epochSize + ++counter
      await appendAndWait(storage, [history.next(zxid, payloadOf(random, random.between(1, 700)))])
    }
  }
  await storage.close()
  return { disk, history, committed }
}

async function readAll(storage: LogStorage, history: History, sizeBytesMax: number) {
  const readings = []
  for (const { zxid } of history.entries.filter((_, i) => i % 3 === 0))
    readings.push(await storage.readAfter(zxid, sizeBytesMax))
  return readings
}

function segmentsOf(disk: SimDisk): readonly string[] {
  return disk.paths().filter((path) => path.startsWith(folder) && path.endsWith('.log'))
}

describe('segments that the checkpoint covers', () => {
  test('are not read by a start: damage in them does not stop it', async () => {
    const { disk, history } = await plainLog()
    disk.flipBit(segmentsOf(disk)[1]!, 700 * 8)
    expect((await openStorage(disk.crash('keep-all'), options)).result).toMatchObject({ error: { kind: 'corrupt' } })
    const base = pointsOf(history)[9]! // txn 10, in the segment that begins after 8
    const { storage, result, committed } = await openStorage(disk.crash('keep-all'), { ...options, base })
    expect(result.ok).toBe(true)
    expect(committed.map(({ zxid }) => zxid)).toEqual([11])
    await storage.close()
  })

  test('give a learner the same txns as a log that was read as a whole', async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const random = new SimRandom(seed, 'unread front')
      const { disk, history, committed } = await logOfManyLeaders(random)
      const bases = pointsOf(history).filter(({ zxid }) => zxid <= committed)
      if (bases.length === 0) continue
      const sizeBytesMax = random.pick([1, 900, 1_000_000])
      const whole = await openStorage(disk.crash('keep-all'), options)
      const expected = await readAll(whole.storage, history, sizeBytesMax)
      await whole.storage.close()
      for (const base of [random.pick(bases), bases.at(-1)!]) {
        const opened = await openStorage(disk.crash('keep-all'), { ...options, base })
        expect(recovered(opened).lastHash, `seed ${seed}`).toEqual(recovered(whole).lastHash)
        expect(opened.committed).toEqual(whole.committed.filter(({ zxid }) => zxid > base.zxid))
        expect(await readAll(opened.storage, history, sizeBytesMax), `seed ${seed}`).toEqual(expected)
        expect(opened.log.count('log-front-damaged')).toBe(0)
        await opened.storage.close()
      }
    }
  })

  test('that are damaged are found by the first learner that needs them, and none is read', async () => {
    const { disk, history } = await plainLog()
    const points = pointsOf(history)
    for (const damaged of [0, 1, 2]) {
      for (const at of [700, 1100]) {
        const copy = disk.crash('keep-all')
        copy.flipBit(segmentsOf(copy)[damaged]!, at * 8)
        const { storage, log } = await openStorage(copy, { ...options, base: points[9]! })
        expect(await storage.readAfter(8 as Zxid, 10_000)).toMatchObject({ kind: 'stretch', start: points[7]! })
        expect(log.count('log-front-damaged')).toBe(0)
        for (const zxid of [0, 3, 7]) {
          const reading = await storage.readAfter(zxid as Zxid, 10_000)
          expect(reading).toEqual({ kind: 'older-than-log', oldest: points[7]! })
        }
        expect(log.count('log-front-damaged')).toBe(1)
        expect(await storage.readAfter(9 as Zxid, 10_000)).toMatchObject({ kind: 'stretch', start: points[8]! })
        await storage.close()
      }
    }
  })

  test('with a damaged or exchanged header, or with a gap between them, are refused', async () => {
    const { disk, history } = await plainLog()
    const base = pointsOf(history)[9]!
    const changes: readonly ((copy: SimDisk) => unknown)[] = [
      (copy) => copy.flipBit(segmentsOf(copy)[1]!, 30 * 8),
      (copy) => copy.flipBit(segmentsOf(copy)[0]!, 30 * 8),
      (copy) => copy.remove(segmentsOf(copy)[1]!),
      (copy) => copy.rename(segmentsOf(copy)[2]!, segmentsOf(copy)[1]!),
    ]
    for (const change of changes) {
      const copy = disk.crash('keep-all')
      await change(copy)
      expect((await openStorage(copy, { ...options, base })).result).toMatchObject({ error: { kind: 'corrupt' } })
    }
  })

  test('are removed while they are read: the reader gets a stretch without a hole, or where the log begins', async () => {
    const { disk, history } = await plainLog()
    const points = pointsOf(history)
    const outcomes = new Set<string>()
    for (let removeAfter = 0; removeAfter < 120; removeAfter += 3) {
      const { storage, log } = await openStorage(disk.crash('keep-all'), { ...options, base: points[9]! })
      const reading = storage.readAfter(0 as Zxid, 100_000)
      for (let left = removeAfter; left > 0; left--) await Promise.resolve()
      const removal = storage.removeThrough(5 as Zxid)
      const outcome = await reading
      await removal
      if (outcome.kind === 'stretch') {
        expect(outcome.start.zxid).toBe(0)
        expect(outcome.entries.map(({ zxid }) => zxid)).toEqual(
          points.map(({ zxid }) => zxid).slice(0, outcome.entries.length),
        )
      } else expect(points).toContainEqual(outcome.oldest)
      expect(log.count('log-front-damaged')).toBe(0)
      outcomes.add(outcome.kind)
      expect(await storage.readAfter(5 as Zxid, 100_000)).toMatchObject({ kind: 'stretch', start: points[4]! })
      await storage.close()
    }
    expect(outcomes).toEqual(new Set(['older-than-log', 'stretch']))
  })
})
