/**
 * Whether a leader that is slow should hand over, and to which server (docs/internals/zab.md, step H5). A leader whose event
 * loop stands still holds up every client, and one whose disk hangs is of no use to a quorum; neither ends its links.
 * Owns: how often each server was slow lately. Time comes with each call, at ticks only, so that no write costs anything.
 * One slow moment has no effect, and a server that is as slow is no successor; otherwise leaders that share an overloaded
 * machine would hand over to each other in turn, at the cost of a gap each time.
 */
import { assert } from '../base/assert.ts'
import type { ServerId, Zxid } from '../base/ids.ts'
import { formerLeaderAvoidedFactor, slowLeaderWindowFactor, slowMomentsMin } from '../base/limits.ts'

/** How far the leader's own history has got. */
export interface LeaderProgress {
  readonly last: Zxid
  readonly durable: Zxid // in its own log
  readonly committed: Zxid
  readonly heartbeatsSent: number
}

/** A voter in step with the leader. */
export interface VoterProgress {
  readonly id: ServerId
  readonly acked: Zxid
  readonly heartbeatAnswered: number
}

/** `event-loop`: it stood still. `log`: this leader's log was late, while the others had committed. */
export interface SlowMoment {
  readonly kind: 'event-loop' | 'log'
  readonly durationMs: number // of a log that is still late: so far
}

export interface SlowLeaderFinding {
  readonly momentCount: number // in the window
  readonly longest: SlowMoment // of these
  readonly to: ServerId | null // null: no voter in step works better
}

export class SlowLeader {
  readonly #slowMs: number
  readonly #self: SlowMoments
  readonly #ownLog: Lag
  readonly #voters = new Map<ServerId, WatchedVoter>()
  readonly #predecessor: ServerId | null
  readonly #predecessorAvoidedUntilMs: number
  #restsUntilMs: number

  /** `slowMs` 0: it finds nothing. `predecessor`: the server that has handed over to this leader. */
  constructor(slowMs: number, predecessor: ServerId | null, nowMs: number) {
    this.#slowMs = slowMs
    this.#self = new SlowMoments(slowMs)
    this.#ownLog = new Lag(slowMs)
    this.#predecessor = predecessor
    this.#predecessorAvoidedUntilMs = nowMs + slowMs * formerLeaderAvoidedFactor
    this.#restsUntilMs = nowMs + slowMs * slowLeaderWindowFactor
  }

  /** The event loop of this server stood still for `durationMs`. */
  paused(durationMs: number, nowMs: number): void {
    if (this.#slowMs > 0 && durationMs >= this.#slowMs) this.#self.add(nowMs, { kind: 'event-loop', durationMs })
  }

  /** At each tick. Not null: this leader is slow. The next such answer comes no sooner than after the time of the window. */
  tick(leader: LeaderProgress, voters: readonly VoterProgress[], nowMs: number): SlowLeaderFinding | null {
    if (this.#slowMs === 0) return null
    this.#watchVoters(leader, voters, nowMs)
    // While the others have not committed it either, the disk of this leader is not what they wait for.
    const isOwnLogLate = this.#ownLog.isLate(leader.durable, leader.last, nowMs)
    if (isOwnLogLate && this.#ownLog.mark !== null && leader.committed >= this.#ownLog.mark) {
      this.#self.add(nowMs, { kind: 'log', durationMs: this.#ownLog.waitedMs(nowMs) })
    }
    const momentCount = this.#self.count(nowMs)
    if (momentCount < slowMomentsMin || nowMs < this.#restsUntilMs) return null
    this.#restsUntilMs = nowMs + this.#slowMs * slowLeaderWindowFactor
    return { momentCount, longest: this.#self.longest(), to: this.#chooseSuccessor(voters, nowMs) }
  }

  #watchVoters(leader: LeaderProgress, voters: readonly VoterProgress[], nowMs: number): void {
    for (const id of this.#voters.keys()) if (!voters.some((voter) => voter.id === id)) this.#voters.delete(id)
    for (const { id, acked, heartbeatAnswered } of voters) {
      let watched = this.#voters.get(id)
      if (watched === undefined) {
        const slowMs = this.#slowMs
        watched = { log: new Lag(slowMs), answers: new Lag(slowMs), moments: new SlowMoments(slowMs) }
        this.#voters.set(id, watched)
      }
      const isLogLate = watched.log.isLate(acked, leader.last, nowMs)
      const isAnswerLate = watched.answers.isLate(heartbeatAnswered, leader.heartbeatsSent, nowMs)
      const kind = isLogLate ? 'log' : 'event-loop'
      if (isLogLate || isAnswerLate) watched.moments.add(nowMs, { kind, durationMs: this.#slowMs })
    }
  }

  /** The voter that has the most of the history durably; of several the one with the highest id. */
  #chooseSuccessor(voters: readonly VoterProgress[], nowMs: number): ServerId | null {
    let best: VoterProgress | null = null
    for (const voter of voters) {
      const isAvoided = voter.id === this.#predecessor && nowMs < this.#predecessorAvoidedUntilMs
      if (isAvoided || this.#voters.get(voter.id)!.moments.count(nowMs) > 0) continue
      if (best === null || voter.acked > best.acked || (voter.acked === best.acked && voter.id > best.id)) best = voter
    }
    return best?.id ?? null
  }
}

interface WatchedVoter {
  readonly log: Lag
  readonly answers: Lag
  readonly moments: SlowMoments
}

/** How long a number that should follow another one takes to reach it. Only one value is waited for at a time. */
class Lag {
  readonly #slowMs: number
  /** The value that is waited for. */
  mark: number | null = null
  #sinceMs = 0
  #lateAtMs = 0

  constructor(slowMs: number) {
    this.#slowMs = slowMs
  }

  /** Whether `slowMs` have passed since the wait began, or since the last time that this was the answer. */
  isLate(reached: number, goal: number, nowMs: number): boolean {
    if (this.mark !== null && reached >= this.mark) this.mark = null
    if (this.mark === null) {
      if (reached >= goal) return false
      this.mark = goal
      this.#sinceMs = nowMs
      this.#lateAtMs = nowMs + this.#slowMs
      return false
    }
    if (nowMs < this.#lateAtMs) return false
    this.#lateAtMs = nowMs + this.#slowMs
    return true
  }

  /** How long the present wait has lasted. */
  waitedMs(nowMs: number): number {
    return nowMs - this.#sinceMs
  }
}

/** The moments within the window. Two that are less than `slowMs` apart have one cause, and count once, as the longer one. */
class SlowMoments {
  readonly #slowMs: number
  #moments: { readonly atMs: number; what: SlowMoment }[] = []

  constructor(slowMs: number) {
    this.#slowMs = slowMs
  }

  add(nowMs: number, what: SlowMoment): void {
    const last = this.#moments.at(-1)
    if (last === undefined || nowMs - last.atMs >= this.#slowMs) this.#moments.push({ atMs: nowMs, what })
    else if (what.durationMs > last.what.durationMs) last.what = what
  }

  count(nowMs: number): number {
    const windowMs = this.#slowMs * slowLeaderWindowFactor
    while (this.#moments.length > 0 && nowMs - this.#moments[0]!.atMs >= windowMs) this.#moments.shift()
    return this.#moments.length
  }

  /** Of those that the last `count` has counted. */
  longest(): SlowMoment {
    assert(this.#moments.length > 0, 'there was a slow moment')
    return this.#moments.map(({ what }) => what).reduce((a, b) => (b.durationMs > a.durationMs ? b : a))
  }
}
