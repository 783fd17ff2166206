/**
 * Goal: whenever power fails, recovery returns a state that the log had after some call, and not before the last
 * acknowledged one. Method: a seeded script runs against the simulated disk, which loses power at each of its
 * operations in turn, in each way it can; then recovery itself loses power once; then the log is used again. A script
 * may remove old segments, and it may replace the log by a copy of the state from a leader; the test then holds the
 * checkpoint for them. STORAGE_SCRIPTS=20 runs 20 scripts in addition
 * to the usual ones.
 */
import { expect, test } from 'vitest'
import type { ServerId, Zxid } from '../../src/base/ids.ts'
import { epochOf } from '../../src/base/ids.ts'
import type { ClusterId, LogRecord, TxnEntry } from '../../src/protocol/disk/log-record.ts'
import type { LogBase, LogPoint } from '../../src/storage/log-state.ts'
import type { LogStorage } from '../../src/storage/log-storage.ts'
import { sequenceOfName } from '../../src/storage/segment-header.ts'
import { type CrashMode, SimDisk } from '../simulator/sim-disk.ts'
import { SimRandom } from '../simulator/sim-random.ts'
import {
  appendAndWait,
  History,
  type Opened,
  openStorage,
  payloadOf,
  promptSchedule,
  recovered,
  VirtualTime,
} from './storage-rig.ts'

const stepCount = 40
const inFlightMax = 4

type Step =
  | { readonly kind: 'append'; readonly records: readonly LogRecord[] }
  | { readonly kind: 'truncate'; readonly zxid: Zxid }
  /** `base`: the committed history that a checkpoint holds by then. */
  | { readonly kind: 'remove-front'; readonly zxid: Zxid; readonly base: readonly TxnEntry[] }
  /** `base`: the history that a received checkpoint holds; it begins with what this log has committed. */
  | { readonly kind: 'restart'; readonly base: readonly TxnEntry[]; readonly epochs: Shape['epochs'] }

interface Shape {
  readonly zxids: readonly number[]
  readonly hashes: readonly number[]
  readonly epochs: readonly [number, number | null, number, number]
  readonly committed: number
}

interface Plan {
  readonly seed: number
  readonly segmentSizeBytes: number
  readonly largeSizeBytes: number // of a payload, sometimes
  readonly removesFront: boolean
  readonly restarts: boolean
}

/** Small segments, without and with removals and restarts, and one that is filled with zeros ahead of use. */
const plans: readonly Plan[] = [
  { seed: 1, segmentSizeBytes: 6 * 1024, largeSizeBytes: 3000, removesFront: false, restarts: false },
  { seed: 2, segmentSizeBytes: 3 * 1024, largeSizeBytes: 5000, removesFront: true, restarts: false },
  { seed: 3, segmentSizeBytes: 400 * 1024, largeSizeBytes: 40_000, removesFront: false, restarts: false },
  { seed: 12, segmentSizeBytes: 3 * 1024, largeSizeBytes: 3000, removesFront: true, restarts: true },
  ...Array.from({ length: Number(process.env['STORAGE_SCRIPTS'] ?? 0) }, (_, i) => ({
    seed: 100 + i,
    segmentSizeBytes: (2 + (i % 5)) * 1024,
    largeSizeBytes: 1000 * (1 + (i % 4)),
    removesFront: i % 4 !== 3,
    restarts: i % 2 === 1,
  })),
]

interface Script {
  readonly steps: readonly Step[]
  readonly shapes: readonly Shape[] // shapes[k]: the state of the log after k steps
}

