/**
 * Commands that work on the data folder of a stopped server. They connect to no server. The argument is the path of the
 * server's zoo.cfg or of its data folder.
 */
import { filesNamedIn } from '../config/load-config.ts'
import type { Disk } from '../ports/disk.ts'
import { identityFileName, readIdentityFile } from '../storage/identity-file.ts'
import { sequenceOfName } from '../storage/segment-header.ts'
import type { CliContext } from './cli-context.ts'
import { CliFailure } from './exit-codes.ts'
import { readFile } from './read-file.ts'

const initializeFileName = 'initialize'

interface DataFolders {
  readonly dataDir: string
  readonly dataLogDir: string
}

/**
 * `data initialize`: with db.autocreate=false, lets a server without data vote after its next start (ZK:
 * zkServer-initialize.sh). Refuses if the folder contains data, since an operator has to decide whether to use that
 * data or to move it away. Resolves with the path of the file that it created.
 */
export async function initializeData(cli: CliContext, path: string): Promise<string> {
  const folders = await foldersOf(cli, path)
  const { disk } = cli
  try {
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
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause)) throw cause
    throw new CliFailure('refused', `${folders.dataDir} cannot be used: ${cause.message}`)
  }
}

async function foldersOf(cli: CliContext, path: string): Promise<DataFolders> {
  if ((await namesIn(cli.disk, path)) !== null) return { dataDir: path, dataLogDir: path }
  const { dataDir, dataLogDir } = filesNamedIn(await readFile(cli, path))
  if (dataDir === null)
    throw new CliFailure('usage', `${path} has no dataDir; give the path of a zoo.cfg or of a data folder`)
  return { dataDir, dataLogDir: dataLogDir ?? dataDir }
}

/** The first file or folder with data of zkts or of Apache ZooKeeper. */
async function findData(disk: Disk, { dataDir, dataLogDir }: DataFolders): Promise<string | null> {
  const identity = await readIdentityFile(disk, dataDir)
  // A server that waited without data has written an identity without an epoch.
  const isOfEmptyFolder = identity.kind === 'valid' && identity.identity.currentEpoch === 0
  if (identity.kind !== 'missing' && !isOfEmptyFolder) return `${dataDir}/${identityFileName}`
  for (const folder of new Set([dataDir, dataLogDir])) {
    const log = `${folder}/wal`
    if ((await namesIn(disk, log))?.some((name) => sequenceOfName(name) !== null)) return log
    const keeper = `${folder}/version-2`
    if ((await namesIn(disk, keeper))?.some((name) => /^(snapshot|log)\./.test(name))) return keeper
  }
  return null
}

/** The names in the folder; null if it does not exist. */
async function namesIn(disk: Disk, folder: string): Promise<readonly string[] | null> {
  try {
    return await disk.list(folder)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : null
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw cause
  }
}
