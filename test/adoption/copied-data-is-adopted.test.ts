/** What an adoption accepts, what it refuses without a change, and what a crash during one leaves. */
import { expect, test } from 'vitest'
import { type AdoptedData, type AdoptionKind, adoptData } from '../../src/adoption/adopt-data.ts'
import { type Epoch, type ServerId, zeroEpoch } from '../../src/base/ids.ts'
import type { Result } from '../../src/base/result.ts'
import type { ClusterId } from '../../src/protocol/disk/log-record.ts'
import { readIdentity } from '../../src/storage/data-identity.ts'
import { writeRestoreMark } from '../../src/storage/restore-mark.ts'
import { CheckpointRig, keepingConfig } from '../server/checkpoints/checkpoint-rig.ts'
import type { CrashMode, SimDisk } from '../simulator/sim-disk.ts'
import { SimKeyValues } from '../simulator/sim-key-values.ts'
import { promptDisk, promptSchedule } from '../storage/storage-rig.ts'
import { createFrame } from '../support/requests.ts'

const newCluster: AdoptionKind = { kind: 'new-cluster', clusterId: 0x4711 as ClusterId, epochMin: 9 as Epoch }
const another: AdoptionKind = { kind: 'new-cluster', clusterId: 0x815 as ClusterId, epochMin: zeroEpoch }

function adopt(disk: SimDisk, adoption: AdoptionKind = newCluster): Promise<Result<AdoptedData, string>> {
  const own = { serverId: 1 as ServerId, members: [1 as ServerId] }
  const folders = { dataDir: '/data', dataLogDir: '/data', segmentSizeBytes: 4096 }
  return adoptData({ disk, stores: new SimKeyValues(disk), ...folders, ...own, adoption })
}

async function adopted(disk: SimDisk, adoption?: AdoptionKind): Promise<AdoptedData> {
  const outcome = await adopt(disk, adoption)
  if (!outcome.ok) throw new Error(outcome.error)
  return outcome.value
}

/** Why it is refused. No file was changed. */
async function refusal(disk: SimDisk, adoption?: AdoptionKind): Promise<string> {
  const before = disk.paths().map((path) => [path, disk.contents(path)])
  const outcome = await adopt(disk, adoption)
  if (outcome.ok) throw new Error('the data was adopted')
  expect(disk.paths().map((path) => [path, disk.contents(path)])).toEqual(before)
  return outcome.error
}

/** The copy of the disk, which answers at once. */
function copyOf({ disk }: CheckpointRig): SimDisk {
  return promptDisk().fillFrom(disk)
}

function newestSegmentOn(disk: SimDisk): string {
  return disk.paths().findLast((path) => path.endsWith('.log'))!
}

test('the identity that an adoption writes names the newest file of the log', async () => {
  for (const adoption of [newCluster, { kind: 'moved' }] as const) {
    const disk = copyOf(await CheckpointRig.withWholeLog(25))
    await adopted(disk, adoption)
    const reading = readIdentity(disk.contents('/data/identity'))
    if (reading.kind !== 'valid') throw new Error('there is no identity')
    const newest = Number.parseInt(/-([0-9a-f]+)\.log$/.exec(newestSegmentOn(disk))![1]!, 16)
    expect(reading.identity.newestSegment).toBe(newest)
    expect(newest).toBeGreaterThan(1)
  }
})

const modes: readonly CrashMode[] = ['keep-all', 'drop-all', 'random', 'torn']

test('power that fails at any operation of an adoption leaves data that the same adoption makes usable', async () => {
  for (const make of [CheckpointRig.withWholeLog, CheckpointRig.withoutLogFront]) {
    const from = copyOf(await make(25))
    let crashCount = 0
    for (let count = 1, hasEnded = false; !hasEnded; count += 1) {
      const mode = modes[count % modes.length]!
      let left = count
      const disk = from.crash('keep-all', {
        schedule: (delayMs, callback) => {
          if (left-- > 0) promptSchedule(delayMs, callback)
        },
      })
      void adopt(disk).then((outcome) => {
        expect(outcome.ok).toBe(true)
        hasEnded = true
      })
      await new Promise<void>((resolve) => setImmediate(resolve))
      const after = disk.crash(mode, { schedule: promptSchedule })
      if (hasEnded) continue
      crashCount++
      const again = await adopt(after)
      // The first one may have ended on the disk, although it was not said.
      if (!again.ok) expect(again.error).toContain('the data is of cluster 0x4711 already')
      const reading = readIdentity(after.contents('/data/identity'))
      expect(reading).toMatchObject({ kind: 'valid', identity: { clusterId: 0x4711 } })
      expect((await adopted(after, another)).clusterIdBefore).toBe(0x4711)
    }
    expect(crashCount).toBeGreaterThan(20)
  }
})

