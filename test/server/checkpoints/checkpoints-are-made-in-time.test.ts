import { describe, expect, test } from 'vitest'
import type { ChainHash } from '../../../src/base/chain-hash.ts'
import type { Zxid } from '../../../src/base/ids.ts'
import { checkpointRetryMs, closingCheckpointMsMax } from '../../../src/base/limits.ts'
import { err, ok } from '../../../src/base/result.ts'
import type { CheckpointTriggers } from '../../../src/config/storage-settings.ts'
import { newMetrics } from '../../../src/metrics/server-metrics.ts'
import type { CheckpointFacts } from '../../../src/ports/checkpoints.ts'
import { CheckpointSchedule, type LogGrowth } from '../../../src/server/checkpoints/checkpoint-schedule.ts'
import { SimProcess } from '../../simulator/scheduler.ts'
import { SimClock, simTimers } from '../../simulator/sim-clock.ts'
import { ServerRig } from '../../support/server-rig.ts'

function factsOf(zxid: number): CheckpointFacts {
  const hash = zxid as ChainHash
  const counts = { znodeCount: 5, sessionCount: 1, clusterId: 1, epoch: 1 }
  return { zxid: zxid as Zxid, hash, origin: 'folded', ...counts, digest: '0', digestVersion: 2 }
}

const never: CheckpointTriggers = { txnCount: 1e9, logSizeBytes: null, intervalMs: null }

/** A schedule over a keeper whose steps the test finishes by hand. */
class ScheduleRig {
  readonly rig = new ServerRig()
  readonly metrics = newMetrics()
  readonly begun: number[] = []
  readonly made: number[] = []
  readonly discarded: (string | undefined)[] = []
  readonly done: string[] = [] // what else was asked of the keeper, or decided
  isLogWhole = true
  /** What a look at the files says; null: they are as they should be. */
  damage: string | null = null
  repaired: string | null = null
  lookFails: Error | null = null
  newest: number | null = 0
  growth: LogGrowth = { txnCount: 0, sizeBytes: 0 }
  isKeeperClosed = false
  isLogFull = false
  readonly schedule: CheckpointSchedule
  #finish: ((error: Error | null) => void) | null = null

  constructor(
    triggers: CheckpointTriggers,
    from: CheckpointFacts | null = null,
    later = { txnCount: 0, sizeBytes: 0 },
  ) {
    const { scheduler, log } = this.rig
    this.schedule = new CheckpointSchedule({
      checkpoints: {
        advance: (through) => {
          this.begun.push(through)
          return new Promise((resolve, reject) => {
            this.#finish = (error) => (error === null ? resolve(factsOf(through)) : reject(error))
          })
        },
        verify: async () => {
          const { damage, repaired, lookFails } = this
          if (lookFails !== null) throw lookFails
          if (damage !== null) return err({ kind: 'damaged', message: damage })
          return ok({ facts: factsOf(this.begun.at(-1) ?? 0), repaired })
        },
        discard: async (store) => {
          this.done.push('discarded')
          this.discarded.push(store)
          this.damage = null
        },
        clean: async () => {
          this.done.push('cleaned')
        },
        sizeBytes: async () => 4096,
        close: async () => {
          this.isKeeperClosed = true
          scheduler.noteAsync()
        },
      },
      folder: '/data/checkpoint',
      triggers,
      clock: new SimClock(scheduler, { rate: 1, monotonicStartMs: 5000, wallOffsetMs: 0 }),
      timers: simTimers(scheduler, new SimProcess('server'), 1),
      log,
      metrics: this.metrics,
      startedFrom: { facts: from, sizeBytes: 0, later },
      newestTxn: () => this.newest as Zxid | null,
      logIsFull: () => this.isLogFull,
      logGrowth: () => this.growth,
      logIsWhole: () => this.isLogWhole,
      made: (zxid) => this.made.push(zxid),
      logDamaged: () => this.done.push('log damaged'),
      givenUp: () => this.done.push('given up'),
    })
  }

  /** `txnCount` further txns. */
  write(txnCount: number, sizeBytes = 0): void {
    this.newest = (this.newest ?? 0) + txnCount
    this.growth = { txnCount: this.growth.txnCount + txnCount, sizeBytes: this.growth.sizeBytes + sizeBytes }
  }

  async tick(ms = 100): Promise<void> {
    await this.rig.run(ms)
    this.schedule.tick()
  }

