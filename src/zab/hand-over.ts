/**
 * The hand-over of a leader (docs/internals/zab.md, steps H1 and H2). Owns: whether one is under way, who asked for it, and
 * when the leadership may pass. While it lasts the leader proposes nothing, so the end of its history stands still. A server
 * that took over without all of that history would be refused in discovery, and the ensemble would have no leader until the
 * next election. So the leadership passes only to a server that has just answered and is durable up to the end.
 */
import type { ServerId } from '../base/ids.ts'
import { handOverLimitMs } from '../base/limits.ts'
import type { Learner } from './learner.ts'
import type { HandOverTarget } from './zab-contract.ts'
import type { ZabCore } from './zab-core.ts'

/** What a hand-over needs of its leader. */
export interface LeaderHandingOver {
  isEstablished(): boolean
  learnersInStep(): readonly Learner[]
  /** Returns the number of the round. */
  startHeartbeats(): number
  passLeadership(to: ServerId): void
}

interface Underway {
  readonly to: HandOverTarget
  readonly asked: HandOverTarget[]
  /** A server that has answered this round is alive, and has read what was sent before. */
  readonly heartbeats: number
  readonly deadlineMs: number
}

export class HandOver {
  readonly #core: ZabCore
  readonly #leader: LeaderHandingOver
  #underway: Underway | null = null

  constructor(core: ZabCore, leader: LeaderHandingOver) {
    this.#core = core
    this.#leader = leader
  }

  get isUnderway(): boolean {
    return this.#underway !== null
  }

  /** Returns why no hand-over has begun; null: it has, or one is under way that serves as well. */
  request(to: HandOverTarget): string | null {
    if (this.#underway !== null) return join(this.#underway, to)
    const problem = this.#whyNot(to)
    if (problem !== null) return problem
    const { log, out, nowMs } = this.#core
    log.info('hand-over-began', { peerId: to })
    const heartbeats = this.#leader.startHeartbeats()
    this.#underway = { to, asked: [to], heartbeats, deadlineMs: nowMs + handOverLimitMs }
    out.push({ kind: 'hand-over-began' })
    return null
  }

  #whyNot(to: HandOverTarget): string | null {
    const { membership, settings } = this.#core
    if (to === settings.self) return `server ${to} leads already`
    if (!this.#leader.isEstablished()) return 'this server does not lead yet'
    if (membership.voters.length === 1) return 'there is no other voter'
    if (to !== null && !membership.isVoter(to)) return `server ${to} has no vote`
    return this.#candidates(to).length > 0 ? null : `${describe(to)} is not in step with this leader`
  }

  /** At the end of each turn, after its messages: the successor gets them all before it gets the leadership. */
  advance(): void {
    if (this.#underway === null) return
    const { nowMs, committed, history } = this.#core
    const { to, heartbeats, deadlineMs } = this.#underway
    const last = history.last.zxid
    const candidates = this.#candidates(to)
    const ready = candidates.filter(({ acked, heartbeatAnswered }) => acked >= last && heartbeatAnswered >= heartbeats)
    if (committed === last && ready.length > 0) {
      this.end(null)
      this.#leader.passLeadership(Math.max(...ready.map(({ id }) => id)) as ServerId)
    } else if (candidates.length === 0) {
      this.end(`${describe(to)} is no longer in step`)
    } else if (nowMs >= deadlineMs) {
      this.end(`${describe(to)} did not answer and catch up within ${handOverLimitMs} ms`)
    }
  }

  /** `problem` null: the leadership passes. */
  end(problem: string | null): void {
    if (this.#underway === null) return
    const { asked } = this.#underway
    this.#underway = null
    if (problem !== null) this.#core.log.warn('hand-over-failed', { problem })
    this.#core.out.push({ kind: 'hand-over-ended', asked, problem })
  }

  #candidates(to: HandOverTarget): readonly Learner[] {
    const { membership } = this.#core
    return this.#leader.learnersInStep().filter(({ id }) => membership.isVoter(id) && (to === null || id === to))
  }
}

/** A request joins one that is under way if that is for the same server, or if it is for any. */
function join({ to: present, asked }: Underway, to: HandOverTarget): string | null {
  if (to !== null && to !== present) return `a hand-over to ${describe(present)} is under way`
  if (!asked.includes(to)) asked.push(to)
  return null
}

function describe(to: HandOverTarget): string {
  return to === null ? 'any other voter' : `server ${to}`
}
