/**
 * Follows the records of a log from the first on: checks the order of zxids and the chain of hashes, passes committed
 * txns to `onCommitted`, keeps the rest as the tail. A txn leaves the tail only by a commit mark or by a truncation,
 * and no truncation goes below the mark; so a txn that was passed on is never taken back.
 *
 * A log whose front was removed starts from the state in its first header. A checkpoint then holds the history up to
 * `base`; these txns are checked and not passed on. Before the base, a truncation may go back to a point before the
 * log, whose hash is unknown. A wrong one is still noticed: the hash of the base covers everything before it, and
 * recovery refuses a log that does not reach the base with that hash.
 */
import { emptyChainHash, nextChainHash } from '../base/chain-hash.ts'
import { hexOfZxid, type Zxid, zeroZxid } from '../base/ids.ts'
import type { TxnEntry } from '../protocol/disk/log-record.ts'
import {
  emptyLogState,
  followRecord,
  type LogPoint,
  type LogState,
  type MutableLogState,
  type StoredRecord,
} from './log-state.ts'

const beginning: LogPoint = { zxid: zeroZxid, hash: emptyChainHash }

export class LogReplay {
  readonly #state: MutableLogState = { ...emptyLogState }
  readonly #base: LogPoint
  readonly #onCommitted: (entry: TxnEntry) => void
  #tail: TxnEntry[] = []
  /** The last txn before the tail: it is committed, or comes before the log. */
  #floor: LogPoint = beginning
  #logStart: Zxid = zeroZxid
  #metBase: boolean

  constructor(onCommitted: (entry: TxnEntry) => void, base: LogPoint | null) {
    this.#onCommitted = onCommitted
    this.#base = base ?? beginning
    this.#metBase = base === null
  }

  get state(): LogState {
    return this.#state
  }

  get tail(): readonly TxnEntry[] {
    return this.#tail
  }

  get lastCommitted(): LogPoint {
    return this.#floor
  }

  /** Whether the live history has reached the base, with its hash. */
  get metBase(): boolean {
    return this.#metBase
  }

  /** The log begins with this state, since its front was removed. */
  startFrom(state: LogState): void {
    Object.assign(this.#state, state)
    this.#floor = { zxid: state.lastZxid, hash: state.lastHash }
    this.#logStart = state.lastZxid
    this.#noteBase()
  }

  /** The server adopts the log with a segment that has this state, in which the history is the same. */
  adopt(state: LogState): void {
    Object.assign(this.#state, state)
  }

  /** At the end of the log: the txns up to the base are committed, whether the log has a mark for them or not. */
  finish(): void {
    this.#handOut(this.#base.zxid)
  }

  /**
   * The txns up to `zxid` are committed although no mark says so yet. The caller knows that no truncation below `zxid`
   * follows in the log.
   */
  commitThrough(zxid: Zxid): void {
    this.#handOut(zxid)
  }

  /** Returns what is wrong with the record, or null. */
  follow(record: StoredRecord): string | null {
    const problem = this.#problemOf(record)
    if (problem !== null) return problem
    followRecord(this.#state, record)
    if (record.kind === 'txn') this.#tail.push(record)
    else if (record.kind === 'truncate') this.#dropAfter(record)
    else if (record.kind === 'committed') this.#handOut(record.zxid)
    this.#noteBase()
    return null
  }

  #problemOf(record: StoredRecord): string | null {
    const { lastZxid, lastHash, committed } = this.#state
    if (record.kind === 'txn') {
      if (record.zxid <= lastZxid) return `txn ${hexOfZxid(record.zxid)} follows ${hexOfZxid(lastZxid)}`
      const hash = nextChainHash(lastHash, record.zxid, record.payload)
      if (hash !== record.hash)
        return `the history before txn ${hexOfZxid(record.zxid)} is not the one it was written on`
    }
    if (record.kind === 'committed' && record.zxid > lastZxid) {
      return `${hexOfZxid(record.zxid)} is marked committed, the log ends at ${hexOfZxid(lastZxid)}`
    }
    if (record.kind === 'truncate') {
      if (record.zxid < committed) return `a truncation to ${hexOfZxid(record.zxid)} takes back committed txns`
      const isBeforeLog = record.zxid < this.#logStart && record.zxid < this.#base.zxid
      if (!isBeforeLog && this.#hashAt(record.zxid) !== record.hash)
        return `a truncation to ${hexOfZxid(record.zxid)} finds another history`
    }
    return null
  }

  #hashAt(zxid: Zxid): number | null {
    if (zxid === this.#floor.zxid) return this.#floor.hash
    return this.#tail.findLast((entry) => entry.zxid === zxid)?.hash ?? null
  }

  #dropAfter({ zxid, hash }: LogPoint): void {
    while ((this.#tail.at(-1)?.zxid ?? zxid) > zxid) this.#tail.pop()
    // The base was received before it was committed, and comes again later in the log; else the log is refused at its end.
    if (zxid < this.#base.zxid) this.#metBase = false
    if (this.#floor.zxid > zxid) this.#floor = { zxid, hash }
  }

  #handOut(zxid: Zxid): void {
    let count = 0
    for (const entry of this.#tail) {
      if (entry.zxid > zxid) break
      if (entry.zxid > this.#base.zxid)
        this.#onCommitted({ zxid: entry.zxid, hash: entry.hash, payload: entry.payload })
      this.#floor = { zxid: entry.zxid, hash: entry.hash }
      count++
    }
    if (count > 0) this.#tail = this.#tail.slice(count)
  }

  #noteBase(): void {
    const { lastZxid, lastHash } = this.#state
    if (lastZxid === this.#base.zxid && lastHash === this.#base.hash) this.#metBase = true
  }
}
