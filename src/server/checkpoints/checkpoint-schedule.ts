/**
 * Decides when the checkpoint of this server advances, and runs one step at a time: after a number of txns, after the
 * log has grown, after a time, on request, and when the server closes.
 * Owns: that the keeper is asked only for txns that are committed and durable in the log, and that a checkpoint that is
 * slow or fails delays nothing but the purge of the log; and that damage to the checkpoint is noticed while the log may
 * still replace it: its files are looked at after each step. Assumes: a rejection of the keeper means that the store on
 * disk is as it was, or ahead by whole steps.
 */
import { InvariantViolation } from '../../base/assert.ts'
import { moveDataAway } from '../../base/data-advice.ts'
import { damageCode, explainDiskFailure, isDamage, isLogDamage } from '../../base/disk-failure.ts'
import { hexOfZxid, type Zxid } from '../../base/ids.ts'
import { checkpointRetryMs, closingCheckpointMsMax } from '../../base/limits.ts'
import { err, ok, type Result } from '../../base/result.ts'
import type { CheckpointTriggers } from '../../config/storage-settings.ts'
import type { ServerMetrics } from '../../metrics/server-metrics.ts'
import type { CheckpointFacts, CheckpointFailure, Checkpoints } from '../../ports/checkpoints.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Log } from '../../ports/log.ts'
import type { Timers } from '../../ports/timers.ts'
import { isDiskFull } from '../../storage/disk-space.ts'

/** How much history has been appended to the log. */
export interface LogGrowth {
  readonly txnCount: number
  readonly sizeBytes: number
}

export interface CheckpointReport {
  readonly facts: CheckpointFacts
  readonly sizeBytes: number // of the files of the store
  readonly durationMs: number // 0: nothing had changed since the last one
}

export type CheckpointAnswer = (outcome: Result<CheckpointReport, string>) => void

export interface CheckpointScheduleOptions {
  readonly checkpoints: Pick<Checkpoints, 'advance' | 'verify' | 'discard' | 'clean' | 'sizeBytes' | 'close'>
  readonly folder: string // of the checkpoint
  readonly triggers: CheckpointTriggers
  readonly clock: Clock
  readonly timers: Timers
  readonly log: Log
  readonly metrics: ServerMetrics
  /** The checkpoint that the server has started from, and how much of the log came after it. */
  readonly startedFrom: {
    readonly facts: CheckpointFacts | null
    readonly sizeBytes: number
    readonly later: LogGrowth
  }
  /** The newest txn that is committed and durable in the log; null: not known at the moment. */
  readonly newestTxn: () => Zxid | null
  /** The log waits for space on its disk. */
  readonly logIsFull: () => boolean
  /** Since the start of the server. */
  readonly logGrowth: () => LogGrowth
  /** Whether the log holds the whole history, so that a damaged checkpoint can be made again from it. */
  readonly logIsWhole: () => boolean
  /** A checkpoint is durable. */
  readonly made: (zxid: Zxid) => void
  /** The log no longer reads back. */
  readonly logDamaged: (error: Error) => void
  /** The checkpoint is given up, and is going to be made again from the whole log. */
  readonly givenUp: () => void
}

/**
 * What is wrong with the checkpoint. `to-be-discarded`, `made-again`: the log replaces it. `lasting`: nothing on the disk
 * does, since the log has lost its front.
 */
interface Damage {
  readonly kind: 'to-be-discarded' | 'made-again' | 'lasting'
  readonly text: string
  /** `files`: missing or cut, and usable again once an operator has brought them back. */
  readonly of: 'files' | 'content'
  readonly store: string | undefined // its name
}

/** An error, or a failure of the checkpoint. */
type FoundDamage = Pick<CheckpointFailure, 'message' | 'store'>

const logWaits =
  'the log waits for space on its disk, and what it holds durably is not known until then. Free space in dataLogDir.'
const adviceToCheck =
  'The log holds the whole history, so the checkpoint is made again from it. Find out why the files changed: check the disk.'
const adviceToSaveData =
  'The log has lost its front, so nothing on the disk of this server can replace the checkpoint: this server serves, and ' +
  'could not start again. If files were moved, bring them back; they are looked at again with the next checkpoint. ' +
  `Otherwise, in an ensemble: while the other members serve, stop this server, ${moveDataAway}, and start it: the data is ` +
  'copied from them. A server that is alone: do not stop it before its data was read out.'

