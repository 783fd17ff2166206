import { describe, expect, test } from 'vitest'
import type { ServerId } from '../../src/base/ids.ts'
import type { ClusterId } from '../../src/protocol/disk/log-record.ts'
import { isBetterCandidate, isMoreRecent, type VoteMessage } from '../../src/zab/vote-order.ts'
import { Zab } from '../../src/zab/zab.ts'
import {
  epoch,
  historyOf,
  leader,
  nothingRecovered,
  other,
  settings,
  silentLog,
  zxid,
} from '../support/zab-settings.ts'

describe('order of candidates', () => {
  const candidate = (e: number, counter: number, id: number) => ({
    id: id as ServerId,
    epoch: epoch(e),
    zxid: zxid(1, counter),
  })
  const ascending = [
    candidate(0, 9, 9),
    candidate(1, 1, 3),
    candidate(1, 1, 4),
    candidate(1, 2, 1),
    candidate(2, 1, 1),
    candidate(2, 1, 2),
  ]

  test('the epoch decides before the zxid, and the zxid before the id', () => {
    for (const [i, a] of ascending.entries()) {
      for (const [j, b] of ascending.entries()) expect(isBetterCandidate(a, b)).toBe(i > j)
    }
  })

  test('a history of the same epoch and zxid is not more recent', () => {
    expect(isMoreRecent(epoch(2), zxid(1, 1), epoch(1), zxid(1, 9))).toBe(true)
    expect(isMoreRecent(epoch(1), zxid(1, 9), epoch(2), zxid(1, 1))).toBe(false)
    expect(isMoreRecent(epoch(2), zxid(1, 2), epoch(2), zxid(1, 1))).toBe(true)
    expect(isMoreRecent(epoch(2), zxid(1, 2), epoch(2), zxid(1, 2))).toBe(false)
  })
})

describe('the candidate of a server', () => {
  /** The last candidate of a server with the history (1, 3), after it has received these votes. */
  function candidateAfter(votes: readonly (readonly [from: ServerId, vote: Partial<VoteMessage>])[]): ServerId | null {
    const held = { acceptedEpoch: epoch(1), currentEpoch: epoch(1), clusterId: 77 as ClusterId, tail: historyOf([3]) }
    const zab = new Zab(settings, { ...nothingRecovered, ...held }, silentLog)
    zab.handle({ kind: 'start' }, 0)
    for (const peer of [leader, other]) zab.handle({ kind: 'peer-connected', peer }, 0)
    let candidate: ServerId | null = null
    for (const [from, vote] of votes) {
      const defaults = {
        kind: 'vote',
        state: 'looking',
        round: 9,
        leader: from,
        epoch: epoch(1),
        cannotWin: false,
      } as const
      const message: VoteMessage = { ...defaults, zxid: zxid(1, 1), ...vote }
      for (const effect of zab.handle({ kind: 'message', from, message }, 0)) {
        if (effect.kind === 'send' && effect.message.kind === 'vote') candidate = effect.message.leader
      }
    }
    return candidate
  }

  test('is the peer that claims the most recent history for itself', () => {
    expect(candidateAfter([[leader, { zxid: zxid(1, 9) }]])).toBe(leader)
    expect(candidateAfter([[leader, { zxid: zxid(1, 2) }]])).toBe(settings.self)
  })

  test('does not depend on what a third server claims: the vote of a peer says how recent that peer is', () => {
    const recent = { leader, epoch: epoch(5), zxid: zxid(5, 1) }
    expect(
      candidateAfter([
        [leader, {}],
        [other, recent],
      ]),
    ).toBe(settings.self)
    expect(
      candidateAfter([
        [other, recent],
        [leader, {}],
      ]),
    ).toBe(settings.self)
  })

  test('is no peer that votes for another', () => {
    const recent = { zxid: zxid(1, 9) }
    expect(
      candidateAfter([
        [leader, recent],
        [leader, { ...recent, leader: other }],
      ]),
    ).toBe(settings.self)
  })
})
