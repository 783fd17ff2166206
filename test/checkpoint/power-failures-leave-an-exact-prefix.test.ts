/**
 * Goal: whenever power fails, the checkpoint found afterwards is the exact state at some zxid, not before the last one that
 * was acknowledged, and work goes on from it. Method: a script is run on the simulated disk, which loses power at each of
 * its operations in turn, in each way it can. CHECKPOINT_SEEDS=20 runs 20 scripts in addition to the usual one.
 */

import { expect, test } from 'vitest'
import type { Zxid } from '../../src/base/ids.ts'
import type { CrashMode, SimDisk } from '../simulator/sim-disk.ts'
import { openStorage, promptDisk, promptSchedule, recovered } from '../storage/storage-rig.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { type HistoryTxn, randomHistory } from '../tree/random-history.ts'
import {
  checkpointFolder,
  describeState,
  ExpectedState,
  keeperOn,
  LogFiller,
  loadedFrom,
  openedKeeper,
} from './keeper-rig.ts'
import { receiveCopy } from './receiving.ts'

const modes: readonly CrashMode[] = ['keep-all', 'drop-all', 'random', 'torn']
const moreSeeds = Array.from({ length: Number(process.env['CHECKPOINT_SEEDS'] ?? 0) }, (_, i) => 100 + i)
const seeds = [1, ...moreSeeds]

/** The usual script takes turns, so that it takes a few seconds. */
function modesAt(seed: number, count: number): readonly CrashMode[] {
  return seed === 1 ? [modes[count % modes.length]!] : modes
}

interface Setup {
  readonly history: readonly HistoryTxn[]
  readonly disk: SimDisk // with the whole history in its log
  readonly states: ReadonlyMap<number, string> // by zxid
  readonly points: readonly Zxid[]
}

async function setUp(seed: number): Promise<Setup> {
  const history = randomHistory(new SeededRandom(seed), 60)
  const disk = promptDisk(seed)
  const opened = await openStorage(disk, { segmentSizeBytes: 40_000 })
  recovered(opened)
  const filler = new LogFiller(opened.storage, history, seed)
  while (!filler.isDone) await filler.appendSome(12)
  await opened.storage.close()
  const expected = new ExpectedState(history)
  const states = new Map(history.map(({ zxid }) => [zxid as number, describeState(expected.at(zxid))]))
  return { history, disk, states, points: [20, 40, 59].map((at) => history[at]!.zxid) }
}

/** Runs `script` until operation `crashAt` of the disk, whose effect is not awaited; then power fails. */
async function crashAt(
  from: SimDisk,
  count: number,
  mode: CrashMode,
  script: (disk: SimDisk) => Promise<void>,
): Promise<{ readonly disk: SimDisk; readonly hasEnded: boolean }> {
  let left = count
  const schedule = (delayMs: number, callback: () => void): void => {
    if (left-- > 0) promptSchedule(delayMs, callback)
  }
  const disk = from.crash('keep-all', { schedule })
  let hasEnded = false
  let failure: unknown = null
  script(disk).then(
    () => {
      hasEnded = true
    },
    (error: unknown) => {
      failure = error
    },
  )
  await new Promise<void>((resolve) => setImmediate(resolve))
  expect(failure).toBe(null)
  return { disk: disk.crash(mode, { schedule: promptSchedule }), hasEnded }
}

const options = { stepSizeBytesMax: 12_000, chunkSizeBytesMax: 1500 }

/** What is found is the state at its zxid; folding goes on from it to the end; nothing superfluous is left. */
async function checkFound(disk: SimDisk, setup: Setup, acknowledged: number): Promise<number> {
  const { keeper, facts } = await openedKeeper(disk, options)
  const zxid = facts?.zxid ?? 0
  expect(zxid).toBeGreaterThanOrEqual(acknowledged)
  if (facts !== null) expect(describeState(await loadedFrom(keeper))).toBe(setup.states.get(zxid))
  await keeper.clean()
  const last = setup.points.at(-1)!
  await keeper.advance(last)
  expect(describeState(await loadedFrom(keeper))).toBe(setup.states.get(last))
  const files = disk.paths().filter((path) => path.startsWith(checkpointFolder))
  expect(files.map((path) => path.replace(/store-\d+/, 'store'))).toEqual([
    `${checkpointFolder}/current`,
    `${checkpointFolder}/store/entries`,
  ])
  await keeper.close()
  return zxid
}

