/**
 * The heartbeats of one leadership, and what their answers show: that a quorum still follows (`leadership-confirmed`), and
 * until when no follower can have left for want of this leader's voice (docs/internals/zab.md, B4).
 * Owns: their numbers and times. Assumes: `learners` are those of the leader, at every moment.
 */
import type { ServerId, Zxid } from '../base/ids.ts'
import { HeartbeatTimes } from './heartbeat-times.ts'
import type { Learner } from './learner.ts'
import type { ZabCore } from './zab-core.ts'

export class LeaderHeartbeats {
  readonly #core: ZabCore
  readonly #learners: ReadonlyMap<ServerId, Learner>
  readonly #times: HeartbeatTimes
  #sequence = 0
  #nextAtMs = 0
  #confirmed = 0 // the highest sequence that a quorum has answered
  #lastAsked = 0
  /** At this time or later, each server of some quorum has heard this leader. */
  #heardByQuorumMs = Number.NEGATIVE_INFINITY

  constructor(core: ZabCore, learners: ReadonlyMap<ServerId, Learner>) {
    this.#core = core
    this.#learners = learners
    this.#times = new HeartbeatTimes(core.settings)
  }

  get areDue(): boolean {
    return this.#core.nowMs >= this.#nextAtMs
  }

  /** The number of the last round. */
  get sequence(): number {
    return this.#sequence
  }

  /** To all learners. Returns the number of the round. */
  send(): number {
    const core = this.#core
    this.#nextAtMs = core.nowMs + core.settings.heartbeatIntervalMs
    const sequence = ++this.#sequence
    this.#times.sent(sequence, core.nowMs)
    for (const learner of this.#learners.values()) {
      const committed = learner.phase === 'synced' ? core.committed : (0 as Zxid)
      if (learner.phase === 'synced') learner.committedSent = committed
      // The replica, which has the tree, adds its digest when it sends this.
      const noDigest = { digest: '', digestVersion: 0 }
      core.send(learner.id, { kind: 'heartbeat', syncId: learner.syncId, sequence, committed, ...noDigest })
    }
    return sequence
  }

  /** The caller waits for `leadership-confirmed` with the number of this round, or a later one. */
  awaitConfirmation(sequence: number): void {
    this.#lastAsked = sequence
    this.noteConfirmations()
  }

  answered(learner: Learner, sequence: number): void {
    if (sequence > learner.heartbeatAnswered) learner.heartbeatAnswered = sequence
    learner.noteHeard(this.#times.heardAtMs(sequence))
  }

  /** Of an established leader. */
  noteConfirmations(): void {
    const confirmed = this.#core.membership.reachedByQuorum(this.#answeredBy)
    if (confirmed <= this.#confirmed) return
    const wasAwaited = this.#confirmed < this.#lastAsked
    this.#confirmed = confirmed
    if (wasAwaited) this.#core.out.push({ kind: 'leadership-confirmed', sequence: confirmed })
  }

  /**
   * Before another server leads because its followers hear nothing of this one, this leader has stopped. They wait for
   * peerTimeoutMs from when they last heard it. Ticks come at least twice in a heartbeat interval, so this is the last one
   * before that.
   */
  isLeaseOver(): boolean {
    this.noteHeardByQuorum()
    return this.#isOver(this.#heardByQuorumMs)
  }

  /** Those that have answered nothing for as long as ends the lease. */
  silentLearners(): readonly ServerId[] {
    return [...this.#learners.keys()].filter((voter) => this.#isOver(this.#heardAtMs(voter)))
  }

  #isOver(heardAtMs: number): boolean {
    const { nowMs, settings } = this.#core
    return nowMs >= heardAtMs + settings.peerTimeoutMs - settings.heartbeatIntervalMs / 2
  }

  /** Never falls: that one of them leaves does not change what the others have heard. */
  noteHeardByQuorum(): void {
    this.#heardByQuorumMs = Math.max(this.#heardByQuorumMs, this.#core.membership.reachedByQuorum(this.#heardAtMs))
  }

  readonly #answeredBy = (voter: ServerId): number => {
    if (voter === this.#core.settings.self) return this.#sequence
    const learner = this.#learners.get(voter)
    return learner?.phase === 'synced' && learner.counts ? learner.heartbeatAnswered : 0
  }
  /** In step or not: a learner waits for this leader as long as one that is in step. */
  readonly #heardAtMs = (voter: ServerId): number => {
    if (voter === this.#core.settings.self) return this.#core.nowMs
    const learner = this.#learners.get(voter)
    return learner?.counts === true ? learner.heardAtMs : Number.NEGATIVE_INFINITY
  }
}
