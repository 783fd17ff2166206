import { describe, expect, test } from 'vitest'
import type { PeerMessage } from '../../../src/protocol/peer/peer-message.ts'
import { TestClient } from '../test-client.ts'
import { TestEnsemble } from '../test-ensemble.ts'

describe('a server that stops serving', () => {
  test('a server that has no leader for too long closes its connections, and their sessions can be resumed', () => {
    const ensemble = new TestEnsemble(2)
    const clients = ensemble.servers.map(({ id }) => TestClient.attached(ensemble, id))
    clients[0]!.create('/before')
    ensemble.run()
    clients[0]!.takeOutputs()
    ensemble.unlink(1, 2)
    ensemble.pass(4_000)
    for (const client of clients) expect(client.takeOutputs()).toEqual(['closed leader-lost'])
    const early = new TestClient(ensemble, 1)
    early.connect({})
    expect(early.takeOutputs()).toEqual(['closed not-serving'])
    ensemble.link(1, 2)
    ensemble.pass(500)
    const back = TestClient.returning(ensemble, 1, clients[0]!)
    ensemble.run()
    back.exists('/before')
    expect(back.takeOutputs()).toEqual(['session for 6000 ms', '1 ok'])
  })

  test('a write in flight is answered once under the next leader', () => {
    const ensemble = new TestEnsemble(2)
    const { leader, follower } = ensemble
    const client = TestClient.attached(ensemble, follower.id)
    ensemble.hold(`disk-${leader.id}`, `disk-${follower.id}`)
    client.create('/in-flight')
    ensemble.run()
    ensemble.unlink(1, 2)
    ensemble.release(`disk-${leader.id}`, `disk-${follower.id}`)
    expect(client.takeOutputs()).toEqual([])
    ensemble.link(1, 2)
    ensemble.pass(500)
    expect(client.takeOutputs()).toEqual(['1 ok'])
    expect(ensemble.servers[0]!.state.tree.digest()).toBe(ensemble.servers[1]!.state.tree.digest())
  })

  test('the new leader restarts the timeout of each session', () => {
    const ensemble = new TestEnsemble(2)
    const client = TestClient.attached(ensemble, 1, 4_000)
    ensemble.pass(3_000)
    ensemble.unlink(1, 2)
    ensemble.pass(2_000)
    ensemble.link(1, 2)
    ensemble.pass(3_500)
    const back = TestClient.returning(ensemble, 2, client)
    ensemble.run()
    expect(back.takeOutputs()).toEqual(['session for 6000 ms'])
  })
})

describe('messages of an earlier attempt to follow', () => {
  test('a late answer of an older attempt is ignored', () => {
    const ensemble = new TestEnsemble(2)
    const { leader, follower } = ensemble
    const client = TestClient.attached(ensemble, follower.id)
    ensemble.hold(`${follower.id}->${leader.id}`)
    client.create('/a')
    client.exists('/a')
    ensemble.run()
    const forward = lastOf(ensemble, 'forward')
    const answer = { sequence: forward.requests[0]!.sequence, after: 0 as never, error: 'no-auth', body: null } as const
    const stale: PeerMessage = { kind: 'answer', syncId: forward.syncId - 1, answers: [answer] }
    ensemble.feed(follower.id, { kind: 'peer-message', peer: leader.id, message: stale })
    expect(client.takeOutputs()).toEqual([])
    ensemble.release(`${follower.id}->${leader.id}`)
    expect(client.takeOutputs()).toEqual(['1 ok', '2 ok'])
  })

  test('a request of an older attempt is not carried out', () => {
    const ensemble = new TestEnsemble(2)
    const { leader, follower } = ensemble
    const client = TestClient.attached(ensemble, follower.id)
    client.create('/a')
    ensemble.run()
    const forward = lastOf(ensemble, 'forward')
    const before = leader.log.lastZxid
    const stale: PeerMessage = { ...forward, syncId: forward.syncId - 1 }
    ensemble.feed(leader.id, { kind: 'peer-message', peer: follower.id, message: stale })
    ensemble.run()
    expect(leader.log.lastZxid).toBe(before)
  })

  test('an answer about a session from an older attempt attaches no client', () => {
    const ensemble = new TestEnsemble(2)
    const { leader, follower } = ensemble
    const first = TestClient.attached(ensemble, follower.id)
    ensemble.hold(`${follower.id}->${leader.id}`)
    const back = TestClient.returning(ensemble, follower.id, first)
    ensemble.run()
    const { sequence, syncId } = lastOf(ensemble, 'revalidate')
    const stale: PeerMessage = { kind: 'revalidated', syncId: syncId - 1, sequence, valid: true }
    ensemble.feed(follower.id, { kind: 'peer-message', peer: leader.id, message: stale })
    expect(back.takeOutputs()).toEqual([])
    ensemble.release(`${follower.id}->${leader.id}`)
    expect(back.takeOutputs()).toEqual(['session for 6000 ms'])
  })
})

function lastOf<K extends PeerMessage['kind']>(
  ensemble: TestEnsemble,
  kind: K,
): Extract<PeerMessage, { readonly kind: K }> {
  const message = ensemble.sent.map((sent) => sent.message).findLast((sent) => sent.kind === kind)
  if (message === undefined) throw new Error(`no ${kind} was sent`)
  return message as Extract<PeerMessage, { readonly kind: K }>
}