test.each(seeds)('advances of script %i leave an exact prefix when power fails at any operation', async (seed) => {
  const setup = await setUp(seed)
  const found = new Set<number>()
  let crashCount = 0
  for (let count = 1, hasEnded = false; !hasEnded; count += 1) {
    for (const mode of modesAt(seed, count)) {
      let acknowledged = 0
      const crashed = await crashAt(setup.disk, count, mode, async (disk) => {
        const { keeper } = await openedKeeper(disk, options)
        await keeper.clean()
        for (const point of setup.points) acknowledged = (await keeper.advance(point)).zxid
        await keeper.close()
      })
      hasEnded = crashed.hasEnded
      found.add(await checkFound(crashed.disk, setup, acknowledged))
      crashCount += 1
    }
  }
  // In the usual script the steps are small, so states between the points were found, too.
  expect(found.size).toBeGreaterThan(setup.points.length + (seed === 1 ? 1 : 0))
  expect(crashCount).toBeGreaterThan(50)
})

/** The chunks of a copy at the end of the history. */
async function chunksAtEnd(setup: Setup): Promise<readonly Uint8Array[]> {
  const { keeper } = await openedKeeper(setup.disk.crash('keep-all'), options)
  await keeper.advance(setup.points.at(-1)!)
  const copy = await keeper.copy()
  const chunks: Uint8Array[] = []
  for (let chunk = await copy.chunk(0); chunk !== null; chunk = await copy.chunk(chunks.length)) chunks.push(chunk)
  return chunks
}

test.each(seeds)('a copy that is received in script %i becomes current as a whole or not at all', async (seed) => {
  const setup = await setUp(seed)
  const chunks = await chunksAtEnd(setup)
  expect(chunks.length).toBeGreaterThan(3)
  const [first, , last] = setup.points
  const found = new Set<number>()
  for (let count = 1, hasEnded = false; !hasEnded; count += 1) {
    for (const mode of modesAt(seed, count)) {
      let acknowledged = 0
      const crashed = await crashAt(setup.disk, count, mode, async (disk) => {
        const { keeper } = await openedKeeper(disk, options)
        acknowledged = (await keeper.advance(first!)).zxid
        expect((await receiveCopy(keeper, chunks)).ok).toBe(true)
        acknowledged = last!
        await keeper.close()
      })
      hasEnded = crashed.hasEnded
      const zxid = await checkFound(crashed.disk, setup, acknowledged)
      found.add(zxid)
    }
  }
  expect(found).toContain(first)
  expect(found).toContain(last)
})

test('advances go on after the disk was full and after it failed', async () => {
  const setup = await setUp(3)
  let operations = 0
  for (const fault of ['full', 'flushFails', 'readFails'] as const) {
    let failures = 0
    for (let count = 1; count < 60; count += 2) {
      const disk = setup.disk.crash('keep-all', {
        schedule: promptSchedule,
        onOperation: (number) => {
          disk.faults[fault] = number === count
          operations += 1
        },
      })
      const keeper = keeperOn(disk, options)
      let opened = await keeper.open().catch(() => null)
      const retried = opened === null ? keeperOn(disk, options) : keeper
      if (opened === null) opened = await retried.open()
      expect(opened.ok).toBe(true)
      for (const point of setup.points) {
        const reached = await retried.advance(point).catch((error: unknown) => {
          expect(error).toHaveProperty('code')
          failures += 1
          return retried.advance(point)
        })
        expect(reached.zxid).toBe(point)
        expect(describeState(await loadedFrom(retried))).toBe(setup.states.get(point))
      }
      await retried.close()
    }
    expect(failures, fault).toBeGreaterThan(0)
  }
  expect(operations).toBeGreaterThan(1000)
})

test('what a process reads after the flushes of the one before had failed is durable before more is built on it', async () => {
  const setup = await setUp(1)
  const last = setup.points.at(-1)!
  let failedCount = 0
  for (let failsFrom = 1, hasEnded = false; !hasEnded; failsFrom += 1) {
    const onOperation = (count: number): void => {
      if (count === failsFrom) disk.faults.flushFails = true
    }
    const disk: SimDisk = setup.disk.crash('keep-all', { onOperation })
    try {
      const { keeper } = await openedKeeper(disk, options)
      for (const point of setup.points) await keeper.advance(point)
      hasEnded = true
    } catch (error) {
      expect(error).toMatchObject({ code: 'EIO' })
      failedCount += 1
    }
    // The process ends, and the disk recovers.
    const next = disk.kill({ faults: {}, onOperation: () => {} })
    const { keeper } = await openedKeeper(next, options)
    await keeper.clean()
    const { zxid } = await keeper.advance(last)
    await checkFound(next.crash('drop-all'), setup, zxid)
  }
  expect(failedCount).toBeGreaterThan(10)
})
