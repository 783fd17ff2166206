/** A server that the leader's log cannot bring up gets a copy of the leader's state, and serves from it. */
import { expect, test } from 'vitest'
import { encode } from '../../../src/jute/record.ts'
import { AddWatchRequest, SetWatchesRequest } from '../../../src/protocol/client/requests.ts'
import { SeededRandom } from '../../support/seeded-random.ts'
import { TestClient } from '../test-client.ts'
import { TestEnsemble } from '../test-ensemble.ts'

function ensembleWithData(configLines: readonly string[] = []): {
  ensemble: TestEnsemble
  client: TestClient
  lagging: number
} {
  const ensemble = new TestEnsemble(3, configLines)
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

/** A follower that is cut off, and for which the others have only a copy of the state when it comes back. */
function laggingFollower(configLines: readonly string[] = []): {
  ensemble: TestEnsemble
  client: TestClient
  lagging: number
  comeBack: () => void
} {
  const { ensemble, client, lagging } = ensembleWithData(configLines)
  return {
    ensemble,
    client,
    lagging,
    comeBack() {
      removeFronts(ensemble, lagging)
      linkAgain(ensemble, lagging)
      expect(ensemble.leader.metrics.snap_count.value).toBe(1)
    },
  }
}

function cutOff(ensemble: TestEnsemble, id: number): void {
  for (const { id: other } of ensemble.servers)
    if (other !== id) ensemble.unlink(Math.min(id, other), Math.max(id, other))
}

test('a running follower that lags too far installs a copy; its clients stay and get the events that they missed', () => {
  const { ensemble, client, lagging, comeBack } = laggingFollower()
  const own = TestClient.attached(ensemble, lagging, 20_000)
  own.exists('/missed', true)
  own.exists('/a', true)
  own.exists('/a/b', true)
  own.getChildren('/a', true)
  own.getChildren('/c', true)
  own.exists('/same', true)
  ensemble.run()
  own.takeOutputs()
  const { replica } = ensemble.servers[lagging - 1]!
  cutOff(ensemble, lagging)
  client.create('/missed')
  client.setData('/a')
  client.delete('/a/b')
  client.delete('/c')
  ensemble.run()
  own.exists('/missed')
  own.create('/own')
  comeBack()
  expect(ensemble.servers[lagging - 1]!.replica).toBe(replica)
  const events = ['created /missed', 'changed /a', 'deleted /a/b', 'children-changed /a', 'deleted /c']
  expect(own.takeOutputs()).toEqual([...events, '7 ok', '8 ok'])
  TestClient.attached(ensemble, ensemble.leader.id).create('/same')
  ensemble.run()
  expect(own.takeOutputs()).toEqual(['created /same'])
})

test.each([1, 2, 3, 4, 5, 6])(
  'what the one-shot watches of a client miss in a copy is what setWatches finds: seed %i',
  (seed) => {
    const random = new SeededRandom(seed)
    const paths = ['/', '/a', '/a/b', '/a/c', '/c', '/c/d', '/e']
    const { ensemble, client, lagging, comeBack } = laggingFollower()
    const changeSome = (count: number): void => {
      for (let i = 0; i < count; i++) {
        const path = random.pick(paths.slice(1))
        random.pick([() => client.create(path), () => client.setData(path), () => client.delete(path)])()
      }
      ensemble.pass(100)
    }
    changeSome(random.below(6))
    const own = TestClient.attached(ensemble, lagging, 20_000)
    const { tree } = ensemble.servers[lagging - 1]!.state
    const watched = paths.filter(() => random.chance(2))
    const listed = paths.filter((path) => random.chance(2) && tree.view(path) !== null)
    for (const path of watched) own.exists(path, true)
    for (const path of listed) own.getChildren(path, true)
    own.takeOutputs()
    cutOff(ensemble, lagging)
    const relativeZxid = tree.lastApplied
    const existWatches = watched.filter((path) => tree.view(path) === null)
    const dataWatches = watched.filter((path) => tree.view(path) !== null)
    changeSome(1 + random.below(8))
    client.create('/last') // so that it lags
    ensemble.run()
    comeBack()
    const events = own.takeOutputs()
    const again = TestClient.attached(ensemble, lagging)
    const lists = { dataWatches, existWatches, childWatches: listed }
    again.send('setWatches', encode(SetWatchesRequest, { relativeZxid, ...lists }))
    const wanted = again.takeOutputs().filter((output) => !output.endsWith(' ok'))
    expect(new Set(events)).toEqual(new Set(wanted))
    expect(events).toHaveLength(new Set(events).size)
  },
)

test('a client that takes a backup of a server that installs a copy gets the next part', () => {
  const { ensemble, client, lagging, comeBack } = laggingFollower()
  const operator = TestClient.attached(ensemble, lagging, 20_000)
  operator.becomeOperator()
  operator.openBackup()
  cutOff(ensemble, lagging)
  client.create('/missed')
  ensemble.run()
  comeBack()
  const { sequence } = ensemble.backupSteps[0]!
  ensemble.feed(lagging, { kind: 'backup-answer', sequence, answer: { backupId: 9 } })
  expect(operator.takeOutputs()).toEqual(['1 ok', '2 ok'])
})

test('when a copy is installed, a client with a write under way or a lasting watch, or whose session moved, is cut', () => {
  const { ensemble, lagging, comeBack } = laggingFollower()
  const writing = TestClient.attached(ensemble, lagging, 20_000)
  const watching = TestClient.attached(ensemble, lagging, 20_000)
  const moved = TestClient.attached(ensemble, lagging, 20_000)
  const idle = TestClient.attached(ensemble, lagging, 20_000)
  watching.send('addWatch', encode(AddWatchRequest, { path: '/', mode: 1 }))
  ensemble.run()
  watching.takeOutputs()
  const leader = ensemble.leader.id
  ensemble.hold(`${leader}->${lagging}`)
  writing.create('/doubtful')
  ensemble.run()
  cutOff(ensemble, lagging)
  ensemble.release(`${leader}->${lagging}`)
  TestClient.returning(ensemble, leader, moved)
  ensemble.run()
  comeBack()
  for (const client of [writing, watching, moved]) expect(client.takeOutputs()).toEqual(['closed leader-lost'])
  idle.exists('/doubtful')
  expect(idle.takeOutputs()).toEqual(['1 ok'])
})

test('a session that was becoming global when a copy is installed, and has ended, does not come back', () => {
  const lines = ['localSessionsEnabled=true', 'localSessionsUpgradingEnabled=true']
  const { ensemble, lagging, comeBack } = laggingFollower(lines)
  const upgrading = TestClient.attached(ensemble, lagging, 20_000)
  const leader = ensemble.leader.id
  ensemble.hold(`${leader}->${lagging}`)
  upgrading.create('/e', 1)
  ensemble.run()
  cutOff(ensemble, lagging)
  ensemble.release(`${leader}->${lagging}`)
  const moved = TestClient.returning(ensemble, leader, upgrading)
  ensemble.run()
  moved.send('closeSession')
  ensemble.run()
  expect(moved.takeOutputs()).toEqual(['session for 6000 ms', '1 ok', 'closed session-closed'])
  comeBack()
  expect(upgrading.takeOutputs()).toEqual(['closed leader-lost'])
  for (const { state } of ensemble.servers) expect(state.sessions.has(upgrading.sessionId)).toBe(false)
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
