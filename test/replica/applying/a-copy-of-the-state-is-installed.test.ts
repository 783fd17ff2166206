/** A server that the leader's log cannot bring up gets a copy of the leader's state, and serves from it. */
import { expect, test } from 'vitest'
import { TestClient } from '../test-client.ts'
import { TestEnsemble } from '../test-ensemble.ts'

function ensembleWithData(): { ensemble: TestEnsemble; client: TestClient; lagging: number } {
  const ensemble = new TestEnsemble(3)
  const lagging = ensemble.servers.findIndex((server) => server !== ensemble.leader) + 1
  const client = TestClient.attached(ensemble, ensemble.leader.id)
  for (const path of ['/a', '/a/b', '/c']) client.create(path)
  ensemble.pass(1000)
  return { ensemble, client, lagging }
}

function linkAgain(ensemble: TestEnsemble, id: number): void {
  for (const { id: other } of ensemble.servers) {
    if (other !== id) ensemble.link(Math.min(id, other), Math.max(id, other))
  }
  ensemble.pass(1000)
}

/** The other servers make checkpoints, forget the txns before, and start again, since their memory reaches back further. */
function removeFronts(ensemble: TestEnsemble, except: number): void {
  for (const { id } of ensemble.servers) if (id !== except) ensemble.makeCheckpoint(id)
  restartOthers(ensemble, except)
}

function restartOthers(ensemble: TestEnsemble, except: number): void {
  const others = ensemble.servers.map(({ id }) => id).filter((id) => id !== except)
  for (const id of others) ensemble.restart(id)
  ensemble.link(others[0]!, others[1]!)
  ensemble.pass(1000)
}

test('a wiped follower gets a copy of the state and then the txns after it, and its tree is that of the leader', () => {
  const { ensemble, lagging } = ensembleWithData()
  ensemble.wipe(lagging)
  removeFronts(ensemble, lagging)
  TestClient.attached(ensemble, ensemble.leader.id).create('/after')
  ensemble.run()
  linkAgain(ensemble, lagging)
  const { state } = ensemble.servers[lagging - 1]!
  const { leader } = ensemble
  expect(state.tree.view('/a/b')).not.toBeNull()
  expect(state.tree.view('/after')).not.toBeNull()
  expect(state.lastApplied).toBe(leader.state.lastApplied)
  expect(state.tree.digest()).toBe(leader.state.tree.digest())
  expect([...state.sessions.entries()]).toEqual([...leader.state.sessions.entries()])
  expect(leader.metrics.snap_count.value).toBe(1)
  expect(leader.errors).toEqual([])
})

test('clients of a server that has installed a copy write and read through it, and its heartbeats compare equal trees', () => {
  const { ensemble, lagging } = ensembleWithData()
  ensemble.wipe(lagging)
  removeFronts(ensemble, lagging)
  linkAgain(ensemble, lagging)
  const client = TestClient.attached(ensemble, lagging)
  client.exists('/a', true)
  client.create('/new')
  client.delete('/c')
  client.setData('/a')
  ensemble.run()
  expect(client.takeOutputs()).toEqual(['1 ok', '2 ok', '3 ok', 'changed /a', '4 ok'])
  ensemble.pass(1000)
  expect(ensemble.servers[lagging - 1]!.metrics.digest_mismatches_count.value).toBe(0)
})

test('a running follower that lags too far installs a copy without a restart; its clients reconnect', () => {
  const { ensemble, client, lagging } = ensembleWithData()
  const own = TestClient.attached(ensemble, lagging)
  const { replica } = ensemble.servers[lagging - 1]!
  for (const { id } of ensemble.servers)
    if (id !== lagging) ensemble.unlink(Math.min(id, lagging), Math.max(id, lagging))
  expect(own.takeOutputs()).toEqual(['closed leader-lost'])
  client.create('/missed')
  ensemble.run()
  removeFronts(ensemble, lagging)
  linkAgain(ensemble, lagging)
  const returned = TestClient.returning(ensemble, lagging, own)
  ensemble.run()
  returned.exists('/missed')
  ensemble.run()
  expect(ensemble.servers[lagging - 1]!.replica).toBe(replica)
  expect(ensemble.leader.metrics.snap_count.value).toBe(1)
  expect(returned.takeOutputs()).toEqual(['session for 6000 ms', '1 ok'])
})

test('a server that restarts after it has installed a copy starts from the copy', () => {
  const { ensemble, lagging } = ensembleWithData()
  ensemble.wipe(lagging)
  removeFronts(ensemble, lagging)
  linkAgain(ensemble, lagging)
  ensemble.restart(lagging)
  TestClient.attached(ensemble, ensemble.leader.id).create('/later')
  ensemble.run()
  linkAgain(ensemble, lagging)
  const { state } = ensemble.servers[lagging - 1]!
  expect(state.tree.digest()).toBe(ensemble.leader.state.tree.digest())
  expect(ensemble.leader.metrics.snap_count.value).toBe(1)
})

test('a server that loses its leader before it is in step gives up the copy and is empty again', () => {
  const { ensemble, lagging } = ensembleWithData()
  ensemble.wipe(lagging)
  removeFronts(ensemble, lagging)
  TestClient.attached(ensemble, ensemble.leader.id).create('/after')
  ensemble.pass(2000)
  restartOthers(ensemble, lagging) // the txns after the copy are in the log of the leader only
  const leader = ensemble.leader.id
  ensemble.hold(`copy-${lagging}`)
  ensemble.link(Math.min(leader, lagging), Math.max(leader, lagging))
  ensemble.run()
  ensemble.hold(`disk-${leader}`)
  ensemble.release(`copy-${lagging}`)
  const { state } = ensemble.servers[lagging - 1]!
  expect(state.tree.view('/a')).not.toBeNull()
  ensemble.unlink(Math.min(leader, lagging), Math.max(leader, lagging))
  ensemble.run()
  expect(state.lastApplied).toBe(0)
  expect(state.tree.view('/a')).toBeNull()
  expect(state.sessions.count).toBe(0)
  ensemble.release(`disk-${leader}`)
  linkAgain(ensemble, lagging)
  expect(state.tree.digest()).toBe(ensemble.leader.state.tree.digest())
})
