/**
 * Clients of the servers that survive keep their connections, sessions and watches while the leader changes, and each
 * request is answered once (design D8).
 */
import { describe, expect, test } from 'vitest'
import type { ServerId, Zxid } from '../../../src/base/ids.ts'
import type { PeerMessage } from '../../../src/protocol/peer/peer-message.ts'
import { TestClient } from '../test-client.ts'
import { TestEnsemble } from '../test-ensemble.ts'

interface Three {
  readonly ensemble: TestEnsemble
  readonly leader: ServerId
  readonly follower: ServerId
  readonly other: ServerId
}

function three(configLines: readonly string[] = []): Three {
  const ensemble = new TestEnsemble(3, configLines)
  const leader = ensemble.leader.id
  const [follower, other] = ensemble.servers.map(({ id }) => id).filter((id) => id !== leader)
  return { ensemble, leader, follower: follower!, other: other! }
}

function cutOff(ensemble: TestEnsemble, id: number): void {
  for (const { id: other } of ensemble.servers) {
    if (other !== id) ensemble.unlink(Math.min(id, other), Math.max(id, other))
  }
}

function reconnect(ensemble: TestEnsemble, id: number): void {
  for (const { id: other } of ensemble.servers) {
    if (other !== id) ensemble.link(Math.min(id, other), Math.max(id, other))
  }
}

function versionOf(ensemble: TestEnsemble, id: number, path: string): number | null {
  return ensemble.servers[id - 1]!.state.tree.view(path)?.version ?? null
}