test('data that was adopted twice without a start in between is used for long', async () => {
  const rig = await CheckpointRig.withWholeLog(25)
  for (const adoption of [newCluster, another]) expect((await rig.rig.settle(adopt(rig.disk, adoption))).ok).toBe(true)
  for (let round = 0; round < 2; round++) {
    await rig.start(keepingConfig)
    await rig.write(30)
    await rig.rig.run(1000)
    rig.kill()
  }
  await rig.start()
  await rig.expectAll()
})

test('a copy of a running server with an incomplete last write is adopted without it', async () => {
  const rig = await CheckpointRig.withWholeLog(25)
  await rig.start()
  const client = await rig.client()
  client.send(createFrame(1, '/torn', 'x'.repeat(2000)))
  await rig.rig.run(20) // the next batch or a seal would prove that the write was durable
  rig.kill()
  const disk = copyOf(rig)
  const whole = await adopted(copyOf(rig))
  const newest = newestSegmentOn(disk)
  disk.zeroSector(newest, Math.floor(disk.contents(newest).findLastIndex((byte) => byte !== 0) / 512))
  const { notes, lastZxid } = await adopted(disk)
  expect(notes.join()).toMatch(
    /-\w+\.log: the last write was not complete; \d+ bytes at offset \d+, after 0x\w+, were cut$/,
  )
  expect(notes.join()).toContain(`, after 0x${lastZxid.toString(16)}, were cut`)
  expect(lastZxid).toBe(whole.lastZxid - 1)
  expect(whole.notes).toEqual([])
})

test('damage to the log is reported where the checkpoint has what is in it, and refused where nothing has', async () => {
  const disk = copyOf(await CheckpointRig.withWholeLog(25))
  const [, second] = disk.paths().filter((path) => path.endsWith('.log'))
  disk.zeroSector(second!, 2)
  const alone = promptDisk().fillFrom(disk)
  expect((await adopted(disk)).notes.join()).toMatch(
    /the log before the checkpoint is damaged .* has all that is in it/,
  )
  alone.removeAtOnce('/data/checkpoint/current')
  expect(await refusal(alone)).toContain(second)
})

test('a checkpoint that was copied after the log replaces it, but not in data that is said to be complete', async () => {
  const rig = await CheckpointRig.withWholeLog(25)
  const earlier = rig.disk.paths().filter((path) => path.endsWith('.log'))
  rig.disk.copyFolder('/data/wal', '/earlier')
  await rig.start()
  await rig.write(40)
  await rig.rig.run(1000)
  rig.kill()
  for (const path of rig.disk.paths()) if (path.startsWith('/data/wal/')) rig.disk.removeAtOnce(path)
  for (const path of earlier) await rig.rig.settle(rig.disk.rename(path.replace('/data/wal', '/earlier'), path))
  const moved = await refusal(copyOf(rig), { kind: 'moved' })
  expect(moved).toContain('before the checkpoint of')
  const disk = copyOf(rig)
  const { notes, lastZxid, checkpoint } = await adopted(disk)
  expect(notes.join()).toContain('goes further than the log in /data/wal, and has replaced it')
  expect(lastZxid).toBe(checkpoint!.zxid)
  rig.disk = rig.rig.disk().fillFrom(disk)
  expect((await rig.rig.settle(adopt(rig.disk, another))).ok).toBe(true)
  await rig.start()
})

