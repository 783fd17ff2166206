/**
 * Commands that work on the data folder of a stopped server. They connect to no server. The argument is the path of the
 * server's zoo.cfg or of its data folder.
 */
import { type DataFolders, findData, namesIn } from '../backup/data-in-folders.ts'
import { filesNamedIn } from '../config/load-config.ts'
import type { Disk, FolderLock } from '../ports/disk.ts'
import { readIdentityFile } from '../storage/identity-file.ts'
import type { CliContext } from './cli-context.ts'
import { CliFailure } from './exit-codes.ts'
import { readFile } from './read-file.ts'

const initializeFileName = 'initialize'

/**
 * `data initialize`: with db.autocreate=false, lets a server without data vote after its next start (ZK:
 * zkServer-initialize.sh). Refuses while a server runs in the folder, since that server removes the file at its start and
 * never looks again; and if the folder contains data, since an operator has to decide whether to use that data or to
 * move it away. Resolves with the path of the file that it created.
 */
export async function initializeData(cli: CliContext, path: string): Promise<string> {
  const folders = await foldersOf(cli, path)
  const { disk } = cli
  const locks: FolderLock[] = []
  try {
    for (const log of await logFoldersOf(disk, folders)) locks.push(await lockLog(disk, log))
    return await createInitialize(disk, folders)
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause)) throw cause
    throw new CliFailure('refused', `${folders.dataDir} cannot be used: ${cause.message}`)
  } finally {
    for (const lock of locks) await lock.release()
  }
}

async function createInitialize(disk: Disk, folders: DataFolders): Promise<string> {
  const found = await findData(disk, folders)
  if (found !== null) {
    throw new CliFailure(
      'refused',
      `${found} contains data; to start without data, move it away first. Nothing was changed.`,
    )
  }
  await disk.makeFolder(folders.dataDir)
  const file = `${folders.dataDir}/${initializeFileName}`
  if (!(await disk.exists(file))) await (await disk.open(file, 'create-new')).close()
  await disk.syncDirectory(folders.dataDir)
  return file
}

/** Those that exist. If the path was that of a data folder, only its identity says that the log is elsewhere. */
async function logFoldersOf(disk: Disk, { dataDir, dataLogDir }: DataFolders): Promise<readonly string[]> {
  const found = await readIdentityFile(disk, dataDir)
  const logs = new Set([`${dataLogDir}/wal`, `${dataDir}/wal`])
  if (found.kind === 'valid') logs.add(found.identity.walFolder)
  // The configuration and the identity may write one folder in two ways.
  const present = new Map<string, string>()
  for (const log of logs) {
    if ((await namesIn(disk, log)) === null) continue
    const { device, inode } = await disk.identityOf(log)
    present.set(`${device}:${inode}`, log)
  }
  return [...present.values()]
}

/** A server has the folder of its log for itself while it runs. */
async function lockLog(disk: Disk, log: string): Promise<FolderLock> {
  try {
    return await disk.lock(log)
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ELOCKED')) throw cause
    throw new CliFailure(
      'refused',
      `a server runs in this folder; stop it first. Nothing was changed. ${cause.message}`,
    )
  }
}

async function foldersOf(cli: CliContext, path: string): Promise<DataFolders> {
  if ((await namesIn(cli.disk, path)) !== null) return { dataDir: path, dataLogDir: path }
  const { dataDir, dataLogDir } = filesNamedIn(await readFile(cli, path))
  if (dataDir === null)
    throw new CliFailure('usage', `${path} has no dataDir; give the path of a zoo.cfg or of a data folder`)
  return { dataDir, dataLogDir: dataLogDir ?? dataDir }
}