  /** The keeper ends the step that is under way. */
  async finish(error: Error | null = null): Promise<void> {
    this.#finish!(error)
    await this.rig.run(1)
  }

  ask(): { outcome: string | null } {
    const asked: { outcome: string | null } = { outcome: null }
    this.schedule.ask((outcome) => {
      asked.outcome = outcome.ok ? `at ${outcome.value.facts.zxid}` : outcome.error
    })
    return asked
  }
}

function diskFull(): Error {
  return Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
}

describe('what makes a checkpoint due', () => {
  test('snapCount txns do, counted from the last checkpoint', async () => {
    const rig = new ScheduleRig({ ...never, txnCount: 10 })
    rig.write(9)
    await rig.tick()
    expect(rig.begun).toEqual([])
    rig.write(1)
    await rig.tick()
    expect(rig.begun).toEqual([10])
    rig.write(3) // while the first is being made: they count for the next
    await rig.finish()
    rig.write(6)
    await rig.tick()
    expect(rig.begun).toEqual([10])
    rig.write(1)
    await rig.tick()
    expect(rig.begun).toEqual([10, 20])
    expect(rig.made).toEqual([10])
  })

  test('the txns that the start read after the checkpoint count', async () => {
    const rig = new ScheduleRig({ ...never, txnCount: 10 }, factsOf(5), { txnCount: 8, sizeBytes: 0 })
    rig.newest = 13
    await rig.tick()
    expect(rig.begun).toEqual([])
    rig.write(2)
    await rig.tick()
    expect(rig.begun).toEqual([15])
  })

  test('the growth of the log does', async () => {
    const rig = new ScheduleRig({ ...never, logSizeBytes: 1000 })
    rig.write(1, 999)
    await rig.tick()
    expect(rig.begun).toEqual([])
    rig.write(1, 1)
    await rig.tick()
    expect(rig.begun).toEqual([2])
  })

  test('time does if anything has changed', async () => {
    const rig = new ScheduleRig({ ...never, intervalMs: 60_000 }, factsOf(7))
    rig.newest = 7
    await rig.tick(60_000)
    expect(rig.begun).toEqual([])
    rig.write(1)
    await rig.tick(59_000)
    expect(rig.begun).toEqual([])
    await rig.tick(1000)
    expect(rig.begun).toEqual([8])
  })

  test('a checkpoint waits while the log does not know its newest durable txn', async () => {
    const rig = new ScheduleRig({ ...never, txnCount: 10 })
    rig.write(10)
    rig.newest = null
    await rig.tick()
    expect(rig.begun).toEqual([])
    rig.newest = 10
    await rig.tick()
    expect(rig.begun).toEqual([10])
  })

  test('one step runs at a time', async () => {
    const rig = new ScheduleRig({ ...never, txnCount: 10 })
    rig.write(10)
    await rig.tick()
    rig.write(100)
    await rig.tick()
    expect(rig.begun).toEqual([10])
    await rig.finish()
    await rig.tick()
    expect(rig.begun).toEqual([10, 110])
  })
})

describe('a request for a checkpoint', () => {
  test('a request is answered by a checkpoint that was begun after it', async () => {
    const rig = new ScheduleRig({ ...never, txnCount: 10 })
    rig.write(10)
    await rig.tick()
    rig.write(1)
    const asked = rig.ask()
    await rig.finish()
    expect(asked.outcome).toBeNull()
    await rig.tick()
    expect(rig.begun).toEqual([10, 11])
    await rig.finish()
    expect(asked.outcome).toBe('at 11')
  })

  test('a request is answered at once if nothing has changed', async () => {
    const rig = new ScheduleRig(never, factsOf(7))
    rig.newest = 7
    expect(rig.ask().outcome).toBe('at 7')
    expect(new ScheduleRig(never).ask().outcome).toBe('nothing was written yet')
  })

  test('a request is answered with the reason while a log on a full disk does not know what is durable', async () => {
    const rig = new ScheduleRig(never)
    rig.newest = null
    rig.isLogFull = true
    expect(rig.ask().outcome).toContain('the log waits for space on its disk')
    rig.isLogFull = false
    const asked = rig.ask()
    await rig.tick()
    expect(asked.outcome).toBeNull()
    rig.isLogFull = true
    await rig.tick()
    expect(asked.outcome).toContain('Free space in dataLogDir')
  })

  test('a request begins a try at once although the last one failed', async () => {
    const rig = new ScheduleRig(never)
    rig.write(1)
    const first = rig.ask()
    await rig.finish(diskFull())
    expect(first.outcome).toContain('/data/checkpoint: the disk is full')
    const second = rig.ask()
    await rig.finish()
    expect(second.outcome).toBe('at 1')
  })
})

