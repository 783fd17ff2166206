/**
 * Files of this machine. `writeDurably` uses a second descriptor, opened with O_DSYNC: one call of the thread pool
 * instead of two (on ext4, 300 bytes into a preallocated file: 165–219 µs against 182–245 µs for write + fdatasync). It
 * makes its own bytes durable. Bytes of an earlier `write` become durable by `sync`.
 *
 * Every file system has the features that this module needs, with one exception: some cannot flush a folder. Such a
 * file system is refused unless the operator accepts the risk. The lock of a folder is in folder-lock.ts.
 */
import {
  constants,
  close as fsClose,
  fdatasync as fsFdatasync,
  fstat as fsFstat,
  ftruncate as fsFtruncate,
  open as fsOpen,
  read as fsRead,
  writev as fsWritev,
} from 'node:fs'
import { access, mkdir, readdir, rename, stat, unlink } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Disk, DiskFile, FileIdentity, OpenMode } from '../ports/disk.ts'
import { isLockName, lockFolder } from './folder-lock.ts'
import { rejectWithPath, withPath } from './path-in-error.ts'
import { openRegular } from './regular-file.ts'

const openFd = promisify(fsOpen)
const closeFd = promisify(fsClose)
const fdatasync = promisify(fsFdatasync)
const ftruncate = promisify(fsFtruncate)
const fstat = promisify(fsFstat)

/** Linux refuses more vectors in one call (IOV_MAX). */
const chunkCountMax = 1024

const modeFlags: Readonly<Record<OpenMode, number>> = {
  read: constants.O_RDONLY,
  'read-write': constants.O_RDWR,
  'create-new': constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
  'create-private': constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
}

const privatePermissions = 0o600

/** The error codes of `fdatasync` for a folder on a file system that cannot flush folders. */
const unsupportedCodes: readonly string[] = ['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EPERM', 'EBADF']

export interface NodeDiskOptions {
  /** False: a file system that cannot flush a folder is accepted (`fsync.directories=false`). */
  readonly requiresDirectorySync: boolean
}

type SyncDirectory = (folder: string) => Promise<void>

export function nodeDisk({ requiresDirectorySync }: NodeDiskOptions = { requiresDirectorySync: true }): Disk {
  const syncDirectory: SyncDirectory = async (folder) => {
    try {
      await flushFolder(folder)
    } catch (error) {
      if (!isUnsupported(error)) throw error
      if (requiresDirectorySync) throw unflushableError(folder, error)
    }
  }
  return {
    open: openFile,
    list: async (folder) => (await readdir(folder)).filter((name) => !isLockName(name)).sort(),
    makeFolder: (folder) => makeFolder(folder, syncDirectory),
    rename: (from, to) => rename(from, to),
    remove: (path) => unlink(path),
    exists: (path) =>
      access(path).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return false
          throw error
        },
      ),
    identityOf,
    syncDirectory,
    lock: lockFolder,
  }
}

async function identityOf(path: string): Promise<FileIdentity> {
  const { dev, ino, birthtimeNs, ctimeNs } = await stat(path, { bigint: true })
  // Where the system does not know the time of birth, Node.js gives 0 or the time of the last change.
  const isKnown = birthtimeNs > 0n && birthtimeNs < ctimeNs
  return { device: String(dev), inode: String(ino), birth: isKnown ? String(birthtimeNs) : null }
}

async function openFile(path: string, mode: OpenMode): Promise<DiskFile> {
  const fd = await openRegular(path, modeFlags[mode], mode === 'create-private' ? privatePermissions : undefined)
  if (mode === 'read') return new NodeFile(path, fd, null)
  try {
    return new NodeFile(path, fd, await openFd(path, constants.O_RDWR | constants.O_DSYNC))
  } catch (error) {
    await closeFd(fd)
    throw error
  }
}

class NodeFile implements DiskFile {
  readonly path: string
  readonly #fd: number
  readonly #durableFd: number | null // null: opened for reading
  readonly #rejectWithPath: (error: unknown) => never

  constructor(path: string, fd: number, durableFd: number | null) {
    this.path = path
    this.#fd = fd
    this.#durableFd = durableFd
    this.#rejectWithPath = rejectWithPath(path)
  }

  async read(position: number, lengthBytes: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(lengthBytes)
    let done = 0
    while (done < lengthBytes) {
      const count = await readOnce(this.#fd, bytes, done, lengthBytes - done, position + done).catch(
        this.#rejectWithPath,
      )
      if (count === 0) return bytes.subarray(0, done)
      done += count
    }
    return bytes
  }

