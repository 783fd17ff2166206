/**
 * Who belongs to an ensemble, and which of its servers are a quorum (design D13). A value: a reconfiguration replaces it
 * by another one. While that is under way the two are joined, and whatever needs a quorum needs one of each.
 * Voters elect and commit. Learners hold the same history and count for nothing; so does a server of weight 0, which
 * cannot lead either (ZK: FastLeaderElection.totalOrderPredicate). Everything that needs a quorum asks here: a head
 * counted elsewhere would be counted wrong once there are weights, learners, or two memberships.
 */
import { assert } from '../base/assert.ts'
import type { ServerId } from '../base/ids.ts'
import { QuorumGroups, type Voter } from './quorum-groups.ts'

export interface WeighedServer {
  readonly id: ServerId
  readonly weight: number // a whole number; 0: it never counts
  readonly group: number
}

export class Membership {
  /** Sorted, learners among them. */
  readonly members: readonly ServerId[]
  /** Sorted; those that count in a quorum. */
  readonly voters: readonly ServerId[]
  /** Each of them must agree. */
  readonly #quorums: readonly QuorumGroups[]

  private constructor(members: readonly ServerId[], voters: readonly ServerId[], quorums: readonly QuorumGroups[]) {
    this.members = sortedIds(members)
    this.voters = sortedIds(voters)
    this.#quorums = quorums
  }

  /** More than half of the voters are a quorum. */
  static ofMajority(voters: readonly ServerId[], learners: readonly ServerId[] = []): Membership {
    return Membership.ofGroups(
      voters.map((id) => ({ id, weight: 1, group: 0 })),
      learners,
    )
  }

  /** More than half of the groups are a quorum, and of each of them more than half of the weight. */
  static ofGroups(servers: readonly WeighedServer[], learners: readonly ServerId[] = []): Membership {
    const ids = [...servers.map(({ id }) => id), ...learners]
    assert(new Set(ids).size === ids.length, 'a server is a member once', { ids })
    const voters: readonly Voter[] = servers.filter(({ weight }) => weight > 0)
    return new Membership(
      ids,
      voters.map(({ id }) => id),
      [new QuorumGroups(voters)],
    )
  }

  /** Until a change is committed, the old and the new membership must agree. */
  static ofBoth(old: Membership, next: Membership): Membership {
    const members = [...old.members, ...next.members]
    return new Membership(members, [...old.voters, ...next.voters], [...old.#quorums, ...next.#quorums])
  }

  isVoter(id: ServerId): boolean {
    return this.voters.includes(id)
  }

  isQuorum(includes: (id: ServerId) => boolean): boolean {
    for (const quorum of this.#quorums) if (!quorum.isQuorum(includes)) return false
    return true
  }

  /** The highest value that all members of some quorum have reached. Asked for voters only. */
  reachedByQuorum<T extends number>(valueAt: (id: ServerId) => T): T {
    let reached = Number.POSITIVE_INFINITY
    for (const quorum of this.#quorums) {
      const value = quorum.reachedByQuorum(valueAt)
      if (value < reached) reached = value
    }
    return reached as T
  }
}

function sortedIds(ids: readonly ServerId[]): readonly ServerId[] {
  return [...new Set(ids)].sort((a, b) => a - b)
}
