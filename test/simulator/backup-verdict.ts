/**
 * Judges the files of backups with the code that users have: a file that was reported as complete is whole; it can be restored
 * to its end and to points before it; and what a server of the restored folders would load is the state that the history had at
 * that point, with its sessions. Of a file that an interruption left, what is taken for whole must be right as well.
 */

import type { BackupFacts } from '../../src/backup/backup-check.ts'
import { checkBackupFile, withFile } from '../../src/backup/read-backup.ts'
import { restoreBackup } from '../../src/backup/restore.ts'
import type { RestoreTarget } from '../../src/backup/restore-point.ts'
import { hexOfSession, hexOfZxid, type ServerId, type SessionId, type Zxid } from '../../src/base/ids.ts'
import { err, ok, type Result } from '../../src/base/result.ts'
import { CheckpointKeeper } from '../../src/checkpoint/checkpoint-keeper.ts'
import { type LoadedCheckpoint, loadCheckpoint } from '../../src/checkpoint/checkpoint-loader.ts'
import type { ClusterId } from '../../src/protocol/disk/log-record.ts'
import type { Txn } from '../../src/protocol/txn/txn.ts'
import { SimDisk } from './sim-disk.ts'
import { SimKeyValues } from './sim-key-values.ts'
import { SimRandom } from './sim-random.ts'

export interface BackupCounts {
  readonly begun: number
  readonly complete: number
  readonly continued: number // of the complete ones
  readonly interrupted: number
}

export const noBackups: BackupCounts = { begun: 0, complete: 0, continued: 0, interrupted: 0 }

export interface FileToJudge {
  readonly path: string
  readonly bytes: Uint8Array
  /** It has the name of a backup, so it has a whole one, at its beginning at least. */
  readonly isNamed: boolean
  /** What has to be whole of it, at least; null: all. */
  readonly wholeSizeBytes: number | null
}

/** Of the committed history. */
interface JudgedTxn {
  readonly zxid: Zxid
  readonly txn: Pick<Txn, 'changes'>
  readonly digest: string // of the tree after it
}

export interface JudgedHistory {
  readonly history: { readonly txns: readonly JudgedTxn[]; at(zxid: Zxid): JudgedTxn | null }
  readonly random: SimRandom
  readonly report: (text: string) => void
}

const serverId = 7 as ServerId
const clusterId = 0xabc as ClusterId
const folders = { dataDir: '/data', dataLogDir: '/data' }

export async function judgeBackups(files: readonly FileToJudge[], judged: JudgedHistory): Promise<void> {
  for (const [i, file] of files.entries()) {
    const problem = await problemOf(file, judged)
    if (problem !== null) judged.report(`file ${i + 1}, ${file.path}: ${problem}`)
  }
}

async function problemOf(
  { path, bytes, isNamed, wholeSizeBytes }: FileToJudge,
  { history, random }: JudgedHistory,
): Promise<string | null> {
  const disk = await diskWith(path, bytes)
  const checked = await withFile(disk, path, (file) => checkBackupFile(file))
  if (!checked.ok) return isNamed ? checked.error : null
  const { facts, place, broken } = checked.value
  if (isNamed && place.offset < (wholeSizeBytes ?? bytes.length)) {
    return `only ${place.offset} bytes of it are whole: ${broken?.what}`
  }
  const toEnd = await restored(path, bytes, { kind: 'end' })
  // A part after the last end is never restored without being named.
  if (broken !== null && toEnd.ok) return 'it was restored to its end, which is broken'
  if (broken === null && !toEnd.ok) return toEnd.error
  for (const zxid of [facts.end.zxid, pointIn(facts, history, random)]) {
    const loaded = await restored(path, bytes, { kind: 'zxid', zxid })
    const problem = loaded.ok ? difference(loaded.value, zxid, history) : loaded.error
    if (problem !== null) return `restored to ${hexOfZxid(zxid)}: ${problem}`
  }
  return null
}

/** Of a txn that the backup has, or of its checkpoint. */
function pointIn({ checkpoint, end }: BackupFacts, { txns }: JudgedHistory['history'], random: SimRandom): Zxid {
  const points = txns.filter(({ zxid }) => zxid >= checkpoint.zxid && zxid <= end.zxid)
  return points.length === 0 ? end.zxid : random.pick(points).zxid
}

async function restored(
  path: string,
  bytes: Uint8Array,
  target: RestoreTarget,
): Promise<Result<LoadedCheckpoint, string>> {
  const disk = await diskWith(path, bytes)
  const stores = new SimKeyValues(disk)
  const how = { disk, stores, path, folders, serverId, target, clusterId, epoch: null, stepSizeBytesMax: 20_000 }
  const outcome = await restoreBackup(how)
  if (!outcome.ok) return outcome
  const keeper = new CheckpointKeeper({ disk, stores, folder: '/data/checkpoint', logFolder: '/data/wal', serverId })
  const opened = await keeper.open()
  if (!opened.ok) return err(opened.error.message)
  const copy = await keeper.copy()
  const loaded = await loadCheckpoint(copy)
  await copy.close()
  await keeper.close()
  return loaded.ok ? ok(loaded.value) : loaded
}

function difference(
  { tree, sessions }: LoadedCheckpoint,
  zxid: Zxid,
  history: JudgedHistory['history'],
): string | null {
  if (tree.lastApplied !== zxid) return `its state is that of ${hexOfZxid(tree.lastApplied)}`
  const committed = history.at(zxid)
  if (committed === null) return zxid === 0 ? null : 'no server applied this txn'
  if (tree.digest() !== committed.digest)
    return `its digest is ${tree.digest()}, that of the servers ${committed.digest}`
  const expected = sessionsAt(history, zxid)
  const found = new Map(sessions.entries())
  for (const id of new Set([...expected.keys(), ...found.keys()])) {
    if (expected.get(id) === found.get(id)) continue
    return `session ${hexOfSession(id)} has the timeout ${found.get(id)}, and should have ${expected.get(id)}`
  }
  return null
}

function sessionsAt({ txns }: JudgedHistory['history'], zxid: Zxid): ReadonlyMap<SessionId, number> {
  const sessions = new Map<SessionId, number>()
  for (const { txn, zxid: at } of txns) {
    if (at > zxid) break
    for (const change of txn.changes) {
      if (change.kind === 'create-session') sessions.set(change.sessionId, change.timeoutMs)
      if (change.kind === 'close-session') sessions.delete(change.sessionId)
    }
  }
  return sessions
}

async function diskWith(path: string, bytes: Uint8Array): Promise<SimDisk> {
  const schedule = (_delayMs: number, callback: () => void): void => void Promise.resolve().then(callback)
  const disk = new SimDisk({ random: new SimRandom(1), schedule })
  await disk.makeFolder('/backups')
  const file = await disk.open(path, 'create-new')
  await file.writeDurably(0, [bytes])
  await file.close()
  return disk
}
