/**
 * The only writer of the log: one batch at a time. Appends that come while a batch is being written form the next one,
 * so load makes batches larger, not queues longer. `done` is called in order and only when the batch is durable. The
 * index, the state and the size, which depend on durability, change just before.
 *
 * On a full disk the writer keeps the batch and tries again each second: nothing of it was acknowledged, and the same
 * bytes go to the same place. Any other failure is final, since the content of the file is then unknown.
 *
 * When the log has been idle for sealDelayMs it is sealed: an empty batch in a sector of its own records that the last
 * batch was durable. With the seal even the loss of the newest sector is recognised and not taken for a crash.
 */
import { assert } from '../base/assert.ts'
import { hexOfZxid, type ServerId, type Zxid } from '../base/ids.ts'
import type { Clock } from '../ports/clock.ts'
import type { Disk } from '../ports/disk.ts'
import type { Log } from '../ports/log.ts'
import type { CancelTimer, Timers } from '../ports/timers.ts'
import type { ClusterId } from '../protocol/disk/log-record.ts'
import { type BatchPlace, batchSizeBytes, encodeBatch, recordsSizeBytesOf, sectorSizeBytes } from './batch-format.ts'
import { DiskSpace, isDiskFull } from './disk-space.ts'
import type { LogIndex } from './log-index.ts'
import type { LogSegments, SegmentRef } from './log-segments.ts'
import {
  followRecord,
  type LogPoint,
  type LogState,
  type MutableLogState,
  restartedState,
  type StoredRecord,
} from './log-state.ts'
import { indexBatch, type RecoveredSegments } from './recover-log.ts'
import { createSegment, type SegmentFile } from './segment-file.ts'
import { segmentHeaderSizeBytes } from './segment-header.ts'

export interface LogWriterOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly timers: Timers
  readonly log: Log
  readonly folder: string
  readonly serverId: ServerId
  readonly segmentSizeBytes: number
  readonly sealDelayMs: number
  readonly diskFullRetryMs: number
  readonly onSegment: (sequence: number) => void
}

export type AppendDone = (error: Error | null) => void

interface QueuedAppend {
  readonly records: readonly StoredRecord[]
  readonly sizeBytes: number
  readonly startsBatch: boolean // a truncation: the appends before it in the queue go into another batch
  readonly restart: Restart | null // no records then: a new segment
  readonly done: AppendDone
}

interface Restart {
  readonly point: LogPoint
  readonly clusterId: ClusterId
}

interface Batch {
  readonly appends: readonly QueuedAppend[] // none: a seal
  readonly records: readonly StoredRecord[]
  readonly recordsSizeBytes: number
  readonly restart: Restart | null
}

type WriterState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'writing' }
  | { readonly kind: 'disk-full'; readonly batch: Batch; readonly cancelRetry: CancelTimer }
  | { readonly kind: 'failed'; readonly error: Error }
  | { readonly kind: 'closed' }

/** Appends beyond this go into the next batch; a single append may be larger. */
const batchRecordsSizeBytesMax = 4 * 1024 * 1024
/** A staging buffer larger than this is not kept for the next batch. */
const stagingKeptSizeBytesMax = 8 * 1024 * 1024
const batchAlignmentBytes = 64
const sealSizeBytesMax = 2 * sectorSizeBytes

export class LogWriter {
  readonly #options: LogWriterOptions
  readonly #index: LogIndex
  readonly #segments: LogSegments
  readonly #durable: MutableLogState
  readonly #space: DiskSpace
  readonly #onVoid: (refs: readonly SegmentRef[]) => void
  #state: WriterState = { kind: 'idle' }
  #queue: QueuedAppend[] = []
  #segment: SegmentFile | null
  #nextBatch: number
  #checksum: number
  #staging = new Uint8Array(64 * 1024)
  #sealed = false
  #sealWanted = false
  #cancelSeal: CancelTimer | null = null
  #batchesAtSealTimer = 0
  #whenIdle: (() => void) | null = null

