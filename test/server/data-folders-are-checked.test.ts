import { describe, expect, test } from 'vitest'
import { adoptData } from '../../src/adoption/adopt-data.ts'
import type { Epoch, ServerId } from '../../src/base/ids.ts'
import type { Config } from '../../src/config/config.ts'
import type { ClusterId } from '../../src/protocol/disk/log-record.ts'
import { readIdentity } from '../../src/storage/data-identity.ts'
import { writeIdentityFile } from '../../src/storage/identity-file.ts'
import { firstSizeBytes } from '../../src/storage/segment-file.ts'
import type { SimDisk } from '../simulator/sim-disk.ts'
import { SimKeyValues } from '../simulator/sim-key-values.ts'
import { damageIdentity } from '../support/identity-files.ts'
import { configOf, ensembleConfig, ServerRig, serverHost, standaloneConfig } from '../support/server-rig.ts'
import { crashedStart, holdsData, refusal, usedDisk } from './data-folder-rig.ts'

/** The same disk, on which /link is a symbolic link to /data. */
function withLink(disk: SimDisk): SimDisk {
  const real = (argument: unknown) =>
    typeof argument === 'string' ? argument.replace(/^\/link(?=\/|$)/, '/data') : argument
  return new Proxy(disk, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (...all: unknown[]) => value.apply(target, all.map(real)) : value
    },
  })
}

async function moveFolder(rig: ServerRig, disk: SimDisk, from: string, to: string): Promise<void> {
  await rig.settle(disk.makeFolder(to))
  for (const path of disk.paths()) {
    if (path.startsWith(`${from}/`)) await rig.settle(disk.rename(path, `${to}${path.slice(from.length)}`))
  }
}

const withLogDir = (dataLogDir: string): Config => standaloneConfig([`dataLogDir=${dataLogDir}`])
const lastLine = (rig: ServerRig, event: string) => rig.lines.findLast((line) => line.event === event)

