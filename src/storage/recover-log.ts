/**
 * Reads the whole log of one server from its folder, decides for each segment by recovery-plan.ts, and prepares the
 * disk for appending: it zeroes the torn tail, removes an unused segment, and flushes everything that was read. (The
 * flush is needed because a process that was killed, not powered off, left batches in the page cache that were never
 * flushed, and this server is about to acknowledge that it holds them.) If a copy of the state replaces the log, it
 * restarts the log, and it removes the segments that an earlier restart has made void. The disk is changed only after
 * the whole log was read and accepted: a log that is refused stays as it is.
 */
import { assert } from '../base/assert.ts'
import { adoptAdvice, moveDataAway } from '../base/data-advice.ts'
import { type Epoch, hexOfZxid, type ServerId, type Zxid } from '../base/ids.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { Disk, DiskFile } from '../ports/disk.ts'
import type { Log } from '../ports/log.ts'
import type { ClusterId, TxnEntry } from '../protocol/disk/log-record.ts'
import { batchHeaderSizeBytes } from './batch-format.ts'
import { LogIndex } from './log-index.ts'
import { LogReplay } from './log-replay.ts'
import { LogSegments, type SegmentRef } from './log-segments.ts'
import { type LogBase, type LogPoint, type LogState, replacedState, type StoredRecord } from './log-state.ts'
import type { OpenFailure } from './open-failure.ts'
import { type EndPlan, planEnd, planSegment, planStart, type SegmentFacts } from './recovery-plan.ts'
import { createSegment, firstSizeBytes, SegmentFile } from './segment-file.ts'
import {
  continuesLog,
  formatVersion,
  listSegments,
  readSegmentHeader,
  type SegmentHeader,
  type SegmentName,
  segmentHeaderSizeBytes,
} from './segment-header.ts'
import { endOfNonZeros, holdsAnything, type SegmentEnd, WindowedFile, walkSegment } from './segment-walk.ts'
import { type LogParts, UnreadFront } from './unread-front.ts'

export interface RecoveredSegments {
  readonly state: LogState // as the records say, so `committed` may be below the base
  readonly tail: readonly TxnEntry[] // neither marked as committed nor part of the base
  readonly lastCommitted: LogPoint
  readonly index: LogIndex
  readonly segments: LogSegments
  readonly front: UnreadFront | null // null: all segments were read
  readonly active: SegmentFile | null // null: no segment yet
  readonly nextBatch: number
  readonly checksum: number // of the last batch
}

export interface RecoveryOptions {
  readonly disk: Disk
  readonly log: Log
  readonly folder: string
  readonly serverId: ServerId
  /**
   * The point up to which a checkpoint holds the history; null: there is none, so the log must hold the whole history.
   */
  readonly base: LogBase | null
  readonly segmentSizeBytes: number // of a segment that is made
  readonly check: LogCheck
  /** If the base replaces the log: the server to which the log belongs then, and its state. Left out: as they are. */
  readonly restartsAs?: (state: LogState) => { readonly serverId: ServerId; readonly state: LogState }
  readonly onCommitted: (entry: TxnEntry) => void
  readonly onProgress?: (progress: ReadProgress) => void
}

/** How much of the log was read: all of the first `segmentCount` segments, and `offset` bytes of the next. */
export interface ReadProgress {
  readonly segmentCount: number
  readonly offset: number
  readonly segmentCountTotal: number
}

/** What was found in the folder, before anything was changed. */
export interface FoundLog {
  readonly currentEpoch: Epoch
  readonly clusterId: ClusterId
  /** The sequence of the newest segment that has a header; 0: there is none. */
  readonly newestSegment: number
  readonly mustSync: boolean // see LogState
  readonly lastZxid: Zxid // of the segments, also if the base replaces them
  readonly isReplaced: boolean
  /** The path of a segment without a finished header, which is about to be removed; null: there is none. */
  readonly unusedSegment: string | null
}

/** Whether the log may be used; null: yes. */
export type LogCheck = (found: FoundLog) => OpenFailure | null

