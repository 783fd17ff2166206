/**
 * One process at a time owns a folder. Node.js has no flock. The packages that lock by a file decide by the age of a
 * lock that it is stale, so a process that was stopped for a while would lose a folder to which it goes on writing.
 * Here a lock ends with its process. The file system has to support only one thing: exclusive creation of a file.
 *
 * A process that wants the folder first creates a claim: a file with a name that is never used twice, which identifies
 * the process. Only then does it read the other claims. Of two processes at least one therefore finds the claim of the
 * other, in whichever order their steps run. A process that finds a claim marked `held` gives up. If two processes find
 * only unmarked claims, the one with the higher name gives up; the other waits for that and marks its claim as `held`.
 *
 * On a full disk a claim has no content, since its name has it, and no mark: a process that finds it then waits for a while
 * before it gives up.
 *
 * A claim is valid while its process runs: same pid, same start time, same boot. A claim also identifies its folder by
 * device and inode. A folder that was copied while its server ran contains a copy of the claim; that copy is not valid.
 * The owner keeps the folder open, since some file systems change the number of an inode that no process has open.
 * Assumes: the folder is not shared between machines, and the processes that use it see each other's pids.
 */
import { randomBytes } from 'node:crypto'
import { constants, close as fsClose, open as fsOpen, readFile as fsReadFile } from 'node:fs'
import { type FileHandle, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { FolderLock } from '../ports/disk.ts'
import { openRegular } from './regular-file.ts'

const openFd = promisify(fsOpen)
const closeFd = promisify(fsClose)
const readWhole = promisify(fsReadFile)

const lockPrefix = '.lock'
const heldMark = 'held'
const waitStepMs = 5
/** How long to wait for a process that has made a claim and not yet read ours, or that was killed and still ends. */
const waitMsMax = 5000

interface ProcessIdentity {
  readonly pid: number
  readonly startTime: string // in clock ticks since boot; empty if the system has no /proc
  readonly bootId: string // empty without /proc, and in claims of earlier versions
}

interface FolderIdentity {
  readonly device: string
  readonly inode: string
}

interface Claim {
  readonly owner: ProcessIdentity
  readonly folder: FolderIdentity | null // null: made by an earlier version
  readonly isHeld: boolean
}

export function isLockName(name: string): boolean {
  return name.startsWith(lockPrefix)
}

type WriteClaim = (handle: FileHandle, text: string) => Promise<void>

/** Rejects with code ELOCKED while a running process owns the folder. `write` is for tests. */
export async function lockFolder(
  folder: string,
  write: WriteClaim = (handle, text) => handle.appendFile(text),
): Promise<FolderLock> {
  const path = resolve(folder)
  const folderFd = await openFd(path, 'r')
  try {
    const own = await makeClaim(path, await identityOf(path), write)
    try {
      const isCopy = await waitForOthers(folder, path, own)
      if (own.hasContent) await write(own.handle, `${heldMark}\n`).catch(ignoreFull)
      await own.handle.close()
      return { isCopy, release: () => release(own.path, folderFd) }
    } catch (error) {
      await own.handle.close()
      await rm(own.path, { force: true })
      throw error
    }
  } catch (error) {
    await closeFd(folderFd)
    throw error
  }
}

async function release(claimPath: string, folderFd: number): Promise<void> {
  await rm(claimPath, { force: true })
  await closeFd(folderFd)
}

interface OwnClaim {
  readonly name: string
  readonly hasContent: boolean
  readonly path: string
  readonly folder: FolderIdentity
  readonly handle: FileHandle
}

async function makeClaim(path: string, folder: FolderIdentity, write: WriteClaim): Promise<OwnClaim> {
  const name = `${lockPrefix}.${process.pid}-${randomBytes(8).toString('hex')}`
  const claimPath = join(path, name)
  const handle = await open(claimPath, 'wx')
  try {
    const startTime = (await processFactsOf(process.pid))?.startTime ?? ''
    const identity = JSON.stringify({ pid: process.pid, startTime, bootId: await bootIdOfMachine(), ...folder })
    try {
      await write(handle, `${identity}\n`)
      return { name, hasContent: true, path: claimPath, folder, handle }
    } catch (error) {
      ignoreFull(error)
      await handle.truncate(0)
      const longName = `${name}-${Buffer.from(identity).toString('base64url')}`
      await rename(claimPath, join(path, longName))
      return { name: longName, hasContent: false, path: join(path, longName), folder, handle }
    }
  } catch (error) {
    await handle.close()
    await rm(claimPath, { force: true })
    throw error
  }
}

function ignoreFull(error: unknown): void {
  const { code } = error as NodeJS.ErrnoException
  if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error
}

/**
 * Resolves when our claim is the only valid one; with true if the folder is a copy that contains claims of its
 * original.
 */
async function waitForOthers(folder: string, path: string, own: OwnClaim): Promise<boolean> {
  let isCopy = false
  for (let waitedMs = 0; ; waitedMs += waitStepMs) {
    let waitsFor: ProcessIdentity | null = null
    for (const name of await readdir(path)) {
      if (!isLockName(name) || name === own.name) continue
      const claim = await readClaim(join(path, name))
      if (claim === null) {
        // Without content. If its process still runs, it will write its claim, then read the claims and find ours.
        if (!(await mayStillWrite(name))) await rm(join(path, name), { force: true })
        continue
      }
      const isOfCopy = claim.folder !== null && !isSameFolder(claim.folder, own.folder)
      const life = isOfCopy ? 'ended' : await lifeOf(claim.owner)
      if (life === 'ended') {
        isCopy ||= isOfCopy
        await rm(join(path, name), { force: true })
        continue
      }
      const isSettled = claim.isHeld || name < own.name
      if (isSettled && life === 'running') throw lockedError(folder, claim.owner)
      waitsFor = claim.owner
    }
    if (waitsFor === null) return isCopy
    if (waitedMs >= waitMsMax) throw lockedError(folder, waitsFor)
    await delay(waitStepMs)
  }
}

/** Null: the claim was removed, or its content is not written yet. */
async function readClaim(path: string): Promise<Claim | null> {
  const inName = /^\.lock\.\d+-[0-9a-f]+-([\w-]+)$/.exec(basename(path))?.[1]
  try {
    const text = inName === undefined ? await readRegular(path) : Buffer.from(inName, 'base64url').toString()
    const [identity = '', mark = ''] = text.split('\n')
    const value = JSON.parse(identity) as Partial<ProcessIdentity & FolderIdentity>
    const { pid, startTime, bootId, device, inode } = value
    if (typeof pid !== 'number' || typeof startTime !== 'string') return null
    const owner = { pid, startTime, bootId: typeof bootId === 'string' ? bootId : '' }
    if (typeof device !== 'string' || typeof inode !== 'string') return { owner, folder: null, isHeld: true }
    return { owner, folder: { device, inode }, isHeld: mark !== '' }
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

async function readRegular(path: string): Promise<string> {
  const fd = await openRegular(path, constants.O_RDONLY)
  try {
    return await readWhole(fd, 'utf8')
  } finally {
    await closeFd(fd)
  }
}

/** Lock files of earlier versions have no pid in their name, and were emptied at their release. */
async function mayStillWrite(name: string): Promise<boolean> {
  const match = /^\.lock\.(\d+)-[0-9a-f]+$/.exec(name)
  return match !== null && (await lifeOf({ pid: Number(match[1]), startTime: '', bootId: '' })) !== 'ended'
}

async function identityOf(path: string): Promise<FolderIdentity> {
  const { dev, ino } = await stat(path, { bigint: true })
  return { device: String(dev), inode: String(ino) }
}

function isSameFolder(one: FolderIdentity, other: FolderIdentity): boolean {
  return one.device === other.device && one.inode === other.inode
}

function lockedError(folder: string, owner: ProcessIdentity): Error {
  const message = `${folder} is in use by the process with pid ${owner.pid}. Stop it, or give this server a folder of its own.`
  return Object.assign(new Error(message), { code: 'ELOCKED' })
}

type Life = 'running' | 'ending' | 'ended'

async function lifeOf(owner: ProcessIdentity): Promise<Life> {
  if (owner.bootId !== '' && owner.bootId !== (await bootIdOfMachine())) return 'ended'
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    // EPERM: the process runs, as another user.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return 'ended'
  }
  const facts = await processFactsOf(owner.pid)
  if (facts === null) return 'running' // no /proc: kill(2) found a process with this pid
  if (owner.startTime !== '' && facts.startTime !== owner.startTime) return 'ended'
  if (facts.state !== 'Z' && facts.state !== 'X') return 'running'
  // The process was killed and its main thread has ended. Another thread may still be in a write that the disk has not
  // completed, and that write would reach the disk after recovery has read the log. Without such threads the process
  // only waits for its parent to collect its status.
  return facts.threadCount > 1 ? 'ending' : 'ended'
}

interface ProcessFacts {
  readonly state: string // one letter, as ps shows it
  readonly threadCount: number
  readonly startTime: string // in clock ticks since boot
}

/** Fields 3, 20 and 22 of /proc/<pid>/stat, counted after the command name, which may hold spaces and parentheses. */
async function processFactsOf(pid: number): Promise<ProcessFacts | null> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const [state, threadCount, startTime] = [fields[0], fields[17], fields[19]]
    if (state === undefined || threadCount === undefined || startTime === undefined) return null
    return { state, threadCount: Number(threadCount), startTime }
  } catch {
    return null
  }
}

async function bootIdOfMachine(): Promise<string> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
  } catch {
    return ''
  }
}
