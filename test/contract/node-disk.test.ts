import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { lockFolder } from '../../src/io/folder-lock.ts'
import { nodeDisk } from '../../src/io/node-disk.ts'
import type { Disk } from '../../src/ports/disk.ts'
import { type DiskUnderTest, diskContract, unflushableFolderContract } from './disk.contract.ts'

/**
 * A file system without hard links, such as exFAT. With `refusesFolderFlush` it refuses to flush folders, as some FUSE
 * file systems do.
 */
const fileSystem = vi.hoisted(() => ({ refusesFolderFlush: false, textByPath: new Map<string, string>() }))

vi.mock('node:fs/promises', async (original) => {
  const refuse = async (): Promise<never> => {
    throw Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM' })
  }
  const real = await original<typeof import('node:fs/promises')>()
  const readText = async (path: string, encoding: 'utf8'): Promise<string> =>
    fileSystem.textByPath.get(path) ?? (await real.readFile(path, encoding))
  return { ...real, link: refuse, readFile: readText }
})

vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>()
  const fdatasync = (fd: number, callback: (error: Error | null) => void): void => {
    if (!fileSystem.refusesFolderFlush || !real.fstatSync(fd).isDirectory()) real.fdatasync(fd, callback)
    else callback(Object.assign(new Error('EINVAL: invalid argument, fdatasync'), { code: 'EINVAL' }))
  }
  return { ...real, fdatasync }
})

async function inTemporaryFolder(requiresDirectorySync = true): Promise<DiskUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'zkts-disk-'))
  return {
    disk: nodeDisk({ requiresDirectorySync }),
    folder,
    copyFolder: (from, to) => cp(from, to, { recursive: true }),
    dispose: () => rm(folder, { recursive: true, force: true }),
  }
}

diskContract('real disk', inTemporaryFolder)

unflushableFolderContract('real disk', async (requiresDirectorySync) => {
  const rig = await inTemporaryFolder(requiresDirectorySync)
  fileSystem.refusesFolderFlush = true
  const dispose = async (): Promise<void> => {
    fileSystem.refusesFolderFlush = false
    await rig.dispose()
  }
  return { ...rig, dispose }
})

test('a file that is created as private can be opened by its owner only', async () => {
  const { disk, folder, dispose } = await inTemporaryFolder()
  for (const mode of ['create-private', 'create-new'] as const) {
    await (await disk.open(`${folder}/${mode}`, mode)).close()
    const isPrivate = ((await stat(`${folder}/${mode}`)).mode & 0o077) === 0
    expect(isPrivate, mode).toBe(mode === 'create-private')
    await expect(disk.open(`${folder}/${mode}`, mode)).rejects.toMatchObject({ code: 'EEXIST' })
  }
  await dispose()
})

test('the refusal of a file system that cannot flush folders names the setting that accepts it', async () => {
  const { disk, folder, dispose } = await inTemporaryFolder()
  fileSystem.refusesFolderFlush = true
  const refusal = disk.makeFolder(`${folder}/data`)
  await expect(refusal).rejects.toThrow(folder)
  await expect(refusal).rejects.toThrow('EINVAL on fdatasync')
  await expect(refusal).rejects.toThrow('fsync.directories=false')
  fileSystem.refusesFolderFlush = false
  await dispose()
})

test('the message for a locked folder names the process that holds it', async () => {
  const { disk, folder, dispose } = await inTemporaryFolder()
  const lock = await disk.lock(folder)
  await expect(disk.lock(folder)).rejects.toThrow(`pid ${process.pid}`)
  await lock.release()
  await dispose()
})

/** The content of the claim that this process makes in the folder. */
async function claimIn(folder: string): Promise<Record<string, unknown>> {
  const { dev, ino } = await stat(folder, { bigint: true })
  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
  const startTime = (await readFile(`/proc/${process.pid}/stat`, 'utf8')).split(' ')[21]
  return { pid: process.pid, startTime, bootId, device: `${dev}`, inode: `${ino}` }
}

