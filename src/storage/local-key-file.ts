/**
 * The file `local-key` in the data folder: 32 random bytes as hex, new at each start of the server. A client that shows this
 * text has access to the files of the server, so the server lets it take backups. Only the owner of the file can read it.
 * It need not survive a crash, since the next start writes another one.
 */
import type { Disk } from '../ports/disk.ts'
import type { Random } from '../ports/random.ts'

const fileName = 'local-key'
const draftName = 'local-key.next'
const wordCount = 8

export function localKeyPath(dataDir: string): string {
  return `${dataDir}/${fileName}`
}

export function newLocalKey(random: Random): string {
  return Array.from({ length: wordCount }, () => random.uint32().toString(16).padStart(8, '0')).join('')
}

/** A reader finds the whole old text or the whole new one. */
export async function writeLocalKey(disk: Disk, dataDir: string, key: string): Promise<void> {
  const draft = `${dataDir}/${draftName}`
  if (await disk.exists(draft)) await disk.remove(draft) // left by a crash
  const file = await disk.open(draft, 'create-private')
  try {
    await file.write(0, [new TextEncoder().encode(key)])
  } finally {
    await file.close()
  }
  await disk.rename(draft, localKeyPath(dataDir))
}
