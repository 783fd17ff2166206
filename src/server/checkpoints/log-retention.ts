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
import { type PurgeFacts, type PurgePlan, planPurge } from './purge-plan.ts'

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

/** Without `autopurge.purgeInterval` the log is also looked at this often, since segments grow old and holds end. */
const lookIntervalMs = 3_600_000
const nsPerMs = 1_000_000n
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
    this.#isDue = false
    this.#retryAtMs = Number.POSITIVE_INFINITY
    this.#lastPurgeAtMs = nowMs
    void this.#purge()
  }

  /** Called before the log closes. A removal that has begun goes on; the log waits for it. */
  stop(): void {
    this.#state = 'stopped'
  }

  async #purge(): Promise<void> {
    this.#state = 'purging'
    try {
      const segments = await this.#segments()
      if (this.#isStopped()) return
      if (segments === null) this.#isDue = true
      else await this.#remove(segments)
      this.#loggedFailure = null
      if (!this.#isStopped()) this.#state = 'idle'
    } catch (cause) {
      // Only an error that has a system's code is a fault of the disk; any other is a bug.
      if (!(cause instanceof Error && 'code' in cause)) throw cause
      if (!this.#isStopped()) this.#state = 'idle'
      this.#failed(cause)
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

  async #remove(segments: PurgeFacts['segments']): Promise<void> {
    const { storage, log, folder, verify } = this.#options
    if (this.#unfinished !== null) await storage.removeThrough(this.#unfinished)
    this.#unfinished = null
    if (this.#isStopped()) return
    if (this.#plan(segments) === null) return
    const verified = await verify()
    if (this.#isStopped()) return
    // Meanwhile a reader may have come, the log may have restarted, or space may have returned.
    const plan = this.#plan(segments)
    const isHeld = verified !== null && (plan === null || plan.through <= verified)
    if (!isHeld) this.#retryAtMs = this.#options.now().monotonicMs + checkpointRetryMs
    if (!isHeld || plan === null) return
    this.#unfinished = plan.through
    await storage.removeThrough(plan.through)
    this.#unfinished = null
    const { through, segmentCount, sizeBytes } = plan
    const what = { folder, throughZxid: hexOfZxid(through), segmentCount, sizeBytes }
    if (plan.isForSpace) log.warn('log-purged-for-space', { ...what, advice: adviceForSpace })
    else log.info('log-purged', what)
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