  write(position: number, chunks: readonly Uint8Array[]): Promise<void> {
    return writeAll(this.#fd, position, chunks).catch(this.#rejectWithPath)
  }

  writeDurably(position: number, chunks: readonly Uint8Array[]): Promise<void> {
    return writeAll(this.#durableFd ?? this.#fd, position, chunks).catch(this.#rejectWithPath)
  }

  async sync(): Promise<void> {
    await fdatasync(this.#fd).catch(this.#rejectWithPath)
  }

  async truncate(sizeBytes: number): Promise<void> {
    await ftruncate(this.#fd, sizeBytes).catch(this.#rejectWithPath)
  }

  async sizeBytes(): Promise<number> {
    return (await fstat(this.#fd)).size
  }

  async close(): Promise<void> {
    if (this.#durableFd !== null) await closeFd(this.#durableFd)
    await closeFd(this.#fd)
  }
}

function readOnce(fd: number, bytes: Uint8Array, offset: number, length: number, position: number): Promise<number> {
  return new Promise((done, failed) => {
    fsRead(fd, bytes, offset, length, position, (error, count) => (error === null ? done(count) : failed(error)))
  })
}

/** Writes every byte. The system may write fewer bytes than asked, above all before the disk is full. */
function writeAll(fd: number, position: number, chunks: readonly Uint8Array[]): Promise<void> {
  return new Promise((done, failed) => {
    let left = chunks.filter((chunk) => chunk.length > 0)
    let at = position
    const step = (): void => {
      if (left.length === 0) return done()
      fsWritev(fd, left.slice(0, chunkCountMax), at, (error, count) => {
        if (error !== null) return failed(error)
        at += count
        left = withoutFirst(left, count)
        step()
      })
    }
    step()
  })
}

function withoutFirst(chunks: readonly Uint8Array[], sizeBytes: number): Uint8Array[] {
  let skipped = 0
  let index = 0
  while (index < chunks.length && skipped + chunks[index]!.length <= sizeBytes) skipped += chunks[index++]!.length
  const rest = chunks.slice(index)
  if (skipped < sizeBytes) rest[0] = rest[0]!.subarray(sizeBytes - skipped)
  return rest
}

/**
 * Creates a folder and its missing parents, and makes the whole chain durable at once: a file is no safer than the
 * folder that contains it. One level at a time, since Node's recursive mkdir never returns if a parent exists but
 * cannot have children (/proc).
 */
async function makeFolder(folder: string, syncDirectory: SyncDirectory): Promise<void> {
  const path = resolve(folder)
  if (await makeOneFolder(path, syncDirectory)) return
  await makeFolder(dirname(path), syncDirectory)
  if (!(await makeOneFolder(path, syncDirectory))) {
    throw Object.assign(new Error(`${path} cannot be created in ${dirname(path)}`), { code: 'ENOENT' })
  }
}

/** False: the parent does not exist. */
async function makeOneFolder(path: string, syncDirectory: SyncDirectory): Promise<boolean> {
  try {
    await mkdir(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && dirname(path) !== path) return false
    if (code !== 'EEXIST' || !(await stat(path)).isDirectory()) throw error
    await syncFoundFolder(path, syncDirectory)
    return true
  }
  await syncDirectory(dirname(path))
  return true
}

/**
 * An earlier run may have died after it made the folder and before it flushed the parent. If this user may not read the
 * parent, it did not make the folder.
 */
async function syncFoundFolder(path: string, syncDirectory: SyncDirectory): Promise<void> {
  try {
    await syncDirectory(dirname(path))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error
  }
}

async function flushFolder(folder: string): Promise<void> {
  const fd = await openFd(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await fdatasync(fd)
  } catch (error) {
    throw Object.assign(withPath(error, folder) as Error, { isFlush: true })
  } finally {
    await closeFd(fd)
  }
}

/** True only for an error of the flush; a folder that cannot be opened is a different fault. */
function isUnsupported(error: unknown): boolean {
  const { code, isFlush } = error as NodeJS.ErrnoException & { isFlush?: boolean }
  return isFlush === true && code !== undefined && unsupportedCodes.includes(code)
}

function unflushableError(folder: string, cause: unknown): Error {
  const message =
    `the file system of ${folder} refuses to flush a folder (${(cause as NodeJS.ErrnoException).code} on fdatasync). ` +
    'When power fails, a new file of the log could vanish with the acknowledged writes in it. Write a dataDir or ' +
    'dataLogDir on a file system that can (ext4, XFS, btrfs, ZFS), or accept this with fsync.directories=false.'
  return Object.assign(new Error(message, { cause }), { code: 'ENODIRSYNC' })
}
