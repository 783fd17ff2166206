/**
 * A log whose oldest segments are removed, since a checkpoint (here: the test) holds their history.
 */
import { expect, test } from 'vitest'
import type { ChainHash } from '../../src/base/chain-hash.ts'
import type { Epoch, ServerId, Zxid } from '../../src/base/ids.ts'
import type { ClusterId, TxnEntry } from '../../src/protocol/disk/log-record.ts'
import type { LogPoint } from '../../src/storage/log-state.ts'
import type { LogStorage } from '../../src/storage/log-storage.ts'
import type { SimDisk } from '../simulator/sim-disk.ts'
import {
  appendAndWait,
  folder,
  History,
  openStorage,
  promptDisk,
  recovered,
  stretchAfter,
  truncateAndWait,
} from './storage-rig.ts'

const options = { segmentSizeBytes: 2048 }
const txnCount = 12

interface Written {
  readonly disk: SimDisk
  readonly storage: LogStorage
  readonly history: History
}

/** Txns 1 to 12 in segments that begin after 0, 2, 5, 8 and 11; all but the last are marked committed. */
async function writtenLog(): Promise<Written> {
  const disk = promptDisk()
  const { storage } = await openStorage(disk, options)
  const history = new History()
  await appendAndWait(storage, [
    { kind: 'accepted-epoch', epoch: 1 as Epoch, leader: 2 as ServerId },
    { kind: 'current-epoch', epoch: 1 as Epoch, clusterId: 77 as ClusterId },
  ])
  for (let zxid = 1; zxid <= txnCount; zxid++) {
    await appendAndWait(storage, [
      history.next(zxid, new Uint8Array(400).fill(zxid)),
      { kind: 'committed', zxid: Math.max(0, zxid - 1) as Zxid },
    ])
  }
  return { disk, storage, history }
}

function pointAt(history: History, zxid: number): LogPoint {
  const { hash } = history.entries.find((entry) => entry.zxid === zxid)!
  return { zxid: zxid as Zxid, hash }
}

const zxidsOf = (entries: readonly TxnEntry[]): readonly number[] => entries.map((entry) => entry.zxid)
const zxidsFrom = (first: number): readonly number[] =>
  Array.from({ length: txnCount - first + 1 }, (_, i) => first + i)

test('segments whose txns are all at or before a zxid are removed, oldest first and each durably', async () => {
  const { disk, storage } = await writtenLog()
  const before = disk.paths()
  expect(before).toHaveLength(5)
  const sizeBytes = storage.sizeBytes
  await storage.removeThrough(1 as Zxid)
  expect(disk.paths()).toEqual(before)
  await storage.removeThrough(2 as Zxid)
  expect(disk.paths()).toEqual(before.slice(1))
  await storage.removeThrough(8 as Zxid)
  const after = disk.paths()
  expect(after).toEqual(before.slice(3))
  expect(storage.sizeBytes).toBeLessThan(sizeBytes)
  expect(disk.crash('drop-all').paths()).toEqual(after)
})

test('a segment that was removed by hand does not stop the removal of others', async () => {
  const { disk, storage } = await writtenLog()
  const before = disk.paths()
  disk.removeAtOnce(before[1]!)
  await storage.removeThrough(2 as Zxid)
  await storage.removeThrough(8 as Zxid)
  expect(disk.paths()).toEqual(before.slice(3))
  await storage.close()
})

test('a segment that could not be removed is tried again before any later one', async () => {
  const { disk, storage } = await writtenLog()
  const before = disk.paths()
  const remove = disk.remove.bind(disk)
  const refused = Object.assign(new Error('EACCES'), { code: 'EACCES' })
  disk.remove = (path) => (path === before[0] ? Promise.reject(refused) : remove(path))
  await expect(storage.removeThrough(5 as Zxid)).rejects.toBe(refused)
  await expect(storage.removeThrough(8 as Zxid)).rejects.toBe(refused)
  expect(disk.paths()).toEqual(before)
  disk.remove = remove
  await storage.removeThrough(8 as Zxid)
  expect(disk.paths()).toEqual(before.slice(3))
})

test('after a flush of the folder has failed nothing more is removed, since a hole might be left', async () => {
  const { disk, storage } = await writtenLog()
  const sync = disk.syncDirectory.bind(disk)
  const failed = Object.assign(new Error('EIO'), { code: 'EIO' })
  disk.syncDirectory = () => Promise.reject(failed)
  await expect(storage.removeThrough(2 as Zxid)).rejects.toBe(failed)
  disk.syncDirectory = sync
  const left = disk.paths()
  await expect(storage.removeThrough(8 as Zxid)).rejects.toBe(failed)
  expect(disk.paths()).toEqual(left)
})

