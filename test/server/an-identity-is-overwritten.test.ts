/** An epoch overwrites one of the two slots of the identity file (storage.md). */
import { expect, test } from 'vitest'
import type { ZktsServer } from '../../src/server/create-server.ts'
import { type IdentityReading, readIdentity } from '../../src/storage/data-identity.ts'
import type { SimDisk } from '../simulator/sim-disk.ts'
import { SimRandom } from '../simulator/sim-random.ts'
import { placeIdentity1 } from '../support/identity-files.ts'
import { ensembleConfig, ServerRig, standaloneConfig } from '../support/server-rig.ts'
import { crashedStart, holdsData, refusal, usedDisk } from './data-folder-rig.ts'

function epochOf(reading: IdentityReading): number {
  return reading.kind === 'valid' ? reading.identity.currentEpoch : Number.NaN
}

const path = '/data/identity'
const readingOf = (disk: SimDisk) => readIdentity(disk.contents(path))

test('an epoch overwrites one slot of the file and makes no other file', async () => {
  const rig = new ServerRig()
  const disk = await usedDisk(rig)
  const operations: string[] = []
  const { inode } = await rig.settle(disk.identityOf(path))
  const again = disk.kill({ onOperation: (_count, operation, where) => operations.push(`${operation} ${where}`) })
  await rig.settle((await rig.started(standaloneConfig(), again)).close())
  expect(readingOf(again)).toMatchObject({ kind: 'valid', identity: { currentEpoch: 2 }, inode })
  expect(operations.filter((each) => each === `write-durably ${path}`)).toHaveLength(1)
  expect(operations).not.toContain('open /data/identity.next')
  expect((await rig.settle(again.identityOf(path))).inode).toBe(inode)
})

/** The number of the disk call by which a second start writes the new epoch into a slot. */
async function stepOfWrite(): Promise<number> {
  const rig = new ServerRig()
  let found = 0
  const onOperation = (count: number, operation: string, where: string): void => {
    if (operation === 'write-durably' && where === path) found = count
  }
  await rig.started(standaloneConfig(), (await usedDisk(rig)).kill({ onOperation }))
  return found
}

test('power that fails while a slot is written leaves an identity that protects the log', async () => {
  const written = await stepOfWrite()
  const seen = new Set<number>()
  let interruptedCount = 0
  for (let seed = 1; seed <= 8; seed++) {
    for (const step of [written - 1, written, written + 1]) {
      const rig = new ServerRig()
      const disk = (await usedDisk(rig)).kill()
      const { after } = await crashedStart(rig, standaloneConfig(), disk, step, (at) =>
        at.crash('torn', { random: new SimRandom(seed) }),
      )
      const found = readingOf(after)
      seen.add(epochOf(found))
      if (found.kind === 'valid' && found.slot === null) interruptedCount++
      const { server } = rig.server(standaloneConfig(), after)
      expect((await rig.settle(server.start())).ok).toBe(true)
      await rig.run(100)
      expect(epochOf(readingOf(after))).toBeGreaterThanOrEqual(2)
      await rig.settle(server.close())
      for (const each of after.paths()) if (each.startsWith('/data/wal/')) after.removeAtOnce(each)
      expect((await refusal(rig, standaloneConfig(), after)).kind).toBe('misplaced')
    }
  }
  expect([...seen].sort()).toEqual([1, 2])
  expect(interruptedCount).toBeGreaterThan(0)
})

test('a file of the previous version is used, and the next start gives it slots', async () => {
  const rig = new ServerRig()
  const disk = await usedDisk(rig)
  await rig.settle(placeIdentity1(disk, '/data'))
  expect(readingOf(disk)).toMatchObject({ kind: 'valid', identity: { currentEpoch: 1 }, slot: null })
  expect(await holdsData(rig, standaloneConfig(), disk)).toBe(true)
  expect(readingOf(disk)).toMatchObject({ kind: 'valid', identity: { currentEpoch: 2 }, slot: { writeNumber: 2 } })
  expect(rig.events('identity-rebuilt')).toEqual([])
})

test('one damaged slot is no damage, and the next start repairs it', async () => {
  for (const slot of [0, 1]) {
    const rig = new ServerRig()
    const disk = await usedDisk(rig)
    disk.zeroSector(path, slot)
    expect(readingOf(disk)).toMatchObject({ kind: 'valid', identity: { currentEpoch: 1 }, slot: null })
    expect(await holdsData(rig, standaloneConfig(), disk)).toBe(true)
    expect(rig.events('identity-rebuilt')).toEqual([])
    expect(readingOf(disk)).toMatchObject({ kind: 'valid', identity: { currentEpoch: 2 }, slot: { writeNumber: 2 } })
  }
})

test('a file that was moved away while its server ran is replaced by the next epoch', async () => {
  const rig = new ServerRig()
  const disks = [1, 2, 3].map((id) => rig.disk(id))
  const servers = new Map<number, ZktsServer>()
  for (const id of [1, 2, 3]) {
    const { server } = rig.server(ensembleConfig(id), disks[id - 1], `10.0.0.${id}`)
    expect((await rig.settle(server.start())).ok).toBe(true)
    servers.set(id, server)
  }
  await rig.run(1000)
  const [disk] = disks
  const before = readingOf(disk!)
  await rig.settle(disk!.rename(path, '/data/identity.bak'))
  const leader = [2, 3].find((id) => rig.events('serving-as-leader').at(-1)!['serverId'] === id)
  await rig.settle(servers.get(leader!)!.close())
  await rig.run(3000)
  const { inode } = await rig.settle(disk!.identityOf(path))
  expect(readingOf(disk!)).toMatchObject({ kind: 'valid', inode, slot: { writeNumber: 1 } })
  expect(readingOf(disk!)).toMatchObject({ identity: { currentEpoch: epochOf(before) + 1 } })
})