describe('a checkpoint that fails', () => {
  test('a failure is reported once and tried again until it passes', async () => {
    const rig = new ScheduleRig({ ...never, txnCount: 10 })
    rig.write(10)
    await rig.tick()
    await rig.finish(diskFull())
    await rig.tick(checkpointRetryMs - 1000)
    expect(rig.begun).toEqual([10])
    await rig.tick(1000)
    expect(rig.begun).toEqual([10, 10])
    await rig.finish(diskFull())
    expect(rig.rig.events('checkpoint-failed')).toHaveLength(1)
    expect(rig.rig.events('checkpoint-failed')[0]!.advice).toContain('Free space')
    expect(rig.metrics.snapshot_error_count.value).toBe(2)
    rig.write(5)
    await rig.tick(checkpointRetryMs)
    expect(rig.begun).toEqual([10, 10, 15])
    await rig.finish()
    expect(rig.made).toEqual([15])
    expect(rig.rig.events('checkpoint-made')).toMatchObject([{ zxid: '0xf', znodeCount: 5, sizeBytes: 4096 }])
    expect(rig.metrics.snapshottime.summary.count).toBe(1)
  })

  test('another reason is reported again', async () => {
    const rig = new ScheduleRig({ ...never, txnCount: 10 })
    rig.write(10)
    await rig.tick()
    await rig.finish(diskFull())
    await rig.tick(checkpointRetryMs)
    await rig.finish(new Error('the worker ended'))
    expect(rig.rig.events('checkpoint-failed').map(({ err }) => (err as Error).message)).toEqual([
      'ENOSPC: no space left on device',
      'the worker ended',
    ])
  })
})

describe('a checkpoint whose files are not as they should be', () => {
  test('damaged files are replaced in the same step while the log is whole', async () => {
    const rig = new ScheduleRig({ ...never, txnCount: 10 })
    rig.write(10)
    await rig.tick()
    rig.damage = 'a table is missing'
    await rig.finish()
    expect(rig.done).toEqual(['given up', 'discarded'])
    expect([rig.begun, rig.made, rig.schedule.isDamaged]).toEqual([[10, 10], [], true])
    await rig.finish()
    expect([rig.made, rig.schedule.isDamaged]).toEqual([[10], false])
    expect(rig.done).toEqual(['given up', 'discarded', 'cleaned'])
    expect(rig.rig.events('checkpoint-damaged')).toMatchObject([{ text: 'a table is missing' }])
    expect(rig.rig.events('checkpoint-failed')).toEqual([])
  })

  test('damage that is found before a purge is repaired with the next tick', async () => {
    const rig = new ScheduleRig(never, factsOf(7))
    rig.newest = 7
    expect(await rig.schedule.verify()).toBe(0)
    rig.damage = 'a table is missing'
    expect(await rig.schedule.verify()).toBeNull()
    expect(await rig.schedule.verify()).toBeNull()
    expect(rig.rig.events('checkpoint-damaged')).toHaveLength(1)
    await rig.tick()
    expect([rig.done, rig.begun]).toEqual([['given up', 'discarded'], [7]])
    await rig.finish()
    expect([rig.made, await rig.schedule.verify()]).toEqual([[7], 7])
  })

  test('without the front of the log damage is reported once, and files that are brought back are used again', async () => {
    const rig = new ScheduleRig({ ...never, txnCount: 10 })
    rig.isLogWhole = false
    rig.damage = 'a table is missing'
    rig.write(10)
    const asked = rig.ask()
    await rig.finish()
    expect(asked.outcome).toBe('/data/checkpoint: a table is missing.')
    expect([rig.done, rig.made, rig.schedule.isDamaged]).toEqual([[], [], true])
    await rig.tick(checkpointRetryMs)
    await rig.finish()
    expect(rig.rig.events('checkpoint-lost')).toMatchObject([
      {
        text: 'a table is missing',
        advice: expect.stringContaining('move the content of dataDir and dataLogDir away'),
      },
    ])
    rig.damage = null
    await rig.tick(checkpointRetryMs)
    await rig.finish()
    expect([rig.made, rig.schedule.isDamaged]).toEqual([[10], false])
  })

  test('content that a reader found damaged stays damaged, whatever the files look like', async () => {
    const rig = new ScheduleRig({ ...never, txnCount: 10 }, factsOf(5))
    rig.isLogWhole = false
    rig.schedule.noteDamage({ message: 'a block does not have its checksum' })
    rig.write(15)
    await rig.tick()
    await rig.finish()
    expect(rig.schedule.isDamaged).toBe(true)
    expect(await rig.schedule.verify()).toBeNull()
    rig.schedule.checkpointReplaced(factsOf(20))
    expect(rig.schedule.isDamaged).toBe(false)
  })

  test('a checkpoint that was given up while it was made is not taken for the present one', async () => {
    const rig = new ScheduleRig({ ...never, txnCount: 10 })
    rig.write(10)
    const asked = rig.ask()
    rig.schedule.checkpointReplaced(null)
    await rig.finish()
    expect([rig.schedule.last, rig.made, asked.outcome]).toEqual([null, [], null])
    await rig.tick()
    await rig.finish()
    expect([rig.schedule.last?.zxid, rig.made]).toEqual([10, [10]])
    expect(asked.outcome).not.toBeNull()
  })

  test('only the store in which damage was found is discarded', async () => {
    const rig = new ScheduleRig({ ...never, txnCount: 10 }, factsOf(5))
    rig.newest = 5
    rig.schedule.noteDamage({ message: 'a block does not have its checksum', store: 'store-1' })
    await rig.tick()
    expect(rig.discarded).toEqual(['store-1'])
  })

  test('a file current that was written again is reported', async () => {
    const rig = new ScheduleRig(never, factsOf(7))
    rig.repaired = '/data/checkpoint/current was missing'
    expect(await rig.schedule.verify()).not.toBeNull()
    expect(rig.rig.events('checkpoint-file-written-again')).toMatchObject([
      { text: '/data/checkpoint/current was missing' },
    ])
  })

  test('files that the disk does not read are reported, and nothing is given up', async () => {
    const rig = new ScheduleRig(never, factsOf(7))
    rig.lookFails = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })
    expect(await rig.schedule.verify()).toBeNull()
    expect(rig.rig.events('checkpoint-failed')).toHaveLength(1)
    expect([rig.done, rig.schedule.isDamaged]).toEqual([[], false])
  })
})

