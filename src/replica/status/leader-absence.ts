/**
 * Since when this server has neither led nor been in step with a leader, why, and which server led before. Owns: the line
 * `no-leader`, for operators of an ensemble that has no quorum. It comes when an election takes longer than a leader change
 * should, again at growing intervals, and with a line when it is over. A server that a leader is bringing up has one.
 * Assumes: `lost` and `found` come in turn, beginning with `found`; a second `lost` is of an attempt that failed.
 */
import { assert } from '../../base/assert.ts'
import type { ServerId } from '../../base/ids.ts'
import { noLeaderGraceMs, noLeaderReminderMsMax, noLeaderReminderMsMin } from '../../base/limits.ts'
import type { Membership } from '../../membership/membership.ts'
import type { Log } from '../../ports/log.ts'
import type { Role } from '../trace-event.ts'

export interface LeaderAbsenceOptions {
  readonly self: ServerId
  readonly membership: Membership
  readonly peerTimeoutMs: number
  readonly log: Log
}

/** What zab knows while this server has no leader. */
export interface Search {
  readonly role: Role
  readonly connected: ReadonlySet<ServerId>
  /** Whether this server votes. */
  readonly mayCount: boolean
}

/** The end of an absence, as fields of a log line. */
export interface PastAbsence {
  readonly withoutLeaderMs: number
  readonly cause: string
  readonly formerLeaderId: ServerId | null // null: none since the start of this server
}

interface Absence {
  readonly sinceMs: number
  readonly cause: string
  followingSinceMs: number | null
  warnAtMs: number
  warningCount: number
}

const withoutQuorum =
  'No quorum of voters is connected to this server, so it can have no leader and serves no writes. Start the servers that are ' +
  'not connected. If they run, look for peer-unreachable and peer-link-closed in the logs of both sides, and compare addresses, ' +
  'server lines and firewalls. Do not remove server lines to get a quorum: that can lose acknowledged writes.'
const withQuorum =
  'A quorum of voters is connected and has no leader yet. Look in the logs of all members for peers-do-not-vote, ' +
  'data-of-another-cluster, history-contradicted, gave-up-following and disk-full, and for disks that hang.'
const withoutVote =
  'This server does not vote before a leader has brought it up: empty-data-not-trusted or adopted-data-not-trusted in its log ' +
  'says why. Start a quorum of servers that have the data.'

export class LeaderAbsence {
  readonly #options: LeaderAbsenceOptions
  #formerLeader: ServerId | null = null
  #absence: Absence | null = null

  constructor(options: LeaderAbsenceOptions) {
    this.#options = options
  }

  lost(cause: string, nowMs: number): void {
    if (this.#absence !== null) return
    const warnAtMs = nowMs + this.#firstWarningMs
    this.#absence = { sinceMs: nowMs, cause, followingSinceMs: null, warnAtMs, warningCount: 0 }
  }

  /** This server leads, or is in step with `leader`. */
  found(leader: ServerId, nowMs: number): PastAbsence {
    assert(this.#absence !== null, 'a leader is found when there is none', { leader })
    const { sinceMs, cause, warningCount } = this.#absence
    const formerLeaderId = this.#formerLeader
    this.#formerLeader = leader
    this.#absence = null
    const withoutLeaderMs = Math.round(nowMs - sinceMs)
    if (warningCount > 0) this.#options.log.info('no-leader-ended', { leaderId: leader, durationMs: withoutLeaderMs })
    return { withoutLeaderMs, cause, formerLeaderId }
  }

  tick(search: () => Search, nowMs: number): void {
    if (this.#absence !== null) this.#warnIfLong(this.#absence, search(), nowMs)
  }

  get #firstWarningMs(): number {
    return this.#options.peerTimeoutMs + noLeaderGraceMs
  }

  #warnIfLong(absence: Absence, search: Search, nowMs: number): void {
    absence.followingSinceMs = search.role === 'following' ? (absence.followingSinceMs ?? nowMs) : null
    // An attempt to follow ends sooner than that if the other server does not lead.
    const hasLeader = nowMs - (absence.followingSinceMs ?? nowMs) > this.#options.peerTimeoutMs
    if (hasLeader) absence.warnAtMs = Math.max(absence.warnAtMs, nowMs + this.#firstWarningMs)
    if (nowMs < absence.warnAtMs) return
    const reminderMs = noLeaderReminderMsMin * 2 ** Math.min(absence.warningCount++, 10)
    absence.warnAtMs = nowMs + Math.min(reminderMs, noLeaderReminderMsMax)
    this.#warn(absence, search, nowMs)
  }

  #warn({ sinceMs, cause }: Absence, { connected, mayCount }: Search, nowMs: number): void {
    const { self, membership, log } = this.#options
    const isReached = (id: ServerId): boolean => id === self || connected.has(id)
    const others = membership.voters.filter((id) => id !== self)
    const advice = membership.isQuorum(isReached) ? withQuorum : withoutQuorum
    log.warn('no-leader', {
      durationMs: Math.round(nowMs - sinceMs),
      cause,
      formerLeaderId: this.#formerLeader,
      connectedIds: others.filter(isReached),
      notConnectedIds: others.filter((id) => !isReached(id)),
      advice: mayCount ? advice : withoutVote,
    })
  }
}