describe('a data folder whose log is in another folder', () => {
  test('adding dataLogDir is refused, and accepted when the log is moved to that folder', async () => {
    const rig = new ServerRig()
    const disk = await usedDisk(rig)
    const failure = await refusal(rig, withLogDir('/log'), disk)
    expect(failure.kind).toBe('misplaced')
    expect(failure.message).toMatch(
      /^dataLogDir: there is no log in \/log\/wal, but \/data has held data of cluster 0x/,
    )
    expect(failure.message).toContain('Write dataLogDir=/data, or move /data/wal to /log/wal.')
    await moveFolder(rig, disk, '/data/wal', '/log/wal')
    expect(await holdsData(rig, withLogDir('/log'), disk)).toBe(true)
    const fields = { folder: '/log/wal', previousFolder: '/data/wal' }
    expect(lastLine(rig, 'log-folder-changed')).toMatchObject({ level: 'info', fields })
    expect(await holdsData(rig, withLogDir('/log'), disk)).toBe(true)
  })

  test('removing or changing dataLogDir is refused, and the text names the previous one', async () => {
    const rig = new ServerRig()
    const disk = await usedDisk(rig, withLogDir('/log'))
    for (const config of [standaloneConfig(), withLogDir('/new')]) {
      const failure = await refusal(rig, config, disk)
      expect(failure.message).toContain(
        'its log was in /log/wal; there is a log in /log/wal. Write dataLogDir=/log if no',
      )
    }
    expect(await holdsData(rig, withLogDir('/log'), disk)).toBe(true)
  })

  test('a log disk that is not mounted is refused', async () => {
    const rig = new ServerRig()
    const disk = await usedDisk(rig, withLogDir('/log'))
    for (const path of disk.paths()) if (path.startsWith('/log/')) disk.removeAtOnce(path)
    const failure = await refusal(rig, withLogDir('/log'), disk)
    expect(failure.message).toContain('and its log was in that folder. Mount the disk or bring the folder back.')
    expect(failure.message).toContain(
      'If that log is lost, remove /data/identity; then this server starts empty. Do that only while all',
    )
    disk.removeAtOnce('/data/identity')
    expect(await holdsData(rig, withLogDir('/log'), disk)).toBe(false)
  })

  test('a log below dataDir is found and the start refused, although the server wrote no identity', async () => {
    for (const [logDir, config] of [
      ['/data', withLogDir('/log')],
      ['/data/log', standaloneConfig()],
    ] as const) {
      const rig = new ServerRig()
      const disk = await usedDisk(rig, withLogDir(logDir))
      disk.removeAtOnce('/data/identity')
      const failure = await refusal(rig, config, disk)
      expect(failure.kind).toBe('misplaced')
      expect(failure.message).toContain(`there is one in ${logDir}/wal. Write dataLogDir=${logDir},`)
    }
  })

  test('the logs of other servers below dataDir are ignored', async () => {
    for (const mark of ['myid', 'identity']) {
      const rig = new ServerRig()
      const disk = rig.disk()
      disk.placeAtOnce('/data/server.1/wal/0000000000000001-00000001.log')
      disk.placeAtOnce(`/data/server.1/${mark}`)
      expect(await holdsData(rig, standaloneConfig(), disk)).toBe(false)
      expect(lastLine(rig, 'other-log-found')).toBeUndefined()
    }
  })

  test('the log folder under another name is no other log', async () => {
    const rig = new ServerRig()
    const disk = await usedDisk(rig)
    const linked = withLink(disk)
    for (const config of [withLogDir('/link'), standaloneConfig(), withLogDir('/link')]) {
      expect(await holdsData(rig, config, linked)).toBe(true)
      expect(lastLine(rig, 'other-log-found')).toBeUndefined()
    }
  })

  test('a log that is reached by two names is listed once', async () => {
    const rig = new ServerRig()
    const disk = await usedDisk(rig)
    const linked = withLink(disk)
    expect(await holdsData(rig, withLogDir('/link'), linked)).toBe(true) // the identity names /link/wal now
    const failure = await refusal(rig, withLogDir('/log'), linked)
    expect(failure.message).toContain(
      'there is a log in /data/wal. Write dataLogDir=/data, or move /data/wal to /log/wal.',
    )
  })

  test('a log outside the folders of this server is not to be moved', async () => {
    const rig = new ServerRig()
    const disk = await usedDisk(rig, withLogDir('/log'))
    disk.copyFolder('/log/wal', '/copy/wal')
    expect(await holdsData(rig, withLogDir('/copy'), disk)).toBe(true)
    const { otherFolders, text } = lastLine(rig, 'other-log-found')!.fields
    expect(otherFolders).toEqual(['/log/wal'])
    expect(text).toContain('leave it where it is')
    expect(text).not.toContain('move /log/wal')
  })

  test('a second log below dataDir is logged at warn while the configured one is used', async () => {
    const rig = new ServerRig()
    const disk = await usedDisk(rig, withLogDir('/log'))
    await rig.settle(disk.makeFolder('/data/wal'))
    await rig.settle(disk.open('/data/wal/0000000000000001-00000001.log', 'create-new'))
    expect(await holdsData(rig, withLogDir('/log'), disk)).toBe(true)
    expect(lastLine(rig, 'other-log-found')).toMatchObject({ level: 'warn', fields: { otherFolders: ['/data/wal'] } })
  })
})

describe('a file and a folder in the place of the other', () => {
  test.each(['identity', 'identity.next', 'initialize'])('a folder named %s is refused and named', async (name) => {
    const rig = new ServerRig()
    const disk = await usedDisk(rig)
    disk.removeAtOnce(`/data/${name}`)
    await rig.settle(disk.makeFolder(`/data/${name}`))
    const failure = await refusal(rig, standaloneConfig(), disk)
    expect(failure.message).toBe(
      `dataDir: /data/${name} is a folder, and this server needs a file with this name. Move the folder away. Nothing was changed.`,
    )
  })

  test('a file named wal is refused and named', async () => {
    const rig = new ServerRig()
    for (const [config, setting, dir] of [
      [standaloneConfig(), 'dataDir', '/data'],
      [withLogDir('/log'), 'dataLogDir', '/log'],
    ] as const) {
      const disk = rig.disk()
      disk.placeAtOnce(`${dir}/wal`)
      expect((await refusal(rig, config, disk)).message).toContain(`${setting}: ${dir}/wal is a file`)
    }
  })
})

