/**
 * Reads and replaces the identity of a data folder. A reader finds the complete old file or the complete new one: the
 * new one is written and flushed under another name, renamed over the old one, and the folder is flushed.
 */
import type { Disk } from '../ports/disk.ts'
import { type DataIdentity, encodeIdentity, type IdentityReading, readIdentity } from './data-identity.ts'

export const identityFileName = 'identity'
/** Exists while the identity is written, and after a crash during that. */
export const draftName = 'identity.next'

export async function readIdentityFile(disk: Disk, dataDir: string): Promise<IdentityReading> {
  const path = `${dataDir}/${identityFileName}`
  if (!(await disk.exists(path))) return { kind: 'missing' }
  const file = await disk.open(path, 'read')
  try {
    return readIdentity(await file.read(0, await file.sizeBytes()))
  } finally {
    await file.close()
  }
}

/** The file is durable when it resolves. After a failure it may be called again. */
export async function writeIdentityFile(disk: Disk, dataDir: string, identity: DataIdentity): Promise<void> {
  const draft = `${dataDir}/${draftName}`
  if (await disk.exists(draft)) await disk.remove(draft) // left by a write that a crash or a full disk interrupted
  const file = await disk.open(draft, 'create-new')
  try {
    const { inode } = await disk.identityOf(draft)
    await file.writeDurably(0, [encodeIdentity(identity, inode)])
  } finally {
    await file.close()
  }
  await disk.rename(draft, `${dataDir}/${identityFileName}`)
  await disk.syncDirectory(dataDir)
}
