/**
 * Goes through the batches of a log that another thread or process is writing, and stops at the first that is not
 * complete on the disk. The writer may be in the middle of a batch, or between two segments; the next call looks again.
 * Assumes that the log was accepted by recovery, and that batches are only added: then everything that was durable before
 * a call is reached by that call.
 */
import { assert } from '../base/assert.ts'
import type { Disk, DiskFile } from '../ports/disk.ts'
import type { StoredRecord } from './log-state.ts'
import {
  listSegments,
  readSegmentHeader,
  type SegmentHeader,
  type SegmentName,
  segmentHeaderSizeBytes,
} from './segment-header.ts'
import { type BatchStep, readBatch, startOfSegment, type WalkPlace, WindowedFile } from './segment-walk.ts'

export interface SegmentStart {
  readonly path: string
  readonly header: SegmentHeader
}

export type CursorStep =
  | { readonly kind: 'batch'; readonly records: readonly StoredRecord[] }
  /** The cursor is at the start of this segment, which continues the one before by its checksum and batch number. */
  | { readonly kind: 'segment'; readonly header: SegmentHeader; readonly before: WalkPlace }
  /** Nothing more is complete. */
  | { readonly kind: 'end'; readonly detail: string }
  /** The segment was removed from the front of the log: the caller has to begin elsewhere. */
  | { readonly kind: 'removed' }

const details: Readonly<Record<Exclude<BatchStep['kind'], 'batch'>, string>> = {
  'header-lost': 'no complete batch follows',
  'header-damaged': 'the header of the next batch is damaged',
  'does-not-follow': 'the next batch does not follow from the one before it',
  'body-wrong': 'the next batch is not complete',
  'unknown-records': 'the next batch holds records of an unknown kind',
}

export class LogCursor {
  readonly #disk: Disk
  readonly #folder: string
  #segment: SegmentStart
  #here: WalkPlace
  #open: { readonly file: DiskFile; readonly bytes: WindowedFile } | null = null

  constructor(disk: Disk, folder: string, segment: SegmentStart, here: WalkPlace = startOfSegment(segment.header)) {
    this.#disk = disk
    this.#folder = folder
    this.#segment = segment
    this.#here = here
  }

  get place(): { readonly sequence: number; readonly offset: number; readonly path: string } {
    return { sequence: this.#segment.header.sequence, offset: this.#here.offset, path: this.#segment.path }
  }

  /** Another cursor at the same place. */
  copy(): LogCursor {
    return new LogCursor(this.#disk, this.#folder, this.#segment, this.#here)
  }

  async next(): Promise<CursorStep> {
    const bytes = await this.#bytes()
    if (bytes === null) return { kind: 'removed' }
    const step = await readBatch(bytes, this.#segment.header, this.#here)
    if (step.kind === 'batch') return this.#take(step)
    // The next segment is looked for first: it was made after the last batch of this one, which may have come meanwhile.
    const { sequence } = this.#segment.header
    const names = await listSegments(this.#disk, this.#folder)
    const following = await segmentIn(this.#disk, names, sequence + 1)
    bytes.forget()
    const again = await readBatch(bytes, this.#segment.header, this.#here)
    if (again.kind === 'batch') return this.#take(again)
    if (following === null || !this.#isContinuedBy(following)) return this.#end(details[again.kind])
    const before = this.#here
    await this.release()
    this.#segment = following
    this.#here = startOfSegment(following.header)
    return { kind: 'segment', header: following.header, before }
  }

  /** Closes the file; the place is kept. */
  async release(): Promise<void> {
    const open = this.#open
    this.#open = null
    await open?.file.close()
  }

  #isContinuedBy({ header }: SegmentStart): boolean {
    return header.checksumBefore === this.#here.checksum && header.firstBatch === this.#here.nextNumber
  }

  /** The folder is looked at last: a segment that was removed meanwhile says nothing about the one after it. */
  async #end(detail: string): Promise<CursorStep> {
    const names = await listSegments(this.#disk, this.#folder)
    const isThere = names.some(({ sequence }) => sequence === this.#segment.header.sequence)
    return isThere ? { kind: 'end', detail } : { kind: 'removed' }
  }

  #take(step: Extract<BatchStep, { kind: 'batch' }>): CursorStep {
    this.#here = step.next
    return { kind: 'batch', records: step.records }
  }

  /** Null: the segment is no longer in the folder. */
  async #bytes(): Promise<WindowedFile | null> {
    if (this.#open !== null) return this.#open.bytes
    const file = await openIfPresent(this.#disk, this.#segment.path)
    if (file === null) return null
    this.#open = { file, bytes: new WindowedFile(file) }
    return this.#open.bytes
  }
}

/** The last segment for which `isWanted` holds; null if there is none. Unfinished segments are left out. */
export async function lastSegmentWhere(
  disk: Disk,
  folder: string,
  isWanted: (header: SegmentHeader) => boolean,
): Promise<SegmentStart | null> {
  const names = await listSegments(disk, folder)
  for (const { path } of names.toReversed()) {
    const header = await headerIn(disk, path)
    if (header !== null && isWanted(header)) return { path, header }
  }
  return null
}

/** Where the log begins: its first segment, or the last one with which it restarts. Null: it has no segment. */
export async function startOfLog(disk: Disk, folder: string): Promise<SegmentStart | null> {
  let start: SegmentStart | null = null
  for (const { path } of await listSegments(disk, folder)) {
    const header = await headerIn(disk, path)
    if (header !== null && (start === null || header.restarts)) start = { path, header }
  }
  return start
}

async function segmentIn(disk: Disk, names: readonly SegmentName[], sequence: number): Promise<SegmentStart | null> {
  const path = names.find((name) => name.sequence === sequence)?.path ?? null
  const header = path === null ? null : await headerIn(disk, path)
  if (path === null || header === null) return null
  assert(header.sequence === sequence, 'a segment has the sequence of its name', { path, sequence })
  return { path, header }
}

async function headerIn(disk: Disk, path: string): Promise<SegmentHeader | null> {
  const file = await openIfPresent(disk, path)
  if (file === null) return null
  try {
    const reading = readSegmentHeader(await file.read(0, segmentHeaderSizeBytes))
    return reading.kind === 'valid' ? reading.header : null
  } finally {
    await file.close()
  }
}

async function openIfPresent(disk: Disk, path: string): Promise<DiskFile | null> {
  try {
    return await disk.open(path, 'read')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}