interface Progress {
  /** The segments before this sequence may be those of other servers: this server has adopted the log. 0: it has not. */
  readonly adoptedBefore: number
  readonly replay: LogReplay
  readonly index: LogIndex
  readonly segments: LogSegments
  last: { readonly ref: SegmentRef; readonly end: SegmentEnd } | null
  /** The lowest point of all truncations. */
  lowestCut: LogPoint | null
  unusedSegment: string | null
  nextBatch: number
  checksum: number
  noteOffset: (offset: number) => void
}

export async function recoverLog(options: RecoveryOptions): Promise<Result<RecoveredSegments, OpenFailure>> {
  const { disk, folder, base } = options
  const all = await listSegments(disk, folder)
  const marks = await findMarks(disk, all)
  const voidCount = Math.max(0, marks.newestRestart)
  const names = all.slice(voidCount)
  const progress = newProgress(options, all[marks.newestAdoption]?.sequence ?? 0)
  const first = names[0]?.sequence ?? null
  // Before anything is touched. If the first segment has a header, recoverSegment checks again with it.
  const missing =
    marks.newestRestart >= 0 ? null : startFailure(options, first === null ? null : { sequence: first, header: null })
  if (missing !== null) return err(openFailureOf(missing))
  for (const [i, { path, sequence }] of names.entries()) {
    if (sequence === first! + i) continue
    return err(corruptFailure(`segment ${first! + i} is missing: the next file is ${path}`))
  }
  const front = await readFrontHeaders(options, progress, names)
  if (!front.ok) return err(front.error)
  for (const { path, header, sizeBytes } of front.value.unread) {
    progress.segments.add(refOf(path, header), pointOf(header.state))
    progress.segments.closeLast(sizeBytes)
  }
  for (const [i, { path, sequence }] of names.entries()) {
    if (i < front.value.unread.length) continue
    const segment = { path, sequence, laterSegment: i + 1 < names.length }
    progress.noteOffset = (offset) => options.onProgress?.({ segmentCount: i, offset, segmentCountTotal: names.length })
    const failure = await recoverSegment(options, progress, segment)
    if (failure !== null) return err(openFailureOf(failure))
  }
  const plan = endPlan(options, progress)
  if (plan.kind === 'corrupt') return err(endFailure(options, progress, plan.why))
  const { unusedSegment } = progress
  const state = plan.kind === 'restart' ? replacedState(progress.replay.state, base!) : progress.replay.state
  const { currentEpoch, clusterId, mustSync } = state
  const { lastZxid } = progress.replay.state
  const newestSegment = progress.last?.ref.sequence ?? 0
  const isReplaced = plan.kind === 'restart'
  const found = { currentEpoch, clusterId, newestSegment, mustSync, lastZxid, isReplaced, unusedSegment }
  const refused = options.check(found)
  if (refused !== null) return err(refused)
  if (unusedSegment !== null) {
    options.log.warn('log-unused-segment-removed', { path: unusedSegment })
    await disk.remove(unusedSegment)
  }
  // Also when nothing was removed: the previous process may not have flushed the entries that were listed.
  await disk.syncDirectory(folder)
  if (plan.kind === 'restart') return ok(await restart(options, progress, state, all))
  const { replay, index, segments, nextBatch, checksum } = progress
  replay.finish()
  const active = progress.last === null ? null : await reopenLast(options, progress.last, replay.state.lastZxid)
  await removeVoid(options, all.slice(0, voidCount))
  return ok({
    state: replay.state,
    tail: replay.tail.map(({ zxid, hash, payload }) => ({ zxid, hash, payload })),
    lastCommitted: replay.lastCommitted,
    index,
    segments,
    front: front.value.end === null ? null : unreadFront(options, progress, names, front.value.end),
    active,
    nextBatch,
    checksum,
  })
}

function newProgress(
  { onCommitted, base }: Pick<RecoveryOptions, 'onCommitted' | 'base'>,
  adoptedBefore: number,
): Progress {
  return {
    adoptedBefore,
    replay: new LogReplay(onCommitted, base),
    index: new LogIndex(),
    segments: new LogSegments(),
    last: null,
    lowestCut: null,
    unusedSegment: null,
    nextBatch: 1,
    checksum: 0,
    noteOffset: () => {},
  }
}

interface FrontHeaders {
  readonly unread: readonly { readonly path: string; readonly header: SegmentHeader; readonly sizeBytes: number }[]
  readonly end: { readonly path: string; readonly header: SegmentHeader } | null // null: all segments are read
}