describe('a server that loses its leader', () => {
  test('keeps its clients: they read, write and get the events of their watches under the next leader', () => {
    const { ensemble, leader, follower, other } = three()
    const client = TestClient.attached(ensemble, follower)
    const writer = TestClient.attached(ensemble, other)
    client.exists('/a', true)
    ensemble.run()
    cutOff(ensemble, leader)
    ensemble.pass(500)
    writer.create('/a')
    ensemble.run()
    client.setData('/a')
    ensemble.run()
    expect(client.takeOutputs()).toEqual(['1 no-node', 'created /a', '2 ok'])
    expect(writer.takeOutputs()).toEqual(['1 ok'])
  })

  test('reads, pings and new sessions wait for the next leader', () => {
    const { ensemble, leader, follower } = three()
    const client = TestClient.attached(ensemble, follower)
    cutOff(ensemble, leader)
    client.exists('/')
    client.send('ping')
    const fresh = new TestClient(ensemble, follower)
    fresh.connect({})
    expect(client.takeOutputs()).toEqual([])
    expect(fresh.takeOutputs()).toEqual([])
    ensemble.pass(500)
    expect(client.takeOutputs()).toEqual(['1 ok', '-2 ok'])
    expect(fresh.takeOutputs()).toEqual(['session for 6000 ms'])
  })

  test('a write that did not reach the old leader goes to the next one', () => {
    const { ensemble, leader, follower } = three()
    const client = TestClient.attached(ensemble, follower)
    ensemble.hold(`${follower}->${leader}`)
    client.create('/a')
    client.exists('/a')
    ensemble.run()
    cutOff(ensemble, leader)
    ensemble.release(`${follower}->${leader}`)
    ensemble.pass(500)
    expect(client.takeOutputs()).toEqual(['1 ok', '2 ok'])
  })

  test('a write that became a txn is answered when it commits, and is not done again', () => {
    const { ensemble, leader, follower, other } = three()
    const client = TestClient.attached(ensemble, follower)
    client.create('/a')
    ensemble.run()
    // Durable on the follower; no server knows yet that it is committed.
    ensemble.hold(`disk-${leader}`, `${leader}->${other}`)
    client.setData('/a')
    ensemble.run()
    ensemble.hold(`${follower}->${leader}`)
    cutOff(ensemble, leader)
    ensemble.release(`disk-${leader}`, `${leader}->${other}`, `${follower}->${leader}`)
    ensemble.pass(500)
    expect(client.takeOutputs()).toEqual(['1 ok', '2 ok'])
    for (const id of [follower, other]) expect(versionOf(ensemble, id, '/a')).toBe(1)
  })

  test('a leader that is cut off sends the writes of its clients to the next leader, which lacks their txns', () => {
    const { ensemble, leader, follower, other } = three()
    const client = TestClient.attached(ensemble, leader)
    client.create('/a')
    ensemble.pass(500)
    ensemble.hold(`${leader}->${other}`, `${leader}->${follower}`)
    client.setData('/a')
    client.exists('/a')
    ensemble.run()
    cutOff(ensemble, leader)
    ensemble.release(`${leader}->${other}`, `${leader}->${follower}`)
    ensemble.pass(1_000)
    expect(client.takeOutputs()).toEqual(['1 ok'])
    reconnect(ensemble, leader)
    ensemble.pass(500)
    expect(ensemble.leader.id).not.toBe(leader)
    expect(client.takeOutputs()).toEqual(['2 ok', '3 ok'])
    for (const { id } of ensemble.servers) expect(versionOf(ensemble, id, '/a')).toBe(1)
  })

  test('a write that the same leader has accepted is not sent again when the link comes back, and a lost one is', () => {
    const { ensemble, leader, follower, other } = three()
    const client = TestClient.attached(ensemble, follower)
    client.create('/a')
    ensemble.run()
    ensemble.hold(`${leader}->${follower}`, `${other}->${leader}`, `disk-${leader}`)
    client.setData('/a')
    ensemble.run()
    ensemble.hold(`${follower}->${leader}`)
    client.setData('/a')
    ensemble.run()
    const [low, high] = [Math.min(leader, follower), Math.max(leader, follower)]
    ensemble.unlink(low, high)
    ensemble.link(low, high)
    ensemble.release(`${follower}->${leader}`, `${leader}->${follower}`)
    ensemble.release(`${other}->${leader}`, `disk-${leader}`)
    ensemble.pass(500)
    expect(ensemble.leader.id).toBe(leader)
    expect(client.takeOutputs()).toEqual(['1 ok', '2 ok', '3 ok'])
    for (const { id } of ensemble.servers) expect(versionOf(ensemble, id, '/a')).toBe(2)
  })

  test('a refusal and a sync are decided again', () => {
    const { ensemble, leader, follower } = three()
    const client = TestClient.attached(ensemble, follower)
    const syncing = TestClient.attached(ensemble, follower)
    ensemble.hold(`${leader}->${follower}`)
    client.setData('/missing')
    syncing.sync()
    syncing.create('/after')
    ensemble.run()
    cutOff(ensemble, leader)
    ensemble.release(`${leader}->${follower}`)
    ensemble.pass(500)
    expect(client.takeOutputs()).toEqual(['1 no-node'])
    expect(syncing.takeOutputs()).toEqual(['1 ok', '2 ok'])
  })

  test('a connection closes if a later write of it survived and the refusal of an earlier one is lost', () => {
    const { ensemble, leader, follower, other } = three()
    const client = TestClient.attached(ensemble, follower)
    const bystander = TestClient.attached(ensemble, follower)
    // The leader answers nothing; its txns reach the other server only.
    ensemble.hold(`${leader}->${follower}`)
    client.setData('/missing')
    client.create('/a')
    ensemble.hold(`${other}->${leader}`)
    ensemble.run()
    ensemble.release(`${other}->${leader}`)
    const sent = ensemble.sent.filter(({ from, to }) => from === leader && to === other)
    expect(sent.some(({ message }) => message.kind === 'append' && message.entries.length > 0)).toBe(true)
    cutOff(ensemble, leader)
    ensemble.release(`${leader}->${follower}`)
    ensemble.pass(500)
    expect(client.takeOutputs()).toEqual(['closed leader-lost'])
    expect(versionOf(ensemble, other, '/a')).toBe(0)
    bystander.exists('/a')
    expect(bystander.takeOutputs()).toEqual(['1 ok'])
  })
})

