/** The disk of the log is full, and the checkpoint has its own: what the checkpoint covers goes, and writes go on. */
import { describe, expect, test } from 'vitest'
import { createFrame, getDataFrame } from '../../support/requests.ts'
import type { RawClient } from '../../support/server-rig.ts'
import { CheckpointRig, oftenConfig } from './checkpoint-rig.ts'

/** Nothing is removed while there is space, and checkpoints are made on request only. */
const config = oftenConfig('snapCount=1000000', 'checkpointIntervalMs=0', 'logRetentionSizeInKb=524288')
const pathOf = (i: number): string => `/waiting${i}`
const waitingCount = 60

/** Writes until the disk of the log is full, and goes on to send writes, which wait. */
async function fill(rig: CheckpointRig): Promise<RawClient> {
  rig.disk.faults.fullBelow = '/data/wal'
  rig.disk.faults.full = true
  const client = await rig.client()
  for (let i = 0; i < waitingCount; i++) {
    client.send(createFrame(i + 1, pathOf(i), 'y'.repeat(100)))
    await rig.rig.run(20)
  }
  await rig.rig.run(1000)
  expect(client.replies().length).toBeLessThan(waitingCount)
  expect(rig.rig.events('disk-full')).toHaveLength(1)
  return client
}

describe('while the disk of the log is full', () => {
  test('one checkpoint on request frees it, and the writes that wait are done', async () => {
    const rig = new CheckpointRig()
    await rig.start(config)
    await rig.write(60)
    const client = await fill(rig)
    expect(rig.firstSegment()).toBe(1)
    expect(await rig.ask('ckpt')).toContain('Zxid: ')
    expect(rig.firstSegment()).toBeGreaterThan(1)
    expect(rig.rig.events('log-purged-for-space')).toHaveLength(1)
    rig.disk.faults.full = false // the space of the files that were removed
    await rig.rig.run(2000)
    expect(client.replies().map(({ error }) => error)).toEqual(new Array(waitingCount).fill(0))
    await rig.expectAll()
  })

  test('a checkpoint that was made before frees it at once', async () => {
    const rig = new CheckpointRig()
    await rig.start(config)
    await rig.write(60)
    await rig.ask('ckpt')
    expect(rig.firstSegment()).toBe(1)
    await fill(rig)
    expect(rig.firstSegment()).toBeGreaterThan(1)
  })

  test.each(['drop-all', 'random', 'torn'] as const)(
    'power fails after the log was freed (what was not flushed: %s), and no acknowledged write is lost',
    async (mode) => {
      const rig = new CheckpointRig()
      await rig.start(config)
      await rig.write(60)
      const client = await fill(rig)
      await rig.ask('ckpt')
      expect(rig.firstSegment()).toBeGreaterThan(1)
      const acknowledgedCount = client.replies().length
      const found = rig.disk.crash(mode, { faults: {} })
      rig.kill()
      rig.disk = found
      await rig.start(config)
      await rig.expectAll()
      const reader = await rig.client()
      for (let i = 0; i < acknowledgedCount; i++) reader.send(getDataFrame(i + 1, pathOf(i)))
      await rig.rig.run(500)
      expect(reader.replies().map(({ error }) => error)).toEqual(new Array(acknowledgedCount).fill(0))
    },
  )
})