test('a damaged checkpoint is given up where the log is whole, and refused where it is not', async () => {
  const whole = await CheckpointRig.withWholeLog(25)
  const store = whole.disk.paths().find((path) => path.startsWith('/data/checkpoint/store-'))!
  whole.disk.flipBit(store, 4000)
  const outcome = await whole.rig.settle(adopt(whole.disk))
  expect(outcome).toMatchObject({ ok: true, value: { checkpoint: null } })
  await whole.rig.settle(adopt(whole.disk, another))
  const later = copyOf(await CheckpointRig.withoutLogFront())
  later.flipBit(later.paths().find((path) => path.startsWith('/data/checkpoint/store-'))!, 4000)
  const refused = await refusal(later)
  expect(refused).toContain('the checkpoint is damaged: /data/checkpoint/store-')
  expect(refused).toContain('and the log cannot replace it: the log in /data/wal begins with segment')
  for (const path of later.paths()) if (path.startsWith('/data/wal/')) later.removeAtOnce(path)
  expect(await refusal(later)).toMatch(/^the checkpoint is damaged: \/data\/checkpoint\/store-.* restore a backup/)
})

test('a store that no file names is mentioned where the log alone does not do', async () => {
  const disk = copyOf(await CheckpointRig.withoutLogFront())
  disk.removeAtOnce('/data/checkpoint/current')
  expect(await refusal(disk)).toMatch(
    /no checkpoint covers them.*\/data\/checkpoint has store-1, but the file .*\/current/,
  )
  for (const path of disk.paths()) if (path.startsWith('/data/wal/')) disk.removeAtOnce(path)
  expect(await refusal(disk)).toContain('/data/checkpoint has store-1, but')
})

test('where the log is damaged after the checkpoint, moving it away and a new cluster lead on from the checkpoint', async () => {
  const rig = await CheckpointRig.withoutLogFront()
  const segments = rig.segments()
  rig.disk.zeroSector(segments.at(-1)!, 2)
  const refused = await rig.refusal()
  expect(refused.message).toContain('can go on from its checkpoint')
  const outcome = await rig.rig.settle(adopt(rig.disk))
  if (outcome.ok) throw new Error('the data was adopted')
  const [, zxid] =
    /has the data up to (0x\w+);.*All writes after it are lost.*move \/data\/wal away/.exec(outcome.error) ?? []
  expect(refused.message).toContain(`has the data up to ${zxid};`)
  for (const path of segments) rig.disk.removeAtOnce(path)
  const again = await rig.rig.settle(adopt(rig.disk))
  expect(again).toMatchObject({ ok: true, value: { lastZxid: Number(zxid) } })
  await rig.start()
})

test('data that lacks its newest file is not taken for complete', async () => {
  const disk = copyOf(await CheckpointRig.withWholeLog(25))
  disk.removeAtOnce('/data/checkpoint/current')
  disk.removeAtOnce(newestSegmentOn(disk))
  expect(await refusal(disk, { kind: 'moved' })).toMatch(/says that the log has had file \d+, but the log in/)
  expect((await adopted(disk)).mustSync).toBe(false)
})

test('what an unfinished restore has left is not adopted', async () => {
  const disk = copyOf(await CheckpointRig.withWholeLog(25))
  await writeRestoreMark(disk, '/data')
  expect(await refusal(disk)).toContain('Run the same "zkts-cli restore" again')
})

test('data that was adopted to be brought into step is not complete, and does not start alone', async () => {
  const rig = await CheckpointRig.withWholeLog(25)
  expect(await rig.rig.settle(adopt(rig.disk, { kind: 'join' }))).toMatchObject({ ok: true, value: { mustSync: true } })
  const moved = await rig.rig.settle(adopt(rig.disk, { kind: 'moved' }))
  expect(moved).toMatchObject({ ok: false, error: expect.stringContaining('was adopted before') })
  expect((await rig.refusal()).message).toContain('has not been in step with a leader since')
  expect((await rig.rig.settle(adopt(rig.disk))).ok).toBe(true)
  await rig.start()
  await rig.expectAll()
})

test('a server goes on with all that it had in a cluster of its own', async () => {
  for (const make of [CheckpointRig.withWholeLog, CheckpointRig.withoutLogFront]) {
    const rig = await make(25)
    const disk = copyOf(rig)
    const { epoch, clusterId } = await adopted(disk)
    expect({ epoch, clusterId }).toMatchObject({ clusterId: 0x4711 })
    rig.disk = rig.rig.disk().fillFrom(disk)
    expect((await rig.refusal()).message).toContain('are a copy of the data of server 1')
    expect((await rig.rig.settle(adopt(rig.disk, { kind: 'moved' }))).ok).toBe(true)
    await rig.start()
    await rig.expectAll()
  }
})
