/**
 * Each line of quorums.txt has one question and its answer. A membership is written as groups of voters, with weights
 * other than 1 after a star and learners after a tilde: `(1 2 3*0 | 4 5 | 6) ~7`; of two memberships both must agree.
 * Questions: `quorum of 1 2` and `reached 1=5 2=9`, where voters that are not named have reached 0. UPDATE_TRACES=1
 * rewrites the answers.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { ServerId } from '../../src/base/ids.ts'
import { Membership } from '../../src/membership/membership.ts'
import { SeededRandom } from '../support/seeded-random.ts'

const file = new URL('quorums.txt', import.meta.url)

function parseMembership(text: string): Membership {
  const parts = [...text.matchAll(/\(([^)]*)\)((?:\s*~\d+)*)/g)].map(([, groups = '', learners = '']) => {
    const servers = groups.split('|').flatMap((members, group) =>
      members
        .trim()
        .split(/\s+/)
        .map((member) => {
          const [id, weight = 1] = member.split('*').map(Number)
          return { id: id as ServerId, weight, group }
        }),
    )
    return Membership.ofGroups(servers, [...learners.matchAll(/\d+/g)].map(([id]) => Number(id)) as ServerId[])
  })
  return parts.length === 1 ? parts[0]! : Membership.ofBoth(parts[0]!, parts[1]!)
}

function answer(line: string): string {
  const [membershipText = '', question = ''] = line.split(/:\s*/)
  const membership = parseMembership(membershipText)
  const [kind, ...words] = question.split(/\s+/)
  switch (kind) {
    case 'quorum': {
      const ids = new Set(words.slice(1).map(Number))
      return membership.isQuorum((id) => ids.has(id)) ? 'yes' : 'no'
    }
    case 'reached': {
      const values = new Map(words.map((word) => word.split('=').map(Number) as [number, number]))
      return String(membership.reachedByQuorum((id) => values.get(id) ?? 0))
    }
    case 'members':
      return `${membership.members.join(' ')}, of which vote ${membership.voters.join(' ')}`
    default:
      throw new Error(`no such question: ${line}`)
  }
}

describe('a membership', () => {
  test('answers each question of quorums.txt as it is written', () => {
    const recorded = readFileSync(file, 'utf8')
    const answered = recorded.replace(/^(\(.*?)(?: -> .*)?$/gm, (_, line: string) => `${line} -> ${answer(line)}`)
    if (process.env['UPDATE_TRACES'] === '1') writeFileSync(file, answered)
    else expect(answered).toBe(recorded)
  })

  const random = new SeededRandom(11)
  const drawn = Array.from({ length: 60 }, () => drawMembership(random))

  test('has reached exactly the highest value that a quorum has reached', () => {
    for (const membership of drawn) {
      for (let i = 0; i < 20; i++) {
        const values = new Map(membership.voters.map((id) => [id, random.below(6)]))
        const isHeld = (value: number): boolean => membership.isQuorum((id) => (values.get(id) ?? 0) >= value)
        const highest = [5, 4, 3, 2, 1, 0].find(isHeld)
        expect(membership.reachedByQuorum((id) => values.get(id)!)).toBe(highest)
      }
    }
  })

  test('has no two quorums without a common voter', () => {
    for (const membership of drawn) {
      const { voters } = membership
      for (let bits = 0; bits < 2 ** voters.length; bits++) {
        const isIn = (id: ServerId): boolean => (bits & (1 << voters.indexOf(id))) !== 0
        if (membership.isQuorum(isIn)) expect(membership.isQuorum((id) => !isIn(id))).toBe(false)
      }
    }
  })

  test('that is joined with another has only quorums that are quorums of both', () => {
    for (let i = 0; i + 1 < drawn.length; i += 2) {
      const [old, next] = [drawn[i]!, drawn[i + 1]!]
      const both = Membership.ofBoth(old, next)
      for (let k = 0; k < 50; k++) {
        const ids = new Set(both.voters.filter(() => random.chance(2)))
        const has = (id: ServerId): boolean => ids.has(id)
        expect(both.isQuorum(has)).toBe(old.isQuorum(has) && next.isQuorum(has))
      }
    }
  })

  test('does not ask learners, nor servers of weight 0', () => {
    const asked = new Set<number>()
    const membership = parseMembership('(1 2*0 | 3) ~4')
    const note = (id: ServerId): number => asked.add(id).size
    membership.reachedByQuorum(note)
    membership.isQuorum((id) => note(id) > 0)
    expect([...asked].sort()).toEqual([1, 3])
    expect(membership.isVoter(2 as ServerId)).toBe(false)
  })

  test('without a voter, or with a server twice, is a bug of the caller', () => {
    expect(() => Membership.ofMajority([], [1 as ServerId])).toThrow('a membership has a voter')
    expect(() => Membership.ofMajority([1, 2] as ServerId[], [2 as ServerId])).toThrow('a server is a member once')
    expect(() => Membership.ofGroups([{ id: 1 as ServerId, weight: 0.5, group: 1 }])).toThrow('a voter has a weight')
  })
})

function drawMembership(random: SeededRandom): Membership {
  const count = 1 + random.below(7)
  const groupCount = 1 + random.below(3)
  const servers = Array.from({ length: count }, (_, i) => {
    return { id: (i + 1) as ServerId, weight: i === 0 ? 1 : random.below(4), group: random.below(groupCount) }
  })
  return random.chance(2)
    ? Membership.ofMajority(servers.map(({ id }) => id))
    : Membership.ofGroups(servers, random.chance(2) ? [] : [9 as ServerId])
}