/**
 * Finds the segments that need not be read: what follows them begins at or before the base, as if they had been removed
 * (`LogSegments.takeFront`). Their headers must be whole and fit each other.
 */
async function readFrontHeaders(
  options: RecoveryOptions,
  progress: Progress,
  names: readonly SegmentName[],
): Promise<Result<FrontHeaders, OpenFailure>> {
  const { disk, base } = options
  const found: FrontHeaders['unread'][number][] = []
  for (const { path, sequence } of base === null ? [] : names) {
    const file = await disk.open(path, 'read')
    try {
      const reading = readSegmentHeader(await file.read(0, segmentHeaderSizeBytes))
      // What is wrong with a header is decided when the segment is read.
      if (reading.kind !== 'valid') break
      const { header } = reading
      if (header.sequence !== sequence || foreignFailure(options, progress, path, header) !== null) break
      if (header.state.lastZxid > base!.zxid) break
      const before = found.at(-1)
      if (before !== undefined && !mayFollow(before.header, header)) {
        return err(corruptFailure(`${path}: does-not-continue`))
      }
      found.push({ path, header, sizeBytes: await file.sizeBytes() })
    } finally {
      await file.close()
    }
  }
  const end = found.pop() ?? null
  return ok({ unread: found, end: found.length === 0 ? null : end })
}

/** Whether a log can come from the start of one segment to the start of the next. */
function mayFollow(before: SegmentHeader, header: SegmentHeader): boolean {
  const [from, to] = [before.state, header.state]
  // An adoption begins a segment also after one that holds no batch.
  const isAfterNothing = header.adopts && header.firstBatch === before.firstBatch
  return (
    (header.firstBatch > before.firstBatch || isAfterNothing) &&
    !header.restarts &&
    to.committed >= from.committed &&
    to.acceptedEpoch >= from.acceptedEpoch &&
    to.currentEpoch >= from.currentEpoch
  )
}

function unreadFront(
  options: RecoveryOptions,
  { index, segments, lowestCut }: Progress,
  names: readonly SegmentName[],
  end: NonNullable<FrontHeaders['end']>,
): UnreadFront {
  const { log, folder } = options
  const { sequence: endSequence } = end.header
  const read = (firstSequence: number): Promise<Result<LogParts, string>> => {
    const unread = names.filter(({ sequence }) => sequence >= firstSequence && sequence < endSequence)
    return readFront(options, unread, end, lowestCut)
  }
  return new UnreadFront({ parts: { index, segments }, log, folder, endSequence, read })
}