describe('sessions and a leader change', () => {
  test('a creation and a resumption that are under way reach the next leader', () => {
    const { ensemble, leader, follower } = three()
    const old = TestClient.attached(ensemble, follower)
    old.disconnect()
    ensemble.hold(`${follower}->${leader}`)
    const fresh = new TestClient(ensemble, follower)
    fresh.connect({})
    const back = TestClient.returning(ensemble, follower, old)
    ensemble.run()
    cutOff(ensemble, leader)
    ensemble.release(`${follower}->${leader}`)
    ensemble.pass(500)
    expect(fresh.takeOutputs()).toEqual(['session for 6000 ms'])
    expect(back.takeOutputs()).toEqual(['session for 6000 ms'])
    expect(ensemble.leader.state.sessions.count).toBe(2)
  })

  test('a close that is under way ends the session under the next leader, and is answered', () => {
    const { ensemble, leader, follower } = three()
    const client = TestClient.attached(ensemble, follower)
    client.create('/e', 1)
    ensemble.run()
    ensemble.hold(`${follower}->${leader}`)
    client.send('closeSession')
    ensemble.run()
    cutOff(ensemble, leader)
    ensemble.release(`${follower}->${leader}`)
    ensemble.pass(500)
    expect(client.takeOutputs()).toEqual(['1 ok', '2 ok', 'closed session-closed'])
    expect(versionOf(ensemble, follower, '/e')).toBeNull()
  })

  test('a local session that is becoming global does so under the next leader, before its later requests', () => {
    const lines = ['localSessionsEnabled=true', 'localSessionsUpgradingEnabled=true']
    const { ensemble, leader, follower } = three(lines)
    const writer = TestClient.attached(ensemble, leader)
    writer.create('/data') // a server without any txn does not send requests again
    ensemble.pass(500)
    const client = TestClient.attached(ensemble, follower)
    ensemble.hold(`${follower}->${leader}`)
    client.create('/before')
    client.create('/e', 1)
    ensemble.run()
    cutOff(ensemble, leader)
    ensemble.release(`${follower}->${leader}`)
    ensemble.pass(500)
    expect(client.takeOutputs()).toEqual(['1 ok', '2 ok'])
    expect(ensemble.leader.state.tree.view('/e')!.ephemeralOwner).toBe(client.sessionId)
    expect(ensemble.leader.state.sessions.has(client.sessionId)).toBe(true)
  })

  test('a session that moved has no effect through the connection that it left, under the next leader either', () => {
    const { ensemble, leader, follower, other } = three()
    const old = TestClient.attached(ensemble, follower)
    // The follower is cut off with a write; the client moves to another server and looks whether it was done.
    ensemble.hold(`${follower}->${leader}`)
    old.create('/late')
    ensemble.run()
    cutOff(ensemble, follower)
    ensemble.release(`${follower}->${leader}`)
    const moved = TestClient.returning(ensemble, other, old)
    ensemble.run()
    moved.exists('/late')
    expect(moved.takeOutputs()).toEqual(['session for 6000 ms', '1 no-node'])
    cutOff(ensemble, leader)
    ensemble.link(Math.min(follower, other), Math.max(follower, other))
    ensemble.pass(500)
    expect(old.takeOutputs()).toEqual(['closed session-moved'])
    moved.exists('/late')
    moved.create('/mine')
    ensemble.run()
    expect(moved.takeOutputs()).toEqual(['2 no-node', '3 ok'])
  })
})

describe('a client that takes a backup', () => {
  function operatorOf(ensemble: TestEnsemble, id: number): TestClient {
    const operator = TestClient.attached(ensemble, id)
    operator.becomeOperator()
    operator.create('/before')
    ensemble.run()
    operator.takeOutputs()
    return operator
  }

  function answerStep(ensemble: TestEnsemble, id: number, index: number): void {
    const { sequence } = ensemble.backupSteps[index]!
    ensemble.feed(id, { kind: 'backup-answer', sequence, answer: { backupId: 9 } })
  }

  test('gets the answer to a step under the next leader, and no step is carried out twice', () => {
    const { ensemble, leader, follower } = three()
    const operator = operatorOf(ensemble, follower)
    operator.openBackup()
    cutOff(ensemble, leader)
    operator.openBackup()
    answerStep(ensemble, follower, 0)
    expect(operator.takeOutputs()).toEqual([])
    ensemble.pass(500)
    expect(operator.takeOutputs()).toEqual(['3 ok'])
    expect(ensemble.backupSteps).toHaveLength(2)
    answerStep(ensemble, follower, 1)
    expect(operator.takeOutputs()).toEqual(['4 ok'])
  })

  test('stays if a step has no answer yet and a later write of it survives', () => {
    const { ensemble, leader, follower, other } = three()
    const operator = operatorOf(ensemble, follower)
    operator.openBackup()
    ensemble.hold(`disk-${leader}`, `${leader}->${other}`)
    operator.create('/after')
    ensemble.run()
    ensemble.hold(`${follower}->${leader}`)
    cutOff(ensemble, leader)
    ensemble.release(`disk-${leader}`, `${leader}->${other}`, `${follower}->${leader}`)
    ensemble.pass(500)
    expect(versionOf(ensemble, other, '/after')).toBe(0)
    expect(operator.takeOutputs()).toEqual([])
    answerStep(ensemble, follower, 0)
    expect(operator.takeOutputs()).toEqual(['3 ok', '4 ok'])
  })
})

