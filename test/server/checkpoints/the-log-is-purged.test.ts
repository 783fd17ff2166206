import { describe, expect, test } from 'vitest'
import type { Zxid } from '../../../src/base/ids.ts'
import { checkpointRetryMs } from '../../../src/base/limits.ts'
import { LogRetention, type PurgeReport } from '../../../src/server/checkpoints/log-retention.ts'
import { type PurgeFacts, planPurge } from '../../../src/server/checkpoints/purge-plan.ts'
import { ServerRig } from '../../support/server-rig.ts'

const at = (zxid: number): Zxid => zxid as Zxid
const mib = 1024 * 1024

/** Five closed segments of 10 MiB that end at 10, 20, …, 50, and 5 MiB in the one that is being written. */
function facts(changes: Partial<PurgeFacts> = {}): PurgeFacts {
  const segments = [10, 20, 30, 40, 50].map((lastZxid, i) => {
    return { sizeBytes: 10 * mib, lastZxid: at(lastZxid), ageMs: (5 - i) * 1000 }
  })
  return { segments, logSizeBytes: 55 * mib, floor: at(50), ...changes }
}

const nothingKept = { sizeBytes: 0, durationMs: 0 }

describe('the plan of a purge', () => {
  test('without a checkpoint no segment is removed', () => {
    expect(planPurge(facts({ floor: null }), nothingKept)).toBeNull()
  })

  test('all segments up to the floor are removed if the operator keeps none of them', () => {
    expect(planPurge(facts(), nothingKept)).toEqual({ through: 50, segmentCount: 5, sizeBytes: 50 * mib })
    expect(planPurge(facts({ floor: at(39) }), nothingKept)).toMatchObject({ through: 30, segmentCount: 3 })
    expect(planPurge(facts({ floor: at(40) }), nothingKept)).toMatchObject({ through: 40, segmentCount: 4 })
    expect(planPurge(facts({ floor: at(9) }), nothingKept)).toBeNull()
  })

  test('a segment stays if the log without it is smaller than the size that is kept', () => {
    expect(planPurge(facts(), { sizeBytes: 35 * mib, durationMs: 0 })).toMatchObject({ through: 20 })
    expect(planPurge(facts(), { sizeBytes: 35 * mib + 1, durationMs: 0 })).toMatchObject({ through: 10 })
    expect(planPurge(facts(), { sizeBytes: 46 * mib, durationMs: 0 })).toBeNull()
  })

  test('a segment stays while it is younger than the time that is kept', () => {
    expect(planPurge(facts(), { sizeBytes: 0, durationMs: 3000 })).toMatchObject({ through: 30 })
    expect(planPurge(facts(), { sizeBytes: 0, durationMs: 6000 })).toBeNull()
  })

  test('a segment that either size or time protects stays, and so do all after it', () => {
    expect(planPurge(facts(), { sizeBytes: 35 * mib, durationMs: 4000 })).toMatchObject({ through: 20 })
    expect(planPurge(facts(), { sizeBytes: 15 * mib, durationMs: 4500 })).toMatchObject({ through: 10 })
    expect(planPurge(facts(), { sizeBytes: null, durationMs: 0 })).toBeNull()
    expect(planPurge(facts(), { sizeBytes: 0, durationMs: null })).toBeNull()
  })
})

class RetentionRig {
  readonly #rig = new ServerRig()
  readonly removed: number[] = []
  monotonicMs = 0
  committed = at(50)
  failure: Error | null = null
  missing: string | null = null // the path of a segment
  verified: number | null = 50
  whenVerified: () => void = () => {}
  whenMissing: () => void = () => {}
  diskFullSinceMs: number | null = null
  readonly retention: LogRetention