/** `lowestCut`: of the truncations in the segments after these. */
async function readFront(
  options: RecoveryOptions,
  names: readonly SegmentName[],
  end: NonNullable<FrontHeaders['end']>,
  lowestCut: LogPoint | null,
): Promise<Result<LogParts, string>> {
  const quiet = { ...options, onCommitted: () => {}, onProgress: () => {} }
  const progress = newProgress(quiet, end.header.sequence)
  for (const { path, sequence } of names) {
    try {
      const failure = await recoverSegment(quiet, progress, { path, sequence, laterSegment: true })
      if (failure !== null) return err(failure.what)
    } catch (cause) {
      if (!(cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')) throw cause
      return err(`${path} is missing`)
    }
  }
  const { index, segments, replay, nextBatch, checksum } = progress
  if (!continuesLog(end.header, { nextNumber: nextBatch, checksum }, replay.state)) {
    return err(`${end.path}: does-not-continue`)
  }
  if (lowestCut !== null) {
    index.truncateAfter(lowestCut.zxid)
    segments.truncateAfter(lowestCut)
  }
  return ok({ index, segments })
}

interface Marks {
  /** The position of the segment with which the log restarted last, -1 if it never did. The segments before it are void. */
  readonly newestRestart: number
  /** Of the segment with which the log was adopted last, -1 if it was not since its restart. */
  readonly newestAdoption: number
}

async function findMarks(disk: Disk, names: readonly SegmentName[]): Promise<Marks> {
  let newestAdoption = -1
  for (let i = names.length - 1; i >= 0; i--) {
    const file = await disk.open(names[i]!.path, 'read')
    try {
      const reading = readSegmentHeader(await file.read(0, segmentHeaderSizeBytes))
      if (reading.kind !== 'valid') continue
      if (reading.header.adopts && newestAdoption < 0) newestAdoption = i
      if (reading.header.restarts) return { newestRestart: i, newestAdoption }
    } finally {
      await file.close()
    }
  }
  return { newestRestart: -1, newestAdoption }
}

/** The base replaces what was read, of which only the state is kept. */
async function restart(
  options: RecoveryOptions,
  { nextBatch, unusedSegment }: Progress,
  replaced: LogState,
  names: readonly SegmentName[],
): Promise<RecoveredSegments> {
  const { disk, log, folder, segmentSizeBytes, restartsAs } = options
  const { serverId, state } = restartsAs?.(replaced) ?? { serverId: options.serverId, state: replaced }
  const old = names.filter(({ path }) => path !== unusedSegment)
  const sequence = (old.at(-1)?.sequence ?? 0) + 1
  const start = { serverId, sequence, checksumBefore: 0, firstBatch: nextBatch, state, restarts: true, adopts: false }
  const active = await createSegment(disk, folder, start, segmentSizeBytes)
  const lastCommitted = pointOf(state)
  log.info('log-restarted', { path: folder, zxid: hexOfZxid(lastCommitted.zxid) })
  const segments = new LogSegments()
  const ref = { path: active.file.path, sequence, checksum: active.checksum, lastZxidBefore: lastCommitted.zxid }
  segments.add(ref, lastCommitted)
  await removeVoid(options, old)
  return {
    state,
    tail: [],
    lastCommitted,
    index: new LogIndex(),
    segments,
    front: null,
    active,
    nextBatch,
    checksum: 0,
  }
}

async function removeVoid({ disk, folder }: RecoveryOptions, names: readonly SegmentName[]): Promise<void> {
  for (const { path } of names) {
    await disk.remove(path)
    await disk.syncDirectory(folder)
  }
}

async function recoverSegment(
  options: RecoveryOptions,
  progress: Progress,
  {
    path,
    sequence,
    laterSegment,
  }: { readonly path: string; readonly sequence: number; readonly laterSegment: boolean },
): Promise<SegmentFailure | null> {
  const { disk } = options
  const file = await disk.open(path, 'read')
  let facts: SegmentFacts
  let header: SegmentHeader | null = null
  let end: SegmentEnd | null = null
  try {
    const bytes = new WindowedFile(file)
    const reading = readSegmentHeader(await bytes.at(0, segmentHeaderSizeBytes))
    if (reading.kind === 'valid') {
      header = reading.header
      const foreign = foreignFailure(options, progress, path, header)
      if (foreign !== null) return foreign
      const isFirst = progress.last === null
      const hole = isFirst ? startFailure(options, { sequence, header }) : null
      if (hole !== null) return hole
      if (isFirst && (sequence > 1 || header.restarts)) startLater(progress, header)
      const { replay, nextBatch, checksum } = progress
      const continues =
        header.sequence === sequence && continuesLog(header, { nextNumber: nextBatch, checksum }, replay.state)
      if (continues) progress.segments.add(refOf(path, header), pointOf(header.state))
      if (continues && header.adopts) replay.adopt(header.state)
      if (continues) end = await walkSegment(bytes, header, (batch, records) => followBatch(progress, batch, records))
      const { kind, provenDurable } = end ?? { kind: 'zeros', provenDurable: false }
      facts = { header: 'valid', end: kind, provenDurable, laterSegment, continues, followsRemoved: false }
    } else {
      // The file grows beyond its first size only when its header is durable.
      const provenDurable = (await file.sizeBytes()) > firstSizeBytes || (await holdsAnything(bytes))
      const followsRemoved = progress.last === null && sequence > 1
      facts = { header: reading.kind, end: 'zeros', provenDurable, laterSegment, continues: false, followsRemoved }
    }
  } finally {
    await file.close()
  }
  const plan = planSegment(facts)
  switch (plan.kind) {
    case 'corrupt':
      return corruptSegment(`${path}, offset ${end?.offset ?? 0}: ${plan.why}${end === null ? '' : ` (${end.detail})`}`)
    case 'drop-unused-segment':
      progress.unusedSegment = path
      return null
    case 'cut-torn-tail':
    case 'clean': {
      assert(header !== null && end !== null, 'a usable segment was walked', { path })
      progress.last = { ref: refOf(path, header), end }
      progress.segments.closeLast(end.offset)
      progress.nextBatch = end.nextNumber
      progress.checksum = end.checksum
      return null
    }
  }
}

function followBatch(
  progress: Progress,
  batch: { readonly sequence: number; readonly offset: number; readonly sizeBytes: number },
  records: readonly StoredRecord[],
): string | null {
  for (const record of records) {
    const problem = progress.replay.follow(record)
    if (problem !== null) return problem
    if (record.kind !== 'truncate' || (progress.lowestCut?.zxid ?? record.zxid) < record.zxid) continue
    progress.lowestCut = { zxid: record.zxid, hash: record.hash }
  }
  indexBatch(progress, batch, records)
  progress.noteOffset(batch.offset + batch.sizeBytes)
  return null
}

/** A truncation is always the first record of its batch, so the txns after it are in order. */
export function indexBatch(
  { index, segments }: { readonly index: LogIndex; readonly segments: LogSegments },
  batch: { readonly sequence: number; readonly offset: number; readonly sizeBytes: number },
  records: readonly StoredRecord[],
): void {
  let first: Zxid | null = null
  let last: Zxid | null = null
  for (const record of records) {
    if (record.kind === 'truncate') {
      index.truncateAfter(record.zxid)
      segments.truncateAfter({ zxid: record.zxid, hash: record.hash })
    }
    if (record.kind !== 'txn') continue
    first ??= record.zxid
    last = record.zxid
  }
  if (first !== null && last !== null) index.add(batch.sequence, batch.offset, batch.sizeBytes, first, last)
}

function refOf(path: string, header: SegmentHeader): SegmentRef {
  const { sequence, checksum, state } = header
  return { path, sequence, checksum, lastZxidBefore: state.lastZxid }
}

function pointOf(state: LogState): LogPoint {
  return { zxid: state.lastZxid, hash: state.lastHash }
}

/** For the first segment of a log whose front was removed or replaced: its header holds the state before it. */
function startLater(progress: Progress, header: SegmentHeader): void {
  progress.replay.startFrom(header.state)
  progress.nextBatch = header.firstBatch
  progress.checksum = header.checksumBefore
}

async function reopenLast(
  options: RecoveryOptions,
  last: { readonly ref: SegmentRef; readonly end: SegmentEnd },
  lastZxid: Zxid,
): Promise<SegmentFile> {
  const { ref, end } = last
  const file = await options.disk.open(ref.path, 'read-write')
  try {
    if (end.kind === 'unfinished') {
      const garbageEnd = await endOfNonZeros(new WindowedFile(file), end.offset)
      const cut = { offset: end.offset, sizeBytes: garbageEnd - end.offset, zxid: hexOfZxid(lastZxid) }
      options.log.warn('log-torn-tail-cut', { path: ref.path, ...cut })
      await eraseTail(file, end.offset, garbageEnd)
    }
    await file.sync()
    const filledBytes = await file.sizeBytes()
    return new SegmentFile(file, { sequence: ref.sequence, checksum: ref.checksum, position: end.offset, filledBytes })
  } catch (error) {
    await file.close()
    throw error
  }
}

/**
 * Makes the tail durably zero, so that old bytes are never read as batches after new ones. The end mark of the first
 * header is zeroed first, alone: from then on the tail reads as unfinished, whatever a crash leaves of the rest.
 */
async function eraseTail(file: DiskFile, from: number, to: number): Promise<void> {
  const fileSizeBytes = await file.sizeBytes()
  const headerEnd = from + batchHeaderSizeBytes - 1
  if (headerEnd < fileSizeBytes) await file.writeDurably(headerEnd, [new Uint8Array(1)])
  const zeros = new Uint8Array(1024 * 1024)
  for (let at = from; at < to; at += zeros.length) {
    await file.writeDurably(at, [zeros.subarray(0, Math.min(zeros.length, to - at))])
  }
}

/** `first`: the first segment that is not void, null if there is none; its header is null while it is not read. */
function startFailure(
  { folder, base }: RecoveryOptions,
  first: { readonly sequence: number; readonly header: SegmentHeader | null } | null,
): SegmentFailure | null {
  const plan = planStart({
    base: base?.origin ?? 'none',
    first: first === null ? 'none' : beginsHistory(first.sequence, first.header) ? 'beginning' : 'later',
    startsAfterBase: base !== null && (first?.header?.state.lastZxid ?? 0) > base.zxid,
  })
  if (plan.kind === 'read') return null
  const where = base === null ? '' : hexOfZxid(base.zxid)
  const begins = `the log in ${folder} begins with segment ${first?.sequence}`
  const whatByReason = {
    'segments-missing': `${begins}: the segments before it are missing, and no checkpoint covers them`,
    'log-missing': `${folder} holds no log, but there is a checkpoint of ${where} that was made with one`,
    'hole-after-base': `${begins}, after the checkpoint of ${where}: txns between them are missing`,
  }
  return corruptSegment(whatByReason[plan.why])
}

/** A restart of the log from nothing begins a history, like segment 1. */
function beginsHistory(sequence: number, header: SegmentHeader | null): boolean {
  return header?.restarts ? header.state.lastZxid === 0 : sequence === 1
}

function endPlan({ base }: RecoveryOptions, { replay }: Progress): EndPlan {
  const { lastZxid, committed, clusterId, acceptedEpoch } = replay.state
  const isNamed = lastZxid > 0 && clusterId !== 0 && base !== null && base.clusterId !== 0
  return planEnd({
    base: base?.origin ?? 'none',
    meetsBase: replay.metBase,
    endsBeforeBase: base !== null && lastZxid < base.zxid,
    commitsBase: base !== null && committed >= base.zxid,
    isOtherCluster: isNamed && clusterId !== base.clusterId,
    holdsEpoch: acceptedEpoch > 0,
  })
}

function endFailure(
  { folder, base }: RecoveryOptions,
  { replay }: Progress,
  why: Extract<EndPlan, { kind: 'corrupt' }>['why'],
): OpenFailure {
  const { lastZxid, clusterId } = replay.state
  const where = base === null ? '' : hexOfZxid(base.zxid)
  const hexOfCluster = (id: number): string => `0x${id.toString(16)}`
  const whatByReason = {
    'ends-before-base': `the log in ${folder} ends at ${hexOfZxid(lastZxid)}, before the checkpoint of ${where}`,
    'base-of-another-history': `the log in ${folder} has another history than the checkpoint at ${where}`,
    'base-of-another-cluster': `the log in ${folder} is of cluster ${hexOfCluster(clusterId)}, the checkpoint of cluster ${hexOfCluster(base?.clusterId ?? 0)}`,
    'log-emptied': `the log in ${folder} holds nothing, but there is a checkpoint of ${where} that was received with one`,
  }
  return corruptFailure(whatByReason[why])
}

function foreignFailure(
  options: RecoveryOptions,
  { adoptedBefore }: Progress,
  path: string,
  header: SegmentHeader,
): SegmentFailure | null {
  if (header.version !== formatVersion) {
    const message = `${path} has log format ${header.version}, this program reads format ${formatVersion}. Start the version that wrote it.`
    return { kind: 'foreign', what: message }
  }
  if (header.serverId === options.serverId || header.sequence < adoptedBefore) return null
  const message = `${path} was written by server ${header.serverId}, this is server ${options.serverId}. Check myid and dataLogDir. ${adoptAdvice} The log was not changed.`
  return { kind: 'foreign', what: message }
}

/** What is wrong, without what that means for a start. */
interface SegmentFailure {
  readonly kind: 'corrupt' | 'foreign'
  readonly what: string
}

function corruptSegment(what: string): SegmentFailure {
  return { kind: 'corrupt', what }
}

function openFailureOf({ kind, what }: SegmentFailure): OpenFailure {
  return kind === 'corrupt' ? corruptFailure(what) : { kind, message: what }
}

function corruptFailure(what: string): OpenFailure {
  const advice =
    'Acknowledged records are missing or damaged, so this server does not start; the log was not changed. If the other ' +
    `servers of the ensemble serve without this one, ${moveDataAway}, and start again: the history is copied from them. ` +
    'A standalone server needs its backup.'
  return { kind: 'corrupt', message: `${what}. ${advice}` }
}
