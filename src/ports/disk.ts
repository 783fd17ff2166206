/**
 * Files, as storage needs them. Errors reject with the system's `code` (ENOSPC, EIO, ENOENT, …).
 * A crash may lose, wholly or in part, what was not made durable: file content until `writeDurably`
 * or `sync` resolves, directory entries (create, rename, remove) until `syncDirectory` resolves.
 */
export interface DiskFile {
  readonly path: string
  /** Bytes from `position`; fewer than asked only at the end of the file. */
  read(position: number, lengthBytes: number): Promise<Uint8Array>
  /** Not durable when it resolves. Grows the file as needed. */
  write(position: number, chunks: readonly Uint8Array[]): Promise<void>
  /** Durable when it resolves: data, and the size if it changed. One trip to the disk where the platform can. */
  writeDurably(position: number, chunks: readonly Uint8Array[]): Promise<void>
  /** fdatasync. After a rejection the content of the file is unknown, and a retry that succeeds proves nothing. */
  sync(): Promise<void>
  truncate(sizeBytes: number): Promise<void>
  sizeBytes(): Promise<number>
  close(): Promise<void>
}

export interface FolderLock {
  /** The folder held the lock of another folder: it is a copy of one that was in use. */
  readonly isCopy: boolean
  release(): Promise<void>
}

/** Recognises a file or a folder by another name, and a folder that was replaced by a copy. */
export interface FileIdentity {
  readonly device: string // may change when the machine starts again
  readonly inode: string // of a removed file, it may be given to the next one
  readonly birth: string | null // when it was created, in ns; null: the file system does not say
}

/**
 * The modes that create reject with EEXIST. Only the user that runs the server can open a file that was created with
 * `create-private`, where the system knows users.
 */
export type OpenMode = 'read' | 'read-write' | 'create-new' | 'create-private'

export interface Disk {
  /** Rejects with code EFTYPE for a FIFO, a socket and a device, and never waits for one. */
  open(path: string, mode: OpenMode): Promise<DiskFile>
  /** Names in the folder, sorted; rejects with ENOENT if the folder does not exist. */
  list(folder: string): Promise<readonly string[]>
  /** Creates the folder and its parents. Resolves also if the folder exists. */
  makeFolder(folder: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  exists(path: string): Promise<boolean>
  /** Of the file or folder, symbolic links followed; rejects with ENOENT if it does not exist. */
  identityOf(path: string): Promise<FileIdentity>
  /** Rejects with code ENODIRSYNC, and advice, if the file system cannot flush folders. So does `makeFolder`. */
  syncDirectory(folder: string): Promise<void>
  /**
   * Takes the folder for this process until `release`; rejects with code ELOCKED (and a message naming the
   * holder) while another live process has it. The lock of a process that died is taken over, and so is the lock
   * that was copied along with the folder from one that is in use.
   */
  lock(folder: string): Promise<FolderLock>
}
