/**
 * Writes the file of a backup. A new file gets its name only after all of it was checked and is durable, so a file with that
 * name is a whole backup. A file that is continued grows in place: what is after its last end was never reported as
 * backed up, so a crash costs that part alone, and the next continuation cuts it off.
 */
import type { ChainHash } from '../base/chain-hash.ts'
import { hexOfZxid, type Zxid } from '../base/ids.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { Disk, DiskFile, FolderLock } from '../ports/disk.ts'
import { type BackupPiece, encodePiece } from '../protocol/backup/backup-piece.ts'
import { BackupCheck, type BackupFacts } from './backup-check.ts'
import { BackupFileWriter } from './backup-file.ts'
import { type CheckedBackup, checkBackupFile, withFile } from './read-backup.ts'

export interface WrittenBackup {
  readonly facts: BackupFacts
  readonly sizeBytes: number
  /** Bytes after the last end that were cut off, since they were not a whole backup. */
  readonly cutSizeBytes: number
}

export interface NewBackupOptions {
  readonly disk: Disk
  readonly path: string
  readonly replaces: boolean // a file with this name may be replaced
  readonly pieces: AsyncIterable<BackupPiece>
  readonly onProgress?: (sizeBytes: number) => void
}

/** Rejects as `pieces` and `disk` do; then, too, nothing is left of the new file. */
export async function writeNewBackup(options: NewBackupOptions): Promise<Result<WrittenBackup, string>> {
  const { disk, path, replaces } = options
  const taken = `${path} exists: write another name, or --force to replace it. Nothing was changed.`
  if (!replaces && (await disk.exists(path))) return err(taken)
  const draft = `${path}.unfinished`
  if (await disk.exists(draft)) await disk.remove(draft) // left by a process that was killed
  // It has the data of all znodes, whatever their ACLs.
  const file = await disk.open(draft, 'create-private')
  const { inode } = await disk.identityOf(draft)
  let isInPlace = false
  try {
    const written = await fill(file, options).finally(() => file.close())
    if (!written.ok) return written
    if (!(await isSameFile(disk, draft, inode)))
      return err(`another process has written ${draft} meanwhile. Run one backup to ${path} at a time.`)
    if (!replaces && (await disk.exists(path))) return err(taken)
    await disk.rename(draft, path)
    isInPlace = true
    await disk.syncDirectory(folderOf(path))
    return written
  } finally {
    if (!isInPlace && (await isSameFile(disk, draft, inode).catch(() => false))) await disk.remove(draft)
  }
}

async function fill(file: DiskFile, { pieces, onProgress }: NewBackupOptions): Promise<Result<WrittenBackup, string>> {
  const writer = await BackupFileWriter.create(file)
  const added = await addPieces(writer, new BackupCheck(), pieces, onProgress)
  if (!added.ok) return added
  await file.sync()
  return ok({ facts: added.value, sizeBytes: writer.place.offset, cutSizeBytes: 0 })
}

export interface ContinuedBackupOptions {
  readonly disk: Disk
  readonly path: string
  /** Asks for what comes after the point. */
  readonly open: (after: { readonly zxid: Zxid; readonly hash: ChainHash }) => Promise<AsyncIterable<BackupPiece>>
  readonly onProgress?: (sizeBytes: number) => void
}

/** Rejects as `open`, its pieces and `disk` do; then, too, the file ends as it did, or is cut after its last end. */
export async function continueBackup(options: ContinuedBackupOptions): Promise<Result<WrittenBackup, string>> {
  const { disk, path } = options
  let lock: FolderLock
  try {
    lock = await disk.lock(folderOf(path))
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ELOCKED')) throw cause
    return err(`another process continues a backup in this folder, and one at a time can: ${cause.message}`)
  }
  try {
    const checked = await withFile(disk, path, (file) => checkBackupFile(file))
    if (!checked.ok) return err(`${path}: ${checked.error}. It cannot be continued; make a new backup with --to.`)
    return await appendAfterEnd(options, checked.value)
  } finally {
    await lock.release()
  }
}

async function appendAfterEnd(
  { disk, path, open, onProgress }: ContinuedBackupOptions,
  { facts, place, sizeBytes, check }: CheckedBackup,
): Promise<Result<WrittenBackup, string>> {
  // A server that cannot continue the backup says so here, before the file is changed.
  const pieces = await open({ zxid: facts.end.zxid, hash: facts.end.hash })
  const file = await disk.open(path, 'read-write')
  let isWhole = false
  try {
    if (place.offset < sizeBytes) await file.truncate(place.offset)
    const writer = BackupFileWriter.continueAt(file, place)
    const added = await addPieces(writer, check, pieces, onProgress)
    if (!added.ok) return err(`${path} ends at ${hexOfZxid(facts.end.zxid)} as before: ${added.error}`)
    await file.sync()
    isWhole = true
    return ok({ facts: added.value, sizeBytes: writer.place.offset, cutSizeBytes: sizeBytes - place.offset })
  } finally {
    // If this fails, the next continuation cuts.
    if (!isWhole) await file.truncate(place.offset).catch(() => {})
    await file.close()
  }
}

async function addPieces(
  writer: BackupFileWriter,
  check: BackupCheck,
  pieces: AsyncIterable<BackupPiece>,
  onProgress: (sizeBytes: number) => void = () => {},
): Promise<Result<BackupFacts, string>> {
  let last: BackupPiece['kind'] | null = null
  for await (const piece of pieces) {
    const before = check.facts?.end.clusterId
    if (piece.kind === 'end' && before !== undefined && piece.clusterId !== before) {
      return err(ofAnotherCluster(piece.clusterId, before))
    }
    const problem = check.add(piece)
    if (problem !== null) return err(`the server has sent what is no backup: ${problem}`)
    await writer.write(encodePiece(piece))
    last = piece.kind
    onProgress(writer.place.offset)
  }
  return check.facts !== null && last === 'end' ? ok(check.facts) : err('the server has sent a backup without an end')
}

/** A server with another history refuses before: this one has the history of the backup, and was restored or adopted since. */
function ofAnotherCluster(now: number, before: number): string {
  return (
    `the server is of cluster 0x${now.toString(16)} now, and the backup of cluster 0x${before.toString(16)}: the data of the server was ` +
    'restored or adopted since. Make a new backup with --to.'
  )
}

async function isSameFile(disk: Disk, path: string, inode: string): Promise<boolean> {
  return (await disk.exists(path)) && (await disk.identityOf(path)).inode === inode
}

function folderOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash < 0 ? '.' : slash === 0 ? '/' : path.slice(0, slash)
}
