/**
 * A checkpoint may take the place of the whole state while the server runs: between two leaders, or while it is brought
 * up to date by one. From then on the new tree and the new sessions answer every question, and the old ones none.
 */
import { expect, test } from 'vitest'
import type { SessionId } from '../../../src/base/ids.ts'
import { sessionPasswordOf } from '../../../src/protocol/client/session-password.ts'
import type { Change } from '../../../src/protocol/txn/txn.ts'
import type { ReplicatedState, StateContents } from '../../../src/replica/applying/replicated-state.ts'
import { SessionTable } from '../../../src/sessions/session-table.ts'
import { DataTree } from '../../../src/tree/data-tree.ts'
import { creation } from '../../support/tree-driver.ts'
import { TestClient, TestEnsemble } from '../test-ensemble.ts'

const newSession = 0x0900_0000_0000_0001n as SessionId

/** A state at the zxid of another, in which history went otherwise. */
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

test('a state installed between two leaders is the one that is read, watched, decided on, counted and hashed', () => {
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

  // Sessions: the one that only the old state knew is over, the one that only the new one knows comes back.
  for (const { id } of ensemble.servers) {
    const lost = TestClient.returning(ensemble, id, before)
    ensemble.run()
    expect(lost.hear()[0]).toBe('session over')
  }
  const reader = new TestClient(ensemble, ensemble.follower.id)
  reader.connect({ sessionId: newSession, password: sessionPasswordOf(newSession) })
  ensemble.run()
  expect(reader.hear()).toEqual(['session for 6000 ms'])

  // Reads and watches, on a follower.
  reader.exists('/new', true)
  reader.exists('/old', true)
  reader.getChildren('/', true)
  reader.send('getEphemerals', new Uint8Array(4).fill(0xff))
  ensemble.run()
  expect(reader.hear()).toEqual(['1 ok', '2 no-node', '3 ok', '4 ok'])

  // Writes: decided by the leader, applied by all.
  const writer = TestClient.attached(ensemble, ensemble.leader.id)
  writer.create('/old/child')
  writer.setData('/old')
  writer.create('/new')
  writer.delete('/ephemeral')
  writer.setData('/new', 0)
  writer.create('/old')
  ensemble.pass(300)
  expect(writer.hear()).toEqual(['1 no-node', '2 no-node', '3 node-exists', '4 ok', '5 ok', '6 ok'])
  expect(reader.hear()).toEqual(['children-changed /', 'changed /new', 'created /old'])

  for (const { replica, state } of ensemble.servers) {
    expect(state.tree.digest()).toBe(ensemble.leader.state.tree.digest())
    expect(state.tree.digest()).not.toBe(digest)
    expect(replica.status()).toMatchObject({ nodeCount: state.tree.nodeCount, zxid: state.lastApplied })
    expect(replica.status().nodeCount).toBe(old[0]!.nodeCount + 2)
    expect(replica.status().sessionCount).toBe(2)
    expect(replica.details().ephemerals()).toEqual([])
  }
  // Nothing reached the trees that were replaced.
  for (const tree of old) expect(tree.lastApplied).toBeLessThan(ensemble.leader.state.lastApplied)
  for (const tree of old) expect(tree.view('/new')).toBeNull()
})

test('a state installed while a follower is brought up to date takes the txns that follow', () => {
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
  expect(reader.hear()).toEqual(['1 ok', '2 ok', '3 ok'])
  expect(replaced.view('/b')).toBeNull()
})

test('clients of the read-only mode read the state that is installed', () => {
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
  expect(client.hear()).toEqual(['read-only session for 6000 ms', '1 ok', '2 no-node', '3 ok'])
  expect(replica.status()).toMatchObject({ serving: 'read-only', nodeCount: state.tree.nodeCount, sessionCount: 1 })
  expect(replica.details().ephemerals()).toEqual([{ sessionId: newSession, paths: ['/ephemeral'] }])
  // It keeps its watch; the events for what differs are the business of the one who installs.
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
