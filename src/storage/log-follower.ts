/**
 * Reads the committed txns of a log that is being written, in order, and goes on where it stopped. The caller says how far
 * the log is committed and durable; nothing after that point is passed on.
 *
 * A commit mark of the log settles the txns before it at once. The others up to the caller's point may be versions that a
 * truncation later in the log takes back, since a zxid can be received again. So they are passed on only once everything
 * that is on the disk was read; a long stretch without a mark is searched for truncations beforehand, so that memory is
 * bounded. Each txn is checked against the chain of hashes, as at a start.
 */
import { assert } from '../base/assert.ts'
import { emptyChainHash } from '../base/chain-hash.ts'
import { logDamageCode } from '../base/disk-failure.ts'
import { hexOfZxid, type Zxid, zeroZxid } from '../base/ids.ts'
import { followedTailSizeBytesMax } from '../base/limits.ts'
import type { Disk } from '../ports/disk.ts'
import type { TxnEntry } from '../protocol/disk/log-record.ts'
import { type CursorStep, LogCursor, lastSegmentWhere } from './log-cursor.ts'
import { LogReplay } from './log-replay.ts'
import type { LogPoint, LogState, StoredRecord } from './log-state.ts'
import { continuesLog } from './segment-header.ts'

const otherHistoryKind = 'other-history'

/** Whether a rejection says that the log has another history than the caller, or does not have its point. */
export function isOtherHistory(cause: unknown): boolean {
  return cause instanceof Error && 'kind' in cause && cause.kind === otherHistoryKind
}

interface Position {
  readonly replay: LogReplay
  readonly cursor: LogCursor
  tailSizeBytes: number // of the txns that are not settled yet
  /** After this place no truncation goes below the caller's point; null: not known. */
  settledFrom: { readonly through: Zxid; readonly sequence: number; readonly offset: number } | null
}

export class LogFollower {
  readonly #disk: Disk
  readonly #folder: string
  readonly #tailSizeBytesMax: number
  #given: LogPoint
  #ready: TxnEntry[] = [] // settled and not passed on
  #position: Position | null = null

  /** The caller holds the history up to `base`; null: none of it. */
  constructor(disk: Disk, folder: string, base: LogPoint | null, tailSizeBytesMax = followedTailSizeBytesMax) {
    this.#disk = disk
    this.#folder = folder
    this.#tailSizeBytesMax = tailSizeBytesMax
    this.#given = base ?? { zxid: zeroZxid, hash: emptyChainHash }
  }

  /** As the records say that were read so far, which may be more than those passed on. */
  get state(): LogState | null {
    return this.#position?.replay.state ?? null
  }

