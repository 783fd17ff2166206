import { describe, expect, test } from 'vitest'
import type { ServerId } from '../../../src/base/ids.ts'
import { ops } from '../../../src/protocol/client/operations.ts'
import { TestClient } from '../test-client.ts'
import { TestEnsemble } from '../test-ensemble.ts'

const readOnly = 'readonlymode.enabled=true'

/** Three servers with /a; the returned follower has lost its links to the others. */
function cutOffServer(configLines: readonly string[] = [readOnly]): {
  readonly ensemble: TestEnsemble
  readonly id: ServerId
  readonly others: readonly ServerId[]
} {
  const ensemble = new TestEnsemble(3, configLines)
  const writer = TestClient.attached(ensemble, ensemble.leader.id)
  writer.create('/a')
  ensemble.pass(500)
  const { id } = ensemble.servers.find((server) => server.id !== ensemble.leader.id)!
  const others = ensemble.servers.map((server) => server.id).filter((other) => other !== id)
  for (const other of others) ensemble.unlink(Math.min(id, other), Math.max(id, other))
  return { ensemble, id, others }
}

function rejoin(ensemble: TestEnsemble, id: ServerId, others: readonly ServerId[]): void {
  for (const other of others) ensemble.link(Math.min(id, other), Math.max(id, other))
  ensemble.pass(1_000)
}

function readOnlyClient(ensemble: TestEnsemble, id: ServerId): TestClient {
  const client = new TestClient(ensemble, id)
  client.connect({ canBeReadOnly: true })
  client.adoptSession()
  expect(client.takeOutputs()).toEqual(['read-only session for 6000 ms'])
  return client
}

