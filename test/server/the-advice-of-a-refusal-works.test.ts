/**
 * A text that refuses a start says what to do. These tests do that, word for word: they read the paths and the verbs from
 * the text, and expect that the next start succeeds.
 */
import { describe, expect, test } from 'vitest'
import { adoptData } from '../../src/adoption/adopt-data.ts'
import type { Epoch, ServerId } from '../../src/base/ids.ts'
import type { Config } from '../../src/config/config.ts'
import type { ClusterId } from '../../src/protocol/disk/log-record.ts'
import { readIdentity } from '../../src/storage/data-identity.ts'
import { writeIdentityFile } from '../../src/storage/identity-file.ts'
import type { SimDisk } from '../simulator/sim-disk.ts'
import { SimKeyValues } from '../simulator/sim-key-values.ts'
import { connectFrame } from '../support/conversation.ts'
import { damageIdentity } from '../support/identity-files.ts'
import { createFrame, existsFrame } from '../support/requests.ts'
import { ensembleConfig, ServerRig, standaloneConfig } from '../support/server-rig.ts'

const withLogDir = (dataLogDir: string): Config => standaloneConfig([`dataLogDir=${dataLogDir}`])
const segmentName = '0000000000000001-00000001.log'

/** The disk of a standalone server that has created /a and was closed, so that it holds a checkpoint. */
async function usedDisk(rig: ServerRig, config = standaloneConfig()): Promise<SimDisk> {
  const disk = rig.disk()
  const server = await rig.started(config, disk)
  await createA(rig, '10.0.0.1')
  await rig.settle(server.close())
  return disk
}

/** The same without a checkpoint. */
async function killedDisk(rig: ServerRig, config = standaloneConfig()): Promise<SimDisk> {
  const disk = rig.disk()
  const { server, process } = rig.server(config, disk)
  expect((await rig.settle(server.start())).ok).toBe(true)
  await rig.run(100)
  await createA(rig, '10.0.0.1')
  rig.scheduler.kill(process)
  rig.network.crash('10.0.0.1', process, 'kill')
  return disk.kill()
}

async function createA(rig: ServerRig, host: string): Promise<void> {
  const writer = await rig.connect('10.0.1.1', host)
  writer.send(connectFrame(), createFrame(1, '/a', 'kept'))
  await rig.run(200)
  expect(writer.replies()[0]!.error).toBe(0)
}

async function hasA(rig: ServerRig, host: string): Promise<boolean> {
  const reader = await rig.connect('10.0.1.1', host)
  reader.send(connectFrame(), existsFrame(1, '/a'))
  await rig.run(200)
  return reader.replies()[0]!.error === 0
}

async function refusal(rig: ServerRig, config: Config, disk: SimDisk, host = '10.0.0.1'): Promise<string> {
  const outcome = await rig.settle(rig.server(config, disk, host).server.start())
  if (outcome.ok) throw new Error('the server started')
  return outcome.error.message
}

/** Starts a server on the disk and returns whether /a exists. */
async function holdsData(rig: ServerRig, config: Config, disk: SimDisk): Promise<boolean> {
  const server = await rig.started(config, disk)
  const found = await hasA(rig, '10.0.0.1')
  await rig.settle(server.close())
  return found
}

const path = '/[\\w./-]*[\\w-]'
const paths = `(?:the files in )?${path}(?: and (?:the files in )?${path})*`

/**
 * Does what the text says after the words `condition`, such as "If it is lost, ". Only these forms are known:
 * remove …; move … away; move … out of dataDir; move A to B; move the content of dataDir and dataLogDir away; run data adopt.
 */
async function follow(rig: ServerRig, disk: SimDisk, text: string, condition: string): Promise<void> {
  expect(text).toContain(condition)
  const advice = text.slice(text.indexOf(condition) + condition.length).split(/; |\. |: /)[0]!
  let done = 0
  const takeAway = (targets: string): void => {
    for (const target of targets.split(' and ')) {
      const place = target.replace('the files in ', '')
      const found = disk.paths().filter((each) => each === place || each.startsWith(`${place}/`))
      for (const each of found) disk.removeAtOnce(each)
      expect(found.length, `files of ${place}`).toBeGreaterThan(0)
      done++
    }
  }
  if (advice.startsWith('move the content of dataDir and dataLogDir away, except myid and zoo.cfg')) {
    for (const each of disk.paths()) if (!/\/(myid|zoo\.cfg)$/.test(each)) disk.removeAtOnce(each)
    return
  }
  if (advice.startsWith('run "zkts-cli data adopt --config FILE"')) {
    const folders = { dataDir: '/data', dataLogDir: '/data', segmentSizeBytes: 2 ** 20 }
    const own = { serverId: 1 as ServerId, members: [1 as ServerId] }
    // A single server has to choose, and its data contradicts its identity.
    const adoption = { kind: 'new-cluster', clusterId: 4711 as ClusterId, epochMin: 0 as Epoch } as const
    const stores = new SimKeyValues(disk)
    expect(await rig.settle(adoptData({ disk, stores, ...folders, ...own, adoption }))).toMatchObject({ ok: true })
    return
  }
  for (const form of [`remove (${paths})`, `move (${paths}) (?:away|out of dataDir)`]) {
    for (const [, targets] of advice.matchAll(new RegExp(form, 'g'))) takeAway(targets!)
  }
  for (const [, from, to] of advice.matchAll(new RegExp(`move (?:the files in )?(${path}) to (${path})`, 'g'))) {
    await rig.settle(disk.makeFolder(to!))
    for (const each of disk.paths()) {
      if (each.startsWith(`${from}/`)) await rig.settle(disk.rename(each, `${to}${each.slice(from!.length)}`))
    }
    done++
  }
  expect(done, advice).toBeGreaterThan(0)
}

