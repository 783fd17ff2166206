/**
 * Files of this machine. `writeDurably` goes through a second descriptor opened with O_DSYNC: one call of the
 * thread pool instead of two (on ext4, 300 bytes into a preallocated file: 165–219 µs against 182–245 µs for
 * write + fdatasync). It makes its own bytes durable, not what `write` left behind; that is what `sync` is for.
 *
 * A folder is locked by a file in it that holds the owner's pid and that process's start time, so neither a
 * dead owner nor another process that got its pid keeps the folder. Assumes that the folder is not shared
 * between machines.
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
import { access, link, mkdir, readdir, readFile, rename, rm, stat, truncate, unlink, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Disk, DiskFile, OpenMode } from '../ports/disk.ts'

const openFd = promisify(fsOpen)
const closeFd = promisify(fsClose)
const fdatasync = promisify(fsFdatasync)
const ftruncate = promisify(fsFtruncate)
const fstat = promisify(fsFstat)

const lockName = '.lock'
/** Linux refuses more vectors in one call (IOV_MAX). */
const chunkCountMax = 1024

const modeFlags: Readonly<Record<OpenMode, number>> = {
  read: constants.O_RDONLY,
  'read-write': constants.O_RDWR,
  'create-new': constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
}

export function nodeDisk(): Disk {
  return {
    open: openFile,
    list: async (folder) => (await readdir(folder)).filter((name) => !name.startsWith(lockName)).sort(),
    makeFolder,
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
    syncDirectory,
    lock: lockFolder,
  }
}

async function openFile(path: string, mode: OpenMode): Promise<DiskFile> {
  const fd = await openFd(path, modeFlags[mode], 0o644)
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

  constructor(path: string, fd: number, durableFd: number | null) {
    this.path = path
    this.#fd = fd
    this.#durableFd = durableFd
  }

  async read(position: number, lengthBytes: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(lengthBytes)
    let done = 0
    while (done < lengthBytes) {
      const count = await readOnce(this.#fd, bytes, done, lengthBytes - done, position + done)
      if (count === 0) return bytes.subarray(0, done)
      done += count
    }
    return bytes
  }

  write(position: number, chunks: readonly Uint8Array[]): Promise<void> {
    return writeAll(this.#fd, position, chunks)
  }

  writeDurably(position: number, chunks: readonly Uint8Array[]): Promise<void> {
    return writeAll(this.#durableFd ?? this.#fd, position, chunks)
  }

  async sync(): Promise<void> {
    await fdatasync(this.#fd)
  }

  async truncate(sizeBytes: number): Promise<void> {
    await ftruncate(this.#fd, sizeBytes)
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

/** Writes every byte; the system may take a part at a time, most likely before it runs out of space. */
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

/** Durable at once, the whole chain of new folders: nothing in a folder is safer than the folder itself. */
/** Step by step: the platform's own recursive form never returns where a parent exists but takes no children (/proc). */
async function makeFolder(folder: string): Promise<void> {
  const path = resolve(folder)
  if (await makeOneFolder(path)) return
  await makeFolder(dirname(path))
  if (!(await makeOneFolder(path))) {
    throw Object.assign(new Error(`${path} cannot be created in ${dirname(path)}`), { code: 'ENOENT' })
  }
}

/** A run that died between making it and flushing its entry left that to us. Where we may not read the parent, we did not make it. */
async function syncFoundFolder(path: string): Promise<void> {
  try {
    await syncDirectory(dirname(path))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error
  }
}

/** False: its parent does not exist. */
async function makeOneFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path)
    await syncDirectory(dirname(path))
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && dirname(path) !== path) return false
    if (code !== 'EEXIST' || !(await stat(path)).isDirectory()) throw error
    await syncFoundFolder(path)
    return true
  }
}

async function syncDirectory(folder: string): Promise<void> {
  const fd = await openFd(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await fdatasync(fd)
  } finally {
    await closeFd(fd)
  }
}

interface LockOwner {
  readonly pid: number
  readonly startTime: string // in the kernel's ticks; empty where the system does not tell
}

/**
 * Locks are numbered files, `.lock.<n>`; the highest number counts. Taking over makes the next number, which
 * `link` does for one of many at most, and with its content in place. Nothing ever takes away the highest file,
 * not even its owner's release, so a process that was slow between looking and linking finds a higher one when it
 * looks again, and steps back.
 */
async function lockFolder(folder: string): Promise<{ release(): Promise<void> }> {
  const path = resolve(folder)
  const draft = join(path, `${lockName}-${process.pid}-${draftCount++}`)
  await writeFile(
    draft,
    JSON.stringify({ pid: process.pid, startTime: (await processFactsOf(process.pid))?.startTime ?? '' }),
  )
  try {
    for (;;) {
      const top = (await lockNumbers(path)).at(-1) ?? 0
      const owner = await ownerOf(lockPath(path, top))
      if (owner !== null && (await isAlive(owner))) throw lockedError(folder, owner)
      if (!(await tryLink(draft, lockPath(path, top + 1)))) continue
      const numbers = await lockNumbers(path)
      if (numbers.at(-1) === top + 1) {
        for (const number of numbers.slice(0, -1)) await rm(lockPath(path, number), { force: true })
        return { release: () => releaseLock(lockPath(path, top + 1)) }
      }
      await rm(lockPath(path, top + 1), { force: true })
    }
  } finally {
    await rm(draft, { force: true })
  }
}

let draftCount = 0

/** Leaves the file, with nobody's name in it. */
async function releaseLock(path: string): Promise<void> {
  try {
    await truncate(path, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

function lockedError(folder: string, owner: LockOwner): Error {
  const message = `${folder} is in use by the process with pid ${owner.pid}. Stop it, or give this server a folder of its own.`
  return Object.assign(new Error(message), { code: 'ELOCKED' })
}

function lockPath(folder: string, number: number): string {
  return join(folder, `${lockName}.${number}`)
}

async function lockNumbers(folder: string): Promise<readonly number[]> {
  const numbers: number[] = []
  for (const name of await readdir(folder)) {
    const match = /^\.lock\.(\d+)$/.exec(name)
    if (match !== null) numbers.push(Number(match[1]))
  }
  return numbers.sort((a, b) => a - b)
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function ownerOf(path: string): Promise<LockOwner | null> {
  try {
    const value = JSON.parse(await readFile(path, 'utf8')) as Partial<LockOwner>
    if (typeof value.pid !== 'number' || typeof value.startTime !== 'string') return null
    return { pid: value.pid, startTime: value.startTime }
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

async function isAlive(owner: LockOwner): Promise<boolean> {
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    // EPERM: it lives, as another user.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const facts = await processFactsOf(owner.pid)
  if (facts === null) return true // no /proc to ask: the signal got through, so the pid is somebody's
  // Killed, and not yet waited for by its parent: its files are closed, and it will never write again.
  if (facts.state === 'Z' || facts.state === 'X') return false
  return owner.startTime === '' || facts.startTime === owner.startTime
}

interface ProcessFacts {
  readonly state: string // one letter, as ps shows it
  readonly startTime: string // in clock ticks since boot
}

/** Fields 3 and 22 of /proc/<pid>/stat, counted behind the command name, which may hold spaces and parentheses. */
async function processFactsOf(pid: number): Promise<ProcessFacts | null> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const [state, startTime] = [fields[0], fields[19]]
    return state === undefined || startTime === undefined ? null : { state, startTime }
  } catch {
    return null
  }
}
