/** Sizes of the files in the data folder of a server, while it may add and remove files. */
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

export interface FileSize {
  readonly path: string
  readonly sizeBytes: number
  /** What the file occupies: a file that was grown ahead may have holes. */
  readonly diskBytes: number
}

const diskBlockSizeBytes = 512 // the unit of `blocks`, on every file system

/** All files below a folder; none if it does not exist. A file that is removed meanwhile is left out. */
export async function filesBelow(folder: string): Promise<readonly FileSize[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(ifMissing([]))
  const files: FileSize[] = []
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      files.push(...(await filesBelow(path)))
      continue
    }
    const stat = await lstat(path).catch(ifMissing(undefined))
    if (stat === undefined) continue
    const { size, blocks } = stat
    files.push({ path, sizeBytes: size, diskBytes: blocks * diskBlockSizeBytes })
  }
  return files
}

export async function diskBytesBelow(folder: string): Promise<number> {
  return (await filesBelow(folder)).reduce((sum, file) => sum + file.diskBytes, 0)
}

/** The newest snapshot of ZooKeeper: a file `snapshot.<zxid in hex>`. */
export function newestSnapshot(files: readonly FileSize[]): FileSize | undefined {
  const zxidOf = (file: FileSize): bigint => BigInt(`0x${/snapshot\.([0-9a-f]+)$/.exec(file.path)?.[1] ?? '0'}`)
  const snapshots = files.filter((file) => /\/snapshot\.[0-9a-f]+$/.test(file.path))
  return snapshots.sort((a, b) => (zxidOf(a) < zxidOf(b) ? 1 : -1))[0]
}

function ifMissing<T>(value: T): (cause: NodeJS.ErrnoException) => T {
  return (cause) => {
    if (cause.code === 'ENOENT') return value
    throw cause
  }
}
