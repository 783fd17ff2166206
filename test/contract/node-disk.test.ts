import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { nodeDisk } from '../../src/io/node-disk.ts'
import { type DiskUnderTest, diskContract } from './disk.contract.ts'

async function inTemporaryFolder(): Promise<DiskUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'zkts-disk-'))
  return { disk: nodeDisk(), folder, dispose: () => rm(folder, { recursive: true, force: true }) }
}

diskContract('real disk', inTemporaryFolder)

test('the message for a locked folder names the process that holds it', async () => {
  const { disk, folder, dispose } = await inTemporaryFolder()
  const lock = await disk.lock(folder)
  await expect(disk.lock(folder)).rejects.toThrow(`pid ${process.pid}`)
  await lock.release()
  await dispose()
})

test('a lock whose holder died, or whose pid now names another process, is taken over', async () => {
  const { disk, folder, dispose } = await inTemporaryFolder()
  const dead = spawnSync(process.execPath, ['-e', '']).pid
  for (const owner of [{ pid: dead, startTime: '1' }, { pid: process.pid, startTime: '1' }, 'not json']) {
    const [held] = (await readdir(folder)).filter((name) => name.startsWith('.lock'))
    await writeFile(join(folder, held ?? '.lock.1'), JSON.stringify(owner))
    const lock = await disk.lock(folder)
    const names = await readdir(folder)
    expect(names).toHaveLength(1)
    expect(JSON.parse(await readFile(join(folder, names[0]!), 'utf8'))).toMatchObject({ pid: process.pid })
    await lock.release()
  }
  await dispose()
})

test('a lock whose holder was killed and not yet waited for is taken over', async () => {
  const { disk, folder, dispose } = await inTemporaryFolder()
  // The shell becomes a sleep, which never waits for a child; what it had started is then killed and stays a zombie.
  const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] })
  const zombie = Number(
    await new Promise<string>((resolve) => parent.stdout.once('data', (text) => resolve(`${text}`))),
  )
  const statOf = async (pid: number | undefined): Promise<string> => readFile(`/proc/${pid}/stat`, 'utf8')
  while (!(await statOf(parent.pid)).includes('(sleep)')) await readdir('/proc')
  process.kill(zombie, 'SIGKILL')
  while (!(await statOf(zombie)).includes(') Z ')) await readdir('/proc')
  await writeFile(join(folder, '.lock.1'), JSON.stringify({ pid: zombie, startTime: '' }))
  const lock = await disk.lock(folder)
  await lock.release()
  parent.kill()
  await dispose()
})

test('of many that find a stale lock at once, one gets the folder', async () => {
  const { disk, folder, dispose } = await inTemporaryFolder()
  for (let round = 1; round <= 20; round++) {
    await writeFile(join(folder, `.lock.${round}`), JSON.stringify({ pid: process.pid, startTime: '1' }))
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => disk.lock(folder)))
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1)
    for (const name of await readdir(folder)) await rm(join(folder, name))
  }
  await dispose()
})

test('a folder below one that takes no children is refused', async () => {
  const disk = nodeDisk()
  await expect(disk.makeFolder('/proc/zkts/data')).rejects.toMatchObject({ code: 'ENOENT' })
})