/** Another log below dataDir, as a former setting of dataLogDir leaves it. */
async function addLog(rig: ServerRig, disk: SimDisk, folder: string): Promise<void> {
  await rig.settle(disk.makeFolder(folder))
  disk.placeAtOnce(`${folder}/${segmentName}`)
}

function removeBelow(disk: SimDisk, folder: string): void {
  for (const each of disk.paths()) if (each.startsWith(`${folder}/`)) disk.removeAtOnce(each)
}

test('a member whose log is damaged copies the data of the others', async () => {
  const rig = new ServerRig()
  const ids = [1, 2, 3]
  const disks = ids.map((id) => rig.disk(id))
  const start = (id: number) => rig.server(ensembleConfig(id), disks[id - 1], `10.0.0.${id}`).server
  const servers = ids.map(start)
  for (const server of servers) expect((await rig.settle(server.start())).ok).toBe(true)
  await rig.run(2000)
  await createA(rig, '10.0.0.1')
  await rig.settle(servers[1]!.close())
  const disk = disks[1]!
  disk.zeroSector(`/data/wal/${segmentName}`, 0)
  const text = await refusal(rig, ensembleConfig(2), disk, '10.0.0.2')
  expect(text).toContain('/data/wal/0000000000000001-00000001.log, offset 0: ')
  await follow(rig, disk, text, 'serve without this one, ')
  expect((await rig.settle(start(2).start())).ok).toBe(true)
  await rig.run(3000)
  expect(await hasA(rig, '10.0.0.2')).toBe(true)
})

describe('a log that is missing', () => {
  test('the server starts empty', async () => {
    const rig = new ServerRig()
    const disk = await usedDisk(rig)
    removeBelow(disk, '/data/wal')
    await follow(rig, disk, await refusal(rig, standaloneConfig(), disk), 'If that log is lost, ')
    expect(await holdsData(rig, standaloneConfig(), disk)).toBe(false)
  })

  test('the server starts empty although logs are below dataDir', async () => {
    const rig = new ServerRig()
    const disk = await usedDisk(rig)
    await addLog(rig, disk, '/data/former/wal')
    await follow(rig, disk, await refusal(rig, withLogDir('/log'), disk), 'If you do not need it, ')
    expect(await holdsData(rig, withLogDir('/log'), disk)).toBe(false)
  })

  test.each([false, true])('the log is moved to the configured place; its folder exists: %s', async (exists) => {
    const rig = new ServerRig()
    const disk = await usedDisk(rig)
    if (exists) await rig.settle(disk.makeFolder('/log/wal'))
    const text = await refusal(rig, withLogDir('/log'), disk)
    // `mv` would move the folder into one that exists.
    expect(text.includes('move the files in /data/wal to /log/wal')).toBe(exists)
    await follow(rig, disk, text, 'Write dataLogDir=/data, or ')
    expect(await holdsData(rig, withLogDir('/log'), disk)).toBe(true)
  })

  test('a log is moved back as a folder if its place was taken, since files in another folder count as copied', async () => {
    const rig = new ServerRig()
    const disk = await usedDisk(rig, withLogDir('/data/log'))
    await rig.settle(disk.makeFolder('/data/moved/wal'))
    await rig.settle(disk.rename(`/data/log/wal/${segmentName}`, `/data/moved/wal/${segmentName}`))
    const files = await refusal(rig, withLogDir('/data/log'), disk)
    expect(files).toContain('or move the files in /data/moved/wal to /data/log/wal.')
    disk.replaceFolder('/data/log/wal')
    const folder = await refusal(rig, withLogDir('/data/log'), disk)
    expect(folder).toContain('or replace /data/log/wal, which holds no log, by /data/moved/wal.')
  })

  test.each([['/data/wal'], ['/data/wal', '/data/former/wal']])(
    'logs below dataDir that no identity names are moved out: %s',
    async (...folders) => {
      const rig = new ServerRig()
      const disk = rig.disk()
      for (const folder of folders) await addLog(rig, disk, folder)
      await follow(rig, disk, await refusal(rig, withLogDir('/log'), disk), 'If you do not need it, ')
      expect(await holdsData(rig, withLogDir('/log'), disk)).toBe(false)
    },
  )

  test.each([false, true])('beside a damaged identity; another log is below dataDir: %s', async (hasOther) => {
    const rig = new ServerRig()
    const disk = await usedDisk(rig, withLogDir('/log'))
    removeBelow(disk, '/log/wal')
    damageIdentity(disk, '/data/identity')
    if (hasOther) await addLog(rig, disk, '/data/wal')
    await follow(rig, disk, await refusal(rig, withLogDir('/log'), disk), 'this folder never held data, ')
    expect(await holdsData(rig, withLogDir('/log'), disk)).toBe(false)
  })
})

