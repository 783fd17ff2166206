/**
 * What the leader knows of one learner, during one attempt (syncId) of that learner to follow it.
 * Invariant: acked <= sent <= the leader's last zxid.
 */
import { counterOf, epochOf, type ServerId, type Zxid, zeroZxid } from '../base/ids.ts'
import { syncWindowSizeBytesMax } from '../base/limits.ts'
import type { SyncId } from '../protocol/peer/peer-message.ts'
import type { HistoryPoint } from './history.ts'

export type LearnerPhase =
  | 'joined' // has sent follower-info
  | 'epoch-sent'
  | 'epoch-acked'
  | 'locating' // the point where its history meets the leader's is being read from the log
  | 'awaiting-copy' // the leader's log begins later; a copy of the state is going to be offered
  | 'receiving-copy'
  | 'streaming'
  | 'new-leader-sent'
  | 'synced' // holds the epoch's initial history durably

/** How far a learner lags, as its leader knows it. */
export interface LearnerLag {
  readonly id: ServerId
  readonly isSynced: boolean
  /** Txns of the leader's epoch that are not durable on the learner, or whose acknowledgement has not come yet. */
  readonly txnCount: number
  /** Bytes of the stream that were sent and are not acknowledged. */
  readonly unacknowledgedSizeBytes: number
  /** Since it last answered a heartbeat; null: it has not yet. */
  readonly silentMs: number | null
}

export class Learner {
  readonly id: ServerId
  readonly syncId: SyncId
  /**
   * Whether it may count in a quorum. A learner that may not (ZabSettings.trustsEmptyLog) counts once it is in step; one
   * that is ahead never does.
   */
  counts: boolean
  isAhead = false // it has accepted a later epoch than the leader's (step D2)
  phase: LearnerPhase = 'joined'
  last: HistoryPoint | null = null // the end of its own history, from ack-epoch
  sent: HistoryPoint | null = null // the stream has reached this point
  acked: Zxid = zeroZxid // durable on the learner
  committedSent: Zxid = zeroZxid
  heartbeatAnswered = 0 // the highest sequence
  newLeaderSentAtMs: number | null = null
  heardAtMs = Number.NEGATIVE_INFINITY // it has heard this leader at this time or later
  chunkReadsCount = 0 // chunks of the copy that are being read for it
  readTicket: number | null = null // of the read of the log that is under way for it
  #inFlight: { readonly zxid: Zxid; readonly sizeBytes: number }[] = []
  #inFlightSizeBytes = 0

  constructor(id: ServerId, syncId: SyncId, counts: boolean) {
    this.id = id
    this.syncId = syncId
    this.counts = counts
  }

  /** For operators, beside the leader's last zxid. */
  lag(last: Zxid, nowMs: number): LearnerLag {
    const begin = epochOf(this.acked) === epochOf(last) ? counterOf(this.acked) : 0
    return {
      id: this.id,
      isSynced: this.phase === 'synced',
      txnCount: this.acked >= last ? 0 : counterOf(last) - begin,
      unacknowledgedSizeBytes: this.#inFlightSizeBytes,
      silentMs: this.heardAtMs === Number.NEGATIVE_INFINITY ? null : Math.max(0, nowMs - this.heardAtMs),
    }
  }

  get windowIsFull(): boolean {
    return this.#inFlightSizeBytes >= syncWindowSizeBytesMax
  }

  noteSent(point: HistoryPoint, sizeBytes: number): void {
    this.sent = point
    this.#inFlight.push({ zxid: point.zxid, sizeBytes })
    this.#inFlightSizeBytes += sizeBytes
  }

  /** Null: not known when that was. */
  noteHeard(atMs: number | null): void {
    if (atMs !== null && atMs > this.heardAtMs) this.heardAtMs = atMs
  }

  noteAcked(durable: Zxid): void {
    if (durable > this.acked) this.acked = durable
    let done = 0
    while (done < this.#inFlight.length && this.#inFlight[done]!.zxid <= durable) {
      this.#inFlightSizeBytes -= this.#inFlight[done++]!.sizeBytes
    }
    if (done > 0) this.#inFlight.splice(0, done)
  }
}
