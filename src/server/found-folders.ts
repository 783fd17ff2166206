/** What a path names on a disk on which any other file or folder may be in its place. */
import type { Disk } from '../ports/disk.ts'

export const noSuchFolder = ['ENOENT', 'ENOTDIR']
/** A folder of another user, such as lost+found, may be unreadable; it then holds no data of this server. */
export const noFolderOfOurs = [...noSuchFolder, 'EACCES', 'EPERM']

/** Equal for two paths of one folder; null if it does not exist. */
export async function placeOf(disk: Disk, folder: string): Promise<string | null> {
  try {
    const { device, inode } = await disk.identityOf(folder)
    return `${device}:${inode}`
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && noSuchFolder.includes(String(cause.code))) return null
    throw cause
  }
}

export async function isFolder(disk: Disk, path: string): Promise<boolean> {
  try {
    await disk.list(path)
    return true
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && noSuchFolder.includes(String(cause.code))) return false
    throw cause
  }
}

/** The empty list if listing fails with one of `codesOfNone`. */
export async function namesIn(disk: Disk, folder: string, codesOfNone: readonly string[]): Promise<readonly string[]> {
  try {
    return await disk.list(folder)
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && codesOfNone.includes(String(cause.code))) return []
    throw cause
  }
}