  /** `onVoid` gets the segments before a restart, once that is durable. */
  constructor(options: LogWriterOptions, recovered: RecoveredSegments, onVoid: (refs: readonly SegmentRef[]) => void) {
    this.#options = options
    this.#space = new DiskSpace(options.folder, options.clock, options.log)
    this.#onVoid = onVoid
    this.#index = recovered.index
    this.#segments = recovered.segments
    this.#durable = { ...recovered.state }
    this.#segment = recovered.active
    this.#nextBatch = recovered.nextBatch
    this.#checksum = recovered.checksum
    recovered.segments.closeLast(0) // appends continue in the last segment
    // A segment without a batch cannot be sealed, and has nothing to lose.
    this.#sealed = recovered.active === null || recovered.active.position === segmentHeaderSizeBytes
    this.#armSeal()
  }

  get sizeBytes(): number {
    return this.#segments.closedSizeBytes + (this.#segment?.position ?? 0)
  }

  /** Since when appends wait for space, by the monotonic clock; null while they do not. */
  get diskFullSinceMs(): number | null {
    return this.#space.fullSinceMs
  }

  /** Of the last durable txn. It may have been taken back since, if the truncation is not durable yet. */
  get durableZxid(): Zxid {
    return this.#durable.lastZxid
  }

  append(records: readonly StoredRecord[], done: AppendDone): void {
    const startsBatch = records[0]?.kind === 'truncate'
    this.#queue.push({ records, sizeBytes: recordsSizeBytesOf(records), startsBatch, restart: null, done })
    this.#pump()
  }

  /** In order with the appends; see LogStorage.restartAt. */
  restartAt(point: LogPoint, clusterId: ClusterId, done: AppendDone): void {
    this.#queue.push({ records: [], sizeBytes: 0, startsBatch: true, restart: { point, clusterId }, done })
    this.#pump()
  }

  /** Waits for all appends, seals the log, closes the file. On a full disk the waiting appends get an error instead. */
  async close(): Promise<void> {
    this.#cancelSeal?.()
    if (this.#state.kind === 'disk-full') {
      this.#state.cancelRetry()
      this.#failAll(this.#state.batch, new Error('the log was closed while the disk was full'), { kind: 'closed' })
    } else {
      this.#sealWanted = !this.#sealed && this.#state.kind !== 'failed'
      this.#pump()
      if (this.#state.kind === 'writing') await new Promise<void>((resolve) => (this.#whenIdle = resolve))
      this.#state = { kind: 'closed' }
    }
    await this.#segment?.close()
  }

  #pump(): void {
    switch (this.#state.kind) {
      case 'idle': {
        const batch = this.#takeBatch()
        if (batch === null) return this.#goIdle()
        this.#state = { kind: 'writing' }
        void this.#write(batch)
        return
      }
      case 'failed':
        return this.#refuseQueued(this.#state.error)
      case 'closed':
        return this.#refuseQueued(new Error('the log is closed'))
      case 'writing':
      case 'disk-full':
        return
    }
  }

