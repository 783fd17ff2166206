/** New files of backups and continued ones, on a disk that fails, and beside other processes. */
import { expect, test } from 'vitest'
import { continueBackup, writeNewBackup } from '../../src/backup/write-backup.ts'
import type { BackupPiece } from '../../src/protocol/backup/backup-piece.ts'
import type { CrashMode, SimDisk } from '../simulator/sim-disk.ts'
import { promptDisk, promptSchedule } from '../storage/storage-rig.ts'
import {
  type BackedUp,
  backedUp,
  backupPath,
  fileOf,
  restoredClusterId,
  restoreOn,
  stateOn,
  writeBytes,
  zxidAt,
} from './backup-rig.ts'

const shape = { txnCount: 40, checkpointAt: 20, ends: [29, 39] }

async function* sent(pieces: readonly BackupPiece[]): AsyncGenerator<BackupPiece> {
  yield* pieces
}

function parts({ pieces }: BackedUp): readonly [readonly BackupPiece[], readonly BackupPiece[]] {
  const firstEnd = pieces.findIndex(({ kind }) => kind === 'end')
  return [pieces.slice(0, firstEnd + 1), pieces.slice(firstEnd + 1)]
}

async function emptyDisk(options: Parameters<typeof promptDisk>[1] = {}): Promise<SimDisk> {
  const disk = promptDisk(1, options)
  await disk.makeFolder('/backups')
  return disk
}

async function write(disk: SimDisk, pieces: AsyncIterable<BackupPiece>, replaces = false): Promise<string> {
  const written = await writeNewBackup({ disk, path: backupPath, replaces, pieces })
  return written.ok ? '' : written.error
}

async function continueWith(disk: SimDisk, pieces: readonly BackupPiece[]): ReturnType<typeof continueBackup> {
  return continueBackup({ disk, path: backupPath, open: async () => sent(pieces) })
}

test('a new backup and its continuation have the bytes of the pieces, in one file', async () => {
  const backup = await backedUp(1, shape)
  const [first, second] = parts(backup)
  const disk = await emptyDisk()
  expect(await write(disk, sent(first))).toBe('')
  expect(disk.contents(backupPath)).toEqual(await fileOf(first))
  const asked: unknown[] = []
  const continued = await continueBackup({
    disk,
    path: backupPath,
    open: async (after) => {
      asked.push(after)
      return sent(second)
    },
  })
  expect(continued).toMatchObject({ ok: true, value: { cutSizeBytes: 0, facts: { endCount: 2, txnCount: 19 } } })
  const { zxid, hash } = backup.entries[29]!
  expect(asked).toEqual([{ zxid, hash }])
  expect(disk.contents(backupPath)).toEqual(await fileOf(backup.pieces))
  expect(disk.paths()).toEqual([backupPath])
})

test('a server that was restored since does not continue the backup, and a new one is advised', async () => {
  const backup = await backedUp(1, shape)
  const [first, second] = parts(backup)
  const disk = await emptyDisk()
  await write(disk, sent(first))
  const before = disk.contents(backupPath)
  const restored = second.map((piece) => (piece.kind === 'end' ? { ...piece, clusterId: restoredClusterId } : piece))
  const refused = await continueWith(disk, restored)
  if (refused.ok) throw new Error('the backup was continued')
  expect(refused.error).toMatch(
    /the server is of cluster 0xabc now, .*restored or adopted since. Make a new backup with --to/,
  )
  expect(refused.error).not.toContain('what is no backup')
  expect(disk.contents(backupPath)).toEqual(before)
})

test('a new backup is created for its owner alone, since it has the data of all znodes', async () => {
  const [first] = parts(await backedUp(1, shape))
  const disk = await emptyDisk()
  const open = disk.open.bind(disk)
  const created: string[] = []
  disk.open = (path, mode) => {
    if (mode.startsWith('create')) created.push(`${path} ${mode}`)
    return open(path, mode)
  }
  expect(await write(disk, sent(first))).toBe('')
  expect(created).toEqual([`${backupPath}.unfinished create-private`])
})

test('an existing file is replaced only on request, and what a killed process left is no hindrance', async () => {
  const [first] = parts(await backedUp(1, shape))
  const [other] = parts(await backedUp(2, shape))
  const disk = await emptyDisk()
  disk.placeAtOnce(`${backupPath}.unfinished`)
  expect(await write(disk, sent(first))).toBe('')
  expect(await write(disk, sent(other))).toMatch(/^\/backups\/zk\.backup exists: write another name, or --force/)
  expect(disk.contents(backupPath)).toEqual(await fileOf(first))
  expect(await write(disk, sent(other), true)).toBe('')
  expect(disk.contents(backupPath)).toEqual(await fileOf(other))
})

test('pieces that are no backup, and a server that stops sending, leave no file', async () => {
  const backup = await backedUp(1, shape)
  const [first] = parts(backup)
  async function* failing(): AsyncGenerator<BackupPiece> {
    yield* first.slice(0, 3)
    throw new Error('the connection was lost')
  }
  const disk = await emptyDisk()
  await expect(write(disk, failing())).rejects.toThrow('the connection was lost')
  expect(await write(disk, sent(first.slice(0, -1)))).toBe('the server has sent a backup without an end')
  expect(await write(disk, sent(first.toSpliced(1, 1)))).toMatch(/^the server has sent what is no backup: chunk/)
  expect(disk.paths()).toEqual([])
})

