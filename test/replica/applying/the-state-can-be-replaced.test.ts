/**
 * A checkpoint may replace the whole state while the server runs: between two leaders, or while a leader synchronises
 * this server. From then on every request must use the new tree and the new sessions.
 */
import { expect, test } from 'vitest'
import type { SessionId } from '../../../src/base/ids.ts'
import { sessionPasswordOf } from '../../../src/protocol/client/session-password.ts'
import type { Change } from '../../../src/protocol/txn/txn.ts'
import type { ReplicatedState, StateContents } from '../../../src/replica/applying/replicated-state.ts'
import { SessionTable } from '../../../src/sessions/session-table.ts'
import { DataTree } from '../../../src/tree/data-tree.ts'
import { creation } from '../../support/tree-driver.ts'
import { TestClient } from '../test-client.ts'
import { TestEnsemble } from '../test-ensemble.ts'

const newSession = 0x0900_0000_0000_0001n as SessionId

/** A state at the zxid of another, reached by another history. */
function otherState({ lastApplied, lastHash }: ReplicatedState, paths: readonly string[]): StateContents {
  const sessions = new SessionTable()
  const tree = new DataTree(sessions)
  const changes: Change[] = [
    { kind: 'create-session', sessionId: newSession, timeoutMs: 20_000 },
    ...paths.map((path, i) => creation(path, i + 1)),
    creation('/ephemeral', paths.length + 1, { owner: newSession }),
  ]
  tree.applier.apply(lastApplied, { timeMs: 1_700_000_000_000, changes }, null)
  return { tree, sessions, lastHash }
}

function relink(ensemble: TestEnsemble): void {
  for (const [a, b] of pairs) ensemble.link(a, b)
  ensemble.pass(2_000)
}

const pairs = [
  [1, 2],
  [1, 3],
  [2, 3],
] as const

test('a state installed between two leaders is the one that reads, watches, decisions, counts and digests use', () => {
  const ensemble = new TestEnsemble(3)
  const before = TestClient.attached(ensemble, ensemble.leader.id)
  before.create('/old')
  ensemble.pass(1_000)
  for (const [a, b] of pairs) ensemble.unlink(a, b)
  ensemble.pass(3_000)
  const old = ensemble.servers.map(({ state }) => state.tree)
  for (const { state } of ensemble.servers) {
    const { tree, sessions } = state
    expect(state.install(otherState(state, ['/new', '/new2']))).toMatchObject({ tree, sessions })
  }
  const digest = ensemble.servers[0]!.state.tree.digest()
  relink(ensemble)

  // Sessions: the session of the old state has ended, the session of the new state can be resumed.
  for (const { id } of ensemble.servers) {
    const lost = TestClient.returning(ensemble, id, before)
    ensemble.run()
    expect(lost.takeOutputs()[0]).toBe('session over')
  }
  const reader = new TestClient(ensemble, ensemble.follower.id)
  reader.connect({ sessionId: newSession, password: sessionPasswordOf(newSession) })
  ensemble.run()
  expect(reader.takeOutputs()).toEqual(['session for 6000 ms'])

  // Reads and watches, on a follower.
  reader.exists('/new', true)
  reader.exists('/old', true)
  reader.getChildren('/', true)
  reader.send('getEphemerals', new Uint8Array(4).fill(0xff))
  ensemble.run()
  expect(reader.takeOutputs()).toEqual(['1 ok', '2 no-node', '3 ok', '4 ok'])

  // Writes: decided by the leader, applied by all.
  const writer = TestClient.attached(ensemble, ensemble.leader.id)
  writer.create('/old/child')
  writer.setData('/old')
  writer.create('/new')
  writer.delete('/ephemeral')
  writer.setData('/new', 0)
  writer.create('/old')
  ensemble.pass(300)
  expect(writer.takeOutputs()).toEqual(['1 no-node', '2 no-node', '3 node-exists', '4 ok', '5 ok', '6 ok'])
  expect(reader.takeOutputs()).toEqual(['children-changed /', 'changed /new', 'created /old'])

  for (const { replica, state } of ensemble.servers) {
    expect(state.tree.digest()).toBe(ensemble.leader.state.tree.digest())
    expect(state.tree.digest()).not.toBe(digest)
    expect(replica.status()).toMatchObject({ nodeCount: state.tree.nodeCount, zxid: state.lastApplied })
    expect(replica.status().nodeCount).toBe(old[0]!.nodeCount + 2)
    expect(replica.status().sessionCount).toBe(2)
    expect(replica.details().ephemerals()).toEqual([])
  }
  // No txn was applied to the replaced trees.
  for (const tree of old) expect(tree.lastApplied).toBeLessThan(ensemble.leader.state.lastApplied)
  for (const tree of old) expect(tree.view('/new')).toBeNull()
})

