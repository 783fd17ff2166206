/**
 * The checkpoints of a running server: when one is made, and which part of the log is kept beside it.
 */
import type { LastCheckpoint } from '../../admin/server-status.ts'
import { isDamage, isLogDamage } from '../../base/disk-failure.ts'
import type { Zxid } from '../../base/ids.ts'
import { ok, type Result } from '../../base/result.ts'
import { CheckpointLoader } from '../../checkpoint/checkpoint-loader.ts'
import { checkpointFolderOf } from '../../checkpoint/current-file.ts'
import type { Config } from '../../config/config.ts'
import type { ServerMetrics } from '../../metrics/server-metrics.ts'
import type { CheckpointCopy, CheckpointFacts, Checkpoints } from '../../ports/checkpoints.ts'
import type { Log } from '../../ports/log.ts'
import type { Ports } from '../../ports/ports.ts'
import type { OpenedData } from '../data-start.ts'
import { type CheckpointAnswer, type CheckpointReport, CheckpointSchedule } from './checkpoint-schedule.ts'
import type { CheckpointAccess, CopyLoader } from './checkpoint-transfers.ts'
import { copyIsQuicker } from './copy-choice.ts'
import { LogRetention, type PurgeReport } from './log-retention.ts'

export interface CheckpointingOptions {
  readonly data: OpenedData
  readonly config: Config
  readonly ports: Pick<Ports, 'clock' | 'timers' | 'disk'>
  readonly log: Log
  readonly metrics: ServerMetrics
  /** The thread of the checkpoint finds that the log no longer reads back, although it was durable. */
  readonly logDamaged: (error: Error) => void
}

export class Checkpointing implements CheckpointAccess {
  readonly checkpoints: Checkpoints
  readonly #retention: LogRetention
  readonly #schedule: CheckpointSchedule
  readonly #storage: OpenedData['storage']
  readonly #logDamaged: CheckpointingOptions['logDamaged']

  constructor({ data, config, ports, log, metrics, logDamaged }: CheckpointingOptions) {
    const { storage, state, checkpoints, startedFrom, dataFolder } = data
    this.checkpoints = checkpoints
    this.#storage = storage
    this.#logDamaged = logDamaged
    const { clock, timers, disk } = ports
    const settings = config.storage
    const now = () => ({ monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() })
    const folder = dataFolder.walFolder
    const verify = () => this.#schedule.verify()
    const retention = new LogRetention({ storage, disk, log, folder, settings, verify, now })
    if (startedFrom.facts !== null) retention.noteCheckpoint(startedFrom.facts.zxid)
    this.#retention = retention
    this.#schedule = new CheckpointSchedule({
      checkpoints,
      folder: checkpointFolderOf(config),
      triggers: settings.checkpointTriggers,
      clock,
      timers,
      log,
      metrics,
      startedFrom,
      newestTxn: () => storage.durableUpTo(state.lastApplied),
      logIsFull: () => storage.diskFullSinceMs !== null,
      logGrowth: () => storage.appended,
      logIsWhole: () => storage.isWhole,
      made: (zxid) => retention.noteCheckpoint(zxid),
      logDamaged,
      givenUp: () => retention.checkpointReplaced(null),
    })
  }

  /** Null: there is no checkpoint. */
  get last(): LastCheckpoint | null {
    const { last, lastAgeMs: ageMs, sizeBytes } = this.#schedule
    return last === null ? null : { zxid: last.zxid, sizeBytes, ageMs }
  }

  /** Bytes of the files of the checkpoint. */
  get sizeBytes(): number {
    return this.#schedule.sizeBytes
  }

  /** The files of the checkpoint are damaged or missing, and were not replaced yet. */
  get isDamaged(): boolean {
    return this.#schedule.isDamaged
  }

  /** A copy of it brings up a learner with the history up to `after` more quickly than the log. */
  copyIsQuicker(after: Zxid): boolean {
    const { last, sizeBytes } = this.#schedule
    const checkpoint = last === null ? null : { zxid: last.zxid, sizeBytes }
    return copyIsQuicker({ segments: this.#storage.closedSegments(), checkpoint }, after)
  }

  /** An operator wants a checkpoint now. The answer comes when what it replaces of the log has been removed, too. */
  ask(answer: (outcome: Result<CheckpointReport & { readonly log: PurgeReport }, string>) => void): void {
    this.#schedule.ask((outcome) => {
      if (outcome.ok) this.#retention.report((log) => answer(ok({ ...outcome.value, log })))
      else answer(outcome)
    })
  }

  /** Makes a checkpoint, or finds that the present one has all txns. */
  async make(): Promise<void> {
    const outcome = await new Promise<Parameters<CheckpointAnswer>[0]>((resolve) => this.#schedule.ask(resolve))
    if (!outcome.ok) throw Object.assign(new Error(outcome.error), { code: 'ENOCHECKPOINT' })
  }

  tick(nowMs: number): void {
    this.#schedule.tick()
    this.#retention.tick(nowMs)
  }

  /** Keeps the txns after `after` in the log until the returned function is called. */
  readonly holdLog = (after: Zxid): (() => void) => this.#retention.hold(after)

  /**
   * A copy for a learner or a backup. Damage that it meets is noted, as long as the log may still replace the checkpoint:
   * `verify` looks at files, and does not read them.
   */
  readonly copy = async (): Promise<CheckpointCopy> => {
    const copy = await this.#notingDamage(() => this.checkpoints.copy())
    return {
      facts: copy.facts,
      hasChecksums: copy.hasChecksums,
      chunkCount: copy.chunkCount,
      chunk: (number) => this.#notingDamage(() => copy.chunk(number)),
      close: () => copy.close(),
    }
  }

  /** Of the log, for a backup. */
  readonly history: Checkpoints['history'] = async (after, through) => {
    const opened = await this.#notingDamage(() => this.checkpoints.history(after, through))
    if (!opened.ok) return opened
    const history = opened.value
    return ok({ next: () => this.#notingDamage(() => history.next()), close: () => history.close() })
  }

  async #notingDamage<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read()
    } catch (cause) {
      if (isDamage(cause)) this.#schedule.noteDamage(cause)
      if (isLogDamage(cause)) this.#logDamaged(cause)
      throw cause
    }
  }

  readonly newLoader = (): CopyLoader => new CheckpointLoader(false)

  /** The checkpoint was replaced by one that was received, and the log restarted at it; null: it was discarded. */
  readonly replaced = (facts: CheckpointFacts | null): void => {
    this.#retention.checkpointReplaced(facts?.zxid ?? null)
    this.#schedule.checkpointReplaced(facts)
  }

  /** Called before the log closes. `withLast`: with a last checkpoint, within closingCheckpointMsMax. */
  close(withLast: boolean): Promise<void> {
    this.#retention.stop()
    return this.#schedule.close(withLast)
  }
}
