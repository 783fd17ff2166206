/**
 * Finds the point to which a backup is restored. A backup reaches from its checkpoint to its last end. A point outside of
 * that is refused: the state there would lack writes before the point, or have some after it.
 */
import { assertNever } from '../base/assert.ts'
import { hexOfZxid, type Zxid } from '../base/ids.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { CheckpointFacts } from '../ports/checkpoints.ts'
import type { BackupEnd } from '../protocol/backup/backup-piece.ts'
import type { BackupSearch, TimedPoint } from './backup-check.ts'

export type RestoreTarget =
  /** Everything that the backup has. */
  | { readonly kind: 'end' }
  /** The txns up to this zxid, which need not be that of a txn. */
  | { readonly kind: 'zxid'; readonly zxid: Zxid }
  /** The txns before the first one that is later, by the clock of the leader. */
  | { readonly kind: 'time'; readonly timeMs: number }

export interface RestorePoint {
  readonly zxid: Zxid
  readonly timeMs: number | null // of the last txn; null: it is that of the checkpoint, which is not known
}

/** What was found up to an end; an end later in the file replaces it. */
interface Found {
  readonly end: BackupEnd
  readonly point: RestorePoint
  readonly isPassed: boolean // a txn after the point exists
  readonly latestMs: number // of all txns
}

export class RestorePointSearch implements BackupSearch {
  readonly #target: RestoreTarget
  #checkpointZxid: Zxid | null = null
  #firstMs: number | null = null
  #latestMs = 0
  #point: RestorePoint | null = null
  #isPassed = false
  #found: Found | null = null

  constructor(target: RestoreTarget) {
    this.#target = target
  }

  checkpoint({ zxid }: CheckpointFacts): void {
    this.#checkpointZxid = zxid
    this.#point = { zxid, timeMs: null }
  }

  txn(point: TimedPoint): void {
    this.#firstMs ??= point.timeMs
    this.#latestMs = Math.max(this.#latestMs, point.timeMs)
    this.#isPassed ||= isAfter(point, this.#target)
    if (!this.#isPassed) this.#point = point
  }

  end(end: BackupEnd): void {
    this.#found = { end, point: this.#point!, isPassed: this.#isPassed, latestMs: this.#latestMs }
  }

  /** After the last piece. `broken`: what is wrong with the file after its last end; null: nothing follows it. */
  result(broken: string | null): Result<RestorePoint, string> {
    const [found, checkpointZxid] = [this.#found, this.#checkpointZxid]
    if (found === null || checkpointZxid === null) return err(broken ?? 'it has no end')
    const target = this.#target
    switch (target.kind) {
      case 'end':
        return broken === null ? ok(found.point) : err(withoutTheRest(broken, found))
      case 'zxid': {
        const asked = hexOfZxid(target.zxid)
        if (target.zxid > found.end.zxid) return err(beyond(asked, broken, found))
        if (target.zxid >= checkpointZxid) return ok(found.point)
        return err(
          `the backup begins with a checkpoint of ${hexOfZxid(checkpointZxid)}, so it does not reach back to ${asked}. Use an ` +
            'older backup',
        )
      }
      case 'time':
        if (found.point.timeMs === null) return err(this.#tooEarly(target.timeMs, checkpointZxid))
        // Only a write shows how far the backup reaches: the server that it was taken from may have lagged.
        if (!found.isPassed && target.timeMs > found.latestMs) return err(later(target.timeMs, broken, found))
        return ok(found.point)
      default:
        return assertNever(target)
    }
  }

  #tooEarly(timeMs: number, checkpointZxid: Zxid): string {
    const checkpoint = hexOfZxid(checkpointZxid)
    const later =
      this.#firstMs === null ? 'no write after it' : `the first write after it is of ${isoOf(this.#firstMs)}`
    return (
      `the backup begins with a checkpoint of ${checkpoint}, of which the time is not known, and ${later}. So it cannot show ` +
      `the state at ${isoOf(timeMs)}. Use an older backup, or write --to-zxid ${checkpoint} for the checkpoint alone`
    )
  }
}

function isAfter({ zxid, timeMs }: TimedPoint, target: RestoreTarget): boolean {
  switch (target.kind) {
    case 'end':
      return false
    case 'zxid':
      return zxid > target.zxid
    case 'time':
      return timeMs > target.timeMs
    default:
      return assertNever(target)
  }
}

function withoutTheRest(broken: string, { end }: Found): string {
  const zxid = hexOfZxid(end.zxid)
  return (
    `${broken}. What comes before is complete up to ${zxid}, of ${isoOf(end.wallMs)}. If you accept that the writes after ` +
    `that are missing, write --to-zxid ${zxid}`
  )
}

function beyond(asked: string, broken: string | null, { end }: Found): string {
  const known = `the backup ends at ${hexOfZxid(end.zxid)}, made at ${isoOf(end.wallMs)}, and ${asked} is after that`
  if (broken === null) return `${known}. Use a newer backup, or write no point to restore all of this one`
  return `${broken}; up to there ${known}. Use another backup, or an earlier point`
}

function later(timeMs: number, broken: string | null, { end, latestMs }: Found): string {
  const known =
    `the last write in the backup is ${hexOfZxid(end.zxid)}, of ${isoOf(latestMs)}, and it does not show whether there were ` +
    `others until ${isoOf(timeMs)}`
  if (broken === null) return `${known}. Use a newer backup, or write no point to restore all of this one`
  return `${broken}; up to that place ${known}. Use another backup, or an earlier point`
}

/** The largest time that a Date can have. */
const dateMsMax = 8.64e15

export function isoOf(timeMs: number): string {
  return Math.abs(timeMs) <= dateMsMax ? new Date(timeMs).toISOString() : `${timeMs} ms`
}
