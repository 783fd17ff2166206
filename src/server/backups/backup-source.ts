/**
 * The parts of one backup, in order: its facts, the chunks of a copy of the checkpoint, the txns after it, the end. Owns what
 * it has opened for them, and a hold on the log, until `close`.
 * The end is fixed when the first part is asked for: what is committed, and durable in the log of this server. What this
 * server had applied when the backup was begun is in it.
 */
import { InvariantViolation } from '../../base/assert.ts'
import { type Epoch, hexOfZxid, type ServerId, type Zxid, zeroZxid } from '../../base/ids.ts'
import { durableLogMsMax, durableLogRetryMs } from '../../base/limits.ts'
import type {
  CheckpointCopy,
  CheckpointFacts,
  Checkpoints,
  HistoryPart,
  HistoryPoint,
  HistoryReader,
} from '../../ports/checkpoints.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Timers } from '../../ports/timers.ts'
import { type EncodedPiece, encodePiece, kindNumberOf } from '../../protocol/backup/backup-piece.ts'
import { type BackupStatus, encodeFacts, factsKindNumber } from '../../protocol/client/backup-records.ts'
import type { ClusterId } from '../../protocol/disk/log-record.ts'
import type { ClosedSegment } from '../../storage/log-segments.ts'

export interface BackupSourceOptions {
  readonly checkpoints: Pick<Checkpoints, 'history' | 'sizeBytes'>
  readonly copy: () => Promise<CheckpointCopy>
  /** Makes the first checkpoint of this server. Rejects if it cannot be made. */
  readonly makeCheckpoint: () => Promise<void>
  /** The log after this zxid is kept until the returned function is called. */
  readonly holdLog: (after: Zxid) => () => void
  readonly storage: {
    readonly sizeBytes: number
    closedSegments(): readonly Pick<ClosedSegment, 'sizeBytes' | 'lastZxid'>[]
    durablePointUpTo(zxid: Zxid): HistoryPoint | null
  }
  readonly lastApplied: () => Zxid
  readonly server: () => { readonly serverId: ServerId; readonly clusterId: ClusterId; readonly epoch: Epoch }
  readonly clock: Clock
  readonly timers: Timers
}

export interface SourcePart extends EncodedPiece {
  readonly isLast: boolean
  readonly txnCount: number // in the parts up to this one
}

/** Why the backup has no further parts. */
export class BackupFailure extends Error {
  readonly status: BackupStatus
  readonly oldest: Zxid

  constructor(status: BackupStatus, message: string, oldest: Zxid = zeroZxid) {
    super(message)
    this.status = status
    this.oldest = oldest
  }

  /** Of what the disk, or the thread that reads it, rejected with. A bug is no failure of a backup. */
  static of(cause: unknown): BackupFailure {
    if (cause instanceof BackupFailure) return cause
    if (cause instanceof InvariantViolation || !(cause instanceof Error)) throw cause
    return new BackupFailure('failed', cause.message)
  }
}

interface Opened {
  readonly end: HistoryPoint
  readonly wallMs: number
  /** Null: it continues an earlier backup, or all chunks were given. */
  copy: CheckpointCopy | null
  chunkNumber: number
  /** Null: there are no txns, or all were given. */
  history: HistoryReader | null
  last: HistoryPoint // of the parts that were given
}

type SourceState =
  | { readonly kind: 'new' }
  | { readonly kind: 'open'; readonly opened: Opened }
  | { readonly kind: 'ended' }
  | { readonly kind: 'closed' }

