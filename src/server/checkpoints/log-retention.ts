/**
 * Removes the front of the log once checkpoints hold it, at the times and within the limits that the operator chose.
 * Owns: that nothing is removed which recovery needs (what is after a checkpoint), which the operator keeps (the last
 * checkpoints, a size, an age), or which a reader still needs: backups, copies of the checkpoint and learners hold it.
 * While the disk of the log is full, writes wait, so what the operator keeps beside the newest checkpoint goes too, at once;
 * but not from an operator who keeps everything.
 * Before it removes anything, it has the files of the checkpoint looked at on the disk: they may have been removed or cut
 * while this server had them open. Assumes: a checkpoint is durable when it is noted. If one were noted too early, a crash
 * could leave a server with neither the checkpoint nor the log before it.
 */
import { hexOfZxid, type Zxid } from '../../base/ids.ts'
import { checkpointRetryMs } from '../../base/limits.ts'
import type { StorageSettings } from '../../config/storage-settings.ts'
import type { Disk } from '../../ports/disk.ts'
import type { Log } from '../../ports/log.ts'
import type { LogStorage } from '../../storage/log-storage.ts'
import { type KeptReason, type PurgeFacts, type PurgePlan, planPurge, whyKept } from './purge-plan.ts'

export interface LogRetentionOptions {
  readonly storage: Pick<LogStorage, 'closedSegments' | 'removeThrough' | 'committed' | 'sizeBytes' | 'diskFullSinceMs'>
  readonly disk: Pick<Disk, 'identityOf'>
  readonly log: Log
  readonly folder: string // of the log
  readonly settings: Pick<StorageSettings, 'logRetention' | 'purgeIntervalMs'>
  /** Up to where the files of the checkpoint hold the history, as found on the disk now; null: they are not usable. */
  readonly verify: () => Promise<Zxid | null>
  readonly now: () => { readonly monotonicMs: number; readonly wallMs: number }
}

/** What one look at the log has removed, and why the rest stays. */
export interface PurgeReport {
  readonly removedFileCount: number
  readonly removedSizeBytes: number
  readonly sizeBytes: number // of the log now
  readonly keptBecause: string
}

/** Without `autopurge.purgeInterval` the log is also looked at this often, since segments grow old and holds end. */
const lookIntervalMs = 3_600_000
const hourMs = 3_600_000
const nsPerMs = 1_000_000n
const closing = 'the server is closing'
const restarted = 'the log was restarted meanwhile'
const notVerified = 'the files of the checkpoint are not usable at the moment; the log says why'
const adviceForSpace =
  'The disk of the log is full, so more of the log was removed than the settings of its retention say: all that the newest ' +
  'checkpoint has. Give dataLogDir more space, or lower logRetentionSizeInKb. Backups cannot be continued over what is missing.'

export class LogRetention {
  readonly #options: LogRetentionOptions
  readonly #startedAtWallMs: number
  /** Of the last checkpoints since the start, oldest first, as many as are retained. */
  readonly #checkpoints: Zxid[] = []
  readonly #holds = new Set<{ readonly after: Zxid }>()
  #isDue = true
  #lastPurgeAtMs = Number.NEGATIVE_INFINITY
  #retryAtMs = Number.POSITIVE_INFINITY // after the checkpoint could not be verified, or a file not be removed
  /** The log no longer has the txns up to it, and some of their files could not be removed. */
  #unfinished: Zxid | null = null
  #loggedFailure: string | null = null // until files were removed
  /** Who waits for the report of the next look at the log. */
  #waiting: ((report: PurgeReport) => void)[] = []
  #state: 'idle' | 'purging' | 'stopped' = 'idle'

  constructor(options: LogRetentionOptions) {
    this.#options = options
    this.#startedAtWallMs = options.now().wallMs
  }

