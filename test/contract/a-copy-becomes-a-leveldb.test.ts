/** The keeper of a learner over the real disk and LevelDB: what it received is the state of the sender, also after a restart. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { CheckpointKeeper } from '../../src/checkpoint/checkpoint-keeper.ts'
import { fillFiles } from '../../src/io/level-fill.ts'
import { levelStores } from '../../src/io/level-stores.ts'
import { nodeDisk } from '../../src/io/node-disk.ts'
import type { KeyValueStores } from '../../src/ports/key-values.ts'
import { describeState, ExpectedState, loadedFrom, logWithHistory, openedKeeper } from '../checkpoint/keeper-rig.ts'
import { finishCopy, receiveCopy } from '../checkpoint/receiving.ts'
import { promptDisk, serverId } from '../storage/storage-rig.ts'

const disk = nodeDisk()

interface Sent {
  readonly chunks: readonly Uint8Array[]
  readonly expected: string
}

async function copyOf(seed: number, txnCount: number): Promise<Sent> {
  const simDisk = promptDisk(seed)
  const history = await logWithHistory(simDisk, seed, txnCount)
  const { keeper } = await openedKeeper(simDisk, { chunkSizeBytesMax: 2000 })
  await keeper.advance(history.at(-1)!.zxid)
  const copy = await keeper.copy()
  const chunks: Uint8Array[] = []
  for (let chunk = await copy.chunk(0); chunk !== null; chunk = await copy.chunk(chunks.length)) chunks.push(chunk)
  return { chunks, expected: describeState(new ExpectedState(history).at(history.at(-1)!.zxid)) }
}

async function folderOfLearner(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'zkts-copy-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

function keeperIn(folder: string, stores: KeyValueStores): CheckpointKeeper {
  return new CheckpointKeeper({
    disk,
    stores,
    folder: join(folder, 'checkpoint'),
    logFolder: join(folder, 'wal'),
    serverId,
  })
}

test('a copy that was received is the checkpoint of its server, and is found when the server starts again', async () => {
  const { chunks, expected } = await copyOf(1, 120)
  expect(chunks.length).toBeGreaterThan(5)
  const folder = await folderOfLearner()
  const keeper = keeperIn(folder, levelStores(disk))
  expect(await keeper.open()).toEqual({ ok: true, value: null })
  expect(await receiveCopy(keeper, chunks)).toMatchObject({ ok: true, value: { origin: 'received' } })
  expect(describeState(await loadedFrom(keeper))).toBe(expected)
  expect(await keeper.verify()).toMatchObject({ ok: true, value: { repaired: null } })
  const again = keeperIn(folder, levelStores(disk))
  await keeper.close()
  expect(await again.open()).toMatchObject({ ok: true, value: { origin: 'received' } })
  expect(describeState(await loadedFrom(again))).toBe(expected)
  await again.close()
})

test('a copy that is given up leaves no files', async () => {
  const { chunks } = await copyOf(2, 60)
  const folder = await folderOfLearner()
  const keeper = keeperIn(folder, levelStores(disk))
  await keeper.open()
  const receiver = await keeper.receive()
  for (const [number, chunk] of chunks.entries()) await receiver.add(number, chunk)
  expect(await readdir(join(folder, 'checkpoint'))).toEqual(['store-1'])
  await receiver.abort()
  expect(await readdir(join(folder, 'checkpoint'))).toEqual([])
  await keeper.close()
})

test('a disk that is full when the tables are written, and when LevelDB opens the store, is waited for', async () => {
  const { chunks, expected } = await copyOf(3, 80)
  const folder = await folderOfLearner()
  let fullCount = 0
  const full = (path: string): Error => {
    fullCount++
    return Object.assign(new Error(`IO error: ${path}: No space left on device`), { code: 'ENOSPC' })
  }
  let [tableFailures, openFailures] = [2, 2]
  const stores = levelStores(
    disk,
    async (level) => {
      if (openFailures-- > 0) throw Object.assign(full('000004.log'), { code: 'LEVEL_IO_ERROR' })
      await level.open()
    },
    {
      ...fillFiles,
      async write(path, bytes) {
        if (path.endsWith('.ldb') && tableFailures-- > 0) throw full(path)
        await fillFiles.write(path, bytes)
      },
    },
  )
  const keeper = keeperIn(folder, stores)
  await keeper.open()
  const receiver = await keeper.receive()
  for (const [number, chunk] of chunks.entries()) await receiver.add(number, chunk)
  let rejectionCount = 0
  for (let isFinished = false; !isFinished; ) {
    isFinished = await finishCopy(receiver, chunks).then(
      ({ ok }) => ok,
      (error: unknown) => {
        expect(error).toMatchObject({ code: 'ENOSPC' })
        rejectionCount++
        return false
      },
    )
  }
  expect([fullCount, rejectionCount]).toEqual([4, 4])
  expect(describeState(await loadedFrom(keeper))).toBe(expected)
  await keeper.close()
})