function makeScript({ seed, largeSizeBytes, removesFront, restarts }: Plan): Script {
  const random = new SimRandom(seed)
  const history = new History()
  const steps: Step[] = []
  let epochs: Shape['epochs'] = [0, null, 0, 0]
  let committed = 0
  let replacedAt = 0
  const shapes: Shape[] = [shapeOf([], epochs, 0)]
  let epoch = 1
  let counter = 0
  while (steps.length < stepCount) {
    const dice = random.below(10)
    const uncommitted = history.entries.filter((entry) => entry.zxid >= committed)
    if (dice === 0 && uncommitted.length > 1) {
      const { zxid } = random.pick(uncommitted)
      history.truncateAfter(zxid)
      steps.push({ kind: 'truncate', zxid })
    } else if (dice === 2 && removesFront && committed > 0) {
      const base = history.entries.filter((entry) => entry.zxid <= committed).slice(0, -random.below(3) || undefined)
      if ((base.at(-1)?.zxid ?? 0) <= replacedAt) continue // a checkpoint never goes back
      steps.push({ kind: 'remove-front', zxid: base.at(-1 - random.below(Math.min(3, base.length)))!.zxid, base })
    } else if (dice === 3 && restarts && epochs[0] > 0) {
      history.truncateAfter(committed)
      counter = Math.max(0, committed - epoch * 2 ** 32)
      for (let left = random.between(1, 3); left > 0; left--) {
        history.next(epoch * 2 ** 32 + ++counter, payloadOf(random, random.below(50)))
      }
      committed = history.entries.at(-1)!.zxid
      replacedAt = committed
      steps.push({ kind: 'restart', base: [...history.entries], epochs })
    } else if (dice === 1) {
      epoch++
      counter = 0
      const accepted: LogRecord = {
        kind: 'accepted-epoch',
        epoch: epochOf((epoch * 2 ** 32) as Zxid),
        leader: 2 as ServerId,
      }
      const current: LogRecord = {
        kind: 'current-epoch',
        epoch: accepted.epoch,
        clusterId: (2 ** 50 + epoch) as ClusterId,
      }
      steps.push({ kind: 'append', records: [accepted, current] })
      epochs = [epoch, 2, epoch, 2 ** 50 + epoch]
    } else {
      const records: LogRecord[] = []
      for (let left = random.between(1, 3); left > 0; left--) {
        const sizeBytes = random.chance(0.2) ? random.below(largeSizeBytes) : random.below(120)
        records.push(history.next(epoch * 2 ** 32 + ++counter, payloadOf(random, sizeBytes)))
      }
      if (random.chance(0.5)) {
        committed = random.pick(history.entries.filter((entry) => entry.zxid >= committed)).zxid
        records.push({ kind: 'committed', zxid: committed as Zxid })
      }
      steps.push({ kind: 'append', records })
    }
    shapes.push(shapeOf(history.entries, epochs, committed))
  }
  return { steps, shapes }
}

function shapeOf(entries: readonly TxnEntry[], epochs: Shape['epochs'], committed: number): Shape {
  return { zxids: entries.map((entry) => entry.zxid), hashes: entries.map((entry) => entry.hash), epochs, committed }
}

/** `base`: the point that the checkpoint of the script has reached. */
function shapeFound(opened: Opened, base: readonly TxnEntry[]): Shape {
  const found = recovered(opened)
  const { acceptedEpoch, acceptedLeader, currentEpoch, clusterId, committed, tail } = found
  for (const entry of opened.committed) expect(entry.zxid).toBeLessThanOrEqual(committed)
  const entries = [...base, ...opened.committed, ...tail]
  expect(found.lastZxid).toBe(entries.at(-1)?.zxid ?? 0)
  return shapeOf(entries, [acceptedEpoch, acceptedLeader, currentEpoch, clusterId], committed)
}

function pointOf(base: readonly TxnEntry[]): LogPoint {
  const { zxid, hash } = base.at(-1)!
  return { zxid, hash }
}

function baseOf({ base, received }: Played): LogBase | LogPoint | null {
  if (base.length === 0 || received === null) return base.length === 0 ? null : pointOf(base)
  return { ...pointOf(base), origin: 'received', clusterId: received[3], epoch: received[2] }
}

interface Played {
  readonly acked: number
  /** The content of a checkpoint, which is durable before anything is removed. */
  readonly base: readonly TxnEntry[]
  /** The epochs of the log when a leader sent the checkpoint; null: it was made from this log. */
  readonly received: Shape['epochs'] | null
}

/**
 * Runs the steps with a few in flight at a time. A checkpoint is made of what is durable, so a removal waits for that;
 * and a learner gets a copy after its earlier steps are durable.
 */
function play(storage: LogStorage, script: Script): () => Played {
  let issued = 0
  let base: readonly TxnEntry[] = []
  let received: Shape['epochs'] | null = null
  let acked = 0
  const issue = (): void => {
    while (issued < script.steps.length && issued - acked < inFlightMax) {
      const step = script.steps[issued]!
      if ((step.kind === 'remove-front' || step.kind === 'restart') && acked < issued) return
      issued++
      const done = (error: Error | null): void => {
        if (error !== null) throw error
        acked++
        issue()
      }
      if (step.kind === 'append') storage.append(step.records, done)
      else if (step.kind === 'truncate') storage.truncateAfter(step.zxid, done)
      else if (step.kind === 'restart') {
        base = step.base
        received = step.epochs
        storage.restartAt(pointOf(base), step.epochs[3] as ClusterId, done)
      } else {
        base = step.base
        received = null
        storage.removeThrough(step.zxid).then(() => done(null), done)
      }
    }
  }
  issue()
  return () => ({ acked, base, received })
}