  /** The state up to `zxid` is durable in a checkpoint. */
  noteCheckpoint(zxid: Zxid): void {
    this.#checkpoints.push(zxid)
    if (this.#checkpoints.length > this.#options.settings.logRetention.checkpointCount) this.#checkpoints.shift()
    if (this.#options.settings.purgeIntervalMs === null) this.#isDue = true
  }

  /** Keeps the txns after `after` until the returned function is called. */
  hold(after: Zxid): () => void {
    const hold = { after }
    this.#holds.add(hold)
    return () => {
      this.#holds.delete(hold)
    }
  }

  /** The log restarted at the checkpoint of `zxid`; null: there is no checkpoint. */
  checkpointReplaced(zxid: Zxid | null): void {
    this.#checkpoints.length = 0
    this.#unfinished = null // the files are removed with the next ones
    if (zxid !== null) this.noteCheckpoint(zxid)
  }

  tick(nowMs: number): void {
    const intervalMs = this.#options.settings.purgeIntervalMs ?? lookIntervalMs
    if (nowMs - this.#lastPurgeAtMs >= intervalMs || nowMs >= this.#retryAtMs) this.#isDue = true
    if (this.#state !== 'idle' || !(this.#isDue || this.#mayFreeSpace())) return
    this.#lastPurgeAtMs = nowMs
    this.#begin()
  }

  /** Removes now what is due, and answers once: what was removed, and why the rest stays. */
  report(answer: (report: PurgeReport) => void): void {
    const { purgeIntervalMs } = this.#options.settings
    if (this.#state === 'stopped') return answer(this.#nothing(closing))
    if (purgeIntervalMs !== null && !this.#isDue) return answer(this.#nothing(notDue(purgeIntervalMs)))
    this.#waiting.push(answer)
    // One that is under way may have looked before the checkpoint was made; the next begins when it has ended.
    if (this.#state === 'idle') this.#begin()
  }

  /** `before`: a look that those who wait for this one have seen end. */
  #begin(before: PurgeReport | null = null): void {
    this.#isDue = false
    this.#retryAtMs = Number.POSITIVE_INFINITY
    const waiting = this.#waiting
    this.#waiting = []
    void this.#purge().then((report) => {
      const both = {
        ...report,
        removedFileCount: report.removedFileCount + (before?.removedFileCount ?? 0),
        removedSizeBytes: report.removedSizeBytes + (before?.removedSizeBytes ?? 0),
      }
      for (const answer of waiting) answer(both)
      if (this.#waiting.length > 0 && this.#state === 'idle') this.#begin(report)
    })
  }

  #nothing(keptBecause: string): PurgeReport {
    return { removedFileCount: 0, removedSizeBytes: 0, sizeBytes: this.#options.storage.sizeBytes, keptBecause }
  }

  /** Called before the log closes. A removal that has begun goes on; the log waits for it. */
  stop(): void {
    this.#state = 'stopped'
    const waiting = this.#waiting
    this.#waiting = []
    for (const answer of waiting) answer(this.#nothing(closing))
  }

  async #purge(): Promise<PurgeReport> {
    this.#state = 'purging'
    try {
      const segments = await this.#segments()
      if (this.#isStopped()) return this.#nothing(closing)
      if (segments === null) this.#isDue = true
      const report = segments === null ? this.#nothing(restarted) : await this.#remove(segments)
      this.#loggedFailure = null
      if (!this.#isStopped()) this.#state = 'idle'
      return report
    } catch (cause) {
      // Only an error that has a system's code is a fault of the disk; any other is a bug.
      if (!(cause instanceof Error && 'code' in cause)) throw cause
      if (!this.#isStopped()) this.#state = 'idle'
      this.#failed(cause)
      return this.#nothing(`a file could not be removed (${cause.message}); it is tried again`)
    }
  }

  #failed(error: Error): void {
    const { log, folder, now } = this.#options
    this.#retryAtMs = now().monotonicMs + checkpointRetryMs
    if (this.#loggedFailure === error.message) return
    this.#loggedFailure = error.message
    const advice = 'It is tried again every 10 s. Check the rights on this folder and the disk.'
    log.error('log-purge-failed', { folder, err: error, advice })
  }

  async #remove(segments: PurgeFacts['segments']): Promise<PurgeReport> {
    const { storage, log, folder, verify } = this.#options
    if (this.#unfinished !== null) await storage.removeThrough(this.#unfinished)
    this.#unfinished = null
    if (this.#isStopped()) return this.#nothing(closing)
    if (this.#plan(segments) === null) return this.#nothing(this.#describeKept(segments))
    const verified = await verify()
    if (this.#isStopped()) return this.#nothing(closing)
    // Meanwhile a reader may have come, the log may have restarted, or space may have returned.
    const plan = this.#plan(segments)
    const isHeld = verified !== null && (plan === null || plan.through <= verified)
    if (!isHeld) this.#retryAtMs = this.#options.now().monotonicMs + checkpointRetryMs
    if (!isHeld) return this.#nothing(notVerified)
    if (plan === null) return this.#nothing(this.#describeKept(segments))
    this.#unfinished = plan.through
    await storage.removeThrough(plan.through)
    this.#unfinished = null
    const { through, segmentCount, sizeBytes } = plan
    const what = { folder, throughZxid: hexOfZxid(through), segmentCount, sizeBytes }
    if (plan.isForSpace) log.warn('log-purged-for-space', { ...what, advice: adviceForSpace })
    else log.info('log-purged', what)
    const keptBecause = this.#describeKept(segments.slice(segmentCount))
    return {
      removedFileCount: segmentCount,
      removedSizeBytes: sizeBytes,
      sizeBytes: storage.sizeBytes,
      keptBecause,
    }
  }

  #describeKept(segments: PurgeFacts['segments']): string {
    const { logRetention } = this.#options.settings
    const { checkpointCount, sizeBytes, durationMs } = logRetention
    const reasons: Readonly<Record<KeptReason, string>> = {
      'all-is-kept': 'the settings keep all of it (logRetentionSizeInKb or logRetentionHours is -1)',
      'too-few-checkpoints':
        `it is kept until ${checkpointCount} checkpoints were made since the start of the server (autopurge.snapRetainCount), ` +
        `and there are ${this.#checkpoints.length}`,
      'one-file': 'it has no older file than the one that is being written to',
      'still-needed': this.#isReaderHolding()
        ? 'a learner, a copy of the state or a backup reads its oldest file'
        : `the oldest of the last ${checkpointCount} checkpoints (autopurge.snapRetainCount) does not have all that is in its oldest file`,
      young: `its oldest file was written to less than ${(durationMs ?? 0) / hourMs} hours ago (logRetentionHours)`,
      small: `the newest ${(sizeBytes ?? 0) / 1024} KiB of it are kept (logRetentionSizeInKb)`,
    }
    return reasons[whyKept({ segments, floor: this.#floor() }, logRetention)]
  }

  #isReaderHolding(): boolean {
    return [...this.#holds].some(({ after }) => after < (this.#checkpoints[0] ?? 0))
  }

  #plan(segments: PurgeFacts['segments']): (PurgePlan & { readonly isForSpace: boolean }) | null {
    const { storage, settings } = this.#options
    const facts = { segments, logSizeBytes: storage.sizeBytes, floor: this.#floor() }
    const usual = planPurge(facts, settings.logRetention)
    const forSpace = this.#planForSpace(segments)
    if (forSpace !== null && forSpace.through > (usual?.through ?? 0)) return { ...forSpace, isForSpace: true }
    return usual === null ? null : { ...usual, isForSpace: false }
  }

  /** A try that failed is repeated when it is due. */
  #mayFreeSpace(): boolean {
    if (this.#retryAtMs !== Number.POSITIVE_INFINITY || this.#options.storage.diskFullSinceMs === null) return false
    return this.#planForSpace(this.#options.storage.closedSegments().map((each) => ({ ...each, ageMs: 0 }))) !== null
  }

  /** Null: the disk of the log is not full, or nothing may be removed. */
  #planForSpace(segments: PurgeFacts['segments']): PurgePlan | null {
    const { storage, settings } = this.#options
    if (storage.diskFullSinceMs === null) return null
    const { sizeBytes, durationMs } = settings.logRetention
    const facts = { segments, logSizeBytes: storage.sizeBytes, floor: this.#heldFrom(this.#checkpoints.at(-1)) }
    return planPurge(facts, {
      sizeBytes: sizeBytes === null ? null : 0,
      durationMs: durationMs === null ? null : 0,
    })
  }

  #isStopped(): boolean {
    return this.#state === 'stopped'
  }

  /** Null: a restart of the log has removed a segment while its age was asked for. */
  async #segments(): Promise<PurgeFacts['segments'] | null> {
    const { storage, settings, now } = this.#options
    const asksForAge = (settings.logRetention.durationMs ?? 0) > 0
    const segments = storage.closedSegments()
    const { wallMs } = now()
    const known: PurgeFacts['segments'][number][] = []
    // From the newest on: where a file was removed by hand, the age of the next one counts, which is less.
    let bornAtMs = wallMs
    for (const { sizeBytes, lastZxid, nextPath } of segments.toReversed()) {
      const found = asksForAge ? await this.#bornAtMs(nextPath) : wallMs
      if (found === 'restarted') return null
      if (found !== 'missing') bornAtMs = found
      known.push({ sizeBytes, lastZxid, ageMs: wallMs - bornAtMs })
    }
    return known.reverse()
  }

  /** `restarted`: the log no longer has it. Where the file system does not say it, the start of this server counts. */
  async #bornAtMs(path: string): Promise<number | 'restarted' | 'missing'> {
    const { disk, storage } = this.#options
    try {
      const { birth } = await disk.identityOf(path)
      return birth === null ? this.#startedAtWallMs : Number(BigInt(birth) / nsPerMs)
    } catch (cause) {
      if (storage.closedSegments().every(({ nextPath }) => nextPath !== path)) return 'restarted'
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return 'missing'
      throw cause
    }
  }

  #floor(): Zxid | null {
    const isCountReached = this.#checkpoints.length >= this.#options.settings.logRetention.checkpointCount
    return isCountReached ? this.#heldFrom(this.#checkpoints[0]) : null
  }

  /** The last txn that may be removed if nothing after `checkpoint` may be; null: there is no checkpoint. */
  #heldFrom(checkpoint: Zxid | undefined): Zxid | null {
    if (checkpoint === undefined) return null
    // A commit mark may be written up to a second after the checkpoint; recovery and the log go by the mark.
    let floor = Math.min(checkpoint, this.#options.storage.committed)
    for (const { after } of this.#holds) floor = Math.min(floor, after)
    return floor as Zxid
  }
}

function notDue(intervalMs: number): string {
  return `its files are removed each ${intervalMs / hourMs} hours (autopurge.purgeInterval), and that is not due`
}