describe('a data folder that was replaced', () => {
  test('an older copy of the log is refused and named', async () => {
    const rig = new ServerRig()
    const disk = await usedDisk(rig)
    const copies = new Map(
      disk
        .paths()
        .filter((path) => path.startsWith('/data/wal/'))
        .map((path) => [path, disk.contents(path)]),
    )
    await holdsData(rig, standaloneConfig(), disk) // another epoch
    for (const path of disk.paths()) if (path.startsWith('/data/wal/')) disk.removeAtOnce(path)
    for (const [path, bytes] of copies) {
      const file = await rig.settle(disk.open(path, 'create-new'))
      await rig.settle(file.writeDurably(0, [bytes]))
    }
    const failure = await refusal(rig, standaloneConfig(), disk)
    expect(failure.kind).toBe('foreign')
    expect(failure.message).toMatch(/ends in epoch 1, but \/data\/identity remembers epoch 2: it is an older copy/)
  })

  /** As `cp`: the file has the same content and another inode. */
  async function copyIdentity(rig: ServerRig, disk: SimDisk): Promise<void> {
    const bytes = disk.contents('/data/identity')
    disk.removeAtOnce('/data/identity')
    const file = await rig.settle(disk.open('/data/identity', 'create-new'))
    await rig.settle(file.writeDurably(0, [bytes]))
  }

  async function adopt(rig: ServerRig, disk: SimDisk): Promise<void> {
    const folders = { dataDir: '/data', dataLogDir: '/data', segmentSizeBytes: 2 ** 20 }
    const own = { serverId: 1 as ServerId, members: [1 as ServerId], adoption: { kind: 'moved' } } as const
    const stores = new SimKeyValues(disk)
    expect(await rig.settle(adoptData({ disk, stores, ...folders, ...own }))).toMatchObject({ ok: true })
  }

  /** Restores the log alone, and expects that the server does not start with it. */
  async function expectLogProtected(rig: ServerRig, disk: SimDisk): Promise<void> {
    disk.replaceFolder('/data/wal')
    const failure = await refusal(rig, standaloneConfig(), disk)
    expect(failure.kind).toBe('foreign')
    expect(failure.message).toContain('Writes that were acknowledged after the copy was made may be missing')
  }

  test('a log that was restored without the identity is refused until it is adopted, and protected from then on', async () => {
    const rig = new ServerRig()
    const disk = await usedDisk(rig)
    await expectLogProtected(rig, disk)
    await adopt(rig, disk)
    expect(await holdsData(rig, standaloneConfig(), disk)).toBe(true)
    await expectLogProtected(rig, disk)
  })

  test('a data folder that was copied as a whole is refused until it is adopted, and its log is protected then', async () => {
    const rig = new ServerRig()
    const disk = await usedDisk(rig)
    disk.replaceFolder('/data/wal')
    await copyIdentity(rig, disk)
    const failure = await refusal(rig, standaloneConfig(), disk)
    expect(failure.kind).toBe('foreign')
    expect(failure.message).toMatch(
      /^dataDir: \/data and \/data\/wal are a copy of the data of server 1\. .* add --moved\. Nothing/,
    )
    await adopt(rig, disk)
    for (let i = 0; i < 2; i++) expect(await holdsData(rig, standaloneConfig(), disk)).toBe(true)
    await expectLogProtected(rig, disk)
  })

  test('a copy is not recognised where folders have no time of birth, whose inodes may change', async () => {
    const rig = new ServerRig()
    const disk = await usedDisk(rig)
    const withoutBirths = new Proxy(disk, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target)
        if (key === 'identityOf') return async (path: string) => ({ ...(await target.identityOf(path)), birth: null })
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    expect(await holdsData(rig, standaloneConfig(), withoutBirths)).toBe(true)
    disk.replaceFolder('/data/wal')
    await copyIdentity(rig, disk)
    expect(await holdsData(rig, standaloneConfig(), withoutBirths)).toBe(true)
  })

  test('the data of a member of an ensemble is refused where no other server is configured', async () => {
    const rig = new ServerRig()
    const disks = [1, 2, 3].map((id) => rig.disk(id))
    const servers = [1, 2, 3].map((id) => rig.server(ensembleConfig(id), disks[id - 1], `10.0.0.${id}`).server)
    for (const server of servers) expect((await rig.settle(server.start())).ok).toBe(true)
    await rig.run(2000)
    for (const server of servers) await rig.settle(server.close())
    for (const config of [standaloneConfig(), ensembleConfig(1, 1)]) {
      const failure = await refusal(rig, config, disks[0]!)
      expect(failure.kind).toBe('foreign')
      expect(failure.message).toContain('is the data folder of server 1 of an ensemble of the servers 1, 2, 3 (')
    }
  })

  test('an identity that was copied alone is used, and its log is protected from then on', async () => {
    const rig = new ServerRig()
    const disk = await usedDisk(rig)
    await copyIdentity(rig, disk)
    const { server } = rig.server(standaloneConfig(), disk)
    expect((await rig.settle(server.start())).ok).toBe(true) // and no epoch follows that would write it again
    const reading = readIdentity(disk.contents('/data/identity'))
    const { inode } = await rig.settle(disk.identityOf('/data/identity'))
    expect(reading).toMatchObject({ kind: 'valid', inode })
  })

  test('the log of another ensemble is refused, and both clusters are named', async () => {
    const rig = new ServerRig()
    const disk = await usedDisk(rig)
    const reading = readIdentity(disk.contents('/data/identity'))
    if (reading.kind !== 'valid') throw new Error('there is no identity')
    const clusterId = (reading.identity.clusterId + 1) as ClusterId
    await rig.settle(writeIdentityFile(disk, '/data', { ...reading.identity, clusterId }))
    const failure = await refusal(rig, standaloneConfig(), disk)
    expect(failure.message).toMatch(/is of cluster 0x[0-9a-f]+, but \/data\/identity says cluster 0x[0-9a-f]+/)
  })

  test('the folder of another member is refused by its identity, before its log is read', async () => {
    const rig = new ServerRig()
    const disk = await usedDisk(rig)
    const failure = await refusal(rig, ensembleConfig(2), disk)
    expect(failure.kind).toBe('foreign')
    expect(failure.message).toMatch(
      /^dataDir: \/data is the data folder of server 1 \(\/data\/identity\), this is server 2\./,
    )
  })
})

