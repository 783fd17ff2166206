/**
 * The history after one point as the log files have it, in parts for a backup. It runs where the checkpoint is kept, so that
 * the main thread reads and encodes nothing. The first part is read when the history is opened: a log that does not have
 * the point, or another history up to it, is found before anything is sent.
 */
import type { Zxid } from '../base/ids.ts'
import { backupPieceSizeBytesMax } from '../base/limits.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { HistoryFailure, HistoryPart, HistoryPoint, HistoryReader } from '../ports/checkpoints.ts'
import type { Disk } from '../ports/disk.ts'
import { encodePiece } from '../protocol/backup/backup-piece.ts'
import type { TxnEntry } from '../protocol/disk/log-record.ts'
import { startOfLog } from '../storage/log-cursor.ts'
import { isOtherHistory, LogFollower } from '../storage/log-follower.ts'

export interface HistoryRange {
  readonly after: HistoryPoint
  readonly through: Zxid
  readonly sizeBytesMax?: number | undefined // of the payloads of one part; a larger txn is a part of its own
}

export async function openHistory(
  disk: Disk,
  logFolder: string,
  range: HistoryRange,
): Promise<Result<HistoryReader, HistoryFailure>> {
  const { after, through } = range
  if (after.zxid > through) return err({ kind: 'other-history' })
  const start = await startOfLog(disk, logFolder)
  const oldest = start?.header.state.lastZxid ?? through
  if (oldest > after.zxid) return err({ kind: 'log-begins-later', oldest })
  const history = new LogHistory(disk, logFolder, range)
  try {
    await history.readAhead()
    return ok(history)
  } catch (cause) {
    await history.close()
    if (isOtherHistory(cause)) return err({ kind: 'other-history' })
    throw cause
  }
}

class LogHistory implements HistoryReader {
  readonly #follower: LogFollower
  readonly #through: Zxid
  readonly #sizeBytesMax: number
  /** Txns that were read and not passed on yet, from the index `#at`. */
  #ahead: readonly TxnEntry[] = []
  #at = 0
  #isClosed = false
  #last: Promise<unknown> = Promise.resolve()

  constructor(disk: Disk, logFolder: string, { after, through, sizeBytesMax }: HistoryRange) {
    this.#follower = new LogFollower(disk, logFolder, after)
    this.#through = through
    this.#sizeBytesMax = sizeBytesMax ?? backupPieceSizeBytesMax
  }

  /** False: all txns were passed on. */
  async readAhead(): Promise<boolean> {
    if (this.#at < this.#ahead.length) return true
    const entries = await this.#follower.next(this.#through)
    this.#ahead = entries ?? []
    this.#at = 0
    return entries !== null
  }

  next(): Promise<HistoryPart | null> {
    const part = this.#last.then(() => {
      if (this.#isClosed) throw Object.assign(new Error('the history was closed'), { code: 'ECLOSED' })
      return this.#next()
    })
    this.#last = part.catch(() => {})
    return part
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#last
    await this.#follower.release()
  }

  async #next(): Promise<HistoryPart | null> {
    const txns: TxnEntry[] = []
    let sizeBytes = 0
    while (sizeBytes < this.#sizeBytesMax && (await this.readAhead())) {
      const entry = this.#ahead[this.#at]!
      if (txns.length > 0 && sizeBytes + entry.payload.length > this.#sizeBytesMax) break
      txns.push(entry)
      sizeBytes += entry.payload.length
      this.#at++
    }
    const last = txns.at(-1)
    if (last === undefined) return null
    const { bytes } = encodePiece({ kind: 'txns', txns })
    return { bytes, txnCount: txns.length, last: { zxid: last.zxid, hash: last.hash } }
  }
}