describe('the last checkpoint', () => {
  test('a server that closes makes one, and then closes the keeper', async () => {
    const rig = new ScheduleRig(never)
    rig.write(3)
    const closed = rig.schedule.close(true)
    await rig.rig.run(1)
    expect([rig.begun, rig.isKeeperClosed]).toEqual([[3], false])
    await rig.finish()
    await rig.rig.settle(closed)
    expect(rig.isKeeperClosed).toBe(true)
  })

  test('the last checkpoint is left out after its time', async () => {
    const rig = new ScheduleRig(never)
    rig.write(3)
    const closed = rig.schedule.close(true)
    await rig.rig.run(closingCheckpointMsMax - 1)
    expect(rig.isKeeperClosed).toBe(false)
    await rig.rig.settle(closed)
    expect(rig.isKeeperClosed).toBe(true)
    expect(rig.rig.events('checkpoint-left-out')).toHaveLength(1)
    await rig.finish(new Error('closed'))
    expect(rig.rig.events('checkpoint-failed')).toEqual([])
  })

  test('the last checkpoint waits for the one under way, and is left out if nothing has changed since', async () => {
    const rig = new ScheduleRig({ ...never, txnCount: 3 })
    rig.write(3)
    await rig.tick()
    const closed = rig.schedule.close(true)
    await rig.rig.run(10)
    expect(rig.isKeeperClosed).toBe(false)
    await rig.finish()
    await rig.rig.settle(closed)
    expect(rig.begun).toEqual([3])
  })

  test('a server that does not trust its disk makes none', async () => {
    const rig = new ScheduleRig(never)
    rig.write(3)
    await rig.rig.settle(rig.schedule.close(false))
    expect([rig.begun, rig.isKeeperClosed]).toEqual([[], true])
  })

  test('requests that wait are answered when the server closes', async () => {
    const rig = new ScheduleRig({ ...never, txnCount: 3 })
    rig.write(3)
    await rig.tick()
    const asked = rig.ask()
    await rig.rig.settle(rig.schedule.close(false))
    expect(asked.outcome).toBe('the server is closing')
    expect(rig.ask().outcome).toBe('the server is closing')
  })
})