describe('a server that has lost its leader', () => {
  test('reads are served after the grace time, and not before', () => {
    const { ensemble, id } = cutOffServer()
    ensemble.pass(1_900)
    const early = new TestClient(ensemble, id)
    early.connect({ canBeReadOnly: true })
    expect(early.takeOutputs()).toEqual([])
    ensemble.pass(200)
    expect(early.takeOutputs()).toEqual(['closed not-serving'])
    const client = readOnlyClient(ensemble, id)
    client.exists('/a')
    client.getChildren('/')
    client.send('ping')
    client.exists('/nothing', true)
    expect(client.takeOutputs()).toEqual(['1 ok', '2 ok', '-2 ok', '3 no-node'])
    expect(ensemble.servers[id - 1]!.replica.status()).toMatchObject({ serving: 'read-only' })
  })

  test('the grace time is one tick if that is longer', () => {
    const { ensemble, id } = cutOffServer([readOnly, 'tickTime=3000'])
    ensemble.pass(2_900)
    expect(ensemble.servers[id - 1]!.replica.status().serving).not.toBe('read-only')
    ensemble.pass(200)
    expect(ensemble.servers[id - 1]!.replica.status().serving).toBe('read-only')
  })

  test('no client is served unless the mode is enabled', () => {
    const { ensemble, id } = cutOffServer([])
    ensemble.pass(10_000)
    const client = new TestClient(ensemble, id)
    client.connect({ canBeReadOnly: true })
    expect(client.takeOutputs()).toEqual(['closed not-serving'])
  })

  test('a server that has a leader serves all clients normally', () => {
    const ensemble = new TestEnsemble(3, [readOnly])
    ensemble.pass(5_000)
    for (const { id } of ensemble.servers) {
      const client = new TestClient(ensemble, id)
      client.connect({ canBeReadOnly: true })
      ensemble.run()
      expect(client.takeOutputs()).toEqual(['session for 6000 ms'])
    }
  })

  test('a client that does not accept read-only mode is closed', () => {
    const { ensemble, id } = cutOffServer()
    ensemble.pass(2_100)
    const client = new TestClient(ensemble, id)
    client.connect({})
    expect(client.takeOutputs()).toEqual(['closed read-only-mode'])
  })

  test('every write is refused with the last applied zxid, and the connection stays open', () => {
    const { ensemble, id } = cutOffServer()
    ensemble.pass(2_100)
    const client = readOnlyClient(ensemble, id)
    const writes = ['create', 'create2', 'createTTL', 'createContainer', 'delete', 'setData', 'setACL'] as const
    for (const op of [...writes, 'multi', 'sync', 'reconfig', 'check'] as const) {
      client.send(op)
      const reply = client.replies().at(-1)!
      const { lastApplied } = ensemble.servers[id - 1]!.state
      expect(reply).toMatchObject({ kind: 'reply', error: 'not-read-only', zxid: lastApplied })
    }
    client.takeOutputs()
    client.exists('/a')
    expect(client.takeOutputs()).toEqual(['12 ok'])
  })

  test('an unknown operation is refused as unimplemented, and closeSession closes the connection', () => {
    const { ensemble, id } = cutOffServer()
    ensemble.pass(2_100)
    const client = readOnlyClient(ensemble, id)
    client.sendType(999)
    client.sendType(ops.sasl.opcode)
    client.send('closeSession')
    expect(client.takeOutputs().at(0)).toBe('1 unimplemented')
    expect(client.takeOutputs().at(-1)).toBeUndefined()
    const replies = client.replies()
    expect(replies.at(-1)).toMatchObject({ kind: 'reply', error: null })
    expect(ensemble.servers[id - 1]!.replica.status().localSessionCount).toBe(0)
  })

  test('linearizable reads are answered without confirmation, since their client accepts old data', () => {
    const { ensemble, id } = cutOffServer([readOnly, 'linearizableReads=true'])
    ensemble.pass(2_100)
    const client = readOnlyClient(ensemble, id)
    client.exists('/a')
    expect(client.takeOutputs()).toEqual(['1 ok'])
  })

  test('a read-only session expires, and can be resumed on its server only until then', () => {
    const { ensemble, id, others } = cutOffServer()
    ensemble.pass(2_100)
    const client = readOnlyClient(ensemble, id)
    client.disconnect()
    const back = new TestClient(ensemble, id)
    back.connect({ canBeReadOnly: true, sessionId: client.sessionId, password: client.password })
    expect(back.takeOutputs()).toEqual(['read-only session for 6000 ms'])
    const elsewhere = new TestClient(ensemble, others[0]!)
    elsewhere.connect({ canBeReadOnly: true, sessionId: client.sessionId, password: client.password })
    ensemble.run()
    expect(elsewhere.takeOutputs()).toEqual(['session over', 'closed session-invalid'])
    ensemble.pass(7_500)
    expect(back.takeOutputs()).toEqual(['closed session-expired'])
  })

  test('a global session is neither resumed nor declared ended, since only a leader knows', () => {
    const { ensemble, id, others } = cutOffServer()
    const globalClient = TestClient.attached(ensemble, others.find((other) => other === ensemble.leader.id)!)
    ensemble.pass(2_100)
    const before = readOnlyClient(ensemble, id)
    for (const sessionId of [globalClient.sessionId, [...ensemble.servers[id - 1]!.state.sessions.entries()][0]![0]]) {
      const client = new TestClient(ensemble, id)
      client.connect({ canBeReadOnly: true, sessionId, password: globalClient.password })
      expect(client.takeOutputs()).toEqual(['closed session-needs-quorum'])
    }
    expect(before.takeOutputs()).toEqual([])
  })

  test('a client that has seen a later zxid is closed', () => {
    const { ensemble, id } = cutOffServer()
    ensemble.pass(2_100)
    const client = new TestClient(ensemble, id)
    client.connect({ canBeReadOnly: true, lastZxidSeen: BigInt(ensemble.leader.state.lastApplied) + 1n })
    expect(client.takeOutputs()).toEqual(['closed client-is-ahead'])
  })

  test('read-only clients are closed when the server has a leader again, and can then write', () => {
    const { ensemble, id, others } = cutOffServer()
    ensemble.pass(2_100)
    const client = readOnlyClient(ensemble, id)
    rejoin(ensemble, id, others)
    expect(client.takeOutputs()).toEqual(['closed read-only-ended'])
    const old = new TestClient(ensemble, id)
    old.connect({ canBeReadOnly: true, sessionId: client.sessionId, password: client.password })
    const back = new TestClient(ensemble, id)
    back.connect({ canBeReadOnly: true })
    ensemble.run()
    expect(old.takeOutputs()).toEqual(['session over', 'closed session-invalid'])
    back.create('/b')
    ensemble.run()
    expect(back.takeOutputs()).toEqual(['session for 6000 ms', '1 ok'])
    expect(ensemble.servers[id - 1]!.replica.status()).toMatchObject({ serving: 'serving', localSessionCount: 0 })
  })

  test('the mode begins again when the leader is lost again', () => {
    const { ensemble, id, others } = cutOffServer()
    ensemble.pass(2_100)
    rejoin(ensemble, id, others)
    for (const other of others) ensemble.unlink(Math.min(id, other), Math.max(id, other))
    ensemble.pass(1_900)
    expect(ensemble.servers[id - 1]!.replica.status().serving).not.toBe('read-only')
    ensemble.pass(300)
    readOnlyClient(ensemble, id)
  })

  test('a txn that is proposed and not committed is not shown', () => {
    const ensemble = new TestEnsemble(3, [readOnly])
    const { leader } = ensemble
    const others = ensemble.servers.map(({ id }) => id).filter((id) => id !== leader.id)
    const client = TestClient.attached(ensemble, leader.id)
    ensemble.hold(...others.map((other) => `disk-${other}`))
    client.create('/never-acknowledged')
    ensemble.run()
    for (const other of others) ensemble.unlink(Math.min(leader.id, other), Math.max(leader.id, other))
    ensemble.unlink(others[0]!, others[1]!)
    ensemble.pass(5_000)
    const reader = readOnlyClient(ensemble, leader.id)
    reader.exists('/never-acknowledged')
    expect(reader.takeOutputs()).toEqual(['1 no-node'])
    expect(leader.log.lastZxid).toBeGreaterThan(leader.state.lastApplied)
  })

  test('a local session of the server stays valid in read-only mode and after it', () => {
    const ensemble = new TestEnsemble(3, [readOnly, 'localSessionsEnabled=true'])
    const { id } = ensemble.servers.find((server) => server.id !== ensemble.leader.id)!
    const others = ensemble.servers.map((server) => server.id).filter((other) => other !== id)
    const client = TestClient.attached(ensemble, id)
    for (const other of others) ensemble.unlink(Math.min(id, other), Math.max(id, other))
    ensemble.pass(4_000)
    const reader = new TestClient(ensemble, id)
    reader.connect({ canBeReadOnly: true, sessionId: client.sessionId, password: client.password })
    reader.create('/no')
    expect(reader.takeOutputs()).toEqual(['read-only session for 6000 ms', '1 not-read-only'])
    ensemble.pass(20_000)
    rejoin(ensemble, id, others)
    expect(reader.takeOutputs()).toEqual(['closed read-only-ended'])
    const back = TestClient.returning(ensemble, id, client)
    back.create('/yes')
    ensemble.run()
    expect(back.takeOutputs()).toEqual(['session for 6000 ms', '1 ok'])
  })
})