describe('the limit of the wait', () => {
  test('a client waits for a third of its session timeout, and its session lives on', () => {
    const { ensemble, leader } = three()
    const short = TestClient.attached(ensemble, leader, 3_000)
    const long = TestClient.attached(ensemble, leader, 9_000)
    cutOff(ensemble, leader)
    ensemble.pass(950)
    expect(short.takeOutputs()).toEqual([])
    ensemble.pass(100)
    expect(short.takeOutputs()).toEqual(['closed leader-lost'])
    ensemble.pass(1_900)
    expect(long.takeOutputs()).toEqual([])
    ensemble.pass(100)
    expect(long.takeOutputs()).toEqual(['closed leader-lost'])
  })

  test('a connection that has not asked for a session yet can do so while its server waits', () => {
    const { ensemble, leader, follower } = three()
    const early = new TestClient(ensemble, follower)
    cutOff(ensemble, leader)
    const late = new TestClient(ensemble, follower)
    ensemble.feed(follower, { kind: 'tick' })
    for (const client of [early, late]) client.connect({})
    ensemble.pass(500)
    for (const client of [early, late]) expect(client.takeOutputs()).toEqual(['session for 6000 ms'])
  })

  test('after clientWaitForLeaderMs all connections close, and no new one is accepted', () => {
    const { ensemble, leader } = three(['clientWaitForLeaderMs=500'])
    const client = TestClient.attached(ensemble, leader, 20_000)
    cutOff(ensemble, leader)
    const early = new TestClient(ensemble, leader)
    early.connect({})
    ensemble.pass(550)
    expect(client.takeOutputs()).toEqual(['closed leader-lost'])
    expect(early.takeOutputs()).toEqual(['closed not-serving'])
    const late = new TestClient(ensemble, leader)
    late.connect({})
    expect(late.takeOutputs()).toEqual(['closed not-serving'])
  })

  test('with clientWaitForLeaderMs=0 connections close at once', () => {
    const { ensemble, leader } = three(['clientWaitForLeaderMs=0'])
    const client = TestClient.attached(ensemble, leader)
    cutOff(ensemble, leader)
    expect(client.takeOutputs()).toEqual(['closed leader-lost'])
  })

  test('a leader that records no moves of sessions takes all clients with it, and the log says that the servers differ', () => {
    const strictLeader = new TestEnsemble(3, (id) => (id === 3 ? ['compatibility=strict'] : []))
    expect(strictLeader.leader.id).toBe(3)
    expect(strictLeader.servers.map(({ warnings }) => warnings)).toEqual([
      ['compatibility-differs'],
      ['compatibility-differs'],
      [],
    ])
    const client = TestClient.attached(strictLeader, 1)
    cutOff(strictLeader, 3)
    expect(client.takeOutputs()).toEqual(['closed leader-lost'])
    const strictFollower = new TestEnsemble(3, (id) => (id === 1 ? ['compatibility=strict'] : []))
    expect(strictFollower.servers.map(({ warnings }) => warnings)).toEqual([['compatibility-differs'], [], []])
  })
})

describe('a learner whose leader drops it', () => {
  test('a learner that its leader has dropped over an open link follows it again at once', () => {
    const { ensemble, leader, follower } = three()
    const client = TestClient.attached(ensemble, follower)
    const syncId = syncIdOf(ensemble, follower)
    const bad: PeerMessage = { kind: 'up-to-date', syncId, committed: 0 as Zxid, recordsMoves: true }
    ensemble.feed(leader, { kind: 'peer-message', peer: follower, message: bad })
    ensemble.run()
    expect(ensemble.sent.filter(({ message }) => message.kind === 'dropped')).toHaveLength(1)
    expect(ensemble.servers[follower - 1]!.replica.role).toBe('following')
    expect(syncIdOf(ensemble, follower)).not.toBe(syncId)
    client.exists('/')
    expect(client.takeOutputs()).toEqual(['1 ok'])
  })
})

function syncIdOf(ensemble: TestEnsemble, from: ServerId): number {
  const sent = ensemble.sent.findLast((each) => each.from === from && each.message.kind === 'follower-info')
  return (sent!.message as Extract<PeerMessage, { kind: 'follower-info' }>).syncId
}