test('of two processes that write one name, the one whose file was taken away says so', async () => {
  const [first] = parts(await backedUp(1, shape))
  const disk = await emptyDisk()
  async function* interrupted(): AsyncGenerator<BackupPiece> {
    yield* first.slice(0, 2)
    expect(await write(disk, sent(first))).toBe('')
    yield* first.slice(2)
  }
  expect(await write(disk, interrupted())).toMatch(/another process has written .* meanwhile/)
  expect(disk.contents(backupPath)).toEqual(await fileOf(first))
  expect(disk.paths()).toEqual([backupPath])
})

test('a continuation cuts what an interrupted one left, and leaves the file alone if the server cannot continue it', async () => {
  const backup = await backedUp(1, shape)
  const [first, second] = parts(backup)
  const whole = await fileOf(backup.pieces)
  const { length: firstSize } = await fileOf(first)
  for (const size of [firstSize, firstSize + 1, firstSize + 300, whole.length - 1]) {
    const disk = promptDisk()
    await writeBytes(disk, whole.slice(0, size))
    const open = (): Promise<never> => Promise.reject(new Error('the log begins later'))
    await expect(continueBackup({ disk, path: backupPath, open })).rejects.toThrow('the log begins later')
    expect(disk.contents(backupPath)).toEqual(whole.slice(0, size))
    expect(await continueWith(disk, second)).toMatchObject({ ok: true, value: { cutSizeBytes: size - firstSize } })
    expect(disk.contents(backupPath)).toEqual(whole)
  }
})

test('a continuation of another history is refused, and cut off again', async () => {
  const [first, second] = parts(await backedUp(1, shape))
  const [, others] = parts(await backedUp(2, shape))
  const disk = promptDisk()
  await writeBytes(disk, await fileOf(first))
  const refused = await continueWith(disk, others)
  expect(refused).toMatchObject({
    ok: false,
    error: expect.stringMatching(/as before: .*does not continue the history/),
  })
  expect(disk.contents(backupPath)).toEqual(await fileOf(first))
  expect(await continueWith(disk, second)).toMatchObject({ ok: true })
})

test('one process at a time continues a file', async () => {
  const [first, second] = parts(await backedUp(1, shape))
  const disk = promptDisk()
  await writeBytes(disk, await fileOf(first))
  const lock = await disk.lock('/backups')
  expect(await continueWith(disk, second)).toMatchObject({
    ok: false,
    error: expect.stringMatching(/^another process/),
  })
  await lock.release()
  expect(await continueWith(disk, second)).toMatchObject({ ok: true })
})

const modes: readonly CrashMode[] = ['keep-all', 'drop-all', 'random', 'torn']

/** Runs `act` until operation `count` of the disk; then power fails. */
async function crashedAt(
  from: SimDisk,
  count: number,
  mode: CrashMode,
  act: (disk: SimDisk) => Promise<void>,
): Promise<{ disk: SimDisk; hasEnded: boolean }> {
  let left = count
  const schedule = (delayMs: number, callback: () => void): void => {
    if (left-- > 0) promptSchedule(delayMs, callback)
  }
  const disk = from.crash('keep-all', { schedule })
  let hasEnded = false
  void act(disk).then(() => {
    hasEnded = true
  })
  await new Promise<void>((resolve) => setImmediate(resolve))
  return { disk: disk.crash(mode, { schedule: promptSchedule }), hasEnded }
}

test('power that fails at any operation of a new backup leaves no file with its name, or all of it', async () => {
  const [first] = parts(await backedUp(1, shape))
  const from = await emptyDisk()
  const whole = await fileOf(first)
  let crashCount = 0
  for (let count = 1, hasEnded = false; !hasEnded; count += 1) {
    for (const mode of modes) {
      const crashed = await crashedAt(from, count, mode, async (disk) => {
        expect(await write(disk, sent(first))).toBe('')
      })
      hasEnded = crashed.hasEnded
      crashCount += 1
      const hasName = crashed.disk.paths().includes(backupPath)
      if (hasEnded) expect(hasName).toBe(true)
      if (hasName) expect(crashed.disk.contents(backupPath)).toEqual(whole)
      else expect(await write(crashed.disk, sent(first))).toBe('')
    }
  }
  expect(crashCount).toBeGreaterThan(40)
})

test('power that fails at any operation of a continuation costs no txn of an earlier end', async () => {
  const backup = await backedUp(1, shape)
  const [first, second] = parts(backup)
  const from = promptDisk()
  await writeBytes(from, await fileOf(first))
  const outcomes = new Set<string>()
  for (let count = 1, hasEnded = false; !hasEnded; count += 1) {
    for (const mode of modes) {
      const crashed = await crashedAt(from, count, mode, async (disk) => {
        expect((await continueWith(disk, second)).ok).toBe(true)
      })
      hasEnded = crashed.hasEnded
      const { disk } = crashed
      const restored = await restoreOn(disk, hasEnded ? {} : { target: { kind: 'zxid', zxid: zxidAt(backup, 29) } })
      expect(restored.ok).toBe(true)
      expect(await stateOn(disk)).toBe(backup.states.get(zxidAt(backup, hasEnded ? 39 : 29)))
      const continued = await continueWith(disk, second)
      outcomes.add(continued.ok ? 'continued' : 'has it already')
      if (continued.ok) expect(disk.contents(backupPath)).toEqual(await fileOf(backup.pieces))
    }
  }
  expect([...outcomes].sort()).toEqual(['continued', 'has it already'])
})
