import { describe, expect, test } from 'vitest'
import type { ServerId } from '../../../src/base/ids.ts'
import { opOf } from '../../../src/protocol/client/operations.ts'
import { TestClient } from '../test-client.ts'
import { TestEnsemble } from '../test-ensemble.ts'

const upgrading = ['localSessionsEnabled=true', 'localSessionsUpgradingEnabled=true']

/** The requests sent to the leader, one word each; a `*` marks a request of a local session. */
function forwarded(ensemble: TestEnsemble): readonly string[] {
  return ensemble.sent.flatMap(({ message }) =>
    message.kind === 'forward' ? message.requests.map(({ type, isLocal }) => `${opOf(type)}${isLocal ? '*' : ''}`) : [],
  )
}

function cutOff(ensemble: TestEnsemble, id: ServerId): void {
  for (const other of ensemble.servers) {
    if (other.id !== id) ensemble.unlink(Math.min(id, other.id), Math.max(id, other.id))
  }
}

function reconnect(ensemble: TestEnsemble, id: ServerId): void {
  for (const other of ensemble.servers) {
    if (other.id !== id) ensemble.link(Math.min(id, other.id), Math.max(id, other.id))
  }
}

describe('a local session that creates an ephemeral', () => {
  test('the session becomes global first, and its later requests are global, in order', () => {
    const ensemble = new TestEnsemble(2, upgrading)
    const client = TestClient.attached(ensemble, ensemble.follower.id)
    client.create('/p')
    client.create('/e', 1)
    client.setData('/e')
    client.create('/f', 1)
    client.exists('/f')
    ensemble.run()
    expect(client.takeOutputs()).toEqual(['1 ok', '2 ok', '3 ok', '4 ok', '5 ok'])
    expect(forwarded(ensemble)).toEqual(['create*', 'createSession', 'create', 'setData', 'create'])
    for (const { state } of ensemble.servers) {
      expect(state.tree.view('/e')!.ephemeralOwner).toBe(client.sessionId)
      expect(state.sessions.timeoutMsOf(client.sessionId)).toBe(6_000)
    }
    expect(ensemble.follower.replica.status().localSessionCount).toBe(0)
  })

  test('the same happens on the leader', () => {
    const ensemble = new TestEnsemble(2, upgrading)
    const client = TestClient.attached(ensemble, ensemble.leader.id)
    client.create('/e', 1)
    ensemble.run()
    expect(client.takeOutputs()).toEqual(['1 ok'])
    expect(ensemble.leader.state.sessions.has(client.sessionId)).toBe(true)
  })

  test('an ephemeral inside a multi makes the session global, and a multi without one does not', () => {
    const ensemble = new TestEnsemble(2, upgrading)
    const client = TestClient.attached(ensemble, ensemble.follower.id)
    client.multiCreate(['/a', 0], ['/b', 2])
    ensemble.run()
    expect(ensemble.leader.state.sessions.count).toBe(0)
    client.multiCreate(['/c', 0], ['/e', 1])
    ensemble.run()
    expect(client.takeOutputs()).toEqual(['1 ok', '2 ok'])
    expect(ensemble.leader.state.sessions.has(client.sessionId)).toBe(true)
    expect(ensemble.leader.state.tree.view('/e')!.ephemeralOwner).toBe(client.sessionId)
  })

  test('the session becomes global even if the ephemeral is refused', () => {
    const ensemble = new TestEnsemble(2, upgrading)
    const client = TestClient.attached(ensemble, ensemble.follower.id)
    client.create('/nowhere/e', 1)
    ensemble.run()
    expect(client.takeOutputs()).toEqual(['1 no-node'])
    expect(ensemble.leader.state.sessions.has(client.sessionId)).toBe(true)
  })

  test('a close after the ephemeral ends the session on all servers, and the ephemeral with it', () => {
    const ensemble = new TestEnsemble(2, upgrading)
    const client = TestClient.attached(ensemble, ensemble.follower.id)
    client.create('/e', 1)
    client.send('closeSession')
    ensemble.run()
    expect(client.takeOutputs()).toEqual(['1 ok', '2 ok', 'closed session-closed'])
    expect(ensemble.leader.state.sessions.count).toBe(0)
    expect(ensemble.leader.state.tree.view('/e')).toBeNull()
  })

  test('a session that became global is expired by the leader and moves like any other', () => {
    const ensemble = new TestEnsemble(2, upgrading)
    const client = TestClient.attached(ensemble, ensemble.follower.id, 2_000)
    client.create('/e', 1)
    ensemble.run()
    client.disconnect()
    const moved = TestClient.returning(ensemble, ensemble.leader.id, client)
    ensemble.run()
    expect(moved.takeOutputs()).toEqual(['session for 6000 ms'])
    for (let i = 0; i < 10; i++) {
      moved.send('ping')
      ensemble.pass(500)
    }
    expect(ensemble.leader.state.tree.view('/e')).not.toBeNull()
    ensemble.pass(7_500)
    expect(moved.takeOutputs().at(-1)).toBe('closed session-expired')
    expect(ensemble.leader.state.tree.view('/e')).toBeNull()
  })

  test('pings keep it alive during the change, on the leader too', () => {
    const ensemble = new TestEnsemble(2, upgrading)
    const client = TestClient.attached(ensemble, ensemble.follower.id, 2_000)
    client.create('/e', 1)
    for (let i = 0; i < 20; i++) {
      client.send('ping')
      ensemble.pass(300)
    }
    expect(new Set(client.takeOutputs())).toEqual(new Set(['-2 ok', '1 ok']))
    expect(ensemble.leader.state.tree.view('/e')).not.toBeNull()
  })

  test('a client that reconnects while the change is in flight keeps its session', () => {
    const ensemble = new TestEnsemble(2, upgrading)
    const { follower, leader } = ensemble
    const client = TestClient.attached(ensemble, follower.id)
    ensemble.hold(`disk-${leader.id}`)
    client.create('/e', 1)
    // In the same turn: the revalidation must not overtake the creation of the session.
    const back = TestClient.returning(ensemble, follower.id, client)
    ensemble.run()
    expect(client.takeOutputs()).toEqual(['closed session-replaced'])
    ensemble.release(`disk-${leader.id}`)
    back.exists('/e')
    back.create('/f', 1)
    ensemble.run()
    expect(back.takeOutputs()).toEqual(['session for 6000 ms', '1 ok', '2 ok'])
    expect(forwarded(ensemble).filter((word) => word === 'createSession')).toHaveLength(1)
  })

  test('a client that reconnects to another server while the change is in flight keeps its session and its ephemeral', () => {
    const ensemble = new TestEnsemble(2, upgrading)
    const { follower, leader } = ensemble
    const client = TestClient.attached(ensemble, follower.id)
    ensemble.hold(`disk-${leader.id}`)
    client.create('/e', 1)
    ensemble.run()
    client.disconnect()
    const moved = TestClient.returning(ensemble, leader.id, client)
    ensemble.run()
    ensemble.release(`disk-${leader.id}`)
    moved.exists('/e')
    ensemble.run()
    expect(moved.takeOutputs()).toEqual(['session for 6000 ms', '1 ok'])
  })

  test('a client that moves to another server before the leader gets the change finds no session', () => {
    const ensemble = new TestEnsemble(2, upgrading)
    const { follower, leader } = ensemble
    const client = TestClient.attached(ensemble, follower.id, 2_000)
    ensemble.hold(`${follower.id}->${leader.id}`)
    client.create('/e', 1)
    ensemble.run()
    client.disconnect()
    const moved = TestClient.returning(ensemble, leader.id, client)
    ensemble.pass(300)
    ensemble.release(`${follower.id}->${leader.id}`)
    expect(moved.takeOutputs()).toEqual(['session over', 'closed session-invalid'])
    // The held creation arrives, and the session expires since no client has it.
    expect(leader.state.tree.view('/e')!.ephemeralOwner).toBe(client.sessionId)
    ensemble.pass(3_500)
    expect(leader.state.tree.view('/e')).toBeNull()
    expect(leader.state.sessions.count).toBe(0)
  })

  test('a change that is lost with the link to the leader happens under the next one, also if the client has left', () => {
    const ensemble = new TestEnsemble(3, upgrading)
    const server = ensemble.servers.find(({ id }) => id !== ensemble.leader.id)!
    const client = TestClient.attached(ensemble, server.id)
    ensemble.hold(`${server.id}->${ensemble.leader.id}`)
    client.create('/e', 1)
    ensemble.run()
    cutOff(ensemble, server.id)
    ensemble.release(`${server.id}->${ensemble.leader.id}`)
    ensemble.pass(3_000)
    expect(client.takeOutputs()).toEqual(['closed leader-lost'])
    reconnect(ensemble, server.id)
    ensemble.pass(1_000)
    const back = TestClient.returning(ensemble, server.id, client)
    ensemble.run()
    expect(back.takeOutputs()).toEqual(['session for 6000 ms'])
    for (const { state } of ensemble.servers) {
      expect([state.sessions.count, state.tree.view('/e')]).toEqual([1, null])
    }
  })

  test('after a change that survives the loss of the leader the client goes on with its session', () => {
    const ensemble = new TestEnsemble(3, upgrading)
    const { leader } = ensemble
    const [server, third] = ensemble.servers.filter(({ id }) => id !== leader.id)
    const client = TestClient.attached(ensemble, server!.id)
    // Durable on the follower; no server knows yet that it is committed.
    ensemble.hold(`disk-${leader.id}`, `${leader.id}->${third!.id}`, `${server!.id}->${leader.id}`)
    ensemble.release(`${server!.id}->${leader.id}`)
    client.create('/e', 1)
    ensemble.run()
    cutOff(ensemble, leader.id)
    ensemble.release(`disk-${leader.id}`, `${leader.id}->${third!.id}`)
    ensemble.pass(5_000)
    client.exists('/e')
    expect(client.takeOutputs()).toEqual(['1 ok', '2 ok'])
  })

  test('a session that became global and ended is not local again', () => {
    const ensemble = new TestEnsemble(2, upgrading)
    const client = TestClient.attached(ensemble, ensemble.follower.id, 2_000)
    client.create('/e', 1)
    ensemble.run()
    client.disconnect()
    ensemble.pass(3_500)
    const back = TestClient.returning(ensemble, ensemble.follower.id, client)
    ensemble.run()
    expect(back.takeOutputs()).toEqual(['session over', 'closed session-invalid'])
  })
})