  constructor(purgeIntervalMs: number | null = null, durationMs: number | null = 0, keptSizeBytes: number | null = 0) {
    const { segments, logSizeBytes } = facts()
    const rig = this
    this.retention = new LogRetention({
      storage: {
        closedSegments: () =>
          segments
            .filter(({ lastZxid }) => lastZxid > (rig.removed.at(-1) ?? 0))
            .map(({ sizeBytes, lastZxid }) => ({ sizeBytes, lastZxid, nextPath: `/data/wal/${lastZxid}` })),
        sizeBytes: logSizeBytes,
        get committed() {
          return rig.committed
        },
        get diskFullSinceMs() {
          return rig.diskFullSinceMs
        },
        async removeThrough(zxid) {
          if (rig.failure !== null) throw rig.failure
          rig.removed.push(zxid)
        },
      },
      // Created at the second of its name.
      disk: {
        identityOf: async (path) => {
          if (path === rig.missing) {
            rig.whenMissing()
            throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
          }
          return { device: '1', inode: '1', birth: `${path.split('/').at(-1)}000000000` }
        },
      },
      log: this.#rig.log,
      folder: '/data/wal',
      settings: { logRetention: { checkpointCount: 3, sizeBytes: keptSizeBytes, durationMs }, purgeIntervalMs },
      verify: async () => {
        rig.whenVerified()
        return rig.verified === null ? null : at(rig.verified)
      },
      now: () => ({ monotonicMs: rig.monotonicMs, wallMs: 60_000 }),
    })
  }

  /** Passes time, and waits for the purge that a tick may have begun. */
  async tick(ms = 100): Promise<void> {
    this.monotonicMs += ms
    this.retention.tick(this.monotonicMs)
    for (let i = 0; i < 20; i++) await Promise.resolve()
  }

  /** What an operator who has asked for a checkpoint gets. */
  async reported(): Promise<PurgeReport> {
    return new Promise((resolve) => this.retention.report(resolve))
  }

  count(event: string): number {
    return this.#rig.events(event).length
  }

  checkpoints(...zxids: readonly number[]): void {
    for (const zxid of zxids) this.retention.noteCheckpoint(at(zxid))
  }
}

describe('the report of a purge', () => {
  test('says what was removed, without waiting for a tick', async () => {
    const rig = new RetentionRig()
    rig.checkpoints(25, 35, 45)
    const report = await rig.reported()
    expect(report).toMatchObject({ removedFileCount: 2, removedSizeBytes: 20 * mib })
    expect(rig.removed).toEqual([20])
    expect(await rig.reported()).toMatchObject({ removedFileCount: 0, removedSizeBytes: 0, sizeBytes: 55 * mib })
  })

  test('says why the rest of the log is kept', async () => {
    const because = async (change: (rig: RetentionRig) => void, rig = new RetentionRig()): Promise<string> => {
      change(rig)
      return (await rig.reported()).keptBecause
    }
    const three = (rig: RetentionRig): void => rig.checkpoints(15, 25, 35)
    const all = (rig: RetentionRig): void => rig.checkpoints(50, 50, 50)
    expect(await because((rig) => rig.checkpoints(15, 25))).toContain('until 3 checkpoints were made')
    expect(await because((rig) => rig.checkpoints(15, 25))).toContain('there are 2')
    expect(await because(three)).toContain('the oldest of the last 3 checkpoints')
    expect(await because(all)).toContain('no older file than the one that is being written to')
    expect(
      await because((rig) => {
        all(rig)
        rig.retention.hold(at(5))
      }),
    ).toContain('a learner, a copy of the state or a backup')
    expect(await because(all, new RetentionRig(null, null))).toContain('the settings keep all of it')
    expect(await because(all, new RetentionRig(null, 0, null))).toContain('the settings keep all of it')
    expect(await because(all, new RetentionRig(null, 3_600_000))).toContain('less than 1 hours ago (logRetentionHours)')
    expect(await because(all, new RetentionRig(null, 0, 50 * mib))).toContain('the newest 51200 KiB of it are kept')
    const rare = new RetentionRig(7_200_000)
    await rare.tick()
    expect(await because(all, rare)).toContain('each 2 hours (autopurge.purgeInterval)')
  })

  test('says that the checkpoint was not usable, that a file could not be removed, and that the server closes', async () => {
    const rig = new RetentionRig()
    rig.checkpoints(25, 35, 45)
    rig.verified = null
    expect((await rig.reported()).keptBecause).toContain('the files of the checkpoint are not usable')
    rig.verified = 50
    rig.failure = Object.assign(new Error('EROFS: /data/wal'), { code: 'EROFS' })
    expect((await rig.reported()).keptBecause).toContain('EROFS: /data/wal')
    expect(rig.removed).toEqual([])
    const late = rig.reported()
    rig.retention.stop()
    expect((await late).keptBecause).toBe('the server is closing')
    expect((await rig.reported()).keptBecause).toBe('the server is closing')
  })

  test('has what a look removed that was under way, and the next one', async () => {
    const rig = new RetentionRig()
    rig.checkpoints(15, 25, 35)
    rig.monotonicMs += 100
    rig.retention.tick(rig.monotonicMs)
    const report = rig.reported()
    await Promise.resolve()
    rig.checkpoints(45)
    expect(await report).toMatchObject({ removedFileCount: 2, removedSizeBytes: 20 * mib })
    expect(rig.removed.at(-1)).toBe(20)
  })
})

