/**
 * The arithmetic of one set of voters: weights, and groups of which a majority must agree (ZK: QuorumHierarchical; a
 * plain majority, QuorumMaj, is one group of equal weights). A group agrees when more than half of its weight does. A
 * group without weight is left out. If two quorums could have no voter in common, two leaders could commit at once.
 * Both methods run for every acknowledgement, so they allocate nothing.
 */
import { assert } from '../base/assert.ts'
import type { ServerId } from '../base/ids.ts'

export interface Voter {
  readonly id: ServerId
  readonly weight: number // a whole number above 0
  readonly group: number
}

interface Group {
  readonly voters: readonly Voter[]
  readonly weight: number
}

export class QuorumGroups {
  readonly #groups: readonly Group[]
  // Scratch space: the voters of one group, and then all groups, sorted by what they have reached, highest first.
  readonly #values: Float64Array
  readonly #weights: Float64Array
  readonly #reachedByGroup: Float64Array

  constructor(voters: readonly Voter[]) {
    assert(voters.length > 0, 'a membership has a voter', {})
    for (const { id, weight } of voters) {
      assert(Number.isSafeInteger(weight) && weight > 0, 'a voter has a weight', { id, weight })
    }
    const numbers = [...new Set(voters.map(({ group }) => group))].sort((a, b) => a - b)
    this.#groups = numbers.map((number) => {
      const members = voters.filter(({ group }) => group === number)
      return { voters: members, weight: members.reduce((sum, { weight }) => sum + weight, 0) }
    })
    this.#values = new Float64Array(voters.length)
    this.#weights = new Float64Array(voters.length)
    this.#reachedByGroup = new Float64Array(this.#groups.length)
  }

  isQuorum(includes: (id: ServerId) => boolean): boolean {
    let agreed = 0
    for (const { voters, weight } of this.#groups) {
      let agreedWeight = 0
      for (const voter of voters) if (includes(voter.id)) agreedWeight += voter.weight
      if (2 * agreedWeight > weight) agreed++
    }
    return 2 * agreed > this.#groups.length
  }

  /** The highest value that all members of some quorum have reached. */
  reachedByQuorum(valueAt: (id: ServerId) => number): number {
    const reached = this.#reachedByGroup
    for (let i = 0; i < reached.length; i++) reached[i] = this.#reachedBy(this.#groups[i]!, valueAt)
    if (reached.length > 1) reached.sort().reverse()
    return reached[reached.length >> 1]! // more than half of the groups have reached at least this
  }

  #reachedBy({ voters, weight }: Group, valueAt: (id: ServerId) => number): number {
    const values = this.#values
    const weights = this.#weights
    for (let i = 0; i < voters.length; i++) {
      const voter = voters[i]!
      const value = valueAt(voter.id)
      let at = i
      for (; at > 0 && values[at - 1]! < value; at--) {
        values[at] = values[at - 1]!
        weights[at] = weights[at - 1]!
      }
      values[at] = value
      weights[at] = voter.weight
    }
    let agreedWeight = 0
    for (let i = 0; ; i++) {
      agreedWeight += weights[i]!
      if (2 * agreedWeight > weight) return values[i]!
    }
  }
}
