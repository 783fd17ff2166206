import { expect, test } from 'vitest'
import type { ServerId } from '../../../src/base/ids.ts'
import { TestEnsemble } from '../test-ensemble.ts'

const lanes = ['1->2', '1->3', '2->1', '2->3', '3->1', '3->2'] as const
const candidate = 3 as ServerId

/** Server 3 is elected by both others and waits for them; what it hears from now on is up to the test. */
function elected(): TestEnsemble {
  const ensemble = new TestEnsemble(3)
  for (const [a, b] of [
    [1, 2],
    [1, 3],
    [2, 3],
  ] as const)
    ensemble.unlink(a, b)
  ensemble.hold(...lanes)
  ensemble.link(1, candidate)
  ensemble.link(2, candidate)
  for (const from of [1, 2]) vote(ensemble, from, 'looking', candidate)
  expect(roleOf(ensemble)).toEqual(['leading', 'not-serving'])
  return ensemble
}

function vote(ensemble: TestEnsemble, from: number, state: 'looking' | 'following', leader: ServerId): void {
  const own = ensemble.sent.findLast((sent) => sent.from === candidate && sent.message.kind === 'vote')?.message
  if (own?.kind !== 'vote') throw new Error('the candidate has not voted')
  const message = { ...own, state, leader }
  ensemble.feed(candidate, { kind: 'peer-message', peer: from as ServerId, message })
}

function roleOf(ensemble: TestEnsemble): readonly string[] {
  const { role, serving } = ensemble.servers[candidate - 1]!.replica.status()
  return [role, serving]
}

const countIn = (ensemble: TestEnsemble): number =>
  ensemble.servers[candidate - 1]!.metrics.quit_leading_due_to_disloyal_voter.value

test('a server that was elected counts that it gave up, when its voters follow another', () => {
  const ensemble = elected()
  vote(ensemble, 1, 'following', 1 as ServerId)
  expect([roleOf(ensemble)[0], countIn(ensemble)]).toEqual(['leading', 0])
  vote(ensemble, 2, 'following', 1 as ServerId)
  expect([roleOf(ensemble)[0], countIn(ensemble)]).toEqual(['looking', 1])
})

test('a leader that loses its followers, or waits for them in vain, counts none', () => {
  const ensemble = elected()
  ensemble.pass(1_500)
  expect([roleOf(ensemble)[0], countIn(ensemble)]).toEqual(['looking', 0])
  const other = new TestEnsemble(3)
  const { leader } = other
  for (const { id } of other.servers)
    if (id !== leader.id) other.unlink(Math.min(id, leader.id), Math.max(id, leader.id))
  expect(leader.replica.status().role).toBe('looking')
  expect(leader.metrics.quit_leading_due_to_disloyal_voter.value).toBe(0)
})
