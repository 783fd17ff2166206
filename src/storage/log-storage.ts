/**
 * The log of one server (design D5): everything durable that it decides, as records in one chained log. Owns the folder
 * while open. A record is checked against the end of the log after all queued records; one that does not fit is a bug
 * of the caller and is asserted here, before it is on disk. Formats: segment-header.ts, batch-format.ts,
 * record-codec.ts. Recovery: recover-log.ts, recovery-plan.ts.
 */
import { assert } from '../base/assert.ts'
import type { ChainHash } from '../base/chain-hash.ts'
import { explainDiskFailure } from '../base/disk-failure.ts'
import type { Epoch, ServerId, Zxid } from '../base/ids.ts'
import { diskFullRetryMs, txnSizeBytesMax } from '../base/limits.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { Clock } from '../ports/clock.ts'
import type { Disk, FolderLock } from '../ports/disk.ts'
import type { Log } from '../ports/log.ts'
import type { Timers } from '../ports/timers.ts'
import type { ClusterId, LogRecord, TxnEntry } from '../protocol/disk/log-record.ts'
import { LogReader, type LogStretch, type OlderThanLog } from './log-reader.ts'
import type { ClosedSegment, SegmentRef } from './log-segments.ts'
import type { LogBase, LogPoint, StoredRecord } from './log-state.ts'
import { type AppendDone, LogWriter } from './log-writer.ts'
import type { OpenFailure } from './open-failure.ts'
import { type LogCheck, type ReadProgress, type RecoveredSegments, recoverLog } from './recover-log.ts'

export interface RecoveredLog {
  readonly lastZxid: Zxid
  readonly lastHash: ChainHash
  readonly acceptedEpoch: Epoch
  readonly acceptedLeader: ServerId | null
  readonly currentEpoch: Epoch
  readonly clusterId: ClusterId
  readonly committed: Zxid // of the last commit mark or the base, 0 if none; invariant: <= lastZxid
  readonly tail: readonly TxnEntry[] // the txns after `committed`
  readonly mustSync: boolean // see LogState
}

export interface LogStorageOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly timers: Timers
  readonly log: Log
  readonly folder: string // `<dataLogDir>/wal`
  readonly serverId: ServerId
  /** Called once the log was read, before the disk is changed. Left out: every log that is whole is used. */
  readonly check?: LogCheck
  /** Called after `open` when a segment has been created and is durable, with its sequence. */
  readonly onSegment?: (sequence: number) => void
  /** Called after each batch that `open` has read. */
  readonly onProgress?: (progress: ReadProgress) => void
  readonly segmentSizeBytes?: number
  /** After this long without a write the log is sealed: see log-writer.ts. */
  readonly sealDelayMs?: number
  readonly diskFullRetryMs?: number
}

const segmentSizeBytesDefault = 64 * 1024 * 1024
const sealDelayMsDefault = 100

type StorageState =
  | { readonly kind: 'new' }
  | { readonly kind: 'locked'; readonly release: () => Promise<void> }
  | {
      readonly kind: 'open'
      readonly writer: LogWriter
      readonly reader: LogReader
      readonly parts: Pick<RecoveredSegments, 'index' | 'segments'>
      readonly release: () => Promise<void>
    }
  | { readonly kind: 'closed' }

export class LogStorage {
  readonly #options: LogStorageOptions
  #state: StorageState = { kind: 'new' }
  /**
   * The last txn that is committed and durable, and those after it, queued records included. The marks of commits that are
   * queued may be far ahead of what is durable: while the disk is full, all that comes is queued.
   */
  #zxids: Zxid[] = []
  #hashes: ChainHash[] = []
  #committed = 0 as Zxid
  #appendedTxnCount = 0
  #sizeBytesAtOpen = 0
  #removal: Promise<void> = Promise.resolve()
  /** Of segments that are no longer used, oldest first. They are removed in this order, or the log might get a hole. */
  #unneededPaths: string[] = []
  #removalFailure: Error | null = null // after it the state of the folder is unknown

  constructor(options: LogStorageOptions) {
    this.#options = options
  }

