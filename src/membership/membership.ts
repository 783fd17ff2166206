/**
 * Which servers belong to an ensemble, and which sets of them are a quorum (design D13). A value: a reconfiguration
 * replaces it by another one. While that is under way the two are joined, and every decision needs a quorum of each.
 * Voters elect and commit. Learners hold the same history and count in no quorum; neither does a server of weight 0,
 * which cannot lead either (ZK: FastLeaderElection.totalOrderPredicate). All code that needs a quorum uses this class:
 * code that counts servers by itself would be wrong for weights, learners, or two memberships.
 */
import { assert } from '../base/assert.ts'
import type { ServerId } from '../base/ids.ts'
import { QuorumGroups, type Voter } from './quorum-groups.ts'

export interface WeighedServer {
  readonly id: ServerId
  readonly weight: number // a whole number; 0: the server never counts
  readonly group: number
}

export class Membership {
  /** Voters and learners, sorted. */
  readonly members: readonly ServerId[]
  /** The members that count in a quorum, sorted. */
  readonly voters: readonly ServerId[]
  /** A quorum of the membership contains a quorum of each. */
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

  /** A quorum has more than half of the groups, and in each of these more than half of the weight. */
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

  /** The highest value that all members of some quorum have reached. `valueAt` is called for voters only. */
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
