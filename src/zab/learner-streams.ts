/**
 * Brings learners to the leader's history and keeps them in step (docs/internals/zab.md, steps S1–S3, B2, B4). Each
 * learner gets one stream. It begins at the point where the two histories meet and continues through synchronisation
 * into broadcast without a break: what is proposed while a learner joins comes later in its stream. Txns that are no
 * longer in memory are read from the log, a piece at a time.
 */
import type { Zxid } from '../base/ids.ts'
import { hexOfZxid } from '../base/ids.ts'
import { proposalBatchSizeBytesMax } from '../base/limits.ts'
import type { TxnEntry } from '../protocol/disk/log-record.ts'
import type { HistoryPoint } from './history.ts'
import type { Learner } from './learner.ts'
import type { LogRead } from './zab-contract.ts'
import type { ZabCore } from './zab-core.ts'

export class LearnerStreams {
  readonly #core: ZabCore

  constructor(core: ZabCore) {
    this.#core = core
  }

  /** Finds where the histories meet and sends `sync-start`; returns why the learner cannot be brought up, or null. */
  start(learner: Learner, mayCopy: boolean): string | null {
    const theirs = learner.last!
    const meeting = this.#core.history.pointAtOrBefore(theirs.zxid)
    if (meeting !== null) return this.#startAt(learner, meeting)
    learner.phase = 'locating'
    this.#readLog(learner, theirs.zxid, mayCopy)
    return null
  }

  logRead(learner: Learner, read: LogRead): string | null {
    learner.readTicket = null
    if (read.start === null) return olderThanLog(learner, read.oldest)
    if (learner.phase === 'locating') {
      const problem = this.#startAt(learner, read.start)
      if (problem !== null) return problem
    }
    if (learner.sent === null || read.start.zxid !== learner.sent.zxid || read.start.hash !== learner.sent.hash) {
      return `the log no longer has the point ${hexOfZxid(learner.sent?.zxid ?? (0 as Zxid))}`
    }
    this.#sendEntries(learner, read.entries, 0 as Zxid)
    return null
  }

  /** Sends as much as the window allows; true once everything has been sent. */
  advance(learner: Learner, committed: Zxid): boolean {
    const { phase } = learner
    if ((phase !== 'streaming' && phase !== 'new-leader-sent' && phase !== 'synced') || learner.sent === null)
      return false
    const { history } = this.#core
    const committedNow = phase === 'synced' ? committed : (0 as Zxid)
    while (learner.sent.zxid < history.last.zxid && !learner.windowIsFull && learner.readTicket === null) {
      const entries = history.entriesAfter(learner.sent.zxid, proposalBatchSizeBytesMax)
      if (entries === null) {
        this.#readLog(learner, learner.sent.zxid, false)
        return false
      }
      this.#sendEntries(learner, entries, committedNow)
    }
    if (committedNow > learner.committedSent) this.#sendEntries(learner, [], committedNow)
    return learner.sent.zxid === history.last.zxid
  }

  #startAt(learner: Learner, meeting: HistoryPoint): string | null {
    const theirs = learner.last!
    if (meeting.zxid === theirs.zxid && meeting.hash !== theirs.hash) {
      this.#core.reportContradiction(learner.id, theirs.zxid)
      // The learner compares the hash with its own and reports the contradiction, too.
      this.#sendSyncStart(learner, meeting)
      return `its history differs from the leader's at ${hexOfZxid(theirs.zxid)}`
    }
    learner.phase = 'streaming'
    learner.sent = meeting
    this.#sendSyncStart(learner, meeting)
    return null
  }

  #sendSyncStart({ id, syncId }: Learner, { zxid, hash }: HistoryPoint): void {
    this.#core.send(id, { kind: 'sync-start', syncId, zxid, hash })
  }

  #sendEntries(learner: Learner, entries: readonly TxnEntry[], committed: Zxid): void {
    const previous = learner.sent!
    this.#core.send(learner.id, {
      kind: 'append',
      syncId: learner.syncId,
      previousZxid: previous.zxid,
      previousHash: previous.hash,
      entries,
      committed,
    })
    if (committed > learner.committedSent) learner.committedSent = committed
    const last = entries[entries.length - 1]
    if (!last) return
    let sizeBytes = 0
    for (const entry of entries) sizeBytes += entry.payload.length
    learner.noteSent({ zxid: last.zxid, hash: last.hash }, sizeBytes)
  }

  #readLog(learner: Learner, after: Zxid, mayCopy: boolean): void {
    learner.readTicket = this.#core.nextReadTicket()
    const sizeBytesMax = proposalBatchSizeBytesMax
    this.#core.out.push({ kind: 'read-log', ticket: learner.readTicket, after, sizeBytesMax, mayCopy })
  }
}

function olderThanLog(learner: Learner, oldest: HistoryPoint): string {
  const at = hexOfZxid(learner.sent?.zxid ?? learner.last!.zxid)
  return `it needs the txns after ${at}, and the leader's log begins after ${hexOfZxid(oldest.zxid)}: only a copy of the state can bring it up`
}