  #goIdle(): void {
    this.#whenIdle?.()
    this.#whenIdle = null
    this.#armSeal()
  }

  #takeBatch(): Batch | null {
    const queue = this.#queue
    if (queue.length === 0) {
      if (!this.#sealWanted || this.#sealed || this.#segment === null) return null
      return { appends: [], records: [], recordsSizeBytes: 0, restart: null }
    }
    let count = 0
    let recordsSizeBytes = 0
    for (const append of queue) {
      if (count > 0 && (append.startsBatch || recordsSizeBytes + append.sizeBytes > batchRecordsSizeBytesMax)) break
      count++
      recordsSizeBytes += append.sizeBytes
      if (append.restart !== null) break
    }
    const appends = count === queue.length ? queue : queue.slice(0, count)
    this.#queue = count === queue.length ? [] : queue.slice(count)
    const records = appends.length === 1 ? appends[0]!.records : appends.flatMap((append) => append.records)
    return { appends, records, recordsSizeBytes, restart: appends[0]!.restart }
  }

  /** Starts its disk operation before it returns, so that a simulated disk gets it in the same turn. */
  async #write(batch: Batch): Promise<void> {
    if (batch.restart !== null) return this.#restart(batch, batch.restart)
    let offset: number
    try {
      // A seal may extend past the end of its segment: in a new segment no batch would precede it.
      const isSeal = batch.appends.length === 0
      if (!isSeal && this.#needsNewSegment(this.#batchSizeBytes(batch))) await this.#startSegment()
      offset = await this.#writeInto(this.#segment!, batch)
    } catch (cause) {
      this.#writeFailed(batch, cause)
      return
    }
    if (this.#state.kind === 'failed') return this.#failAll(batch, this.#state.error, this.#state)
    this.#becameDurable(batch, offset)
    this.#segment!.fillAhead(this.#options.segmentSizeBytes, (error) => this.#fail(asError(error)))
    this.#state = { kind: 'idle' }
    for (const append of batch.appends) append.done(null)
    // A `done` may have called `append`, which has started the next batch already.
    this.#pump()
  }

  /** The header of the new segment is the whole operation: once it is durable, what came before is void. */
  async #restart(batch: Batch, { point, clusterId }: Restart): Promise<void> {
    const state = restartedState(this.#durable, point, clusterId)
    try {
      await this.#startSegment({ state, restarts: true })
    } catch (cause) {
      this.#writeFailed(batch, cause)
      return
    }
    if (this.#state.kind === 'failed') return this.#failAll(batch, this.#state.error, this.#state)
    Object.assign(this.#durable, state)
    this.#checksum = 0
    const refs = this.#segments.takeVoid()
    this.#index.removeBefore(this.#segments.firstSequence)
    this.#sealed = true
    this.#sealWanted = false
    this.#space.noteWritten()
    this.#options.log.info('log-restarted', { path: this.#options.folder, zxid: hexOfZxid(point.zxid) })
    this.#state = { kind: 'idle' }
    for (const append of batch.appends) append.done(null)
    this.#onVoid(refs)
    this.#pump()
  }

  #batchSizeBytes(batch: Batch): number {
    const offset = this.#segment?.position ?? segmentHeaderSizeBytes
    return batchSizeBytes(offset, batch.recordsSizeBytes, batchAlignmentBytes)
  }

  /** A batch larger than a segment gets a segment of its own. */
  #needsNewSegment(sizeBytes: number): boolean {
    const segment = this.#segment
    if (segment === null) return true
    const isEmpty = segment.position === segmentHeaderSizeBytes
    return !isEmpty && segment.position + sizeBytes > this.#options.segmentSizeBytes
  }

  async #startSegment(
    { state, restarts }: { readonly state: LogState; readonly restarts: boolean } = {
      state: this.#durable,
      restarts: false,
    },
  ): Promise<void> {
    const { disk, folder, serverId, segmentSizeBytes } = this.#options
    const before = this.#segment
    const start = {
      serverId,
      sequence: this.#segments.nextSequence,
      checksumBefore: restarts ? 0 : this.#checksum,
      firstBatch: this.#nextBatch,
      state,
      restarts,
      adopts: false,
    }
    const created = await createSegment(disk, folder, start, segmentSizeBytes)
    const { lastZxid: zxid, lastHash: hash } = state
    const { sequence, checksum, file } = created
    this.#segments.closeLast(before?.position ?? 0)
    this.#segments.add({ path: file.path, sequence, checksum, lastZxidBefore: zxid }, { zxid, hash })
    this.#segment = created
    this.#options.onSegment(sequence)
    await before?.close()
  }

  /** Returns the offset of the batch in the segment. */
  async #writeInto(segment: SegmentFile, batch: Batch): Promise<number> {
    const offset = segment.position
    const isSeal = batch.appends.length === 0
    const recordsSizeBytes = batch.recordsSizeBytes
    const sizeBytes = isSeal ? sealSizeBytesMax : batchSizeBytes(offset, recordsSizeBytes, batchAlignmentBytes)
    const staging = this.#stagingOf(sizeBytes)
    if (isSeal) {
      const sealed = this.#encodeSeal(segment, staging)
      await segment.writeBatch(staging.subarray(0, sealed.sizeBytes))
      this.#nextBatch += sealed.batchCount
      this.#checksum = sealed.checksum
      return offset
    }
    const checksum = encodeBatch(staging, this.#placeAt(segment, offset), sizeBytes, batch.records)
    await segment.writeBatch(staging.subarray(0, sizeBytes))
    this.#nextBatch++
    this.#checksum = checksum
    return offset
  }

  /**
   * The seal is an empty batch that fills a sector. If the last batch ends inside a sector, another empty batch in the
   * same write fills the rest of that sector first.
   */
  #encodeSeal(segment: SegmentFile, staging: Uint8Array): { sizeBytes: number; checksum: number; batchCount: number } {
    let place = this.#placeAt(segment, segment.position)
    let fillerSizeBytes = 0
    if (place.offset % sectorSizeBytes !== 0) {
      fillerSizeBytes = batchSizeBytes(place.offset, 0, sectorSizeBytes)
      const checksumBefore = encodeBatch(staging, place, fillerSizeBytes, [])
      place = { ...place, offset: place.offset + fillerSizeBytes, number: place.number + 1, checksumBefore }
    }
    const checksum = encodeBatch(staging.subarray(fillerSizeBytes), place, sectorSizeBytes, [])
    const batchCount = fillerSizeBytes === 0 ? 1 : 2
    return { sizeBytes: fillerSizeBytes + sectorSizeBytes, checksum, batchCount }
  }

  #placeAt(segment: SegmentFile, offset: number): BatchPlace {
    return {
      sequence: segment.sequence,
      segmentChecksum: segment.checksum,
      offset,
      number: this.#nextBatch,
      durableBatch: this.#nextBatch - 1,
      checksumBefore: this.#checksum,
    }
  }

  #stagingOf(sizeBytes: number): Uint8Array {
    if (sizeBytes <= this.#staging.length) return this.#staging
    const staging = new Uint8Array(Math.max(sizeBytes, this.#staging.length * 2))
    if (staging.length <= stagingKeptSizeBytesMax) this.#staging = staging
    return staging
  }

  #becameDurable(batch: Batch, offset: number): void {
    const segment = this.#segment!
    for (const record of batch.records) followRecord(this.#durable, record)
    const place = { sequence: segment.sequence, offset, sizeBytes: segment.position - offset }
    indexBatch({ index: this.#index, segments: this.#segments }, place, batch.records)
    this.#sealed = batch.appends.length === 0
    this.#sealWanted = this.#sealWanted && !this.#sealed
    this.#space.noteWritten()
  }

  #writeFailed(batch: Batch, cause: unknown): void {
    if (this.#state.kind === 'failed') return this.#failAll(batch, this.#state.error, this.#state)
    const error = asError(cause)
    if (!isDiskFull(error)) return this.#failAll(batch, error, { kind: 'failed', error })
    this.#space.noteFull(error)
    const { timers, diskFullRetryMs } = this.#options
    const retry = (): void => {
      this.#state = { kind: 'writing' }
      void this.#write(batch)
    }
    this.#state = { kind: 'disk-full', batch, cancelRetry: timers.after(diskFullRetryMs, retry) }
    // A caller of `close` must not wait for space.
    if (this.#whenIdle !== null) {
      this.#state.cancelRetry()
      this.#failAll(batch, error, { kind: 'closed' })
    }
  }

  /** A failure outside a batch, while the file is filled with zeros. */
  #fail(error: Error): void {
    if (this.#state.kind === 'failed' || this.#state.kind === 'closed') return
    this.#options.log.error('log-write-failed', { path: this.#options.folder, err: error })
    if (this.#state.kind === 'disk-full') this.#state.cancelRetry()
    const batch = this.#state.kind === 'disk-full' ? this.#state.batch : null
    this.#state = { kind: 'failed', error }
    if (batch !== null) this.#failAll(batch, error, this.#state)
  }

  #failAll(batch: Batch, error: Error, state: WriterState): void {
    if (state.kind === 'failed' && this.#state.kind !== 'failed') {
      this.#options.log.error('log-write-failed', { path: this.#options.folder, err: error })
    }
    this.#state = state
    for (const append of batch.appends) append.done(error)
    this.#refuseQueued(error)
    this.#whenIdle?.()
    this.#whenIdle = null
  }

  #refuseQueued(error: Error): void {
    const queue = this.#queue
    if (queue.length === 0) return
    this.#queue = []
    // Never inside `append`: its caller does not expect `done` before `append` returns.
    this.#options.timers.atTurnEnd(() => {
      for (const append of queue) append.done(error)
    })
  }

  /** One timer for any number of batches: if batches were written since it was started, it only starts again. */
  #armSeal(): void {
    if (this.#sealed || this.#cancelSeal !== null) return
    this.#batchesAtSealTimer = this.#nextBatch
    this.#cancelSeal = this.#options.timers.after(this.#options.sealDelayMs, () => {
      this.#cancelSeal = null
      if (this.#nextBatch !== this.#batchesAtSealTimer) return this.#armSeal()
      assert(this.#segment !== null, 'only a segment with batches is sealed', {})
      this.#sealWanted = true
      this.#pump()
    })
  }
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause))
}