type ScheduleState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running'; readonly done: Promise<void> }
  | { readonly kind: 'failed'; readonly retryAtMs: number } // the next try
  | { readonly kind: 'closed' }

export class CheckpointSchedule {
  readonly #options: CheckpointScheduleOptions
  #lastDurableAtMs: number
  #state: ScheduleState = { kind: 'idle' }
  #last: CheckpointFacts | null
  #sizeBytes: number
  #lastAtMs: number
  /** The log's growth when the last checkpoint was begun; below 0: the start has read that much after it. */
  #growthAtLast: LogGrowth
  #asked: CheckpointAnswer[] = []
  #damage: Damage | null = null
  /** How often another checkpoint has become current, or none. */
  #replacedCount = 0
  /** The failure that was logged last, until a checkpoint succeeds. */
  #loggedFailure: string | null = null

  constructor(options: CheckpointScheduleOptions) {
    this.#options = options
    const { facts, sizeBytes, later } = options.startedFrom
    this.#last = facts
    this.#sizeBytes = sizeBytes
    this.#lastAtMs = options.clock.monotonicMs()
    this.#lastDurableAtMs = this.#lastAtMs
    this.#growthAtLast = { txnCount: -later.txnCount, sizeBytes: -later.sizeBytes }
  }

  /** Null: there is no checkpoint. */
  get last(): CheckpointFacts | null {
    return this.#last
  }

  /** Since the last checkpoint was begun, or found to have every txn; at most since the start. */
  get lastAgeMs(): number {
    return this.#options.clock.monotonicMs() - this.#lastDurableAtMs
  }

  /** Bytes of the files of the store, as of the last checkpoint. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** From when it is noticed until a checkpoint is whole again. */
  get isDamaged(): boolean {
    return this.#damage !== null
  }

  /** A reader has found content of the checkpoint damaged. */
  noteDamage(found: FoundDamage): void {
    this.#found(found, 'content')
  }