export class BackupSource {
  readonly #options: BackupSourceOptions
  readonly #after: HistoryPoint | null
  readonly #appliedAtStart: Zxid
  #state: SourceState = { kind: 'new' }
  #txnCount = 0
  #releaseLog: () => void
  readonly #held: { close(): Promise<void> }[] = []
  #making: Promise<unknown> = Promise.resolve()
  #rejectWhenClosed: (cause: BackupFailure) => void = () => {}
  readonly #whenClosed = new Promise<never>((_, reject) => {
    this.#rejectWhenClosed = reject
  })

  /** `after`: where the earlier backup ends that this one continues; null: it begins with the checkpoint. */
  constructor(options: BackupSourceOptions, after: HistoryPoint | null) {
    this.#options = options
    this.#after = after
    this.#appliedAtStart = options.lastApplied()
    // Until the zxid of the copy is known, the whole log is kept.
    this.#releaseLog = options.holdLog(after?.zxid ?? zeroZxid)
    this.#whenClosed.catch(() => {}) // it matters only to a part that is being made
  }

  /** Null after the last part. Rejects with what the disk rejects with, or with a BackupFailure. One call at a time. */
  next(): Promise<SourcePart | null> {
    const part = this.#next()
    this.#making = part.catch(() => {})
    return part
  }

  async close(): Promise<void> {
    if (this.#state.kind === 'closed') return
    this.#state = { kind: 'closed' }
    this.#releaseLog()
    this.#rejectWhenClosed(closedFailure())
    await this.#making
    const closed = await Promise.allSettled(this.#held.splice(0).map((held) => held.close()))
    const failed = closed.find((outcome) => outcome.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  async #next(): Promise<SourcePart | null> {
    switch (this.#state.kind) {
      case 'new':
        return this.#begin()
      case 'open':
        return this.#piece(this.#state.opened)
      case 'ended':
      case 'closed':
        return null
    }
  }

  async #begin(): Promise<SourcePart> {
    const wallMs = this.#options.clock.wallMs()
    const copy = this.#after === null ? await this.#copy() : null
    const start = this.#after ?? pointOf(copy!.facts)
    const end = await this.#durableEnd(start.zxid)
    const history = await this.#history(start, end)
    const sizeBytes = await this.#sizeBytesAfter(start.zxid, copy !== null)
    this.#assertOpen()
    this.#state = { kind: 'open', opened: { end, wallMs, copy, chunkNumber: 0, history, last: start } }
    const { clusterId, serverId } = this.#options.server()
    const hasCheckpoint = copy !== null
    const facts = { startZxid: start.zxid, startHash: start.hash, hasCheckpoint, through: end.zxid, sizeBytes }
    const bytes = encodeFacts({ clusterId, serverId, ...facts })
    return { kindNumber: factsKindNumber, bytes, isLast: false, txnCount: 0 }
  }

  async #copy(): Promise<CheckpointCopy> {
    const { copy: open, makeCheckpoint, holdLog } = this.#options
    const copy = await open().catch(async (cause: unknown) => {
      if (!(cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')) throw cause
      // It may take long, and who closes the backup does not wait for it.
      await Promise.race([makeCheckpoint(), this.#whenClosed])
      return open()
    })
    this.#held.push(copy)
    this.#assertOpen()
    const release = holdLog(copy.facts.zxid)
    this.#releaseLog()
    this.#releaseLog = release
    return copy
  }

  /**
   * The newest committed txn that is durable in this log, when it has what was applied at the start of the backup. Its disk
   * may be full while the others of the ensemble go on: then the backup ends where the log ends. A server that has not
   * applied what the earlier backup has is given the same time.
   */
  async #durableEnd(start: Zxid): Promise<HistoryPoint> {
    const { storage, lastApplied, clock, timers } = this.#options
    const untilMs = clock.monotonicMs() + durableLogMsMax
    for (;;) {
      const point = storage.durablePointUpTo(lastApplied())
      const isLate = clock.monotonicMs() >= untilMs
      const wanted = isLate ? start : Math.max(start, this.#appliedAtStart)
      if (point !== null && point.zxid >= wanted) return point
      if (point !== null && isLate) throw shorterHistory(start, point)
      await new Promise<void>((done) => {
        timers.after(durableLogRetryMs, done)
      })
      this.#assertOpen()
    }
  }

  async #history(start: HistoryPoint, end: HistoryPoint): Promise<HistoryReader | null> {
    if (start.zxid === end.zxid) {
      if (start.hash !== end.hash) throw otherHistory(start)
      return null
    }
    const opened = await this.#options.checkpoints.history(start, end.zxid)
    if (opened.ok) {
      this.#held.push(opened.value)
      return opened.value
    }
    if (opened.error.kind === 'other-history') throw otherHistory(start)
    const { oldest } = opened.error
    const message = `the log of this server begins after ${hexOfZxid(oldest)}, so it cannot continue a backup that ends at ${hexOfZxid(start.zxid)}`
    throw new BackupFailure('log-begins-later', message, oldest)
  }

  async #sizeBytesAfter(start: Zxid, withCheckpoint: boolean): Promise<number> {
    const { storage, checkpoints } = this.#options
    const before = storage.closedSegments().filter(({ lastZxid }) => lastZxid <= start)
    const logSizeBytes = before.reduce((left, { sizeBytes }) => left - sizeBytes, storage.sizeBytes)
    return logSizeBytes + (withCheckpoint ? await checkpoints.sizeBytes() : 0)
  }

  async #piece(opened: Opened): Promise<SourcePart> {
    if (opened.copy !== null) {
      const bytes = await opened.copy.chunk(opened.chunkNumber)
      if (bytes !== null) {
        opened.chunkNumber++
        return this.#part({ kindNumber: kindNumberOf('chunk'), bytes })
      }
      opened.copy = null
    }
    if (opened.history !== null) {
      const part: HistoryPart | null = await opened.history.next()
      if (part !== null) {
        opened.last = part.last
        this.#txnCount += part.txnCount
        return this.#part({ kindNumber: kindNumberOf('txns'), bytes: part.bytes })
      }
      opened.history = null
    }
    return this.#end(opened)
  }

  #end({ last, end, wallMs }: Opened): SourcePart {
    if (last.zxid !== end.zxid || last.hash !== end.hash) {
      throw new BackupFailure(
        'failed',
        `the log was read up to ${hexOfZxid(last.zxid)}, and ends at ${hexOfZxid(end.zxid)}`,
      )
    }
    if (this.#state.kind === 'open') this.#state = { kind: 'ended' }
    const piece = { kind: 'end', ...end, ...this.#options.server(), wallMs, txnCount: this.#txnCount } as const
    return { ...this.#part(encodePiece(piece)), isLast: true }
  }

  #part(piece: EncodedPiece): SourcePart {
    return { ...piece, isLast: false, txnCount: this.#txnCount }
  }

  #assertOpen(): void {
    if (this.#state.kind === 'closed') throw closedFailure()
  }
}

function closedFailure(): BackupFailure {
  return new BackupFailure('closed', 'the backup was closed')
}

function shorterHistory(start: Zxid, { zxid }: HistoryPoint): BackupFailure {
  const message =
    `this server has the history up to ${hexOfZxid(zxid)}, and the earlier backup ends at ${hexOfZxid(start)}. Ask another ` +
    'server, or this one when it has caught up. If no server has that point, the earlier backup is of another history.'
  return new BackupFailure('history-ends-earlier', message)
}

function otherHistory({ zxid }: HistoryPoint): BackupFailure {
  const message = `this server does not have the history up to ${hexOfZxid(zxid)} that the earlier backup has`
  return new BackupFailure('other-history', message)
}

function pointOf({ zxid, hash }: CheckpointFacts): HistoryPoint {
  return { zxid, hash }
}