describe('a log that was emptied', () => {
  test.each(
    ['whole', 'damaged', 'missing'].flatMap((identity) =>
      [false, true].map((hasOther) => [identity, hasOther] as const),
    ),
  )('beside an identity that is %s; another log is below dataDir: %s', async (identity, hasOther) => {
    const rig = new ServerRig()
    const disk = await killedDisk(rig, withLogDir('/log'))
    disk.placeAtOnce(`/log/wal/${segmentName}`)
    if (identity === 'damaged') damageIdentity(disk, '/data/identity')
    if (identity === 'missing') disk.removeAtOnce('/data/identity')
    if (hasOther) await addLog(rig, disk, '/data/wal')
    await follow(rig, disk, await refusal(rig, withLogDir('/log'), disk), 'If it is lost, ')
    expect(await holdsData(rig, withLogDir('/log'), disk)).toBe(false)
  })
})

test('a log that was emptied beside a checkpoint of it', async () => {
  const rig = new ServerRig()
  const disk = await usedDisk(rig, withLogDir('/log'))
  disk.placeAtOnce(`/log/wal/${segmentName}`)
  const text = await refusal(rig, withLogDir('/log'), disk)
  expect(text).toContain('the log in /log/wal ends at 0x0, before the checkpoint of 0x100000002')
  await follow(rig, disk, text, 'serve without this one, ')
  expect(await holdsData(rig, withLogDir('/log'), disk)).toBe(false)
})

test('a checkpoint of another cluster than the identity', async () => {
  const rig = new ServerRig()
  const disk = await usedDisk(rig)
  await changeIdentity(rig, disk, 'cluster')
  const text = await refusal(rig, standaloneConfig(), disk)
  await follow(rig, disk, text, 'If this data is meant for this server, ')
  expect(await holdsData(rig, standaloneConfig(), disk)).toBe(true)
})

/** The identity file with another cluster, or a newer epoch. */
async function changeIdentity(rig: ServerRig, disk: SimDisk, what: string): Promise<void> {
  const reading = readIdentity(disk.contents('/data/identity'))
  if (reading.kind !== 'valid') throw new Error('there is no identity')
  const { clusterId, currentEpoch } = reading.identity
  const changed =
    what === 'cluster'
      ? { clusterId: (clusterId + 1) as ClusterId }
      : { currentEpoch: (currentEpoch + 1) as typeof currentEpoch }
  await rig.settle(writeIdentityFile(disk, '/data', { ...reading.identity, ...changed }))
}

describe('a log that does not belong to the identity', () => {
  test.each(['cluster', 'epoch', 'folder'])('another %s: the log is used, or the data is moved away', async (what) => {
    for (const [condition, keepsData] of [
      ['If this data is meant for this server, ', true],
      [what === 'folder' ? 'members of the ensemble hold the data, ' : 'you may also ', false],
    ] as const) {
      const rig = new ServerRig()
      const disk = await killedDisk(rig)
      if (what === 'folder') disk.replaceFolder('/data/wal')
      else await changeIdentity(rig, disk, what)
      await follow(rig, disk, await refusal(rig, standaloneConfig(), disk), condition)
      expect(await holdsData(rig, standaloneConfig(), disk)).toBe(keepsData)
    }
  })
})

describe('a file in the place of the log folder', () => {
  test.each([
    ['a new server is moved away', false, false, 'Otherwise '],
    ['a used server is moved away with the identity', true, false, 'If the log is lost, '],
    ['a used server is moved away with the identity and other logs', true, true, 'If the log is lost, '],
  ] as const)('the server starts empty when the file of %s', async (_whose, isUsed, hasOther, condition) => {
    // Folders stay on the simulated disk, so the log of the used server is in another place.
    const rig = new ServerRig()
    const disk = isUsed ? await killedDisk(rig, withLogDir('/log')) : rig.disk()
    if (isUsed) removeBelow(disk, '/log/wal')
    if (hasOther) await addLog(rig, disk, '/data/former/wal')
    disk.placeAtOnce('/data/wal')
    const text = await refusal(rig, standaloneConfig(), disk)
    await follow(rig, disk, text.replace('the file away', '/data/wal away'), condition)
    expect(await holdsData(rig, standaloneConfig(), disk)).toBe(false)
  })
})

test('data of ZooKeeper in dataLogDir is reported with dataLogDir, since another dataDir would not help', async () => {
  const rig = new ServerRig()
  const disk = rig.disk()
  disk.placeAtOnce('/log/version-2/log.1')
  expect(await refusal(rig, withLogDir('/log'), disk)).toContain('Write a folder without such data for dataLogDir;')
  expect(await holdsData(rig, withLogDir('/other'), disk)).toBe(false)
})
