import { expect, test } from 'vitest'
import { slowFlushReminderMs } from '../../src/base/limits.ts'
import { Histogram } from '../../src/metrics/histogram.ts'
import type { Disk, DiskFile } from '../../src/ports/disk.ts'
import { timedDisk } from '../../src/server/timed-disk.ts'
import { ServerRig } from '../support/server-rig.ts'

/** A file each durable write of which takes as long as the test says. */
async function slowFile(slowMs: number) {
  const rig = new ServerRig()
  const durableWritesMs = new Histogram()
  let nowMs = 1000
  let flushMs = 0
  const flush = async (): Promise<void> => {
    await null
    nowMs += flushMs
  }
  const file = { path: '/data/wal/1', writeDurably: flush, sync: flush } as unknown as DiskFile
  const disk = { open: async () => file } as unknown as Disk
  const clock = { monotonicMs: () => nowMs, wallMs: () => 0 }
  const timed = timedDisk(disk, { clock, log: rig.log, durableWritesMs, slowMs })
  const opened = await timed.open('/data/wal/1', 'read-write')
  return {
    rig,
    durableWritesMs,
    wait: (ms: number) => {
      nowMs += ms
    },
    write: (ms: number) => {
      flushMs = ms
      return opened.writeDurably(0, [])
    },
    sync: (ms: number) => {
      flushMs = ms
      return opened.sync()
    },
  }
}

test('a flush above the threshold is logged, and one at the threshold is not', async () => {
  const { rig, durableWritesMs, write, sync } = await slowFile(1000)
  await write(1000)
  expect(rig.lines).toEqual([])
  await sync(1001)
  expect(rig.events('flush-slow')).toEqual([{ path: '/data/wal/1', durationMs: 1001, leftOutCount: 0 }])
  expect(durableWritesMs.summary.count).toBe(2)
})

test('slow flushes get one line in a time, which counts those that were left out', async () => {
  const { rig, write, wait } = await slowFile(100)
  for (let i = 0; i < 4; i++) await write(200)
  expect(rig.events('flush-slow')).toHaveLength(1)
  wait(slowFlushReminderMs)
  await write(300)
  expect(rig.events('flush-slow').at(-1)).toMatchObject({ durationMs: 300, leftOutCount: 3 })
})
