/**
 * Reads and writes the identity of a data folder. A new file is written and flushed under another name and renamed over
 * the old one, and the folder is flushed: a reader finds the complete old file or the complete new one. A server that runs
 * keeps its file open, and overwrites the older of its two slots, which is one flush instead of two and no other call: an
 * epoch begins while clients wait. The inode of the file stays the same then, so the file still recognises its copies.
 */
import type { Disk, DiskFile } from '../ports/disk.ts'
import {
  type DataIdentity,
  encodeIdentity,
  encodeSlot,
  type IdentityReading,
  type IdentitySlot,
  readIdentity,
} from './data-identity.ts'

export const identityFileName = 'identity'
/** Exists while a new file is written, and after a crash during that. */
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

/** The new file is durable when it resolves. After a failure it may be called again. */
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

interface OpenFile {
  readonly file: DiskFile
  readonly inode: string
  readonly slot: IdentitySlot // the one that was written last
}

/** The identity file of a running server. One call at a time. */
export class IdentityFile {
  readonly #disk: Disk
  readonly #dataDir: string
  #open: OpenFile | null = null // null: it cannot be overwritten

  constructor(disk: Disk, dataDir: string) {
    this.#disk = disk
    this.#dataDir = dataDir
  }

  /** Prepares for `overwrite`. Does nothing if the file has another form or is a copy, or its rights forbid it. */
  async open(): Promise<void> {
    const disk = this.#disk
    const path = this.#path
    let file: DiskFile
    try {
      file = await disk.open(path, 'read-write')
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && mayBeReplaced.includes(cause.code as string)) return
      throw cause
    }
    try {
      const reading = readIdentity(await file.read(0, await file.sizeBytes()))
      const { inode } = await disk.identityOf(path)
      if (reading.kind !== 'valid' || reading.slot === null || reading.inode !== inode) return
      this.#open = { file, inode, slot: reading.slot }
    } finally {
      if (this.#open === null) await file.close()
    }
  }

  /** The file gets a new inode and one identity in both slots. Durable when it resolves; may be called again. */
  async replace(identity: DataIdentity): Promise<void> {
    await this.close()
    await writeIdentityFile(this.#disk, this.#dataDir, identity)
    await this.open()
  }

  /**
   * Durable when it resolves with true. Until then, and after a failure, the file has this identity or the one before. False:
   * it has to be replaced, since it has another form or is no longer the file in the folder.
   */
  async overwrite(identity: DataIdentity): Promise<boolean> {
    if (this.#open === null) return false
    const { file, inode, slot } = this.#open
    const next: IdentitySlot = { ...slot, index: slot.index === 0 ? 1 : 0, writeNumber: slot.writeNumber + 1 }
    const bytes = encodeSlot(identity, inode, next)
    if (bytes === null) return false
    // At the same time, since clients wait. Both have ended before the file can be closed.
    const written = file.writeDurably(next.index * next.sizeBytes, [bytes])
    const [write, found] = await Promise.allSettled([written, this.#inodeInFolder()])
    if (write.status === 'rejected') throw write.reason
    if (found.status === 'rejected') throw found.reason
    this.#open = { file, inode, slot: next }
    return found.value === inode
  }

  async close(): Promise<void> {
    const open = this.#open
    this.#open = null
    await open?.file.close()
  }

  /** Null: the file was moved away or removed. */
  async #inodeInFolder(): Promise<string | null> {
    try {
      return (await this.#disk.identityOf(this.#path)).inode
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null
      throw cause
    }
  }

  get #path(): string {
    return `${this.#dataDir}/${identityFileName}`
  }
}

/** The file may be replaced all the same: that needs rights to the folder only. */
const mayBeReplaced = ['ENOENT', 'EACCES', 'EPERM']
