/**
 * The mark that a backup is being restored into a data folder: a file in dataDir, from before the first file of the restored
 * data is written until all of it is durable. A server does not start beside it, since it could find the folder without the
 * data, and would serve an empty tree.
 */
import type { Disk } from '../ports/disk.ts'

const restoreMarkName = 'restore-unfinished'
const text =
  '# Written by zkts-cli restore, which did not end, or is not at its end yet. The server does not start while this file\n' +
  '# exists. Run the same restore again: it removes what the first one has left.\n'

export function restoreMarkOf(dataDir: string): string {
  return `${dataDir}/${restoreMarkName}`
}

/** Durable when it resolves. */
export async function writeRestoreMark(disk: Disk, dataDir: string): Promise<void> {
  const path = restoreMarkOf(dataDir)
  const file = (await disk.exists(path)) ? await disk.open(path, 'read-write') : await disk.open(path, 'create-new')
  try {
    await file.writeDurably(0, [new TextEncoder().encode(text)])
  } finally {
    await file.close()
  }
  await disk.syncDirectory(dataDir)
}

/** Durable when it resolves. */
export async function removeRestoreMark(disk: Disk, dataDir: string): Promise<void> {
  await disk.remove(restoreMarkOf(dataDir))
  await disk.syncDirectory(dataDir)
}