describe('a log that was emptied', () => {
  const segment = '/data/wal/0000000000000001-00000001.log'
  const identityPath = '/data/identity'

  /** As `truncate`, or as a device that returns zeros. */
  function empty(disk: SimDisk, how: 'truncated' | 'zeroed' | 'removed'): void {
    if (how === 'removed') return disk.removeAtOnce(segment)
    if (how === 'truncated') return disk.placeAtOnce(segment)
    const sectorCount = disk.contents(segment).length / 512
    for (let sector = 0; sector < sectorCount; sector++) disk.zeroSector(segment, sector)
  }

  /** The identity as a start that crashed before its first epoch leaves it. */
  async function firstIdentity(rig: ServerRig, disk: SimDisk): Promise<void> {
    const reading = readIdentity(disk.contents(identityPath))
    if (reading.kind !== 'valid') throw new Error('there is no identity')
    const none = { currentEpoch: 0 as Epoch, clusterId: 0 as ClusterId, newestSegment: 0 }
    await rig.settle(writeIdentityFile(disk, '/data', { ...reading.identity, ...none }))
  }

  test.each([
    ['truncated', 'whole', 'has held data of cluster 0x'],
    ['zeroed', 'whole', 'has held data of cluster 0x'],
    ['truncated', 'damaged', 'identity is damaged'],
    ['zeroed', 'damaged', 'identity is damaged'],
    ['removed', 'damaged', 'identity is damaged'],
    ['truncated', 'missing', 'identity is missing'],
    ['zeroed', 'missing', 'identity is missing'],
  ] as const)('a log that is %s beside an identity that is %s is refused', async (how, identity, reason) => {
    const rig = new ServerRig()
    const disk = await usedDisk(rig)
    empty(disk, how)
    if (identity === 'damaged') damageIdentity(disk, identityPath)
    if (identity === 'missing') disk.removeAtOnce(identityPath)
    const size = () => disk.paths().map((path) => disk.contents(path).length)
    const before = size()
    const failure = await refusal(rig, standaloneConfig(), disk)
    expect(failure.message).toContain(reason)
    expect(failure.message).toContain('only while all other members of the ensemble run and serve')
    expect(failure.message).not.toContain('older copy')
    expect(size()).toEqual(before)
    expect(lastLine(rig, 'log-unused-segment-removed')).toBeUndefined()
  })

  test('an empty first segment beside the identity of a first start is used', async () => {
    for (const how of ['truncated', 'zeroed'] as const) {
      const rig = new ServerRig()
      const disk = await usedDisk(rig)
      empty(disk, how)
      await firstIdentity(rig, disk)
      expect(await holdsData(rig, standaloneConfig(), disk)).toBe(false)
    }
  })

  test('a zeroed segment that had grown is refused, even beside the identity of a first start', async () => {
    const rig = new ServerRig()
    const disk = await usedDisk(rig)
    empty(disk, 'zeroed')
    const file = await rig.settle(disk.open(segment, 'read-write'))
    await rig.settle(file.writeDurably(firstSizeBytes, [new Uint8Array(1)]))
    await firstIdentity(rig, disk)
    expect((await refusal(rig, standaloneConfig(), disk)).kind).toBe('corrupt')
  })

  test('a first start that crashed at any step starts again, and its identity is older than its log', async () => {
    for (let step = 1; step <= 40; step++) {
      const rig = new ServerRig()
      const disk = rig.disk(step)
      const { after } = await crashedStart(rig, standaloneConfig(), disk, step)
      if (after.paths().includes(segment)) expect(after.paths()).toContain(identityPath)
      expect((await rig.settle(rig.server(standaloneConfig(), after).server.start())).ok).toBe(true)
    }
  })
})