  /**
   * The next txns up to `through`, at least one; null when all were passed on. `through` is the zxid of a txn that is
   * committed, and durable in the files. Rejects if the log has another history, and with code ELOGDAMAGED if it no longer
   * reads back up to there: then the disk has lost what was durable.
   */
  async next(through: Zxid): Promise<readonly TxnEntry[] | null> {
    if (this.#given.zxid >= through) return null
    for (;;) {
      const entries = this.#take(through)
      if (entries.length > 0) return entries
      const position = this.#position ?? (await this.#begin())
      this.#position = position
      const step = await position.cursor.next()
      if (step.kind === 'end') {
        position.replay.commitThrough(through)
        if (this.#ready.length === 0) throw this.#damage(`${step.detail}, before ${hexOfZxid(through)}`)
      } else {
        await this.#follow(position, step, through)
      }
    }
  }

  /** Closes the file that is open; the place is kept. */
  async release(): Promise<void> {
    await this.#position?.cursor.release()
  }

  #take(through: Zxid): readonly TxnEntry[] {
    const ready = this.#ready
    const count = ready.findIndex((entry) => entry.zxid > through)
    const entries = ready.splice(0, count < 0 ? ready.length : count)
    const last = entries.at(-1)
    if (last !== undefined) {
      if (this.#position?.replay.metBase !== true) {
        throw Object.assign(this.#failure('it has another history up to there'), { kind: otherHistoryKind })
      }
      this.#given = { zxid: last.zxid, hash: last.hash }
    } else if (ready.length > 0) {
      throw this.#failure(`it has no txn ${hexOfZxid(through)}`)
    }
    return entries
  }

  /** Starts at the last segment that does not begin after what was passed on, as recovery would accept it. */
  async #begin(): Promise<Position> {
    const base = this.#given
    const segment = await lastSegmentWhere(this.#disk, this.#folder, ({ state }) => state.lastZxid <= base.zxid)
    if (segment === null) throw this.#failure(`txns after ${hexOfZxid(base.zxid)} are missing at its front`)
    this.#ready = []
    const onCommitted = (entry: TxnEntry): void => {
      this.#ready.push(entry)
    }
    const replay = new LogReplay(onCommitted, base.zxid === zeroZxid ? null : base)
    replay.startFrom(segment.header.state)
    return { replay, cursor: new LogCursor(this.#disk, this.#folder, segment), tailSizeBytes: 0, settledFrom: null }
  }

  async #follow(position: Position, step: Exclude<CursorStep, { kind: 'end' }>, through: Zxid): Promise<void> {
    switch (step.kind) {
      case 'removed':
        await position.cursor.release()
        this.#position = null
        return
      case 'segment':
        if (continuesLog(step.header, step.before, position.replay.state)) {
          if (step.header.adopts) position.replay.adopt(step.header.state)
          return
        }
        // The log restarts with this segment: what was read before it and not passed on is void.
        if (step.header.state.lastZxid > this.#given.zxid)
          throw this.#failure('a segment does not continue the one before it')
        await position.cursor.release()
        this.#position = null
        return
      case 'batch':
        this.#replay(position, step.records)
        await this.#settle(position, through)
    }
  }

  #replay(position: Position, records: readonly StoredRecord[]): void {
    const { replay } = position
    for (const record of records) {
      const problem = replay.follow(record)
      if (problem !== null) throw this.#damage(problem)
      if (record.kind === 'txn') position.tailSizeBytes += record.payload.length
      else if (record.kind !== 'accepted-epoch' && record.kind !== 'current-epoch')
        position.tailSizeBytes = replay.tail.reduce((sum, { payload }) => sum + payload.length, 0)
    }
  }

  /** Passes on txns without a mark, if there are many and none of them is taken back later. */
  async #settle(position: Position, through: Zxid): Promise<void> {
    if (position.tailSizeBytes <= this.#tailSizeBytesMax) return
    const { replay, cursor } = position
    if (position.settledFrom?.through !== through) {
      position.settledFrom = { through, ...(await lastTruncationBelow(through, cursor)) }
    }
    const { sequence, offset } = position.settledFrom
    const here = cursor.place
    const isSettled = here.sequence > sequence || (here.sequence === sequence && here.offset >= offset)
    if (!isSettled) return
    replay.commitThrough(through)
    position.tailSizeBytes = replay.tail.reduce((sum, { payload }) => sum + payload.length, 0)
  }

  #damage(what: string): Error {
    const error = this.#failure(`what was durable no longer reads back: ${what}. Check the disk`)
    return Object.assign(error, { code: logDamageCode })
  }

  #failure(what: string): Error {
    const place = this.#position?.cursor.place
    const where = place === undefined ? this.#folder : `${place.path}, offset ${place.offset}`
    return new Error(`the log cannot be read after ${hexOfZxid(this.#given.zxid)}: ${where}: ${what}`)
  }
}

/** The place after the last truncation to a point before `through`, from the cursor to the end of what is on the disk. */
async function lastTruncationBelow(
  through: Zxid,
  from: LogCursor,
): Promise<{ readonly sequence: number; readonly offset: number }> {
  const cursor = from.copy()
  let last: { readonly sequence: number; readonly offset: number } = from.place
  try {
    for (;;) {
      const step = await cursor.next()
      if (step.kind === 'end' || step.kind === 'removed') break
      if (step.kind !== 'batch') continue
      if (step.records.some((record) => record.kind === 'truncate' && record.zxid < through)) last = cursor.place
    }
  } finally {
    await cursor.release()
  }
  assert(last.sequence >= from.place.sequence, 'a search goes forwards', { ...last })
  return { sequence: last.sequence, offset: last.offset }
}
