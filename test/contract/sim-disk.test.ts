import { expect, test } from 'vitest'
import { SimDisk } from '../simulator/sim-disk.ts'
import { SimRandom } from '../simulator/sim-random.ts'
import { type DiskUnderTest, diskContract, unflushableFolderContract } from './disk.contract.ts'

function promptDisk(seed = 1): SimDisk {
  return new SimDisk({ random: new SimRandom(seed), schedule: promptly })
}

function promptly(_delayMs: number, callback: () => void): void {
  void Promise.resolve().then(callback)
}

diskContract('simulated disk', async () => {
  const disk = promptDisk()
  await disk.makeFolder('/data')
  return simulated(disk)
})

unflushableFolderContract('simulated disk', async (requiresDirectorySync) => {
  const disk = new SimDisk({ random: new SimRandom(1), schedule: promptly, requiresDirectorySync })
  await disk.makeFolder('/data')
  disk.faults.cannotSyncDirectories = true
  return simulated(disk)
})

function simulated(disk: SimDisk): DiskUnderTest {
  const copyFolder = async (from: string, to: string): Promise<void> => disk.copyFolder(from, to)
  return { disk, folder: '/data', copyFolder, dispose: async () => {} }
}

test('on a simulated disk that cannot flush folders no entry survives a crash', async () => {
  const disk = new SimDisk({ random: new SimRandom(1), schedule: promptly, requiresDirectorySync: false })
  disk.faults.cannotSyncDirectories = true
  await disk.makeFolder('/d')
  await (await disk.open('/d/f', 'create-new')).writeDurably(0, [new Uint8Array(9)])
  await disk.syncDirectory('/d')
  expect(disk.crash('drop-all').paths()).toEqual([])
})

/**
 * A durable file: a durable sector of ones, overwritten by an unflushed sector of twos, and an unflushed sector after
 * it.
 */
async function halfFlushed(seed: number): Promise<SimDisk> {
  const disk = promptDisk(seed)
  await disk.makeFolder('/d')
  const file = await disk.open('/d/f', 'create-new')
  await file.writeDurably(0, [new Uint8Array(512).fill(1)])
  await disk.syncDirectory('/d')
  await file.write(0, [new Uint8Array(1024).fill(2)])
  return disk
}

test('a crash that drops every unflushed write keeps flushed bytes, and only flushed entries', async () => {
  const disk = await halfFlushed(1)
  await disk.open('/d/new', 'create-new')
  await disk.rename('/d/f', '/d/g')
  const after = disk.crash('drop-all')
  expect(after.paths()).toEqual(['/d/f'])
  expect(after.contents('/d/f')).toEqual(new Uint8Array(512).fill(1))
  expect(disk.crash('keep-all').paths()).toEqual(['/d/g', '/d/new'])
})

test('a random crash decides for each unflushed sector whether it is kept, dropped or torn', async () => {
  const seen = new Set<string>()
  for (let seed = 0; seed < 300; seed++) {
    const found = (await halfFlushed(seed)).crash('random').contents('/d/f')
    const first = [found[0], found[511]].join('')
    expect(['11', '22', '21']).toContain(first)
    seen.add(`${first}/${found.length === 512 ? 'short' : [found[512], found[1023]].join('')}`)
  }
  for (const shape of ['11/short', '22/short', '11/22', '22/00', '11/00', '22/22', '21/00', '11/20'])
    expect(seen).toContain(shape)
})

test('an operation under way at a crash never settles', async () => {
  const disk = await halfFlushed(1)
  const file = await disk.open('/d/f', 'read-write')
  let settled = false
  const note = (): void => {
    settled = true
  }
  file.sync().then(note, note)
  const after = disk.crash('drop-all')
  file.sizeBytes().then(note, note)
  await new Promise<void>((resolve) => setImmediate(resolve))
  expect(settled).toBe(false)
  expect(after.contents('/d/f')[0]).toBe(1)
})

test('after a failed flush the bytes are still unflushed', async () => {
  const disk = await halfFlushed(1)
  const file = await disk.open('/d/f', 'read-write')
  disk.faults.flushFails = true
  await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' })
  await expect(file.writeDurably(0, [new Uint8Array(9)])).rejects.toMatchObject({ code: 'EIO' })
  expect(disk.crash('drop-all').contents('/d/f')).toEqual(new Uint8Array(512).fill(1))
})

test('a full simulated disk refuses to grow a file and accepts writes inside it', async () => {
  const disk = await halfFlushed(1)
  const file = await disk.open('/d/f', 'read-write')
  disk.faults.full = true
  await file.writeDurably(1000, [new Uint8Array(24)])
  await expect(file.write(1000, [new Uint8Array(25)])).rejects.toMatchObject({ code: 'ENOSPC' })
  expect(await file.sizeBytes()).toBe(1024)
})
