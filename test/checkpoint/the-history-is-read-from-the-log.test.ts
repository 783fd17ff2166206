/**
 * Goal: a backup gets exactly the live history after any point that the log has, and a refusal for any other point. Method:
 * random histories go into a log in random pieces, with branches that are taken back; then they are read from each point.
 */
import { describe, expect, test } from 'vitest'
import type { ChainHash } from '../../src/base/chain-hash.ts'
import { emptyChainHash } from '../../src/base/chain-hash.ts'
import { type Zxid, zeroZxid } from '../../src/base/ids.ts'
import type { HistoryPoint } from '../../src/ports/checkpoints.ts'
import { decodePiece, kindNumberOf } from '../../src/protocol/backup/backup-piece.ts'
import type { TxnEntry } from '../../src/protocol/disk/log-record.ts'
import { openStorage, promptDisk, recovered } from '../storage/storage-rig.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { randomHistory } from '../tree/random-history.ts'
import { LogFiller, openedKeeper } from './keeper-rig.ts'

const beginning: HistoryPoint = { zxid: zeroZxid, hash: emptyChainHash }
const partSizeBytesMax = 500

async function filledLog(seed: number) {
  const history = randomHistory(new SeededRandom(seed), 120)
  const disk = promptDisk(seed)
  const opened = await openStorage(disk, { segmentSizeBytes: 4096 })
  recovered(opened)
  const filler = new LogFiller(opened.storage, history, seed)
  while (!filler.isDone) await filler.appendSome(10)
  const { keeper } = await openedKeeper(disk, { chunkSizeBytesMax: partSizeBytesMax })
  return { filler, keeper, through: filler.lastZxid }
}

type Log = Awaited<ReturnType<typeof filledLog>>

async function txnsAfter({ keeper }: Log, after: HistoryPoint, through: Zxid): Promise<readonly TxnEntry[]> {
  const opened = await keeper.history(after, through)
  if (!opened.ok) throw new Error(opened.error.kind)
  const txns: TxnEntry[] = []
  for (let part = await opened.value.next(); part !== null; part = await opened.value.next()) {
    const piece = decodePiece({ kindNumber: kindNumberOf('txns'), bytes: part.bytes })
    if (piece?.kind !== 'txns') throw new Error('a part is a piece of txns')
    const sizeBytes = piece.txns.reduce((sum, { payload }) => sum + payload.length, 0)
    expect(piece.txns.length === 1 || sizeBytes <= partSizeBytesMax).toBe(true)
    expect(part).toMatchObject({ txnCount: piece.txns.length, last: { zxid: piece.txns.at(-1)!.zxid } })
    txns.push(...piece.txns)
  }
  await opened.value.close()
  return txns
}

async function refusalOf({ keeper, through }: Log, after: HistoryPoint): Promise<unknown> {
  const opened = await keeper.history(after, through)
  return opened.ok ? null : opened.error
}

const inHex = ({ zxid, hash, payload }: TxnEntry): string => `${zxid} ${hash} ${Buffer.from(payload).toString('hex')}`

describe('the history of a log', () => {
  test.each([1, 2, 3])('has the live txns after each of its points, in random log %i', async (seed) => {
    const log = await filledLog(seed)
    const { entries, truncationCount } = log.filler
    expect(truncationCount).toBeGreaterThan(0)
    for (let from = -1; from < entries.length; from += 9) {
      const after = from < 0 ? beginning : entries[from]!
      const expected = entries.slice(from + 1).map(inHex)
      expect((await txnsAfter(log, after, log.through)).map(inHex)).toEqual(expected)
    }
    const half = entries[60]!.zxid
    expect((await txnsAfter(log, entries[20]!, half)).map(inHex)).toEqual(entries.slice(21, 61).map(inHex))
  })

  test('is refused after a point with another hash, one that was never reached, and one that is later than the end', async () => {
    const log = await filledLog(4)
    const { zxid, hash } = log.filler.entries[50]!
    const other = { kind: 'other-history' }
    expect(await refusalOf(log, { zxid, hash: (hash + 1) as ChainHash })).toEqual(other)
    expect(await refusalOf(log, { zxid: (zxid + 0.5) as Zxid, hash })).toEqual(other)
    expect(await refusalOf(log, { zxid: (log.through + 1) as Zxid, hash })).toEqual(other)
  })

  test('is refused from before the log, and the refusal says where the log begins', async () => {
    const log = await filledLog(5)
    const { entries } = log.filler
    await log.filler.removeThrough(entries[80]!.zxid)
    const refusal = (await refusalOf(log, beginning)) as { readonly kind: string; readonly oldest: Zxid }
    expect(refusal.kind).toBe('log-begins-later')
    const oldest = entries.find(({ zxid }) => zxid === refusal.oldest)!
    expect(oldest.zxid).toBeGreaterThan(0)
    const later = entries.filter(({ zxid }) => zxid > oldest.zxid).map(inHex)
    expect((await txnsAfter(log, oldest, log.through)).map(inHex)).toEqual(later)
  })

  test('that was closed has no further part', async () => {
    const log = await filledLog(6)
    const opened = await log.keeper.history(beginning, log.through)
    if (!opened.ok) throw new Error(opened.error.kind)
    await opened.value.close()
    await expect(opened.value.next()).rejects.toMatchObject({ code: 'ECLOSED' })
  })
})