test('a state installed while a follower is synchronised gets the later txns', () => {
  const ensemble = new TestEnsemble(3)
  const writer = TestClient.attached(ensemble, ensemble.leader.id)
  writer.create('/a')
  ensemble.pass(1_000)
  const { id, state } = ensemble.follower
  const leaderId = ensemble.leader.id
  const others = ensemble.servers.map((server) => server.id).filter((other) => other !== id)
  for (const other of others) ensemble.unlink(Math.min(id, other), Math.max(id, other))
  writer.create('/b')
  ensemble.pass(2_000)
  ensemble.hold(`disk-${id}`)
  for (const other of others) ensemble.link(Math.min(id, other), Math.max(id, other))
  ensemble.pass(500)
  const { replica } = ensemble.servers[id - 1]!
  expect(ensemble.leader.id).toBe(leaderId)
  expect(replica.status()).toMatchObject({ role: 'following', serving: 'not-serving' })

  const replaced = state.tree
  const contents = otherState(state, ['/a', '/extra'])
  state.install(contents)
  ensemble.release(`disk-${id}`)
  ensemble.pass(500)
  expect(replica.status()).toMatchObject({ role: 'following', serving: 'serving' })
  expect(state.tree).toBe(contents.tree)
  const reader = TestClient.attached(ensemble, id)
  for (const path of ['/a', '/b', '/extra']) reader.exists(path)
  expect(reader.takeOutputs()).toEqual(['1 ok', '2 ok', '3 ok'])
  expect(replaced.view('/b')).toBeNull()
})

test('clients in read-only mode read the installed state', () => {
  const ensemble = new TestEnsemble(3, ['readonlymode.enabled=true'])
  const writer = TestClient.attached(ensemble, ensemble.leader.id)
  writer.create('/old')
  ensemble.pass(1_000)
  for (const [a, b] of pairs) ensemble.unlink(a, b)
  ensemble.pass(3_000)
  const client = new TestClient(ensemble, 1)
  client.connect({ canBeReadOnly: true })
  client.exists('/old', true)
  const { state, replica } = ensemble.servers[0]!
  state.install(otherState(state, ['/new']))
  client.exists('/old')
  client.exists('/new')
  expect(client.takeOutputs()).toEqual(['read-only session for 6000 ms', '1 ok', '2 no-node', '3 ok'])
  expect(replica.status()).toMatchObject({ serving: 'read-only', nodeCount: state.tree.nodeCount, sessionCount: 1 })
  expect(replica.details().ephemerals()).toEqual([{ sessionId: newSession, paths: ['/ephemeral'] }])
  // The client keeps its watch; the caller of `install` sends the events for the differences.
  expect(
    replica
      .details()
      .watchersByPath()
      .map(([path]) => path),
  ).toEqual(['/old'])
})

test('a state is not replaced by an older one', () => {
  const ensemble = new TestEnsemble(1)
  const { state } = ensemble.leader
  const older = { ...otherState(state, []), tree: new DataTree(new SessionTable()) }
  TestClient.attached(ensemble, 1)
  const { tree } = state
  expect(() => state.install(older)).toThrow('as new')
  expect(state.tree).toBe(tree)
})