test('the segment that is being written is never removed', async () => {
  const { disk, storage, history } = await writtenLog()
  const last = disk.paths().at(-1)!
  await storage.removeThrough(11 as Zxid)
  expect(disk.paths()).toEqual([last])
  await appendAndWait(storage, [history.next(13, new Uint8Array(1500)), { kind: 'committed', zxid: 12 as Zxid }])
  expect(disk.paths()).toHaveLength(2)
  await storage.close()
  const opened = await openStorage(disk, { ...options, base: pointAt(history, 11) })
  expect(zxidsOf([...opened.committed, ...recovered(opened).tail])).toEqual([12, 13])
})

test('a log without its front opens with a base, and recovers the same as with its front', async () => {
  const { disk, storage, history } = await writtenLog()
  await storage.close()
  const whole = recovered(await openStorage(disk.crash('keep-all'), options))
  for (let removed = 0; removed <= 9; removed += 3) {
    for (let base = removed; base <= 11; base++) {
      const cut = disk.crash('keep-all')
      const opened = await openStorage(cut, options)
      await opened.storage.removeThrough(removed as Zxid)
      await opened.storage.close()
      if (base === 0) continue
      const again = await openStorage(cut, { ...options, base: pointAt(history, base) })
      expect(recovered(again)).toEqual(whole)
      expect(zxidsOf(again.committed)).toEqual(zxidsFrom(base + 1).slice(0, -1))
      await appendAndWait(again.storage, [{ kind: 'committed', zxid: 12 as Zxid }])
      await again.storage.close()
    }
  }
})

test('the txns up to the base are committed, although the log has no mark for them', async () => {
  const { disk, storage, history } = await writtenLog()
  await storage.close()
  const opened = await openStorage(disk, { ...options, base: pointAt(history, 12) })
  expect(recovered(opened)).toMatchObject({ lastZxid: 12, committed: 12, tail: [] })
  expect(opened.committed).toEqual([])
  expect(() => opened.storage.truncateAfter(11 as Zxid, () => {})).toThrow('never taken back')
  await appendAndWait(opened.storage, [history.next(13, new Uint8Array(1))])
  await opened.storage.close()
  const next = await openStorage(disk, { ...options, base: pointAt(history, 12) })
  expect(zxidsOf(recovered(next).tail)).toEqual([13])
})

const otherHash = 12345 as ChainHash
const refusals: readonly {
  readonly title: string
  readonly base: (history: History) => LogPoint | null
  text: string
}[] = [
  { title: 'no base', base: () => null, text: 'the segments before it are missing, and no checkpoint' },
  {
    title: 'a base before its beginning',
    base: (history) => pointAt(history, 2),
    text: 'txns between them are missing',
  },
  {
    title: 'a base of another history',
    base: () => ({ zxid: 11 as Zxid, hash: otherHash }),
    text: 'has another history than the checkpoint at 0xb',
  },
  {
    title: 'a base beyond its end',
    base: () => ({ zxid: 13 as Zxid, hash: otherHash }),
    text: 'ends at 0xc, before the checkpoint of 0xd',
  },
]

for (const { title, base, text } of refusals) {
  test(`a log without its front is refused with ${title}, and not touched`, async () => {
    const { disk, storage, history } = await writtenLog()
    await storage.removeThrough(8 as Zxid)
    await storage.close()
    const before = disk.paths().map((path) => disk.contents(path))
    const { result } = await openStorage(disk, { ...options, base: base(history) })
    expect(result).toMatchObject({ ok: false, error: { kind: 'corrupt' } })
    expect(result.ok ? '' : result.error.message).toContain(text)
    expect(disk.paths().map((path) => disk.contents(path))).toEqual(before)
  })
}

test('a folder without a log is refused if there is a base', async () => {
  const { result } = await openStorage(promptDisk(), { base: { zxid: 3 as Zxid, hash: otherHash } })
  expect(result.ok ? '' : result.error.message).toContain(`${folder} holds no log, but there is a checkpoint of 0x3`)
})

test('a gap after a removed front is refused, whatever the base', async () => {
  const { disk, storage, history } = await writtenLog()
  await storage.removeThrough(4 as Zxid)
  await storage.close()
  disk.removeAtOnce(disk.paths()[1]!)
  const { result } = await openStorage(disk, { ...options, base: pointAt(history, 11) })
  expect(result.ok ? '' : result.error.message).toContain('is missing: the next file is')
})