describe('an identity that is missing or damaged', () => {
  test('a missing identity is rebuilt from the log', async () => {
    const rig = new ServerRig()
    const disk = await usedDisk(rig)
    const before = disk.contents('/data/identity')
    disk.removeAtOnce('/data/identity')
    const { server } = rig.server(standaloneConfig(), disk)
    expect((await rig.settle(server.start())).ok).toBe(true)
    const [old, rebuilt] = [readIdentity(before), readIdentity(disk.contents('/data/identity'))]
    const { inode } = await rig.settle(disk.identityOf('/data/identity'))
    expect(rebuilt).toEqual({ ...old, inode, slot: { index: 0, sizeBytes: 4096, writeNumber: 1 } })
    expect(lastLine(rig, 'identity-rebuilt')).toMatchObject({ level: 'info', fields: { cause: 'missing' } })
  })

  test('a damaged identity beside a log is rebuilt, and without a log the start is refused', async () => {
    const rig = new ServerRig()
    const disk = await usedDisk(rig)
    damageIdentity(disk, '/data/identity')
    expect(await holdsData(rig, standaloneConfig(), disk)).toBe(true)
    expect(lastLine(rig, 'identity-rebuilt')?.fields['cause']).toBe('damaged')
    damageIdentity(disk, '/data/identity')
    for (const path of disk.paths()) if (path.startsWith('/data/wal/')) disk.removeAtOnce(path)
    expect((await refusal(rig, standaloneConfig(), disk)).message).toContain('/data/identity is damaged')
  })
})

describe('db.autocreate=false', () => {
  const careful = (): Config => standaloneConfig(['db.autocreate=false'])

  async function touch(rig: ServerRig, disk: SimDisk, path: string): Promise<void> {
    await rig.settle(disk.makeFolder('/data'))
    await rig.settle(disk.open(path, 'create-new'))
    await rig.settle(disk.syncDirectory('/data'))
  }

  test('a single server without data does not start', async () => {
    const rig = new ServerRig()
    const failure = await refusal(rig, careful(), rig.disk())
    expect(failure.kind).toBe('empty')
    expect(failure.message).toContain('"zkts-cli data initialize /data"')
  })

  test('the file initialize lets it start once, and is removed', async () => {
    const rig = new ServerRig()
    const disk = rig.disk()
    await touch(rig, disk, '/data/initialize')
    expect(await holdsData(rig, careful(), disk)).toBe(false)
    expect(disk.paths()).not.toContain('/data/initialize')
    expect(await holdsData(rig, careful(), disk)).toBe(false)
    for (const path of disk.paths()) disk.removeAtOnce(path)
    expect((await refusal(rig, careful(), disk)).kind).toBe('empty')
  })

  test('after a crash at any step before its first epoch is durable the server still counts as initialized', async () => {
    let reached = 0
    for (let step = 1; ; step++) {
      const rig = new ServerRig()
      const disk = rig.disk(step)
      await touch(rig, disk, '/data/initialize')
      const { after, hasReachedStep } = await crashedStart(rig, careful(), disk, step)
      expect((await rig.settle(rig.server(careful(), after).server.start())).ok).toBe(true)
      if (!hasReachedStep) break
      reached = step
    }
    expect(reached).toBeGreaterThan(15)
  })

  test('a file initialize beside data is removed and changes nothing', async () => {
    const rig = new ServerRig()
    const disk = await usedDisk(rig)
    await touch(rig, disk, '/data/initialize')
    expect(await holdsData(rig, careful(), disk)).toBe(true)
    expect(disk.paths()).not.toContain('/data/initialize')
    expect(lastLine(rig, 'initialize-file-used')?.fields['isEmpty']).toBe(false)
  })

  test('a member without data starts, logs that it does not vote, and opens its ports', async () => {
    const rig = new ServerRig()
    const text = ['dataDir=/data', 'tickTime=1000', 'initLimit=10', 'syncLimit=5', 'db.autocreate=false']
    for (let i = 1; i <= 3; i++) text.push(`server.${i}=10.0.0.${i}:2888:3888;10.0.0.${i}:2181`)
    const { server } = rig.server(configOf(text.join('\n'), '1'), rig.disk(), serverHost)
    expect((await rig.settle(server.start())).ok).toBe(true)
    expect(lastLine(rig, 'empty-data-not-trusted')).toMatchObject({ level: 'warn' })
    await rig.settle(server.close())
  })
})