test('a lock is valid while its process runs in this boot, and no longer', async () => {
  const { disk, folder, dispose } = await inTemporaryFolder()
  const live = await claimIn(folder)
  const dead = spawnSync(process.execPath, ['-e', '']).pid
  const name = join(folder, '.lock.1-aa')
  const leftovers = [
    { ...live, pid: dead, startTime: '1' },
    { ...live, startTime: '1' },
    { ...live, bootId: 'of an earlier boot' },
    { pid: dead, startTime: '1' }, // the claim of an earlier version
  ]
  for (const owner of leftovers) {
    await writeFile(name, `${JSON.stringify(owner)}\nheld\n`)
    const lock = await disk.lock(folder)
    expect(lock.isCopy).toBe(false)
    const names = await readdir(folder)
    expect(names).toHaveLength(1)
    const [identity, mark] = (await readFile(join(folder, names[0]!), 'utf8')).split('\n')
    expect(JSON.parse(identity!)).toEqual(live)
    expect(mark).toBe('held')
    await lock.release()
    expect(await readdir(folder)).toEqual([])
  }
  for (const owner of [live, { pid: live['pid'], startTime: live['startTime'] }]) {
    await writeFile(name, `${JSON.stringify(owner)}\nheld\n`)
    await expect(disk.lock(folder)).rejects.toMatchObject({ code: 'ELOCKED' })
    expect(await readdir(folder)).toEqual(['.lock.1-aa'])
  }
  await dispose()
})

test('on a full disk a lock is held by the name of its file alone', async () => {
  const { disk, folder, dispose } = await inTemporaryFolder()
  // A part of the claim finds space.
  const write = async (handle: { appendFile(text: string): Promise<void> }, text: string): Promise<void> => {
    await handle.appendFile(text.slice(0, 5))
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  }
  const live = await claimIn(folder)
  const lock = await lockFolder(folder, write)
  const [name] = await readdir(folder)
  expect(await readFile(join(folder, name!), 'utf8')).toBe('')
  expect(JSON.parse(Buffer.from(name!.split('-')[2]!, 'base64url').toString())).toEqual(live)
  await lock.release()
  expect(await readdir(folder)).toEqual([])
  const claim = name!.split('-')[2]!
  const [lower, higher] = [`.lock.0-aa-${claim}`, `.lock.99999999999-aa-${claim}`].map((each) => join(folder, each))
  await writeFile(lower!, '')
  await expect(disk.lock(folder)).rejects.toMatchObject({ code: 'ELOCKED' })
  await rm(lower!)
  await writeFile(higher!, '')
  await expectLockAfter(disk, folder, () => rm(higher!))
  const dead = spawnSync(process.execPath, ['-e', '']).pid
  const ofTheDead = Buffer.from(JSON.stringify({ ...live, pid: dead })).toString('base64url')
  await writeFile(join(folder, `.lock.${dead}-aa-${ofTheDead}`), '')
  const next = await disk.lock(folder)
  expect(await readdir(folder)).toHaveLength(1)
  await next.release()
  await dispose()
})

test('a claim without content excludes no process, and is removed once its own process is dead', async () => {
  const { disk, folder, dispose } = await inTemporaryFolder()
  const dead = spawnSync(process.execPath, ['-e', '']).pid
  const [unwritten, abandoned, released] = [`.lock.${process.pid}-aa`, `.lock.${dead}-bb`, '.lock.7']
  for (const name of [unwritten, abandoned, released]) await writeFile(join(folder, name), '')
  const lock = await disk.lock(folder)
  expect((await readdir(folder)).filter((name) => name.length < 20)).toEqual([unwritten])
  await lock.release()
  await dispose()
})

/** Expects that the lock waits until `end` has removed its obstacle. */
async function expectLockAfter(disk: Disk, folder: string, end: () => unknown): Promise<void> {
  let isLocked = false
  const locking = disk.lock(folder).then((lock) => {
    isLocked = true
    return lock
  })
  // By then it has met the obstacle several times; otherwise it would have returned.
  for (let i = 0; i < 200; i++) await readdir(folder)
  expect(isLocked).toBe(false)
  await end()
  await (await locking).release()
}

test('of two unmarked claims the lower name gets the folder', async () => {
  const { disk, folder, dispose } = await inTemporaryFolder()
  const claim = `${JSON.stringify(await claimIn(folder))}\n`
  await writeFile(join(folder, '.lock.0-aa'), claim)
  await expect(disk.lock(folder)).rejects.toMatchObject({ code: 'ELOCKED' })
  await rm(join(folder, '.lock.0-aa'))
  const higher = join(folder, '.lock.x-higher')
  await writeFile(higher, claim)
  await expectLockAfter(disk, folder, () => rm(higher))
  await dispose()
})

