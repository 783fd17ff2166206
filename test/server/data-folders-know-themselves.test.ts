import { describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import type { ClusterId } from '../../src/protocol/disk/log-record.ts'
import type { StartFailure } from '../../src/server/start-failure.ts'
import { readIdentity } from '../../src/storage/data-identity.ts'
import { writeIdentityFile } from '../../src/storage/identity-file.ts'
import type { SimDisk } from '../simulator/sim-disk.ts'
import { connectFrame } from '../support/conversation.ts'
import { createFrame, existsFrame } from '../support/requests.ts'
import { configOf, ensembleConfig, serverHost, standaloneConfig, World } from '../support/server-rig.ts'

/** A standalone server has made /a and is stopped. */
async function usedDisk(world: World, config = standaloneConfig()): Promise<SimDisk> {
  const disk = world.disk()
  const server = await world.started(config, disk)
  const writer = await world.connect()
  writer.send(connectFrame(), createFrame(1, '/a', 'kept'))
  await world.run(100)
  expect(writer.replies()[0]!.error).toBe(0)
  await world.settle(server.close())
  return disk
}

async function refusal(world: World, config: Config, disk: SimDisk): Promise<StartFailure> {
  const before = disk.paths()
  const outcome = await world.settle(world.server(config, disk).server.start())
  if (outcome.ok) throw new Error('the server started')
  expect(disk.paths()).toEqual(before)
  return outcome.error
}

/** Starts, and says whether /a is there. */
async function holdsData(world: World, config: Config, disk: SimDisk): Promise<boolean> {
  const server = await world.started(config, disk)
  const reader = await world.connect()
  reader.send(connectFrame(), existsFrame(1, '/a'))
  await world.run(100)
  const { error } = reader.replies()[0]!
  await world.settle(server.close())
  return error === 0
}

async function moveFolder(world: World, disk: SimDisk, from: string, to: string): Promise<void> {
  await world.settle(disk.makeFolder(to))
  for (const path of disk.paths()) {
    if (path.startsWith(`${from}/`)) await world.settle(disk.rename(path, `${to}${path.slice(from.length)}`))
  }
}

const withLogDir = (dataLogDir: string): Config => standaloneConfig([`dataLogDir=${dataLogDir}`])
const lastLine = (world: World, event: string) => world.lines.findLast((line) => line.event === event)

describe('a data folder whose log is in another place', () => {
  test('adding dataLogDir is refused, and served again when the log is moved there', async () => {
    const world = new World()
    const disk = await usedDisk(world)
    const failure = await refusal(world, withLogDir('/log'), disk)
    expect(failure.kind).toBe('misplaced')
    expect(failure.message).toMatch(
      /^dataLogDir: there is no log in \/log\/wal, but \/data has held data of cluster 0x/,
    )
    expect(failure.message).toContain('Write dataLogDir=/data, or move /data/wal to /log/wal.')
    await moveFolder(world, disk, '/data/wal', '/log/wal')
    expect(await holdsData(world, withLogDir('/log'), disk)).toBe(true)
    const fields = { folder: '/log/wal', previousFolder: '/data/wal' }
    expect(lastLine(world, 'log-folder-changed')).toMatchObject({ level: 'info', fields })
    expect(await holdsData(world, withLogDir('/log'), disk)).toBe(true)
  })

  test('removing or changing dataLogDir is refused, and says what it was', async () => {
    const world = new World()
    const disk = await usedDisk(world, withLogDir('/log'))
    for (const config of [standaloneConfig(), withLogDir('/new')]) {
      const failure = await refusal(world, config, disk)
      expect(failure.message).toContain('its log was in /log/wal; there is a log in /log/wal. Write dataLogDir=/log,')
    }
    expect(await holdsData(world, withLogDir('/log'), disk)).toBe(true)
  })

  test('a log disk that is not mounted is refused', async () => {
    const world = new World()
    const disk = await usedDisk(world, withLogDir('/log'))
    for (const path of disk.paths()) if (path.startsWith('/log/')) disk.removeAtOnce(path)
    const failure = await refusal(world, withLogDir('/log'), disk)
    expect(failure.message).toContain('and its log was in that folder. Mount the disk or bring the folder back.')
    expect(failure.message).toContain('If that log is to be given up, remove /data/identity')
    disk.removeAtOnce('/data/identity')
    expect(await holdsData(world, withLogDir('/log'), disk)).toBe(false)
  })

  test('a log of a server that wrote no identity is found below dataDir, and refused where it is', async () => {
    for (const [logDir, config] of [
      ['/data', withLogDir('/log')],
      ['/data/log', standaloneConfig()],
    ] as const) {
      const world = new World()
      const disk = await usedDisk(world, withLogDir(logDir))
      disk.removeAtOnce('/data/identity')
      const failure = await refusal(world, config, disk)
      expect(failure.kind).toBe('misplaced')
      expect(failure.message).toContain(`there is one in ${logDir}/wal. Write dataLogDir=${logDir},`)
    }
  })

  test('data folders of other servers below dataDir are not taken for the log', async () => {
    for (const mark of ['myid', 'identity']) {
      const world = new World()
      const disk = world.disk()
      disk.placeAtOnce('/data/server.1/wal/0000000000000001-00000001.log')
      disk.placeAtOnce(`/data/server.1/${mark}`)
      expect(await holdsData(world, standaloneConfig(), disk)).toBe(false)
      expect(lastLine(world, 'other-log-found')).toBeUndefined()
    }
  })

  test('a second log below dataDir is named at warn while the configured one is used', async () => {
    const world = new World()
    const disk = await usedDisk(world, withLogDir('/log'))
    await world.settle(disk.makeFolder('/data/wal'))
    await world.settle(disk.open('/data/wal/0000000000000001-00000001.log', 'create-new'))
    expect(await holdsData(world, withLogDir('/log'), disk)).toBe(true)
    expect(lastLine(world, 'other-log-found')).toMatchObject({ level: 'warn', fields: { otherFolders: ['/data/wal'] } })
  })
})

describe('a data folder that was exchanged', () => {
  test('an older copy of the log is refused and named', async () => {
    const world = new World()
    const disk = await usedDisk(world)
    const copies = new Map(
      disk
        .paths()
        .filter((path) => path.startsWith('/data/wal/'))
        .map((path) => [path, disk.contents(path)]),
    )
    await holdsData(world, standaloneConfig(), disk) // another epoch
    for (const path of disk.paths()) if (path.startsWith('/data/wal/')) disk.removeAtOnce(path)
    for (const [path, bytes] of copies) {
      const file = await world.settle(disk.open(path, 'create-new'))
      await world.settle(file.writeDurably(0, [bytes]))
    }
    const failure = await refusal(world, standaloneConfig(), disk)
    expect(failure.kind).toBe('foreign')
    expect(failure.message).toMatch(/ends in epoch 1, but \/data\/identity remembers epoch 2: it is an older copy/)
  })

  test('the log of another ensemble is refused, and both clusters are named', async () => {
    const world = new World()
    const disk = await usedDisk(world)
    const reading = readIdentity(disk.contents('/data/identity'))
    if (reading.kind !== 'valid') throw new Error('there is no identity')
    const clusterId = (reading.identity.clusterId + 1) as ClusterId
    await world.settle(writeIdentityFile(disk, '/data', { ...reading.identity, clusterId }))
    const failure = await refusal(world, standaloneConfig(), disk)
    expect(failure.message).toMatch(/is of cluster 0x[0-9a-f]+, but \/data\/identity says cluster 0x[0-9a-f]+/)
  })

  test('the folder of another member is refused by its identity, before its log is read', async () => {
    const world = new World()
    const disk = await usedDisk(world)
    const failure = await refusal(world, ensembleConfig(2), disk)
    expect(failure.kind).toBe('foreign')
    expect(failure.message).toMatch(
      /^dataDir: \/data is the data folder of server 1 \(\/data\/identity\), this is server 2\./,
    )
  })
})

describe('an identity that is missing or damaged', () => {
  test('a lost identity is written anew from the log', async () => {
    const world = new World()
    const disk = await usedDisk(world)
    const before = disk.contents('/data/identity')
    disk.removeAtOnce('/data/identity')
    const { server } = world.server(standaloneConfig(), disk)
    expect((await world.settle(server.start())).ok).toBe(true)
    expect(disk.contents('/data/identity')).toEqual(before)
    expect(lastLine(world, 'identity-rebuilt')).toMatchObject({ level: 'info', fields: { cause: 'missing' } })
  })

  test('a damaged identity beside a log is written anew, and without a log it is refused', async () => {
    const world = new World()
    const disk = await usedDisk(world)
    disk.flipBit('/data/identity', 1000)
    expect(await holdsData(world, standaloneConfig(), disk)).toBe(true)
    expect(lastLine(world, 'identity-rebuilt')?.fields['cause']).toBe('damaged')
    disk.flipBit('/data/identity', 1000)
    for (const path of disk.paths()) if (path.startsWith('/data/wal/')) disk.removeAtOnce(path)
    expect((await refusal(world, standaloneConfig(), disk)).message).toContain('/data/identity is damaged')
  })
})

describe('db.autocreate=false', () => {
  const careful = (): Config => standaloneConfig(['db.autocreate=false'])

  async function touch(world: World, disk: SimDisk, path: string): Promise<void> {
    await world.settle(disk.makeFolder('/data'))
    await world.settle(disk.open(path, 'create-new'))
    await world.settle(disk.syncDirectory('/data'))
  }

  test('a server that is alone and without data does not start', async () => {
    const world = new World()
    const failure = await refusal(world, careful(), world.disk())
    expect(failure.kind).toBe('empty')
    expect(failure.message).toContain('"zkts-cli data initialize /data"')
  })

  test('the file initialize lets it start once, and is removed', async () => {
    const world = new World()
    const disk = world.disk()
    await touch(world, disk, '/data/initialize')
    expect(await holdsData(world, careful(), disk)).toBe(false)
    expect(disk.paths()).not.toContain('/data/initialize')
    expect(await holdsData(world, careful(), disk)).toBe(false)
    for (const path of disk.paths()) disk.removeAtOnce(path)
    expect((await refusal(world, careful(), disk)).kind).toBe('empty')
  })

  test('a crash at any step leaves a server that still counts, until its first epoch is durable', async () => {
    let reached = 0
    for (let step = 1; ; step++) {
      const world = new World()
      const disk = world.disk(step)
      await touch(world, disk, '/data/initialize')
      const until = disk.operationCount + step
      const { server, process, host } = world.server(careful(), disk)
      void server.start()
      for (let ms = 0; ms < 200 && disk.operationCount < until; ms++) await world.run(1)
      world.scheduler.kill(process)
      world.network.crash(host, process, 'power-off')
      world.network.powerOn(host)
      const after = disk.crash('random')
      expect((await world.settle(world.server(careful(), after).server.start())).ok).toBe(true)
      if (disk.operationCount < until) break
      reached = step
    }
    expect(reached).toBeGreaterThan(15)
  })

  test('a file initialize beside data is removed and changes nothing', async () => {
    const world = new World()
    const disk = await usedDisk(world)
    await touch(world, disk, '/data/initialize')
    expect(await holdsData(world, careful(), disk)).toBe(true)
    expect(disk.paths()).not.toContain('/data/initialize')
    expect(lastLine(world, 'initialize-file-used')?.fields['isEmpty']).toBe(false)
  })

  test('a member without data starts, says that it does not vote, and opens its ports', async () => {
    const world = new World()
    const text = ['dataDir=/data', 'tickTime=1000', 'initLimit=10', 'syncLimit=5', 'db.autocreate=false']
    for (let i = 1; i <= 3; i++) text.push(`server.${i}=10.0.0.${i}:2888:3888;10.0.0.${i}:2181`)
    const { server } = world.server(configOf(text.join('\n'), '1'), world.disk(), serverHost)
    expect((await world.settle(server.start())).ok).toBe(true)
    expect(lastLine(world, 'empty-data-not-trusted')).toMatchObject({ level: 'warn' })
    await world.settle(server.close())
  })
})