test('reading from before the log reports where the log begins; reading after that point is as before', async () => {
  const { storage, history } = await writtenLog()
  await storage.removeThrough(8 as Zxid)
  const reading = await storage.readAfter(0 as Zxid, 10_000)
  if (reading.kind !== 'older-than-log') throw new Error(reading.kind)
  const oldest = reading.oldest.zxid
  expect(reading.oldest).toEqual(pointAt(history, oldest))
  expect(oldest).toBeGreaterThan(3)
  for (let asked = 1; asked <= txnCount; asked++) {
    if (asked < oldest) {
      expect(await storage.readAfter(asked as Zxid, 10_000)).toEqual({ kind: 'older-than-log', oldest: reading.oldest })
    } else {
      const { start, entries } = await stretchAfter(storage, asked, 10_000)
      expect(start).toEqual(pointAt(history, asked))
      expect(zxidsOf(entries)).toEqual(zxidsFrom(asked + 1))
    }
  }
})

test('a read under way while segments are removed returns a stretch without a hole, or reports that the log begins later', async () => {
  const outcomes = new Set<string>()
  for (let removeAfter = 0; removeAfter < 30; removeAfter++) {
    const { disk, storage, history } = await writtenLog()
    let left = removeAfter
    const reading = storage.readAfter(0 as Zxid, 100_000)
    while (left-- > 0) await Promise.resolve()
    const removal = storage.removeThrough(11 as Zxid)
    const outcome = await reading
    await removal
    if (outcome.kind === 'stretch') {
      expect(outcome.start.zxid).toBe(0)
      expect(zxidsOf(outcome.entries)).toEqual(zxidsFrom(1).slice(0, outcome.entries.length))
      expect(outcome.entries.length).toBeGreaterThan(0)
    } else expect(outcome.oldest).toEqual(pointAt(history, outcome.oldest.zxid))
    outcomes.add(outcome.kind === 'stretch' ? `stretch of ${outcome.entries.length}` : outcome.kind)
    expect(disk.paths()).toHaveLength(1)
  }
  expect(outcomes).toContain('older-than-log')
  expect(outcomes).toContain(`stretch of ${txnCount}`)
  expect(outcomes.size).toBeGreaterThan(2)
})

test('a truncation to a txn before the first remaining segment is accepted as far as the base covers it', async () => {
  const disk = promptDisk()
  const { storage } = await openStorage(disk, options)
  const history = new History()
  const append = (zxid: number): Promise<void> =>
    appendAndWait(storage, [history.next(zxid, new Uint8Array(1200).fill(zxid % 251))])
  for (const zxid of [1, 2, 3]) await append(zxid)
  // A new leader does not have 2 and 3; its txns come in segments whose header says that the log ends at 3.
  await truncateAndWait(storage, 1 as Zxid)
  history.truncateAfter(1)
  for (const zxid of [2 ** 32 + 1, 2 ** 32 + 2, 2 ** 32 + 3]) await append(zxid)
  await appendAndWait(storage, [{ kind: 'committed', zxid: (2 ** 32 + 3) as Zxid }])
  const paths = disk.paths()
  await storage.removeThrough(2 as Zxid)
  expect(disk.paths().length).toBeLessThan(paths.length)
  await storage.removeThrough((2 ** 32) as Zxid)
  expect(await storage.readAfter(0 as Zxid, 100)).toEqual({ kind: 'older-than-log', oldest: pointAt(history, 1) })
  await storage.close()
  for (const base of [2 ** 32 + 1, 2 ** 32 + 3]) {
    const opened = await openStorage(disk, { ...options, base: pointAt(history, base) })
    expect(zxidsOf(opened.committed)).toEqual(zxidsOf(history.entries).filter((zxid) => zxid > base))
    expect((await stretchAfter(opened.storage, 1, 10_000)).start).toEqual(pointAt(history, 1))
    await opened.storage.close()
  }
})

test('after a failed removal nothing else is removed until the next start', async () => {
  const { disk, storage, history } = await writtenLog()
  disk.faults.flushFails = true
  await expect(storage.removeThrough(4 as Zxid)).rejects.toMatchObject({ code: 'EIO' })
  disk.faults.flushFails = false
  const paths = disk.paths()
  await expect(storage.removeThrough(11 as Zxid)).rejects.toMatchObject({ code: 'EIO' })
  expect(disk.paths()).toEqual(paths)
  await storage.close()
  for (const mode of ['keep-all', 'drop-all'] as const) {
    const opened = await openStorage(disk.crash(mode), { ...options, base: pointAt(history, 11) })
    expect(recovered(opened).lastZxid).toBe(12)
  }
})

test('only committed txns are removed', async () => {
  const { storage } = await writtenLog()
  expect(() => storage.removeThrough(12 as Zxid)).toThrow('only committed txns are removed')
})
