/**
 * The script of the sweep: acts that follow one another on the same disks. Each begins with the start of all servers after a
 * loss of power, and each brings about one way in which a server gets its data.
 */
import type { ServerId } from '../../src/base/ids.ts'
import type { CrashMode } from '../simulator/sim-disk.ts'
import type { Stage } from './stage.ts'

export interface Act {
  readonly name: string
  readonly play: (stage: Stage) => Promise<void>
  /** Log events without which the act has not brought about what it is for. */
  readonly brings: readonly string[]
  /** Log events with which it has brought about something else. */
  readonly spares?: readonly string[]
  /** How the disks are left to the next act. */
  readonly ends: CrashMode
}

export const acts: readonly Act[] = [
  {
    name: 'first start',
    brings: ['initialize-file-used', 'serving-as-leader', 'checkpoint-made'],
    ends: 'drop-all',
    async play(stage) {
      await stage.write(36)
    },
  },
  {
    name: 'checkpoints and purge',
    brings: ['checkpoint-loaded', 'checkpoint-made', 'log-purged'],
    ends: 'torn',
    async play(stage) {
      await stage.write(56)
    },
  },
  {
    name: 'election',
    brings: ['became-looking', 'serving-as-leader'],
    ends: 'drop-all',
    async play(stage) {
      await stage.write(8)
      const deposed = await stage.leader()
      stage.powerOff(deposed, 'torn')
      await stage.write(16)
      await stage.bringUp(deposed)
      await stage.write(8)
    },
  },
  {
    name: 'a learner is brought up from the log',
    brings: ['serving-as-follower'],
    spares: ['checkpoint-offered', 'history-cut'],
    ends: 'torn',
    async play(stage) {
      await stage.write(4)
      const learner = await stage.follower()
      await stage.stop(learner)
      await stage.write(12) // more than a leader keeps in memory, and less than its log
      await stage.bringUp(learner)
      await stage.write(8)
    },
  },
  {
    name: 'a tail is taken back',
    brings: ['history-cut', 'became-looking'],
    ends: 'drop-all',
    async play(stage) {
      await stage.write(8)
      const isolated = await stage.attachToLeader()
      stage.isolate(isolated)
      await stage.writeInVain(6)
      await stage.untilAnotherLeads(isolated)
      await stage.write(12)
      stage.mendLinks()
      await stage.bringUp(isolated)
      await stage.write(12)
    },
  },
  {
    name: 'a learner that lags gets a copy',
    brings: ['log-purged', 'checkpoint-offered', 'checkpoint-installed'],
    ends: 'torn',
    async play(stage) {
      await stage.write(4)
      const learner = await stage.follower()
      stage.powerOff(learner, 'drop-all')
      await stage.write(48)
      await stage.untilCommitsAreMarked()
      await stage.write(28)
      await stage.bringUp(learner)
      await stage.write(12)
    },
  },
  {
    name: 'a wiped server gets a copy',
    brings: ['empty-data-not-trusted', 'checkpoint-offered', 'checkpoint-installed', 'log-purged'],
    ends: 'drop-all',
    async play(stage) {
      await stage.write(4)
      const wiped = await stage.follower()
      await stage.wipe(wiped)
      await stage.write(4)
      await stage.bringUp(wiped)
      await stage.write(36)
    },
  },
  {
    name: 'orderly stop',
    brings: ['server-stopped', 'checkpoint-loaded'],
    ends: 'drop-all',
    async play(stage) {
      await stage.write(12)
      const order: readonly ServerId[] = [await stage.follower(), await stage.leader()]
      for (const id of order) await stage.stop(id)
      await stage.stopAll()
      await stage.startAll()
      await stage.write(16)
    },
  },
]
