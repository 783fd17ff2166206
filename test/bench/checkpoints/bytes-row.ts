/**
 * Bytes that the server writes for a checkpoint after 1 % of the znodes of a large tree have changed, beside those of a
 * full one. Ours is asked for one with `zkts-cli checkpoint`; all that the process writes until it writes nothing more is
 * counted, with the work of the store afterwards. ZooKeeper writes a snapshot when it starts (ZK:
 * ZooKeeperServer.loadData), so it is restarted, and all that the new process writes is counted.
 * "Full" is the size of all files of our store, and the size of ZooKeeper's newest snapshot.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readWrittenBytes } from '../process-usage.ts'
import { filesBelow, newestSnapshot } from './files.ts'
import { firstAnswerMs, type Members, pause } from './members.ts'
import { type CheckpointRow, mib, neverSnapCount, quotient, type RowContext, type RowValues } from './row.ts'

export const bytesRow: CheckpointRow = {
  figures: [
    { key: 'full', title: 'a full checkpoint, MiB', digits: 1 },
    { key: 'changed', title: 'one after 1 % has changed, MiB', digits: 1 },
    { key: 'changedMax', title: 'the largest of these, MiB', digits: 1 },
    { key: 'percent', title: 'of a full one, %', digits: 1, aim: 'ours ≤ 5' },
  ],
  measure,
}

const changes = 4
const changedFraction = 0.01
const quietMs = 2000
const quietLimitMs = 120_000
const commandLimitMs = 300_000
const wrongUsage = 2 // the exit status of a command that this build does not have
const cli = fileURLToPath(new URL('../../../bin/zkts-cli.js', import.meta.url))

async function measure(context: RowContext): Promise<RowValues> {
  const { members, options, generator, target, progress } = context
  const settings = { snapCount: neverSnapCount }
  await members.stop(0)
  await firstAnswerMs(await members.start(0, settings), options.znodes)
  const take = (): Promise<number | undefined> =>
    target === 'zkts' ? checkpointOfOurs(members) : snapshotOfZooKeeper(context, settings)
  if ((await take()) === undefined) {
    progress('bytes: not measured: zkts-cli has no command checkpoint, or the system no /proc')
    return {}
  }
  const written: number[] = []
  for (let i = 0; i < changes; i++) {
    await generator.run({
      kind: 'change',
      port: members.clientPort(0),
      znodes: options.znodes,
      count: Math.ceil(options.znodes * changedFraction),
      dataSizeBytes: options.dataSizeBytes,
      firstByte: 65 + i,
    })
    const bytes = await take()
    if (bytes !== undefined) written.push(bytes)
    progress(`bytes: ${bytes} after 1 % has changed`)
  }
  const full = await fullBytes(context)
  const changed = written.reduce((sum, bytes) => sum + bytes, 0) / written.length
  const percent = quotient(100 * changed, full)
  return { full: mib(full), changed: mib(changed), changedMax: mib(Math.max(...written)), percent }
}

async function checkpointOfOurs(members: Members): Promise<number | undefined> {
  const { pid, clientPort } = members.server(0)
  const before = await writtenWhenQuiet(pid)
  const status = await new Promise<number>((resolve, reject) => {
    const args = [cli, '-s', `127.0.0.1:${clientPort}`, 'checkpoint']
    execFile(process.execPath, args, { timeout: commandLimitMs }, (cause, _stdout, stderr) => {
      if (cause === null) return resolve(0)
      if (cause.code === wrongUsage) return resolve(wrongUsage)
      reject(new Error(`zkts-cli checkpoint failed: ${stderr.trim() || cause.message}`))
    })
  })
  const after = await writtenWhenQuiet(pid)
  return status !== 0 || before === undefined || after === undefined ? undefined : after - before
}

async function snapshotOfZooKeeper(
  { members, options }: RowContext,
  settings: Readonly<Record<string, string>>,
): Promise<number | undefined> {
  await members.stop(0)
  const server = await members.start(0, settings)
  await firstAnswerMs(server, options.znodes)
  return writtenWhenQuiet(server.pid)
}

/** Bytes written since the process began, once it has written nothing for a while. */
async function writtenWhenQuiet(pid: number): Promise<number | undefined> {
  const deadlineMs = performance.now() + quietLimitMs
  let last = readWrittenBytes(pid)
  for (let quietSinceMs = performance.now(); performance.now() - quietSinceMs < quietMs; ) {
    if (performance.now() > deadlineMs)
      throw new Error(`the server still writes after ${quietLimitMs} ms without clients`)
    await pause(100)
    const now = readWrittenBytes(pid)
    if (now !== last) quietSinceMs = performance.now()
    last = now
  }
  return last
}

async function fullBytes({ members, target }: RowContext): Promise<number | undefined> {
  const folder = members.dataFolder(0)
  if (target === 'zookeeper') return newestSnapshot(await filesBelow(folder))?.sizeBytes
  const files = await filesBelow(join(folder, 'checkpoint'))
  return files.reduce((sum, file) => sum + file.sizeBytes, 0)
}
