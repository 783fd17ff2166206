/**
 * What the leader believes about one learner, for one attempt (syncId) of that learner to follow it.
 * Invariant: acked <= sent <= the leader's last zxid.
 */
import { type ServerId, type Zxid, zeroZxid } from '../base/ids.ts'
import { syncWindowSizeBytesMax } from '../base/limits.ts'
import type { SyncId } from '../protocol/peer/peer-message.ts'
import type { HistoryPoint } from './history.ts'

export type LearnerPhase =
  | 'joined' // said follower-info
  | 'epoch-sent'
  | 'epoch-acked'
  | 'locating' // where its history meets ours is being read from the log
  | 'streaming'
  | 'new-leader-sent'
  | 'synced' // holds the epoch's initial history durably

export class Learner {
  readonly id: ServerId
  readonly syncId: SyncId
  /** Whether it is one of those that make a quorum; one that may not count does so once it is in step. */
  counts: boolean
  phase: LearnerPhase = 'joined'
  last: HistoryPoint | null = null // of its own history, from ack-epoch
  sent: HistoryPoint | null = null // the stream has reached this point
  acked: Zxid = zeroZxid // durable there
  committedSent: Zxid = zeroZxid
  heartbeatAnswered = 0 // the highest sequence
  readTicket: number | null = null // the log is being read on its behalf
  #inFlight: { readonly zxid: Zxid; readonly sizeBytes: number }[] = []
  #inFlightSizeBytes = 0

  constructor(id: ServerId, syncId: SyncId, counts: boolean) {
    this.id = id
    this.syncId = syncId
    this.counts = counts
  }

  get windowIsFull(): boolean {
    return this.#inFlightSizeBytes >= syncWindowSizeBytesMax
  }

  noteSent(point: HistoryPoint, sizeBytes: number): void {
    this.sent = point
    this.#inFlight.push({ zxid: point.zxid, sizeBytes })
    this.#inFlightSizeBytes += sizeBytes
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
