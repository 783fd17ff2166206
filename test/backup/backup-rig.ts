/** What the tests of backups share: a random history, a backup of it in a file, and the states that its prefixes lead to. */
import { BackupFileWriter } from '../../src/backup/backup-file.ts'
import { type RestoreOptions, restoreBackup } from '../../src/backup/restore.ts'
import type { Epoch, ServerId, Zxid } from '../../src/base/ids.ts'
import { type BackupPiece, encodePiece } from '../../src/protocol/backup/backup-piece.ts'
import type { ClusterId, TxnEntry } from '../../src/protocol/disk/log-record.ts'
import {
  clusterId,
  describeState,
  ExpectedState,
  LogFiller,
  loadedFrom,
  openedKeeper,
} from '../checkpoint/keeper-rig.ts'
import type { SimDisk } from '../simulator/sim-disk.ts'
import { SimKeyValues } from '../simulator/sim-key-values.ts'
import { openStorage, promptDisk, recovered } from '../storage/storage-rig.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { type HistoryTxn, randomHistory } from '../tree/random-history.ts'

export const backupPath = '/backups/zk.backup'
export const backedUpClusterId = clusterId as ClusterId
export const restoredClusterId = 0xabc as ClusterId
export const restoringServerId = 5 as ServerId

export interface BackedUp {
  readonly history: readonly HistoryTxn[]
  readonly entries: readonly TxnEntry[]
  readonly pieces: readonly BackupPiece[]
  readonly states: ReadonlyMap<number, string> // by zxid
}

interface Shape {
  readonly txnCount: number
  readonly checkpointAt: number // index of its last txn
  readonly ends: readonly number[] // index of the last txn before each end, ascending
  readonly chunkSizeBytesMax?: number
  readonly txnsPerPiece?: number
}

/** The time of all ends, in 2033: after that of the txns. */
export const endMs = 2_000_000_000_000

/** A backup, and continuations of it, of a random history. */
export async function backedUp(seed: number, shape: Shape): Promise<BackedUp> {
  const history = randomHistory(new SeededRandom(seed), shape.txnCount)
  const disk = promptDisk(seed)
  const opened = await openStorage(disk)
  recovered(opened)
  const filler = new LogFiller(opened.storage, history, seed)
  while (!filler.isDone) await filler.appendSome(12)
  const { entries } = filler
  const { keeper } = await openedKeeper(disk, { chunkSizeBytesMax: shape.chunkSizeBytesMax ?? 1500 })
  await keeper.advance(history[shape.checkpointAt]!.zxid)
  const copy = await keeper.copy()
  const pieces: BackupPiece[] = []
  for (let chunk = await copy.chunk(0); chunk !== null; chunk = await copy.chunk(pieces.length))
    pieces.push({ kind: 'chunk', bytes: chunk })
  await copy.close()
  await keeper.close()
  let next = shape.checkpointAt + 1
  for (const endAt of shape.ends) {
    const section = entries.slice(next, endAt + 1)
    const perPiece = shape.txnsPerPiece ?? 7
    for (let at = 0; at < section.length; at += perPiece)
      pieces.push({ kind: 'txns', txns: section.slice(at, at + perPiece) })
    pieces.push(endAfter(entries[endAt]!, section.length))
    next = endAt + 1
  }
  const expected = new ExpectedState(history)
  const states = new Map(history.map(({ zxid }) => [zxid as number, describeState(expected.at(zxid))]))
  return { history, entries, pieces, states }
}

export function endAfter({ zxid, hash }: Pick<TxnEntry, 'zxid' | 'hash'>, txnCount: number): BackupPiece {
  const [epoch, serverId] = [8 as Epoch, 3 as ServerId]
  return { kind: 'end', zxid, hash, epoch, clusterId: backedUpClusterId, serverId, wallMs: endMs, txnCount }
}

/** The bytes of a file with these pieces. */
export async function fileOf(pieces: readonly BackupPiece[]): Promise<Uint8Array> {
  const disk = promptDisk()
  await writePieces(disk, pieces)
  return disk.contents(backupPath)
}

export async function writePieces(disk: SimDisk, pieces: readonly BackupPiece[]): Promise<void> {
  await disk.makeFolder('/backups')
  const file = await disk.open(backupPath, 'create-new')
  const writer = await BackupFileWriter.create(file)
  for (const piece of pieces) await writer.write(encodePiece(piece))
  await file.sync()
  await disk.syncDirectory('/backups')
  await file.close()
}

export async function writeBytes(disk: SimDisk, bytes: Uint8Array): Promise<void> {
  await disk.makeFolder('/backups')
  const file = await disk.open(backupPath, 'create-new')
  await file.writeDurably(0, [bytes])
  await disk.syncDirectory('/backups')
  await file.close()
}

export function restoreOn(disk: SimDisk, options: Partial<RestoreOptions> = {}): ReturnType<typeof restoreBackup> {
  return restoreBackup({
    disk,
    stores: new SimKeyValues(disk),
    path: backupPath,
    folders: { dataDir: '/data', dataLogDir: '/log' },
    serverId: restoringServerId,
    target: { kind: 'end' },
    clusterId: restoredClusterId,
    epoch: null,
    stepSizeBytesMax: 6000,
    ...options,
  })
}

/** What a server of the restored folders would load; null: there is no checkpoint. */
export async function stateOn(disk: SimDisk): Promise<string | null> {
  const { keeper, facts } = await openedKeeper(disk, { serverId: restoringServerId, logFolder: '/log/wal' })
  const state = facts === null ? null : describeState(await loadedFrom(keeper))
  await keeper.close()
  return state
}

/** A history in which the txn at `index` has this zxid. */
export function zxidAt({ history }: BackedUp, index: number): Zxid {
  return history.at(index)!.zxid
}
