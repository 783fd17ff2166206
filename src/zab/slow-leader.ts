/**
 * Whether a leader that is slow should hand over, and to which server (docs/internals/zab.md, step H5). A leader whose event
 * loop stands still holds up every client, and one whose disk hangs is of no use to a quorum; neither ends its links.
 * Owns: how often each server was slow lately. Time comes with each call, at ticks only, so that no write costs anything.
 * One slow moment has no effect, and a server that is as slow is no successor; otherwise leaders that share an overloaded
 * machine would hand over to each other in turn, at the cost of a gap each time.
 */
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

export interface SlowLeaderFinding {
  readonly momentCount: number // in the window
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
    if (this.#slowMs > 0 && durationMs >= this.#slowMs) this.#self.add(nowMs)
  }

  /** At each tick. Not null: this leader is slow. The next such answer comes no sooner than after the time of the window. */
  tick(leader: LeaderProgress, voters: readonly VoterProgress[], nowMs: number): SlowLeaderFinding | null {
    if (this.#slowMs === 0) return null
    this.#watchVoters(leader, voters, nowMs)
    // While the others have not committed it either, the disk of this leader is not what they wait for.
    const isOwnLogLate = this.#ownLog.isLate(leader.durable, leader.last, nowMs)
    if (isOwnLogLate && this.#ownLog.mark !== null && leader.committed >= this.#ownLog.mark) this.#self.add(nowMs)
    const momentCount = this.#self.count(nowMs)
    if (momentCount < slowMomentsMin || nowMs < this.#restsUntilMs) return null
    this.#restsUntilMs = nowMs + this.#slowMs * slowLeaderWindowFactor
    return { momentCount, to: this.#chooseSuccessor(voters, nowMs) }
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
      if (isLogLate || isAnswerLate) watched.moments.add(nowMs)
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
      this.#lateAtMs = nowMs + this.#slowMs
      return false
    }
    if (nowMs < this.#lateAtMs) return false
    this.#lateAtMs = nowMs + this.#slowMs
    return true
  }
}

/** The moments within the window. Two that are less than `slowMs` apart have one cause, and count once. */
class SlowMoments {
  readonly #slowMs: number
  #atMs: number[] = []

  constructor(slowMs: number) {
    this.#slowMs = slowMs
  }

  add(nowMs: number): void {
    const last = this.#atMs.at(-1)
    if (last === undefined || nowMs - last >= this.#slowMs) this.#atMs.push(nowMs)
  }

  count(nowMs: number): number {
    while (this.#atMs.length > 0 && nowMs - this.#atMs[0]! >= this.#slowMs * slowLeaderWindowFactor) this.#atMs.shift()
    return this.#atMs.length
  }
}
