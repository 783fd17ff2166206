import { describe, expect, test } from 'vitest'
import type { SessionId } from '../../../src/base/ids.ts'
import { TestClient } from '../test-client.ts'
import { TestEnsemble } from '../test-ensemble.ts'

describe('a session', () => {
  test('the connect response is sent only when the creation of the session is durable', () => {
    const ensemble = new TestEnsemble(1)
    ensemble.hold('disk-1')
    const client = new TestClient(ensemble, 1)
    client.connect({ timeoutMs: 6_000 })
    ensemble.run()
    expect(client.takeOutputs()).toEqual([])
    ensemble.release('disk-1')
    expect(client.takeOutputs()).toEqual(['session for 6000 ms'])
    expect(ensemble.leader.state.sessions.count).toBe(1)
  })

  test('the timeout of a session is limited to the bounds of the server', () => {
    const ensemble = new TestEnsemble(1)
    for (const [asked, given] of [
      [0, 2_000],
      [-5, 2_000],
      [3_000, 3_000],
      [1_000_000, 20_000],
    ]) {
      const client = new TestClient(ensemble, 1)
      client.connect({ timeoutMs: asked! })
      ensemble.run()
      expect(client.takeOutputs()).toEqual([`session for ${given} ms`])
    }
  })

  test('a session outlives its connection and can be resumed with its password', () => {
    const ensemble = new TestEnsemble(1)
    const first = TestClient.attached(ensemble, 1)
    first.create('/e', 1)
    ensemble.run()
    first.disconnect()
    const second = TestClient.returning(ensemble, 1, first)
    ensemble.run()
    second.exists('/e')
    expect(second.takeOutputs()).toEqual(['session for 6000 ms', '1 ok'])
  })

  test('a new connection takes the session over from the old one on the same server', () => {
    const ensemble = new TestEnsemble(1)
    const first = TestClient.attached(ensemble, 1)
    const second = TestClient.returning(ensemble, 1, first)
    ensemble.run()
    expect(first.takeOutputs()).toEqual(['closed session-replaced'])
    expect(second.takeOutputs()).toEqual(['session for 6000 ms'])
  })

  test('a wrong password is refused, and the connection that has the session is closed nevertheless', () => {
    const ensemble = new TestEnsemble(1)
    const owner = TestClient.attached(ensemble, 1)
    const thief = new TestClient(ensemble, 1)
    thief.connect({ sessionId: owner.sessionId, password: new Uint8Array(16) })
    ensemble.run()
    expect(thief.takeOutputs()).toEqual(['session over', 'closed session-invalid'])
    expect(owner.takeOutputs()).toEqual(['closed session-replaced'])
    const back = TestClient.returning(ensemble, 1, owner)
    ensemble.run()
    expect(back.takeOutputs()).toEqual(['session for 6000 ms'])
  })

  test('an unknown session id is refused', () => {
    const ensemble = new TestEnsemble(2)
    for (const { id } of ensemble.servers) {
      const real = TestClient.attached(ensemble, id)
      const client = new TestClient(ensemble, id)
      client.connect({ sessionId: (real.sessionId + 5n) as SessionId, password: real.password })
      ensemble.run()
      expect(client.takeOutputs()).toEqual(['session over', 'closed session-invalid'])
    }
  })

  test('a client that has seen a later zxid than the server is closed', () => {
    const ensemble = new TestEnsemble(1)
    const client = new TestClient(ensemble, 1)
    client.connect({ lastZxidSeen: BigInt(ensemble.leader.state.lastApplied) + 1n })
    expect(client.takeOutputs()).toEqual(['closed client-is-ahead'])
  })

  test('with compatibility=strict the connection that a session has left closes with its next write, unanswered', () => {
    const ensemble = new TestEnsemble(2, ['compatibility=strict'])
    const { leader, follower } = ensemble
    const old = TestClient.attached(ensemble, follower.id)
    const moved = TestClient.returning(ensemble, leader.id, old)
    ensemble.run()
    expect(moved.takeOutputs()).toEqual(['session for 6000 ms'])
    old.exists('/')
    old.create('/late')
    ensemble.run()
    expect(old.takeOutputs()).toEqual(['1 ok', 'closed session-moved'])
    moved.exists('/late')
    expect(moved.takeOutputs()).toEqual(['1 no-node'])
  })

  test('a session moves to another server by a txn, and the connection that it has left closes', () => {
    const ensemble = new TestEnsemble(2)
    const { leader, follower } = ensemble
    const old = TestClient.attached(ensemble, follower.id)
    ensemble.hold(`${leader.id}->${follower.id}`)
    const moved = TestClient.returning(ensemble, leader.id, old)
    ensemble.run()
    old.create('/late')
    ensemble.run()
    expect([old.takeOutputs(), moved.takeOutputs()]).toEqual([[], []])
    ensemble.release(`${leader.id}->${follower.id}`)
    expect(old.takeOutputs()).toEqual(['closed session-moved'])
    expect(moved.takeOutputs()).toEqual(['session for 6000 ms'])
    for (const { state } of ensemble.servers) {
      expect(state.sessions.attachedTo(old.sessionId)).toBe(leader.id)
      expect(state.tree.view('/late')).toBeNull()
    }
  })

  test('a session that is resumed with another timeout has it under the next leader', () => {
    const ensemble = new TestEnsemble(2)
    const first = TestClient.attached(ensemble, 1, 4_000)
    const second = new TestClient(ensemble, 1)
    second.connect({ sessionId: first.sessionId, password: first.password, timeoutMs: 8_000 })
    ensemble.run()
    expect(second.takeOutputs()).toEqual(['session for 8000 ms'])
    for (const { state } of ensemble.servers) expect(state.sessions.timeoutMsOf(first.sessionId)).toBe(8_000)
  })

  test('a client whose moves between two servers are under way keeps its last connection', () => {
    const ensemble = new TestEnsemble(2)
    const { leader, follower } = ensemble
    const first = TestClient.attached(ensemble, leader.id)
    ensemble.hold(`disk-${follower.id}`)
    const [second, third, fourth] = [follower, leader, leader].map(({ id }) => {
      const client = TestClient.returning(ensemble, id, first)
      ensemble.run()
      return client
    })
    expect(fourth!.takeOutputs()).toEqual([])
    ensemble.release(`disk-${follower.id}`)
    fourth!.create('/here')
    ensemble.run()
    expect(fourth!.takeOutputs()).toEqual(['session for 6000 ms', '1 ok'])
    expect(second!.takeOutputs().at(-1)).toMatch(/^closed/)
    expect(third!.takeOutputs().at(-1)).toMatch(/^closed/)
  })

  test('a session that is resumed where it was costs no txn', () => {
    const ensemble = new TestEnsemble(2)
    const first = TestClient.attached(ensemble, ensemble.follower.id)
    const before = ensemble.leader.log.lastZxid
    const second = TestClient.returning(ensemble, ensemble.follower.id, first)
    ensemble.run()
    expect(second.takeOutputs()).toEqual(['session for 6000 ms'])
    expect(ensemble.leader.log.lastZxid).toBe(before)
  })

  test('a session moves from the leader to a follower, and the connection of the leader closes at once', () => {
    const ensemble = new TestEnsemble(2)
    const old = TestClient.attached(ensemble, ensemble.leader.id)
    const moved = TestClient.returning(ensemble, ensemble.follower.id, old)
    ensemble.run()
    expect(old.takeOutputs()).toEqual(['closed session-moved'])
    expect(moved.takeOutputs()).toEqual(['session for 6000 ms'])
    moved.create('/here')
    ensemble.run()
    expect(moved.takeOutputs()).toEqual(['1 ok'])
  })

  test('a session expires when its client is silent, its ephemerals are deleted, and it cannot be resumed', () => {
    const ensemble = new TestEnsemble(1)
    const silent = TestClient.attached(ensemble, 1, 2_000)
    const watcher = TestClient.attached(ensemble, 1, 20_000)
    silent.create('/e', 1)
    ensemble.run()
    watcher.exists('/e', true)
    silent.takeOutputs()
    watcher.takeOutputs()
    ensemble.pass(3_200)
    expect(silent.takeOutputs()).toEqual(['closed session-expired'])
    expect(watcher.takeOutputs()).toEqual(['deleted /e'])
    const back = TestClient.returning(ensemble, 1, silent)
    ensemble.run()
    expect(back.takeOutputs()).toEqual(['session over', 'closed session-invalid'])
  })

  test('no request of a session succeeds once its expiry is proposed', () => {
    const ensemble = new TestEnsemble(1)
    const client = TestClient.attached(ensemble, 1, 2_000)
    ensemble.hold('disk-1')
    ensemble.pass(3_200)
    client.create('/late')
    client.send('closeSession')
    client.exists('/late')
    const back = TestClient.returning(ensemble, 1, client)
    ensemble.run()
    expect(client.takeOutputs()).toEqual(['closed session-replaced'])
    expect(back.takeOutputs()).toEqual(['session over', 'closed session-invalid'])
    ensemble.release('disk-1')
    expect(client.takeOutputs()).toEqual([])
    expect(ensemble.leader.state.tree.view('/late')).toBeNull()
    expect(ensemble.leader.state.sessions.count).toBe(0)
  })

  test('a client that is connected when its session expires gets session-expired, then its connection closes', () => {
    const ensemble = new TestEnsemble(1)
    const client = TestClient.attached(ensemble, 1, 2_000)
    ensemble.hold('disk-1')
    ensemble.pass(3_200)
    client.create('/late')
    ensemble.run()
    expect(client.takeOutputs()).toEqual([])
    ensemble.release('disk-1')
    expect(client.takeOutputs().at(-1)).toBe('closed session-expired')
    expect(ensemble.leader.state.tree.view('/late')).toBeNull()
  })

  test('heartbeat replies of followers name their active sessions and keep them alive', () => {
    const ensemble = new TestEnsemble(2)
    const active = TestClient.attached(ensemble, ensemble.follower.id, 2_000)
    const silent = TestClient.attached(ensemble, ensemble.follower.id, 2_000)
    for (let i = 0; i < 10; i++) {
      active.send('ping')
      ensemble.pass(500)
    }
    expect(new Set(active.takeOutputs())).toEqual(new Set(['-2 ok']))
    expect(silent.takeOutputs()).toEqual(['closed session-expired'])
    const touched = ensemble.sent.flatMap(({ message }) => (message.kind === 'heartbeat-reply' ? message.touched : []))
    expect(touched).toContain(active.sessionId)
    // A session is named once after each request, not with each heartbeat.
    expect(touched.filter((id) => id === active.sessionId).length).toBeLessThanOrEqual(11)
  })

  test('a ping counts although its client leaves at once', () => {
    const ensemble = new TestEnsemble(1)
    const client = TestClient.attached(ensemble, 1, 6_000)
    ensemble.pass(5_000)
    client.send('ping')
    client.disconnect()
    ensemble.pass(5_900)
    expect(ensemble.leader.state.sessions.has(client.sessionId)).toBe(true)
    ensemble.pass(4_200)
    expect(ensemble.leader.state.sessions.has(client.sessionId)).toBe(false)
  })

  test('a reply to a heartbeat names the sessions that are heard from later in the same turn', () => {
    const ensemble = new TestEnsemble(2)
    const { follower, leader } = ensemble
    const client = TestClient.attached(ensemble, follower.id)
    ensemble.pass(500)
    const message = ensemble.sent.findLast((each) => each.message.kind === 'heartbeat')!.message
    ensemble.feed(follower.id, { kind: 'peer-message', peer: leader.id, message })
    client.send('ping')
    ensemble.feed(follower.id, { kind: 'turn-ended' })
    expect(ensemble.sent.at(-1)).toMatchObject({
      from: follower.id,
      message: { kind: 'heartbeat-reply', touched: [client.sessionId] },
    })
  })

  test('a closeSession is answered, deletes ephemerals in flight too, and drops later requests', () => {
    const ensemble = new TestEnsemble(1)
    const client = TestClient.attached(ensemble, 1)
    client.create('/e1', 1)
    ensemble.run()
    client.takeOutputs()
    client.create('/e2', 1)
    client.send('closeSession')
    client.create('/never')
    client.exists('/e1')
    ensemble.run()
    expect(client.takeOutputs()).toEqual(['2 ok', '3 ok', 'closed session-closed'])
    const { tree, sessions } = ensemble.leader.state
    expect([tree.view('/e1'), tree.view('/e2'), tree.view('/never'), sessions.count]).toEqual([null, null, null, 0])
  })

  test('a close from the server that the session has left ends it nevertheless', () => {
    const ensemble = new TestEnsemble(2, ['compatibility=strict'])
    const old = TestClient.attached(ensemble, ensemble.follower.id)
    const moved = TestClient.returning(ensemble, ensemble.leader.id, old)
    ensemble.run()
    moved.takeOutputs()
    old.send('closeSession')
    ensemble.run()
    expect(old.takeOutputs()).toEqual(['1 ok', 'closed session-closed'])
    expect(moved.takeOutputs()).toEqual(['closed session-expired'])
  })

  test('the session of a client that leaves before its creation expires', () => {
    const ensemble = new TestEnsemble(1)
    ensemble.hold('disk-1')
    const client = new TestClient(ensemble, 1)
    client.connect({ timeoutMs: 2_000 })
    client.disconnect()
    ensemble.release('disk-1')
    expect(ensemble.leader.state.sessions.count).toBe(1)
    ensemble.pass(4_000)
    expect(ensemble.leader.state.sessions.count).toBe(0)
    expect(client.takeOutputs()).toEqual([])
  })
})