describe('the retention of the log', () => {
  test('the log goes up to the oldest of the last three checkpoints, once there are three', async () => {
    const rig = new RetentionRig()
    rig.checkpoints(15, 25)
    await rig.tick()
    expect(rig.removed).toEqual([])
    rig.checkpoints(35)
    await rig.tick()
    expect(rig.removed).toEqual([10])
    rig.checkpoints(45)
    await rig.tick()
    expect(rig.removed).toEqual([10, 20])
    expect(rig.count('log-purged')).toBe(2)
  })

  test('a purge that could not verify the checkpoint is tried again after a while', async () => {
    const rig = new RetentionRig()
    rig.verified = null
    rig.checkpoints(50, 50, 50)
    await rig.tick()
    rig.verified = 50
    await rig.tick(checkpointRetryMs - 100)
    expect(rig.removed).toEqual([])
    await rig.tick(100)
    expect(rig.removed).toEqual([50])
  })

  test('with an interval the log is purged at the start and then once in each interval', async () => {
    const rig = new RetentionRig(10_000)
    rig.checkpoints(15, 25, 35)
    await rig.tick()
    expect(rig.removed).toEqual([10])
    rig.checkpoints(45)
    await rig.tick(9000)
    expect(rig.removed).toEqual([10])
    await rig.tick(1000)
    expect(rig.removed).toEqual([10, 20])
  })

  test('what is held stays until the hold is released', async () => {
    const rig = new RetentionRig()
    const release = rig.retention.hold(at(12))
    rig.checkpoints(50, 50, 50)
    await rig.tick()
    expect(rig.removed).toEqual([10])
    release()
    rig.checkpoints(50)
    await rig.tick()
    expect(rig.removed).toEqual([10, 50])
  })

  test('nothing is removed that the files of the checkpoint do not hold, as they are found on the disk then', async () => {
    const rig = new RetentionRig()
    rig.verified = null
    rig.checkpoints(50, 50, 50)
    await rig.tick()
    rig.verified = 40
    rig.checkpoints(50)
    await rig.tick()
    expect(rig.removed).toEqual([])
    rig.verified = 50
    rig.checkpoints(50)
    await rig.tick()
    expect(rig.removed).toEqual([50])
  })

  test('what a reader needs that came while the files were looked at stays', async () => {
    const rig = new RetentionRig()
    rig.checkpoints(50, 50, 50)
    rig.whenVerified = () => rig.retention.hold(at(20))
    await rig.tick()
    expect(rig.removed).toEqual([20])
  })

  test('a checkpoint that was received counts alone', async () => {
    const rig = new RetentionRig()
    rig.checkpoints(15, 25, 35)
    rig.retention.checkpointReplaced(at(45))
    await rig.tick()
    expect(rig.removed).toEqual([])
    rig.checkpoints(46, 47)
    await rig.tick()
    expect(rig.removed).toEqual([40])
  })

  test('a checkpoint that is ahead of the last commit mark waits for the mark', async () => {
    const rig = new RetentionRig()
    rig.committed = at(33)
    rig.checkpoints(45, 46, 47)
    await rig.tick()
    expect(rig.removed).toEqual([30])
  })

  test('the age of a segment is the time since the one after it was created', async () => {
    const rig = new RetentionRig(null, 35_000)
    rig.checkpoints(50, 50, 50)
    await rig.tick()
    expect(rig.removed).toEqual([20])
  })

  test('segments that a restart of the log removed while their age was asked for are asked for again', async () => {
    const rig = new RetentionRig(null, 5000)
    rig.checkpoints(50, 50, 50)
    rig.missing = '/data/wal/30'
    rig.whenMissing = () => rig.removed.push(30)
    await rig.tick()
    expect(rig.removed).toEqual([30])
    await rig.tick()
    expect(rig.removed).toEqual([30, 50])
    expect(rig.count('log-purge-failed')).toBe(0)
  })

  test('a segment that was removed by hand does not stop the purge, and counts as young as the next one', async () => {
    const rig = new RetentionRig(null, 25_000)
    rig.checkpoints(50, 50, 50)
    rig.missing = '/data/wal/30'
    await rig.tick()
    expect(rig.removed).toEqual([20])
    expect(rig.count('log-purge-failed')).toBe(0)
  })

  test('a disk that does not remove files is reported once, and tried again, with what was left first', async () => {
    const rig = new RetentionRig()
    rig.failure = Object.assign(new Error('EACCES: /data/wal'), { code: 'EACCES' })
    rig.checkpoints(25, 25, 25)
    await rig.tick()
    await rig.tick(checkpointRetryMs)
    expect([rig.count('log-purge-failed'), rig.removed]).toEqual([1, []])
    rig.failure = null
    rig.checkpoints(50, 50, 50)
    await rig.tick(checkpointRetryMs)
    expect(rig.removed).toEqual([20, 50])
  })

  test('while the disk of the log is full, the log goes up to the newest checkpoint at once, whatever is kept else', async () => {
    const rig = new RetentionRig(3_600_000, 600_000, 500 * mib)
    rig.checkpoints(35)
    await rig.tick()
    expect(rig.removed).toEqual([])
    rig.diskFullSinceMs = rig.monotonicMs
    await rig.tick()
    expect(rig.removed).toEqual([30])
    expect(rig.count('log-purged-for-space')).toBe(1)
    rig.checkpoints(45)
    await rig.tick()
    expect(rig.removed).toEqual([30, 40])
  })

  test('on a full disk what readers hold stays, and goes once they are done', async () => {
    const rig = new RetentionRig()
    rig.checkpoints(50)
    const release = rig.retention.hold(at(12))
    rig.diskFullSinceMs = 0
    await rig.tick()
    expect(rig.removed).toEqual([10])
    release()
    await rig.tick()
    expect(rig.removed).toEqual([10, 50])
  })

  test('on a full disk nothing goes without a checkpoint, nor where the operator keeps everything', async () => {
    const without = new RetentionRig()
    const keepsSize = new RetentionRig(null, 0, null)
    const keepsAge = new RetentionRig(null, null, 0)
    for (const rig of [without, keepsSize, keepsAge]) {
      if (rig !== without) rig.checkpoints(50, 50, 50)
      rig.diskFullSinceMs = 0
      await rig.tick()
      expect(rig.removed).toEqual([])
    }
  })

  test('on a full disk a checkpoint whose files are not usable is looked at again after a while, and not at each tick', async () => {
    const rig = new RetentionRig()
    let lookCount = 0
    rig.whenVerified = () => lookCount++
    rig.verified = null
    rig.diskFullSinceMs = 0
    rig.checkpoints(50)
    for (let i = 0; i < 5; i++) await rig.tick()
    expect([lookCount, rig.removed]).toEqual([1, []])
    rig.verified = 50
    await rig.tick(checkpointRetryMs)
    expect(rig.removed).toEqual([50])
  })

  test('after stop the log is not touched', async () => {
    const rig = new RetentionRig()
    rig.checkpoints(50, 50, 50)
    rig.retention.tick(1)
    rig.retention.stop()
    await rig.tick()
    expect(rig.removed).toEqual([])
  })
})