test('a lock whose owner is a zombie is taken over', async () => {
  const { disk, folder, dispose } = await inTemporaryFolder()
  // The shell becomes a sleep, which never waits for its child. The child is then killed and stays a zombie.
  const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] })
  const zombie = Number(
    await new Promise<string>((resolve) => parent.stdout.once('data', (text) => resolve(`${text}`))),
  )
  const statOf = async (pid: number | undefined): Promise<string> => readFile(`/proc/${pid}/stat`, 'utf8')
  while (!(await statOf(parent.pid)).includes('(sleep)')) await readdir('/proc')
  process.kill(zombie, 'SIGKILL')
  while (!(await statOf(zombie)).includes(') Z ')) await readdir('/proc')
  await writeFile(join(folder, '.lock.1-aa'), JSON.stringify({ pid: zombie, startTime: '' }))
  const lock = await disk.lock(folder)
  await lock.release()
  parent.kill()
  await dispose()
})

test('a lock whose owner was killed is taken over when the last thread of the owner has ended, and not before', async () => {
  const { disk, folder, dispose } = await inTemporaryFolder()
  const child = spawn('sleep', ['60'])
  const claim = { ...(await claimIn(folder)), pid: child.pid, startTime: '77' }
  await writeFile(join(folder, '.lock.1-aa'), `${JSON.stringify(claim)}\nheld\n`)
  // The main thread is a zombie, while another thread waits for the disk in a write.
  const fields = (threadCount: number): string => `Z 1 1 1 0 -1 4 0 0 0 0 1 1 0 0 20 0 ${threadCount} 0 77 0`
  const statPath = `/proc/${child.pid}/stat`
  fileSystem.textByPath.set(statPath, `${child.pid} (a (b) c) ${fields(3)}`)
  await expectLockAfter(disk, folder, () => fileSystem.textByPath.set(statPath, `${child.pid} (a (b) c) ${fields(1)}`))
  fileSystem.textByPath.clear()
  child.kill()
  await dispose()
})

test('of several processes that find a stale lock at the same time, one gets the folder', async () => {
  const { disk, folder, dispose } = await inTemporaryFolder()
  for (let round = 1; round <= 20; round++) {
    await writeFile(join(folder, '.lock.1-aa'), JSON.stringify({ pid: process.pid, startTime: '1' }))
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => disk.lock(folder)))
    const locks = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    expect(locks).toHaveLength(1)
    await locks[0]!.release()
  }
  await dispose()
})

test('a FIFO, a socket and a device in the place of a file are refused, and no open waits for them', async () => {
  const { disk, folder, dispose } = await inTemporaryFolder()
  const [fifo, socket] = [join(folder, 'fifo'), join(folder, 'socket')]
  spawnSync('mkfifo', [fifo])
  const server = createServer().listen(socket)
  await once(server, 'listening')
  for (const [path, kind] of [
    [fifo, 'a named pipe (FIFO)'],
    [socket, 'a socket'],
    ['/dev/null', 'a device'],
  ] as const) {
    for (const mode of ['read', 'read-write'] as const) {
      await expect(disk.open(path, mode)).rejects.toMatchObject({
        code: 'EFTYPE',
        message: `${path} is ${kind}, and this server needs a regular file with this name`,
      })
    }
  }
  await expect(disk.open(folder, 'read')).rejects.toMatchObject({ code: 'EISDIR' })
  server.close()
  await dispose()
})

test('a FIFO in the place of a lock file is refused', async () => {
  const { disk, folder, dispose } = await inTemporaryFolder()
  spawnSync('mkfifo', [join(folder, '.lock.1-aa')])
  await expect(disk.lock(folder)).rejects.toMatchObject({ code: 'EFTYPE' })
  await dispose()
})

test('a folder whose parent cannot have children is refused', async () => {
  const disk = nodeDisk()
  await expect(disk.makeFolder('/proc/zkts/data')).rejects.toMatchObject({ code: 'ENOENT' })
})