  #found({ message: text, store }: FoundDamage, of: Damage['of']): void {
    const { log, folder, logIsWhole, givenUp } = this.#options
    if (this.#state.kind === 'closed' || this.#damage?.kind === 'to-be-discarded') return
    if (this.#damage?.kind === 'lasting' && this.#damage.text === text) return
    if (logIsWhole()) {
      this.#damage = { kind: 'to-be-discarded', text, of, store }
      this.#last = null
      log.error('checkpoint-damaged', { folder, text, advice: adviceToCheck })
      givenUp()
    } else {
      this.#damage = { kind: 'lasting', text, of, store }
      log.error('checkpoint-lost', { folder, text, advice: adviceToSaveData })
    }
  }

  /** Up to where the files of the checkpoint hold the history, as found on the disk now; null: they are not usable. */
  async verify(): Promise<Zxid | null> {
    if (this.#damage !== null) return null
    try {
      return (await this.#verify())?.zxid ?? null
    } catch (cause) {
      if (cause instanceof InvariantViolation) throw cause
      this.#logFailure(cause instanceof Error ? cause : new Error(String(cause)))
      return null
    }
  }

  /** `answer` is called once a checkpoint that was begun after this call is durable, or has failed. */
  ask(answer: CheckpointAnswer): void {
    if (this.#state.kind === 'closed') return answer(err('the server is closing'))
    this.#asked.push(answer)
    this.tick()
  }

  /** Another checkpoint is current now, which was not folded from this log; null: there is none. */
  checkpointReplaced(facts: CheckpointFacts | null): void {
    this.#last = facts
    this.#damage = null
    this.#replacedCount++
    this.#noteGrowth()
    this.#lastDurableAtMs = this.#lastAtMs
    const { checkpoints } = this.#options
    checkpoints.sizeBytes().then(
      (sizeBytes) => {
        this.#sizeBytes = sizeBytes
      },
      () => {}, // the next checkpoint measures it again
    )
  }

  tick(): void {
    const nowMs = this.#options.clock.monotonicMs()
    switch (this.#state.kind) {
      case 'closed':
      case 'running':
        return
      case 'failed':
        if (nowMs < this.#state.retryAtMs && this.#asked.length === 0) return
        this.#begin()
        return
      case 'idle':
        if (this.#asked.length > 0 || this.#isDue(nowMs)) this.#begin()
        return
    }
  }

  /**
   * The server closes. `withLast`: a last checkpoint is made, so that the next start has less to read; it may take
   * closingCheckpointMsMax, after which the keeper is closed although it has not finished.
   */
  async close(withLast: boolean): Promise<void> {
    const running = this.#state.kind === 'running' ? this.#state.done : Promise.resolve()
    const through = this.#changedUpTo()
    this.#state = { kind: 'closed' }
    this.#answerAll(err('the server is closing'))
    if (!withLast) return this.#options.checkpoints.close()
    await this.#closeAfter(running.then(() => this.#makeLast(through)))
  }

  #isDue(nowMs: number): boolean {
    const { txnCount, logSizeBytes, intervalMs } = this.#options.triggers
    if (this.#damage?.kind === 'to-be-discarded') return true
    const growth = this.#options.logGrowth()
    if (growth.txnCount - this.#growthAtLast.txnCount >= txnCount) return true
    if (logSizeBytes !== null && growth.sizeBytes - this.#growthAtLast.sizeBytes >= logSizeBytes) return true
    return intervalMs !== null && nowMs - this.#lastAtMs >= intervalMs
  }

  /** The end of a checkpoint that is worth making; null: nothing has changed, or the end is not known yet. */
  #changedUpTo(): Zxid | null {
    const newest = this.#options.newestTxn()
    return newest === null || newest <= (this.#last?.zxid ?? 0) ? null : newest
  }

  #begin(): void {
    const newest = this.#options.newestTxn()
    if (newest === null) {
      // Otherwise the next tick asks again.
      if (this.#options.logIsFull()) this.#answerAll(err(logWaits))
      return
    }
    // The files of a checkpoint that was damaged are looked at again: they may have been brought back.
    const through = this.#changedUpTo() ?? (this.#damage === null ? null : (this.#last?.zxid ?? null))
    if (through === null) return this.#skip()
    this.#state = { kind: 'running', done: this.#run(through) }
  }

  /** Nothing has changed since the last checkpoint, which may be why the last try is no longer needed. */
  #skip(): void {
    this.#state = { kind: 'idle' }
    this.#noteGrowth()
    this.#lastDurableAtMs = this.#lastAtMs
    const facts = this.#last
    const nothing = 'nothing was written yet'
    this.#answerAll(facts === null ? err(nothing) : ok({ facts, sizeBytes: this.#sizeBytes, durationMs: 0 }))
  }

  #noteGrowth(): void {
    this.#growthAtLast = this.#options.logGrowth()
    this.#lastAtMs = this.#options.clock.monotonicMs()
  }

  async #run(through: Zxid): Promise<void> {
    const { checkpoints, clock, metrics, log, made } = this.#options
    const answers = this.#asked
    this.#asked = []
    const beganAtMs = clock.monotonicMs()
    const replacedCount = this.#replacedCount
    this.#noteGrowth()
    try {
      const facts = await this.#advance(through)
      const sizeBytes = await checkpoints.sizeBytes()
      if (replacedCount !== this.#replacedCount) return this.#beginAgain(answers)
      const durationMs = clock.monotonicMs() - beganAtMs
      this.#last = facts
      this.#lastDurableAtMs = beganAtMs
      this.#sizeBytes = sizeBytes
      this.#loggedFailure = null
      metrics.snapshottime.note(durationMs)
      const { znodeCount, sessionCount } = facts
      const what = { zxid: hexOfZxid(facts.zxid), znodeCount, sessionCount, sizeBytes }
      log.info('checkpoint-made', { ...what, durationMs: Math.round(durationMs) })
      if (this.#state.kind !== 'closed') {
        this.#state = { kind: 'idle' }
        made(facts.zxid)
      }
      for (const answer of answers) answer(ok({ facts, sizeBytes, durationMs }))
    } catch (cause) {
      if (cause instanceof InvariantViolation) throw cause
      this.#failed(cause instanceof Error ? cause : new Error(String(cause)), answers)
    }
  }

  /** What was made is no longer the checkpoint of this server. Who asked for one gets the next. */
  #beginAgain(answers: readonly CheckpointAnswer[]): void {
    if (this.#state.kind === 'closed') {
      for (const answer of answers) answer(err('the server is closing'))
      return
    }
    this.#state = { kind: 'idle' }
    this.#asked.unshift(...answers)
  }

  /** A damaged checkpoint is made again in the same step if the log is whole. */
  async #advance(through: Zxid): Promise<CheckpointFacts> {
    for (let attempt = 1; ; attempt++) {
      const damage = this.#damage
      if (damage?.kind === 'to-be-discarded') {
        await this.#options.checkpoints.discard(damage.store)
        this.#damage = { ...damage, kind: 'made-again' }
      }
      const facts = await this.#advanceOnce(through)
      if (facts !== null) return facts
      if (this.#damage?.kind !== 'to-be-discarded' || attempt > 1) break
    }
    throw Object.assign(new Error(this.#damage?.text ?? 'the server is closing'), { code: damageCode })
  }

  /** Null: the checkpoint is damaged. */
  async #advanceOnce(through: Zxid): Promise<CheckpointFacts | null> {
    try {
      await this.#options.checkpoints.advance(through)
      const facts = await this.#verify()
      const isMadeAgain = this.#damage?.kind === 'made-again'
      const isOver = isMadeAgain || (this.#damage?.kind === 'lasting' && this.#damage.of === 'files')
      if (facts === null || !isOver) return facts
      this.#damage = null
      if (isMadeAgain) await this.#options.checkpoints.clean() // of what is left of the damaged store
      return facts
    } catch (cause) {
      if (!isDamage(cause)) throw cause
      this.#found(cause, 'content')
      return null
    }
  }

  async #verify(): Promise<CheckpointFacts | null> {
    const { checkpoints, log, folder } = this.#options
    const verified = await checkpoints.verify()
    if (!verified.ok) {
      this.#found(verified.error, 'files')
      return null
    }
    const repaired = verified.value?.repaired ?? null
    if (repaired !== null) log.warn('checkpoint-file-written-again', { folder, text: repaired })
    return verified.value?.facts ?? null
  }

  /** The log still holds what the checkpoint lacks, so nothing is lost; it is kept until a later try succeeds. */
  #failed(error: Error, answers: readonly CheckpointAnswer[]): void {
    if (this.#state.kind === 'closed') return // a keeper that is being closed rejects what it had begun
    const { clock, metrics, folder, logDamaged } = this.#options
    metrics.snapshot_error_count.add()
    this.#state = { kind: 'failed', retryAtMs: clock.monotonicMs() + checkpointRetryMs }
    if (isLogDamage(error)) logDamaged(error)
    else if (!isDamage(error)) this.#logFailure(error)
    const reason = `${folder}: ${'code' in error ? explainDiskFailure(error) : error.message}`
    for (const answer of answers) answer(err(reason))
  }

  #logFailure(error: Error): void {
    const { log, folder } = this.#options
    if (this.#loggedFailure === error.message) return
    const advice = isDiskFull(error)
      ? 'Free space on this file system. Writes go on; the log grows until a checkpoint succeeds.'
      : 'Writes go on; the log grows until a checkpoint succeeds. It is tried again every 10 s.'
    log.error('checkpoint-failed', { folder, err: error, advice })
    this.#loggedFailure = error.message
  }

  async #makeLast(through: Zxid | null): Promise<void> {
    if (through === null || through <= (this.#last?.zxid ?? 0)) return
    await this.#run(through)
  }

  #answerAll(outcome: Result<CheckpointReport, string>): void {
    const answers = this.#asked
    this.#asked = []
    for (const answer of answers) answer(outcome)
  }

  /** Closes the keeper after `work`, or when closingCheckpointMsMax has passed. */
  #closeAfter(work: Promise<void>): Promise<void> {
    const { checkpoints, timers, log } = this.#options
    return new Promise((resolve, reject) => {
      let isTimedOut = false
      const cancel = timers.after(closingCheckpointMsMax, () => {
        isTimedOut = true
        log.info('checkpoint-left-out', { durationMs: closingCheckpointMsMax })
        resolve(checkpoints.close())
      })
      work.then(() => {
        cancel()
        if (!isTimedOut) resolve(checkpoints.close())
      }, reject)
    })
  }
}
