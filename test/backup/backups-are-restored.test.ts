/** Restoring a backup: to which point, into which folders, and what a crash leaves. */
import { expect, test } from 'vitest'
import type { RestoreTarget } from '../../src/backup/restore-point.ts'
import { emptyChainHash } from '../../src/base/chain-hash.ts'
import type { Zxid } from '../../src/base/ids.ts'
import type { Config } from '../../src/config/config.ts'
import { findUnfinishedRestore } from '../../src/server/unfinished-restore.ts'
import { openedKeeper } from '../checkpoint/keeper-rig.ts'
import type { CrashMode, SimDisk } from '../simulator/sim-disk.ts'
import { promptDisk, promptSchedule } from '../storage/storage-rig.ts'
import {
  backedUp,
  backedUpClusterId,
  endAfter,
  endMs,
  fileOf,
  restoreOn,
  restoringServerId,
  stateOn,
  writeBytes,
  writePieces,
  zxidAt,
} from './backup-rig.ts'

const shape = { txnCount: 60, checkpointAt: 24, ends: [40, 59] }

/** Empty: it was restored. */
async function refusal(disk: SimDisk, options: Parameters<typeof restoreOn>[1] = {}): Promise<string> {
  const restored = await restoreOn(disk, options)
  return restored.ok ? '' : restored.error
}

async function diskWith(pieces: Awaited<ReturnType<typeof backedUp>>['pieces']): Promise<SimDisk> {
  const disk = promptDisk()
  await writePieces(disk, pieces)
  return disk
}

test('a backup is restored to its end, as data of another cluster with an epoch above all of its own', async () => {
  const backup = await backedUp(1, shape)
  const disk = await diskWith(backup.pieces)
  const restored = await restoreOn(disk)
  if (!restored.ok) throw new Error(restored.error)
  expect(await stateOn(disk)).toBe(backup.states.get(zxidAt(backup, -1)))
  const { facts } = await openedKeeper(disk, { serverId: restoringServerId })
  expect(facts).toEqual(restored.value.facts)
  expect(facts).toMatchObject({
    zxid: zxidAt(backup, -1),
    hash: backup.entries.at(-1)!.hash,
    origin: 'restored',
    clusterId: 0xabc,
    epoch: 9,
  })
  const files = disk.paths().filter((path) => !path.startsWith('/backups'))
  expect(files).toEqual(['/data/checkpoint/current', '/data/checkpoint/store-1/entries'])
})

test('every zxid from the checkpoint to the end gives the state of the last txn at or before it', async () => {
  const backup = await backedUp(2, shape)
  const bytes = await fileOf(backup.pieces)
  for (let index = 24; index < 60; index += 1) {
    const zxid = zxidAt(backup, index)
    const disk = promptDisk()
    await writeBytes(disk, bytes)
    expect(await refusal(disk, { target: { kind: 'zxid', zxid } })).toBe('')
    expect(await stateOn(disk)).toBe(backup.states.get(zxid))
  }
})

test('a time gives the writes before the first later one, and a point between two txns gives the earlier', async () => {
  const backup = await backedUp(3, shape)
  const bytes = await fileOf(backup.pieces)
  const timeAt = (index: number): number => backup.history[index]!.timeMs
  const first = (timeMs: number): number => backup.history.findIndex((txn, index) => index > 24 && txn.timeMs > timeMs)
  for (let index = 25; index < 59; index += 4) {
    for (const timeMs of [timeAt(index), timeAt(index) + 0.5]) {
      const disk = promptDisk()
      await writeBytes(disk, bytes)
      expect(await refusal(disk, { target: { kind: 'time', timeMs } })).toBe('')
      expect(await stateOn(disk)).toBe(backup.states.get(zxidAt(backup, first(timeMs) - 1)))
    }
  }
  const disk = promptDisk()
  await writeBytes(disk, bytes)
  const lastMs = Math.max(...backup.history.slice(25).map(({ timeMs }) => timeMs))
  expect(await refusal(disk, { target: { kind: 'time', timeMs: lastMs } })).toBe('')
  expect(await stateOn(disk)).toBe(backup.states.get(zxidAt(backup, -1)))
})