/** Runs the script from an empty disk until operation `crashAt` has been started. */
async function runUntilCrash(
  plan: Plan,
  seed: number,
  script: Script,
  crashAt: number,
): Promise<{ disk: SimDisk; played: Played; ended: boolean }> {
  const time = new VirtualTime()
  const faults = { latencyMsMin: 1, latencyMsMax: 5 }
  const disk = new SimDisk({ random: new SimRandom(seed), schedule: time.schedule, faults })
  let played = (): Played => ({ acked: 0, base: [], received: null })
  const options = { timers: time.timers, segmentSizeBytes: plan.segmentSizeBytes, sealDelayMs: 3 }
  void openStorage(disk, options).then((opened) => {
    recovered(opened)
    played = play(opened.storage, script)
  })
  await time.run(() => disk.operationCount >= crashAt)
  return { disk, played: played(), ended: disk.operationCount < crashAt }
}

const modes: readonly CrashMode[] = ['keep-all', 'drop-all', 'random', 'torn']

for (const plan of plans) {
  const { seed } = plan
  test(`no acknowledged step of script ${seed} is lost when power fails at any disk operation`, {
    timeout: 120_000,
  }, async () => {
    const script = makeScript(plan)
    let crashCount = 0
    for (let crashAt = 1; ; crashAt++) {
      let hasEnded = false
      for (const mode of modes) {
        const before = await runUntilCrash(plan, seed * 1000 + crashAt, script, crashAt)
        hasEnded = before.ended
        await checkRecovery(plan, script, before.disk, before.played, mode, seed * 1_000_000 + crashAt)
        crashCount++
      }
      if (hasEnded) {
        const { disk, played } = await runUntilCrash(plan, seed, script, 1e9)
        expect(played.acked).toBe(script.steps.length)
        if (seed === 12) expect(script.steps.filter((step) => step.kind === 'restart').length).toBeGreaterThan(2)
        if (seed === 2) expect(sequenceOfName(disk.paths()[0]!.split('/').at(-1)!)).toBeGreaterThan(2)
        break
      }
    }
    expect(crashCount).toBeGreaterThan(100)
  })
}

/** Recovers, in half of the cases after another crash in the middle of recovery, compares, and appends again. */
async function checkRecovery(
  plan: Plan,
  script: Script,
  crashed: SimDisk,
  played: Played,
  mode: CrashMode,
  seed: number,
): Promise<void> {
  const { acked, base } = played
  const options = { segmentSizeBytes: plan.segmentSizeBytes, base: baseOf(played) }
  const random = new SimRandom(seed)
  const schedule = promptSchedule
  const disk = random.chance(0.5)
    ? crashed.crash(mode, { schedule })
    : await crashInRecovery(options, crashed, mode, random)
  const opened = await openStorage(disk, options)
  const found = shapeFound(opened, base)
  const step = script.shapes.findLastIndex((shape) => JSON.stringify(shape) === JSON.stringify(found))
  expect(step, `${mode} after ${acked} acknowledged`).toBeGreaterThanOrEqual(acked)

  // What recovery returned is durable and can be appended to, even if power fails again at once.
  const history = new History()
  history.entries = [...base, ...opened.committed, ...recovered(opened).tail]
  for (const sizeBytes of [10, 700]) {
    await appendAndWait(opened.storage, [
      history.next(recovered(opened).lastZxid + 2 ** 34 + sizeBytes, payloadOf(random, sizeBytes)),
    ])
  }
  const again = await openStorage(disk.crash('drop-all'), options)
  expect(shapeFound(again, base)).toEqual(shapeOf(history.entries, found.epochs, found.committed))
}

async function crashInRecovery(
  options: Parameters<typeof openStorage>[1],
  crashed: SimDisk,
  mode: CrashMode,
  random: SimRandom,
): Promise<SimDisk> {
  let left = random.below(25)
  const schedule = (delayMs: number, callback: () => void): void => {
    if (left-- > 0) promptSchedule(delayMs, callback)
  }
  const disk = crashed.crash(mode, { schedule })
  void openStorage(disk, options)
  await new Promise<void>((resolve) => setImmediate(resolve))
  return disk.crash(random.pick(modes), { schedule: promptSchedule })
}