  /** Takes the folder of the log for this process, before `open`. Null: it is taken. */
  async lock(): Promise<OpenFailure | null> {
    assert(this.#state.kind === 'new', 'a log storage is locked once', { state: this.#state.kind })
    const { disk, log, folder } = this.#options
    try {
      await disk.makeFolder(folder)
      const lock = await disk.lock(folder)
      this.#state = { kind: 'locked', release: () => lock.release() }
      if (lock.isCopy) log.info('log-folder-is-a-copy', { path: folder })
      return null
    } catch (cause) {
      return this.#failureOf(cause)
    }
  }

  /**
   * Recovers the log. `onCommitted` gets every committed txn in order while the log is read; if the result is a
   * failure, the caller must discard these txns, and the folder is released. `base`: the point up to which the caller
   * holds the history itself, null if it holds none. The log may begin anywhere at or before the base, and
   * `onCommitted` gets the txns after it. A log that does not hold a received or restored base restarts at it.
   */
  async open(
    onCommitted: (entry: TxnEntry) => void,
    base: LogBase | null = null,
  ): Promise<Result<RecoveredLog, OpenFailure>> {
    const refused = this.#state.kind === 'locked' ? null : await this.lock()
    if (refused !== null) return err(refused)
    assert(this.#state.kind === 'locked', 'a log storage is opened once', { state: this.#state.kind })
    const { release } = this.#state
    const { disk, log, folder, serverId, check = () => null, onProgress = () => {} } = this.#options
    try {
      const { segmentSizeBytes = segmentSizeBytesDefault } = this.#options
      const how = { disk, log, folder, serverId, base, check, onCommitted, onProgress, segmentSizeBytes }
      const recovery = await recoverLog(how)
      if (recovery.ok) return ok(this.#becomeOpen(recovery.value, base, release))
      await this.#releaseAndClose(release)
      return recovery
    } catch (cause) {
      const failure = this.#failureOf(cause)
      await this.#releaseAndClose(release)
      return err(failure)
    }
  }

  /** Rethrows what is no fault of the disk. */
  #failureOf(cause: unknown): OpenFailure {
    const code = cause instanceof Error && 'code' in cause ? cause.code : null
    if (typeof code !== 'string') throw cause
    if (code === 'ELOCKED') return { kind: 'locked', message: (cause as Error).message }
    return { kind: 'io', message: `${this.#options.folder}: ${explainDiskFailure(cause as Error)}` }
  }

  async #releaseAndClose(release: FolderLock['release']): Promise<void> {
    this.#state = { kind: 'closed' }
    await release()
  }

  #becomeOpen(recovered: RecoveredSegments, base: LogBase | null, release: () => Promise<void>): RecoveredLog {
    const options = {
      ...this.#options,
      segmentSizeBytes: this.#options.segmentSizeBytes ?? segmentSizeBytesDefault,
      sealDelayMs: this.#options.sealDelayMs ?? sealDelayMsDefault,
      diskFullRetryMs: this.#options.diskFullRetryMs ?? diskFullRetryMs,
      onSegment: this.#options.onSegment ?? (() => {}),
    }
    const { state, tail, lastCommitted } = recovered
    this.#zxids = [lastCommitted.zxid, ...tail.map((entry) => entry.zxid)]
    this.#hashes = [lastCommitted.hash, ...tail.map((entry) => entry.hash)]
    const committed = base !== null && base.zxid > state.committed ? base.zxid : state.committed
    this.#committed = committed
    const { index, segments } = recovered
    const writer = new LogWriter(options, recovered, (refs) => this.#removeVoid(refs))
    const reader = new LogReader(this.#options.disk, { index, segments }, recovered.front)
    this.#state = { kind: 'open', writer, reader, parts: { index, segments }, release }
    this.#sizeBytesAtOpen = writer.sizeBytes
    return { ...state, committed, tail }
  }

  /** Queues the records. `done` is called in order, once they are durable; the records must not change until then. */
  append(records: readonly LogRecord[], done: AppendDone): void {
    const { writer } = this.#opened()
    let capped: LogRecord[] | null = null
    for (const [i, record] of records.entries()) {
      if (record.kind === 'txn') this.#noteTxn(record)
      if (record.kind !== 'committed') continue
      const lastZxid = this.#zxids.at(-1)!
      if (record.zxid > lastZxid) {
        // The mark covers txns that this log does not hold yet: it is capped to the last txn of the log.
        capped ??= [...records]
        capped[i] = { kind: 'committed', zxid: lastZxid }
      }
      this.#noteCommitted(Math.min(record.zxid, lastZxid) as Zxid)
    }
    writer.append(capped ?? records, done)
  }

  /** Takes back all txns after `zxid`, in order with the appends; epochs and commit marks stay. */
  truncateAfter(zxid: Zxid, done: AppendDone): void {
    const { writer } = this.#opened()
    assert(zxid >= this.#committed, 'what is committed is never taken back', { zxid, committed: this.#committed })
    const position = this.#zxids.lastIndexOf(zxid)
    assert(position >= 0, 'a log is cut at a txn that it holds', { zxid, lastZxid: this.#zxids.at(-1) })
    this.#zxids.length = position + 1
    this.#hashes.length = position + 1
    const record: StoredRecord = { kind: 'truncate', zxid, hash: this.#hashes[position]! }
    writer.append([record], done)
  }

  /**
   * The log restarts at `point`, in order with the appends: what it held is void, except its epochs. The caller already
   * holds durably, as a received checkpoint, the state at `point`. After a crash the log is the old one, which restarts
   * at that checkpoint when it is opened, or the new one. Zxid 0: a history that was received in part is given up.
   */
  restartAt(point: LogPoint, clusterId: ClusterId, done: AppendDone): void {
    const { writer } = this.#opened()
    const isGivenUp = point.zxid === 0 && clusterId === 0
    assert(isGivenUp || point.zxid > this.#committed, 'a log restarts after all that it knows to be committed', {
      zxid: point.zxid,
      committed: this.#committed,
    })
    this.#zxids = [point.zxid]
    this.#hashes = [point.hash]
    this.#committed = point.zxid
    writer.restartAt(point, clusterId, done)
  }

  /**
   * `start` is the last txn at or before `zxid` (zxid 0 and the empty hash at the beginning of history), `entries`
   * those after it: about `sizeBytesMax` of payload, at least one if there is any. Durable txns only. `older-than-log`:
   * the log begins after `zxid`.
   */
  readAfter(zxid: Zxid, sizeBytesMax: number): Promise<LogStretch | OlderThanLog> {
    return this.#opened().reader.readAfter(zxid, sizeBytesMax)
  }

  /**
   * Removes the segments that hold nothing after `zxid`, from the oldest on, each durably before the next: a crash in
   * between leaves a log that begins later and has no hole. From the call on, readers do not see these segments.
   * Assumes that the caller holds durably what `open` will need as its base, at `zxid` or later. A file that is missing was
   * removed by hand, which is as good. After a file could not be removed, the next call tries it again before any other. After a flush of the folder has failed, all files stay until the next start, since the state of the folder is unknown.
   */
  removeThrough(zxid: Zxid): Promise<void> {
    const { index, segments } = this.#opened().parts
    assert(zxid <= this.#committed, 'only committed txns are removed from the log', {
      zxid,
      committed: this.#committed,
    })
    const removed = segments.takeFront(zxid)
    index.removeBefore(segments.firstSequence)
    return this.#remove(removed)
  }

  get sizeBytes(): number {
    return this.#opened().writer.sizeBytes
  }

  /** The sequence of the segment that is being written; 0: there is none yet. */
  get newestSegment(): number {
    return this.#opened().parts.segments.nextSequence - 1
  }

  /** Since when appends wait for space on the disk, by the monotonic clock; null while they do not. */
  get diskFullSinceMs(): number | null {
    return this.#opened().writer.diskFullSinceMs
  }

  /** What was appended since `open`: txns, and bytes of all records that are durable. */
  get appended(): { readonly txnCount: number; readonly sizeBytes: number } {
    const { writer, parts } = this.#opened()
    const sizeBytes = writer.sizeBytes + parts.segments.removedSizeBytes - this.#sizeBytesAtOpen
    return { txnCount: this.#appendedTxnCount, sizeBytes }
  }

  /** Oldest first. The segment that is being written to is not among them. */
  closedSegments(): readonly ClosedSegment[] {
    return this.#opened().parts.segments.closed()
  }

  /** Whether the log still begins with the first txn of the history, as far as this server knows. */
  get isWhole(): boolean {
    const { parts, reader } = this.#opened()
    return parts.segments.start.zxid === 0 && !reader.isFrontDamaged
  }

  /** What `removeThrough` accepts at most. */
  get committed(): Zxid {
    return this.#committed
  }

  /**
   * The last txn that is durable in the files of the log and is not after `zxid`. The caller knows `zxid` to be
   * committed. Null: the log is about to restart; once that is durable, a later call has an answer.
   */
  durableUpTo(zxid: Zxid): Zxid | null {
    const { durableZxid } = this.#opened().writer
    return this.#zxids.findLast((each) => each <= zxid && each <= durableZxid) ?? null
  }

  /** The same, with the hash of the history up to it. */
  durablePointUpTo(zxid: Zxid): LogPoint | null {
    const durable = this.durableUpTo(zxid)
    return durable === null ? null : { zxid: durable, hash: this.#hashes[this.#zxids.lastIndexOf(durable)]! }
  }

  async close(): Promise<void> {
    if (this.#state.kind === 'locked') return this.#releaseAndClose(this.#state.release)
    if (this.#state.kind !== 'open') return
    const { writer, release } = this.#state
    this.#state = { kind: 'closed' }
    await writer.close()
    await this.#removal
    await release()
  }

  /** Nothing waits for it: the restart is durable, so what stays on the disk is removed by the next start. */
  #removeVoid(refs: readonly SegmentRef[]): void {
    const { log, folder } = this.#options
    this.#remove(refs).catch((cause: unknown) => log.warn('log-segments-not-removed', { path: folder, err: cause }))
  }

  #remove(refs: readonly SegmentRef[]): Promise<void> {
    this.#unneededPaths.push(...refs.map((ref) => ref.path))
    const removal = this.#removal.then(() => this.#removeUnneeded())
    this.#removal = removal.catch(() => {}) // the caller gets the error
    return removal
  }

  async #removeUnneeded(): Promise<void> {
    const { disk, folder } = this.#options
    for (let path = this.#unneededPaths[0]; path !== undefined; path = this.#unneededPaths[0]) {
      if (this.#removalFailure !== null) throw this.#removalFailure
      await this.#removeFile(path)
      try {
        await disk.syncDirectory(folder)
      } catch (cause) {
        this.#removalFailure = cause as Error
        throw cause
      }
      this.#unneededPaths.shift()
    }
  }

  async #removeFile(path: string): Promise<void> {
    const { disk, log } = this.#options
    try {
      await disk.remove(path)
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? cause.code : null
      if (code === 'EIO') this.#removalFailure = cause as Error
      if (code !== 'ENOENT') throw cause
      log.warn('log-segment-was-removed', { path })
    }
  }

  #opened(): Extract<StorageState, { kind: 'open' }> {
    assert(this.#state.kind === 'open', 'the log is open', { state: this.#state.kind })
    return this.#state
  }

  #noteTxn(record: TxnEntry): void {
    const lastZxid = this.#zxids.at(-1)!
    assert(record.zxid > lastZxid, 'txns are appended in order', { zxid: record.zxid, lastZxid })
    this.#appendedTxnCount++
    assert(record.payload.length <= txnSizeBytesMax, 'a txn is not too large', { sizeBytes: record.payload.length })
    this.#zxids.push(record.zxid)
    this.#hashes.push(record.hash)
  }

  #noteCommitted(zxid: Zxid): void {
    if (zxid <= this.#committed) return
    this.#committed = zxid
    const unneededUpTo = Math.min(zxid, this.#opened().writer.durableZxid)
    let count = 0
    while (count + 1 < this.#zxids.length && this.#zxids[count + 1]! <= unneededUpTo) count++
    this.#zxids.splice(0, count)
    this.#hashes.splice(0, count)
  }
}
