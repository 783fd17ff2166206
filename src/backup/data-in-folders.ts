/**
 * Whether the folders of a server hold data. What must have empty folders is refused beside data, since it
 * may be the only copy.
 */
import { checkpointFolderOf, currentFileName } from '../checkpoint/current-file.ts'
import type { Disk } from '../ports/disk.ts'
import { identityFileName, readIdentityFile } from '../storage/identity-file.ts'
import { restoreMarkOf } from '../storage/restore-mark.ts'
import { sequenceOfName } from '../storage/segment-header.ts'

export interface DataFolders {
  readonly dataDir: string
  readonly dataLogDir: string
}

/**
 * The first file or folder with data of zkts or of Apache ZooKeeper; null: there is none. `without-checkpoint`: what an
 * unfinished restore has written does not count.
 */
export async function findData(
  disk: Disk,
  { dataDir, dataLogDir }: DataFolders,
  what: 'all' | 'without-checkpoint' = 'all',
): Promise<string | null> {
  const identity = await readIdentityFile(disk, dataDir)
  // A server that waited without data has written an identity without an epoch.
  const isOfEmptyFolder =
    identity.kind === 'valid' && identity.identity.currentEpoch === 0 && identity.identity.newestSegment === 0
  if (identity.kind !== 'missing' && !isOfEmptyFolder) return `${dataDir}/${identityFileName}`
  for (const folder of new Set([dataDir, dataLogDir])) {
    const log = `${folder}/wal`
    if ((await namesIn(disk, log))?.some((name) => sequenceOfName(name) !== null)) return log
    const keeper = `${folder}/version-2`
    if ((await namesIn(disk, keeper))?.some((name) => /^(snapshot|log)\./.test(name))) return keeper
  }
  if (what === 'without-checkpoint') return null
  // A restored folder has a checkpoint and no log before its first start.
  for (const path of [restoreMarkOf(dataDir), `${checkpointFolderOf({ dataDir })}/${currentFileName}`])
    if (await disk.exists(path)) return path
  return null
}

/** The names in the folder; null if it does not exist. */
export async function namesIn(disk: Disk, folder: string): Promise<readonly string[] | null> {
  try {
    return await disk.list(folder)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : null
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw cause
  }
}