test.each<[string, (zxid: Zxid, firstMs: number) => RestoreTarget, RegExp]>([
  [
    'before the checkpoint',
    (zxid) => ({ kind: 'zxid', zxid: (zxid - 1) as Zxid }),
    /does not reach back to 0x.* older backup/,
  ],
  ['after the end', (zxid) => ({ kind: 'zxid', zxid: (zxid + 1000) as Zxid }), /ends at 0x.* newer backup/],
  [
    'at a time before the first txn',
    (_, firstMs) => ({ kind: 'time', timeMs: firstMs - 1 }),
    /checkpoint of 0x.*--to-zxid 0x/,
  ],
  // Before the end by the clock of the server, which may have lagged: only a later write would show that none is missing.
  [
    'at a time after the last write',
    () => ({ kind: 'time', timeMs: endMs - 1 }),
    /the last write in the backup is 0x.*2033-/,
  ],
])('a point %s is refused, and nothing is written', async (_where, targetOf, said) => {
  const backup = await backedUp(1, shape)
  const disk = await diskWith(backup.pieces)
  const target = targetOf(zxidAt(backup, 24), backup.history[25]!.timeMs)
  expect(await refusal(disk, { target })).toMatch(said)
  expect(disk.paths()).toEqual(['/backups/zk.backup'])
})

test('a backup whose last part is broken is restored only to a point that is asked for and comes before', async () => {
  const backup = await backedUp(1, shape)
  const bytes = await fileOf(backup.pieces)
  const [firstEnd, cut] = [zxidAt(backup, 40), bytes.slice(0, bytes.length - 1)]
  const disk = promptDisk()
  await writeBytes(disk, cut)
  const hex = `0x${firstEnd.toString(16)}`
  expect(await refusal(disk)).toMatch(
    new RegExp(`offset \\d+: the file is cut: .*complete up to ${hex}, .*--to-zxid ${hex}`),
  )
  expect(await refusal(disk, { target: { kind: 'zxid', zxid: zxidAt(backup, 50) } })).toMatch(
    /offset \d+: the file is cut/,
  )
  expect(disk.paths()).toEqual(['/backups/zk.backup'])
  expect(await refusal(disk, { target: { kind: 'zxid', zxid: firstEnd } })).toBe('')
  expect(await stateOn(disk)).toBe(backup.states.get(firstEnd))
})

test('a backup without txns after its checkpoint is restored to it', async () => {
  const backup = await backedUp(1, { txnCount: 20, checkpointAt: 19, ends: [] })
  const disk = await diskWith([...backup.pieces, endAfter(backup.entries[19]!, 0)])
  expect(await refusal(disk, { target: { kind: 'time', timeMs: endMs - 1 } })).toMatch(/no write after it/)
  expect(await refusal(disk)).toBe('')
  expect(await stateOn(disk)).toBe(backup.states.get(zxidAt(backup, 19)))
})

test('a history of which the hash is another is refused before anything is written', async () => {
  const backup = await backedUp(1, shape)
  const last = { ...backup.entries.at(-1)!, hash: emptyChainHash }
  const disk = await diskWith([...backup.pieces.slice(0, -1), endAfter(last, 19)])
  expect(await refusal(disk)).toMatch(/the end at 0x\w+ does not follow/)
  expect(disk.paths()).toEqual(['/backups/zk.backup'])
})

test('a cluster id of the backup and an epoch that it has seen are refused', async () => {
  const disk = await diskWith((await backedUp(1, shape)).pieces)
  expect(await refusal(disk, { clusterId: backedUpClusterId })).toMatch(/would be lost.*leave --cluster-id out/)
  expect(await refusal(disk, { epoch: 8 })).toMatch(/epochs up to 8: write --epoch with a greater number/)
  expect(disk.paths()).toEqual(['/backups/zk.backup'])
  const restored = await restoreOn(disk, { epoch: 12 })
  expect(restored).toMatchObject({ ok: true, value: { facts: { epoch: 12 } } })
})

test.each([
  '/log/wal/0000000000000001-00000001.log',
  '/data/wal/0000000000000001-00000001.log',
  '/data/checkpoint/current',
  '/data/identity',
  '/data/version-2/snapshot.0',
  '/log/version-2/log.1',
])('a restore into folders with %s is refused, and makes no file', async (path) => {
  const disk = await diskWith((await backedUp(1, shape)).pieces)
  disk.placeAtOnce(path)
  const before = disk.paths()
  expect(await refusal(disk)).toMatch(/^\/(data|log)\/\S+ holds data\. Move the content of dataDir and dataLogDir away/)
  expect(disk.paths()).toEqual(before)
})

