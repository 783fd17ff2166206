import { expect, test } from 'vitest'
import type { Epoch, ServerId, Zxid } from '../../src/base/ids.ts'
import type { ClusterId } from '../../src/protocol/disk/log-record.ts'
import type { CrashMode, SimDisk } from '../simulator/sim-disk.ts'
import { SimRandom } from '../simulator/sim-random.ts'
import {
  appendAndWait,
  folder,
  History,
  openStorage,
  payloadOf,
  promptDisk,
  promptSchedule,
  recovered,
} from './storage-rig.ts'

const options = { segmentSizeBytes: 2048 }
const payloadSizes = [5, 100, 0, 900, 40, 700, 1300, 30]

/** Several segments of acknowledged records; sealed if closed. */
async function writtenDisk(end: 'closed' | 'left'): Promise<{ disk: SimDisk; usedBytes: Map<string, number> }> {
  const disk = promptDisk()
  const { storage } = await openStorage(disk, options)
  const random = new SimRandom(7)
  const history = new History()
  await appendAndWait(storage, [
    { kind: 'accepted-epoch', epoch: 1 as Epoch, leader: 3 as ServerId },
    { kind: 'current-epoch', epoch: 1 as Epoch, clusterId: 77 as ClusterId },
  ])
  for (const [i, sizeBytes] of payloadSizes.entries()) {
    const txn = history.next(2 ** 32 + i + 1, payloadOf(random, sizeBytes))
    await appendAndWait(
      storage,
      [txn, { kind: 'committed', zxid: (2 ** 32 + i) as Zxid }].slice(0, i === 0 ? 1 : 2) as [typeof txn],
    )
  }
  if (end === 'closed') await storage.close()
  const usedBytes = new Map(
    disk.paths().map((path) => [path, disk.contents(path).findLastIndex((byte) => byte !== 0) + 1]),
  )
  return { disk, usedBytes }
}

async function failureOf(disk: SimDisk): Promise<string> {
  const { result, storage } = await openStorage(disk, options)
  const kind = result.ok ? `opened at ${result.value.lastZxid}` : result.error.kind
  await storage.close()
  return kind
}

test('a flipped bit anywhere in a sealed log is refused as corruption', { timeout: 120_000 }, async () => {
  const { disk, usedBytes } = await writtenDisk('closed')
  expect(usedBytes.size).toBeGreaterThan(2)
  const random = new SimRandom(1)
  for (const [path, used] of usedBytes) {
    for (let at = random.below(3); at < used; at += 1 + random.below(3)) {
      const bit = at * 8 + random.below(8)
      disk.flipBit(path, bit)
      expect(await failureOf(disk), `${path} byte ${at}`).toBe('corrupt')
      disk.flipBit(path, bit)
    }
  }
  expect(await failureOf(disk)).toMatch(/^opened/)
})

test('a flipped bit in the newest acknowledged batch is refused although nothing was written after it', async () => {
  const { disk, usedBytes } = await writtenDisk('left')
  const path = [...usedBytes.keys()].at(-1)!
  const after = disk.kill()
  for (let bit = 512 * 8; bit < usedBytes.get(path)! * 8; bit += 7) {
    after.flipBit(path, bit)
    const { result } = await openStorage(after.crash('keep-all'), options)
    expect(result.ok ? 'opened' : result.error.kind, `bit ${bit}`).toBe('corrupt')
    after.flipBit(path, bit)
  }
})

test('a sector that reads as zeros is refused wherever it is in a sealed log', async () => {
  const { disk, usedBytes } = await writtenDisk('closed')
  for (const [path, used] of usedBytes) {
    const isLastFile = path === [...usedBytes.keys()].at(-1)
    // The seal proves that the batch before it was durable. If the seal itself is lost, nothing acknowledged is
    // missing.
    const sectorCount = Math.ceil(used / 512) - (isLastFile ? 1 : 0)
    for (let sector = 0; sector < sectorCount; sector++) {
      const copy = disk.crash('keep-all')
      copy.zeroSector(path, sector)
      expect(await failureOf(copy), `${path} sector ${sector}`).toBe('corrupt')
    }
  }
})

test('a missing segment is refused unless it is the last', async () => {
  const { disk, usedBytes } = await writtenDisk('closed')
  const paths = [...usedBytes.keys()]
  for (const path of paths.slice(0, -1)) {
    const copy = disk.crash('keep-all')
    copy.removeAtOnce(path)
    expect(await failureOf(copy), path).toBe('corrupt')
  }
})

test('corruption is reported with file and offset and leaves every byte as it was', async () => {
  const { disk, usedBytes } = await writtenDisk('closed')
  const path = [...usedBytes.keys()][1]!
  disk.flipBit(path, 600 * 8)
  const before = disk.paths().map((name) => disk.contents(name))
  const { result } = await openStorage(disk, options)
  expect(result.ok ? '' : result.error.message).toContain(`${path}, offset 512`)
  expect(disk.paths().map((name) => disk.contents(name))).toEqual(before)
})

for (const mode of ['drop-all', 'random', 'torn', 'keep-all'] as const satisfies readonly CrashMode[]) {
  test(`an unacknowledged batch over many sectors is cut or kept whole after a crash that is ${mode}`, async () => {
    for (let seed = 1; seed <= 150; seed++) {
      const disk = promptDisk(seed)
      const { storage } = await openStorage(disk)
      const random = new SimRandom(seed)
      const history = new History()
      await appendAndWait(storage, [history.next(1, payloadOf(random, random.below(900)))])
      storage.append([history.next(2, payloadOf(random, random.below(5000)))], () => {})
      const opened = await openStorage(disk.crash(mode))
      const { lastZxid, tail } = recovered(opened)
      expect(tail.map((entry) => [entry.zxid, entry.hash])).toEqual(
        history.entries.slice(0, lastZxid).map((entry) => [entry.zxid, entry.hash]),
      )
      expect(lastZxid).toBeGreaterThanOrEqual(1)
    }
  })
}

test('a log of another server is refused as foreign', async () => {
  const { disk } = await writtenDisk('closed')
  const { result } = await openStorage(disk, { serverId: 4 as ServerId })
  expect(result.ok ? null : result.error).toMatchObject({ kind: 'foreign' })
  expect(result.ok ? '' : result.error.message).toContain(`${folder}/`)
})

test('a torn tail stays a torn tail when power fails again while it is being cut', async () => {
  for (let seed = 0; seed < 400; seed++) {
    const disk = promptDisk(seed)
    const { storage } = await openStorage(disk)
    const history = new History()
    const random = new SimRandom(seed)
    await appendAndWait(storage, [history.next(1, payloadOf(random, random.below(600)))])
    storage.append([history.next(2, payloadOf(random, 2000))], () => {})
    const torn = disk.crash('keep-all')
    const path = torn.paths()[0]!
    // Its header is on the disk, its last sector is not.
    torn.zeroSector(path, Math.floor(torn.contents(path).findLastIndex((byte) => byte !== 0) / 512))
    let writesLeft = random.between(1, 2)
    const dying = torn.crash('keep-all', {
      onOperation: (_count, operation) => {
        if (operation === 'write-durably') writesLeft--
      },
      schedule: (_delayMs, callback) => {
        if (writesLeft > 0) void Promise.resolve().then(callback)
      },
    })
    void openStorage(dying)
    await new Promise<void>((resolve) => setImmediate(resolve))
    expect(recovered(await openStorage(dying.crash('torn', { schedule: promptSchedule }))).lastZxid).toBe(1)
  }
})
