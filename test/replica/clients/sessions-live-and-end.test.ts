import { describe, expect, test } from 'vitest'
import type { SessionId } from '../../../src/base/ids.ts'
import { TestClient, TestEnsemble } from '../test-ensemble.ts'

describe('a session', () => {
  test('a session is told to its client only when its creation is durable', () => {
    const ensemble = new TestEnsemble(1)
    ensemble.hold('disk-1')
    const client = new TestClient(ensemble, 1)
    client.connect({ timeoutMs: 6_000 })
    ensemble.run()
    expect(client.hear()).toEqual([])
    ensemble.release('disk-1')
    expect(client.hear()).toEqual(['session for 6000 ms'])
    expect(ensemble.leader.state.sessions.count).toBe(1)
  })

  test('the timeout of a session is kept within the bounds of the server', () => {
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
      expect(client.hear()).toEqual([`session for ${given} ms`])
    }
  })

  test('a session outlives its connection and is had again with its password', () => {
    const ensemble = new TestEnsemble(1)
    const first = TestClient.attached(ensemble, 1)
    first.create('/e', 1)
    ensemble.run()
    first.disconnect()
    const second = TestClient.returning(ensemble, 1, first)
    ensemble.run()
    second.exists('/e')
    expect(second.hear()).toEqual(['session for 6000 ms', '1 ok'])
  })

  test('a new connection takes the session from the old one of the same server', () => {
    const ensemble = new TestEnsemble(1)
    const first = TestClient.attached(ensemble, 1)
    const second = TestClient.returning(ensemble, 1, first)
    ensemble.run()
    expect(first.hear()).toEqual(['closed session-replaced'])
    expect(second.hear()).toEqual(['session for 6000 ms'])
  })

  test('a wrong password is refused, and yet the connection that has the session is closed', () => {
    const ensemble = new TestEnsemble(1)
    const owner = TestClient.attached(ensemble, 1)
    const thief = new TestClient(ensemble, 1)
    thief.connect({ sessionId: owner.sessionId, password: new Uint8Array(16) })
    ensemble.run()
    expect(thief.hear()).toEqual(['session over', 'closed session-invalid'])
    expect(owner.hear()).toEqual(['closed session-replaced'])
    const back = TestClient.returning(ensemble, 1, owner)
    ensemble.run()
    expect(back.hear()).toEqual(['session for 6000 ms'])
  })

  test('an id that no session has is refused', () => {
    const ensemble = new TestEnsemble(2)
    for (const { id } of ensemble.servers) {
      const real = TestClient.attached(ensemble, id)
      const client = new TestClient(ensemble, id)
      client.connect({ sessionId: (real.sessionId + 5n) as SessionId, password: real.password })
      ensemble.run()
      expect(client.hear()).toEqual(['session over', 'closed session-invalid'])
    }
  })

  test('a client that has seen more than the server is sent away', () => {
    const ensemble = new TestEnsemble(1)
    const client = new TestClient(ensemble, 1)
    client.connect({ lastZxidSeen: BigInt(ensemble.leader.state.lastApplied) + 1n })
    expect(client.hear()).toEqual(['closed client-is-ahead'])
  })

  test('a session moves to another server, and the old connection closes with its next write, unanswered', () => {
    const ensemble = new TestEnsemble(2)
    const { leader, follower } = ensemble
    const old = TestClient.attached(ensemble, follower.id)
    const moved = TestClient.returning(ensemble, leader.id, old)
    ensemble.run()
    expect(moved.hear()).toEqual(['session for 6000 ms'])
    old.exists('/')
    old.create('/late')
    ensemble.run()
    expect(old.hear()).toEqual(['1 ok', 'closed session-moved'])
    moved.exists('/late')
    expect(moved.hear()).toEqual(['1 no-node'])
  })

  test('a session moves from the leader to a follower, and the connection of the leader closes at once', () => {
    const ensemble = new TestEnsemble(2)
    const old = TestClient.attached(ensemble, ensemble.leader.id)
    const moved = TestClient.returning(ensemble, ensemble.follower.id, old)
    ensemble.run()
    expect(old.hear()).toEqual(['closed session-moved'])
    expect(moved.hear()).toEqual(['session for 6000 ms'])
    moved.create('/here')
    ensemble.run()
    expect(moved.hear()).toEqual(['1 ok'])
  })

  test('a session expires when its client is silent, its ephemerals go, and nobody can have it again', () => {
    const ensemble = new TestEnsemble(1)
    const silent = TestClient.attached(ensemble, 1, 2_000)
    const watcher = TestClient.attached(ensemble, 1, 20_000)
    silent.create('/e', 1)
    ensemble.run()
    watcher.exists('/e', true)
    silent.hear()
    watcher.hear()
    ensemble.pass(3_200)
    expect(silent.hear()).toEqual(['closed session-expired'])
    expect(watcher.hear()).toEqual(['deleted /e'])
    const back = TestClient.returning(ensemble, 1, silent)
    ensemble.run()
    expect(back.hear()).toEqual(['session over', 'closed session-invalid'])
  })

  test('nothing of a session succeeds once its expiry is proposed', () => {
    const ensemble = new TestEnsemble(1)
    const client = TestClient.attached(ensemble, 1, 2_000)
    ensemble.hold('disk-1')
    ensemble.pass(3_200)
    client.create('/late')
    client.send('closeSession')
    client.exists('/late')
    const back = TestClient.returning(ensemble, 1, client)
    ensemble.run()
    expect(client.hear()).toEqual(['closed session-replaced'])
    expect(back.hear()).toEqual(['session over', 'closed session-invalid'])
    ensemble.release('disk-1')
    expect(client.hear()).toEqual([])
    expect(ensemble.leader.state.tree.view('/late')).toBeNull()
    expect(ensemble.leader.state.sessions.count).toBe(0)
  })

  test('an expired session that is still connected hears that it is over and then the end', () => {
    const ensemble = new TestEnsemble(1)
    const client = TestClient.attached(ensemble, 1, 2_000)
    ensemble.hold('disk-1')
    ensemble.pass(3_200)
    client.create('/late')
    ensemble.run()
    expect(client.hear()).toEqual([])
    ensemble.release('disk-1')
    expect(client.hear().at(-1)).toBe('closed session-expired')
    expect(ensemble.leader.state.tree.view('/late')).toBeNull()
  })

  test('heartbeats of followers carry word of their clients and keep their sessions alive', () => {
    const ensemble = new TestEnsemble(2)
    const active = TestClient.attached(ensemble, ensemble.follower.id, 2_000)
    const silent = TestClient.attached(ensemble, ensemble.follower.id, 2_000)
    for (let i = 0; i < 10; i++) {
      active.send('ping')
      ensemble.pass(500)
    }
    expect(new Set(active.hear())).toEqual(new Set(['-2 ok']))
    expect(silent.hear()).toEqual(['closed session-expired'])
    const touched = ensemble.sent.flatMap(({ message }) => (message.kind === 'heartbeat-reply' ? message.touched : []))
    expect(touched).toContain(active.sessionId)
    // Said once for each time it was heard from, not with each heartbeat.
    expect(touched.filter((id) => id === active.sessionId).length).toBeLessThanOrEqual(11)
  })

  test('a client that pings and then leaves at once has pinged', () => {
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

  test('a reply to a heartbeat names the clients that are heard from later in the same turn', () => {
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

  test('closing answers, takes the ephemerals that are still on their way along, and drops what follows', () => {
    const ensemble = new TestEnsemble(1)
    const client = TestClient.attached(ensemble, 1)
    client.create('/e1', 1)
    ensemble.run()
    client.hear()
    client.create('/e2', 1)
    client.send('closeSession')
    client.create('/never')
    client.exists('/e1')
    ensemble.run()
    expect(client.hear()).toEqual(['2 ok', '3 ok', 'closed session-closed'])
    const { tree, sessions } = ensemble.leader.state
    expect([tree.view('/e1'), tree.view('/e2'), tree.view('/never'), sessions.count]).toEqual([null, null, null, 0])
  })

  test('a close that comes from the server that lost the session ends it all the same', () => {
    const ensemble = new TestEnsemble(2)
    const old = TestClient.attached(ensemble, ensemble.follower.id)
    const moved = TestClient.returning(ensemble, ensemble.leader.id, old)
    ensemble.run()
    moved.hear()
    old.send('closeSession')
    ensemble.run()
    expect(old.hear()).toEqual(['1 ok', 'closed session-closed'])
    expect(moved.hear()).toEqual(['closed session-expired'])
  })

  test('a client that hangs up before its session is made leaves one that expires', () => {
    const ensemble = new TestEnsemble(1)
    ensemble.hold('disk-1')
    const client = new TestClient(ensemble, 1)
    client.connect({ timeoutMs: 2_000 })
    client.disconnect()
    ensemble.release('disk-1')
    expect(ensemble.leader.state.sessions.count).toBe(1)
    ensemble.pass(4_000)
    expect(ensemble.leader.state.sessions.count).toBe(0)
    expect(client.hear()).toEqual([])
  })
})