test('a second restore into the same folders, and one beside a server that uses them, are refused', async () => {
  const disk = await diskWith((await backedUp(1, shape)).pieces)
  await disk.makeFolder('/log/wal')
  const lock = await disk.lock('/log/wal')
  expect(await refusal(disk)).toMatch(/^a server or another restore runs in \/data; stop it first/)
  await lock.release()
  expect(await refusal(disk)).toBe('')
  expect(await refusal(disk)).toMatch(/^\/data\/checkpoint\/current holds data/)
})

const modes: readonly CrashMode[] = ['keep-all', 'drop-all', 'random', 'torn']
const config = { dataDir: '/data', dataLogDir: '/log' } as Config

/** Runs a restore until operation `count` of the disk, whose effect is not awaited; then power fails. */
async function crashedAt(from: SimDisk, count: number, mode: CrashMode): Promise<{ disk: SimDisk; hasEnded: boolean }> {
  let left = count
  const disk = from.crash('keep-all', {
    schedule: (delayMs, callback) => {
      if (left-- > 0) promptSchedule(delayMs, callback)
    },
  })
  let hasEnded = false
  void restoreOn(disk).then((restored) => {
    expect(restored.ok).toBe(true)
    hasEnded = true
  })
  await new Promise<void>((resolve) => setImmediate(resolve))
  return { disk: disk.crash(mode, { schedule: promptSchedule }), hasEnded }
}

test('power that fails at any operation leaves no data, all of it, or a mark that keeps the server from starting', async () => {
  const backup = await backedUp(1, { txnCount: 40, checkpointAt: 20, ends: [39] })
  const from = await diskWith(backup.pieces)
  const expected = backup.states.get(zxidAt(backup, -1))
  const seen = new Set<string>()
  for (let count = 1, hasEnded = false; !hasEnded; count += 1) {
    for (const mode of modes) {
      const crashed = await crashedAt(from, count, mode)
      hasEnded = crashed.hasEnded
      const { disk } = crashed
      const isMarked = (await findUnfinishedRestore(disk, config)) !== null
      const state = isMarked ? 'marked' : await stateOn(disk)
      seen.add(state === null ? 'none' : state === expected ? 'whole' : state)
      if (hasEnded) expect(state).toBe(expected)
      // A folder without the mark and without data is as it was before.
      if (state === null) expect(disk.paths()).toEqual(['/backups/zk.backup'])
      if (state === expected) continue
      expect(await refusal(disk)).toBe('')
      expect(await stateOn(disk)).toBe(expected)
      expect(await findUnfinishedRestore(disk, config)).toBe(null)
      const files = disk.paths().filter((path) => path.startsWith('/data'))
      expect(files).toEqual(['/data/checkpoint/current', '/data/checkpoint/store-1/entries'])
    }
  }
  expect([...seen].sort()).toEqual(['marked', 'none', 'whole'])
})

test('a disk that fails at any operation ends the restore with an advice, and the next one succeeds', async () => {
  const backup = await backedUp(1, { txnCount: 40, checkpointAt: 20, ends: [39] })
  const from = await diskWith(backup.pieces)
  const said = new Set<string>()
  for (const fault of ['full', 'flushFails', 'readFails'] as const) {
    for (let count = 1; count < 90; count += 1) {
      const disk: SimDisk = from.crash('keep-all', {
        schedule: promptSchedule,
        onOperation: (number) => {
          disk.faults[fault] = number === count
        },
      })
      const text = await refusal(disk)
      if (text !== '')
        said.add(text.replace(/\(.*\)/, '(…)').replace(/^\S+ (is not restored|cannot be restored)/, '$1'))
      if ((await findUnfinishedRestore(disk, config)) !== null) expect(text).toContain('run this restore again')
      if (text === '') continue
      expect(await refusal(disk)).toBe('')
      expect(await stateOn(disk)).toBe(backup.states.get(zxidAt(backup, -1)))
    }
  }
  expect(said.size).toBeGreaterThan(3)
})
