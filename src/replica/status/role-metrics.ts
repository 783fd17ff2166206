/**
 * How often a member of an ensemble looked for a leader, how long that took, and how long it served no clients (ZK:
 * QuorumPeer.updateElectionVote, Follower.followLeader, Leader.lead). A standalone server has no elections to count.
 */
import type { ServerMetrics } from '../../metrics/server-metrics.ts'
import type { Role } from '../trace-event.ts'

export class RoleMetrics {
  readonly #metrics: ServerMetrics
  readonly #isEnsemble: boolean
  #role: Role | null = null
  #lookingSinceMs = 0

  constructor(metrics: ServerMetrics, isEnsemble: boolean) {
    this.#metrics = metrics
    this.#isEnsemble = isEnsemble
  }

  /** Called after every event; an unchanged role costs one comparison. */
  note(role: Role, nowMs: number): void {
    if (role === this.#role) return
    if (role === 'looking') {
      this.#lookingSinceMs = nowMs
      if (this.#isEnsemble) this.#metrics.looking_count.add()
    } else if (this.#role === 'looking' && this.#isEnsemble) {
      this.#metrics.election_time.note(nowMs - this.#lookingSinceMs)
    }
    this.#role = role
  }

  /** `unavailableMs`: how long this server has served no clients. */
  servingBegan(as: 'leading' | 'following', unavailableMs: number): void {
    if (!this.#isEnsemble) return
    this.#metrics.unavailable_time.note(unavailableMs)
    if (as === 'leading') this.#metrics.leader_unavailable_time.note(unavailableMs)
  }
}
