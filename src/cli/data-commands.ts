/**
 * Commands that work on the data folder of a server that does not run. They ask no server, so the folder is named by the
 * path of its zoo.cfg or by its own.
 */
import { filesNamedIn } from '../config/load-config.ts'
import type { Disk } from '../ports/disk.ts'
import { identityFileName } from '../storage/identity-file.ts'
import { sequenceOfName } from '../storage/segment-header.ts'
import type { CliWorld } from './cli-world.ts'
import { CliFailure } from './exit-codes.ts'
import { readFile } from './read-file.ts'

const initializeFileName = 'initialize'

interface DataFolders {
  readonly dataDir: string
  readonly dataLogDir: string
}

/**
 * `data initialize`: with db.autocreate=false, lets the next start of a server without data count (ZK: zkServer-initialize.sh).
 * Refuses where there is data: then that is to be used, or moved away by a person. Resolves with the path of the file.
 */
export async function initializeData(world: CliWorld, path: string): Promise<string> {
  const folders = await foldersOf(world, path)
  const { disk } = world
  try {
    const found = await findData(disk, folders)
    if (found !== null) {
      throw new CliFailure('refused', `${found} holds data; to start empty, move it away first. Nothing was changed.`)
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

async function foldersOf(world: CliWorld, path: string): Promise<DataFolders> {
  if ((await namesIn(world.disk, path)) !== null) return { dataDir: path, dataLogDir: path }
  const { dataDir, dataLogDir } = filesNamedIn(await readFile(world, path))
  if (dataDir === null)
    throw new CliFailure('usage', `${path} has no dataDir; name a zoo.cfg, or the data folder itself`)
  return { dataDir, dataLogDir: dataLogDir ?? dataDir }
}

/** The first file or folder that holds data of this program or of Apache ZooKeeper. */
async function findData(disk: Disk, { dataDir, dataLogDir }: DataFolders): Promise<string | null> {
  const identity = `${dataDir}/${identityFileName}`
  if (await disk.exists(identity)) return identity
  for (const folder of new Set([dataDir, dataLogDir])) {
    const log = `${folder}/wal`
    if ((await namesIn(disk, log))?.some((name) => sequenceOfName(name) !== null)) return log
    const keeper = `${folder}/version-2`
    if ((await namesIn(disk, keeper))?.some((name) => /^(snapshot|log)\./.test(name))) return keeper
  }
  return null
}

/** Null: there is no such folder. */
async function namesIn(disk: Disk, folder: string): Promise<readonly string[] | null> {
  try {
    return await disk.list(folder)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : null
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw cause
  }
}
