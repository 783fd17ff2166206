import { describe, expect, test } from 'vitest'
import { TestClient } from '../test-client.ts'
import { TestEnsemble } from '../test-ensemble.ts'

const local = ['localSessionsEnabled=true']

function txnCount(ensemble: TestEnsemble): number {
  return Number(ensemble.leader.state.lastApplied) % 2 ** 32
}

describe('a local session', () => {
  test('a local session causes no txn and no message to the leader', () => {
    const ensemble = new TestEnsemble(2, local)
    const before = txnCount(ensemble)
    const sentBefore = ensemble.sent.length
    const client = new TestClient(ensemble, ensemble.follower.id)
    client.connect({ timeoutMs: 6_000 })
    expect(client.takeOutputs()).toEqual(['session for 6000 ms'])
    client.send('closeSession')
    expect(client.takeOutputs()).toEqual(['1 ok', 'closed session-closed'])
    expect(txnCount(ensemble)).toBe(before)
    expect(ensemble.sent.length).toBe(sentBefore)
    expect(ensemble.follower.replica.status()).toMatchObject({ localSessionCount: 0, sessionCount: 0 })
  })

  test('a standalone server creates global sessions even if local ones are enabled', () => {
    const ensemble = new TestEnsemble(1, local)
    TestClient.attached(ensemble, 1)
    expect(ensemble.leader.replica.status()).toMatchObject({ localSessionCount: 0, sessionCount: 1 })
  })

  test('local sessions of one server have different ids, and those of two servers too', () => {
    const ensemble = new TestEnsemble(2, local)
    const ids = [1, 1, 2, 2].map((server) => TestClient.attached(ensemble, server).sessionId)
    expect(new Set(ids).size).toBe(4)
    expect(ids.map((id) => id >> 56n)).toEqual([1n, 1n, 2n, 2n])
  })

  test('writes of a local session are carried out, on the leader and through a follower', () => {
    const ensemble = new TestEnsemble(2, local)
    for (const { id } of ensemble.servers) {
      const client = TestClient.attached(ensemble, id)
      client.create(`/by-${id}`)
      client.setData(`/by-${id}`)
      client.setData('/nowhere')
      client.sync()
      client.exists(`/by-${id}`)
      ensemble.run()
      expect(client.takeOutputs()).toEqual(['1 ok', '2 ok', '3 no-node', '4 ok', '5 ok'])
    }
    expect(ensemble.leader.state.sessions.count).toBe(0)
  })

  test('a local session may not create an ephemeral unless sessions are upgraded', () => {
    const ensemble = new TestEnsemble(2, local)
    for (const { id } of ensemble.servers) {
      const client = TestClient.attached(ensemble, id)
      client.create('/e', 1)
      client.create('no path', 1)
      client.create('/p', 77)
      client.create('/p')
      ensemble.run()
      expect(client.takeOutputs().slice(0, 3)).toEqual([
        '1 ephemeral-on-local-session',
        '2 ephemeral-on-local-session',
        '3 bad-arguments',
      ])
    }
    expect(ensemble.leader.state.tree.view('/e')).toBeNull()
    expect(ensemble.leader.state.tree.view('/p')).not.toBeNull()
  })

  test('a multi of a local session fails at its first ephemeral, with the code of that part', () => {
    const ensemble = new TestEnsemble(2, local)
    for (const { id } of ensemble.servers) {
      const client = TestClient.attached(ensemble, id)
      client.multiCreate([`/m-${id}`, 0], [`/e-${id}`, 1])
      ensemble.run()
      const reply = client.replies().at(-1)
      expect(reply).toMatchObject({ error: null })
      expect(multiCodesOf(reply!.kind === 'reply' ? reply!.body! : new Uint8Array())).toEqual([0, -120])
    }
    expect(ensemble.leader.state.tree.view('/m-1')).toBeNull()
  })

  test('a local session can be resumed on its server only', () => {
    const ensemble = new TestEnsemble(2, local)
    const client = TestClient.attached(ensemble, 1)
    client.disconnect()
    const elsewhere = TestClient.returning(ensemble, 2, client)
    ensemble.run()
    expect(elsewhere.takeOutputs()).toEqual(['session over', 'closed session-invalid'])
    const back = TestClient.returning(ensemble, 1, client)
    expect(back.takeOutputs()).toEqual(['session for 6000 ms'])
    const again = TestClient.returning(ensemble, 1, client)
    expect(back.takeOutputs()).toEqual(['closed session-replaced'])
    expect(again.takeOutputs()).toEqual(['session for 6000 ms'])
  })

  test('a local session is not resumed with a wrong password', () => {
    const ensemble = new TestEnsemble(2, local)
    const owner = TestClient.attached(ensemble, 1)
    const thief = new TestClient(ensemble, 1)
    thief.connect({ sessionId: owner.sessionId, password: new Uint8Array(16) })
    expect(thief.takeOutputs()).toEqual(['session over', 'closed session-invalid'])
    expect(owner.takeOutputs()).toEqual(['closed session-replaced'])
  })

  test('a local session expires by the clock of its server, and pings keep it alive', () => {
    const ensemble = new TestEnsemble(2, local)
    for (const { id } of ensemble.servers) {
      const before = txnCount(ensemble)
      const silent = TestClient.attached(ensemble, id, 2_000)
      const active = TestClient.attached(ensemble, id, 2_000)
      for (let i = 0; i < 8; i++) {
        active.send('ping')
        ensemble.pass(500)
      }
      expect(silent.takeOutputs()).toEqual(['closed session-expired'])
      expect(new Set(active.takeOutputs())).toEqual(new Set(['-2 ok']))
      const back = TestClient.returning(ensemble, id, silent)
      ensemble.run()
      expect(back.takeOutputs()).toEqual(['session over', 'closed session-invalid'])
      expect(txnCount(ensemble)).toBe(before)
    }
  })

  test('a local session lives for its whole timeout after the last request of its client', () => {
    const ensemble = new TestEnsemble(2, local)
    const client = TestClient.attached(ensemble, 1, 2_000)
    const [bucket] = ensemble.servers[0]!.replica.details().localExpiryBuckets()!
    expect(bucket!.sessionIds).toEqual([client.sessionId])
    expect(bucket!.expiresAtMs % 1_000).toBe(0)
    ensemble.pass(1_000)
    client.send('ping')
    ensemble.pass(1_950)
    expect(client.takeOutputs()).toEqual(['-2 ok'])
    ensemble.pass(1_200)
    expect(client.takeOutputs()).toEqual(['closed session-expired'])
  })

  test('a local session survives the loss of the leader, and its timeout restarts', () => {
    const ensemble = new TestEnsemble(3, local)
    const server = ensemble.servers.find(({ id }) => id !== ensemble.leader.id)!
    const client = TestClient.attached(ensemble, server.id, 2_000)
    for (const { id } of ensemble.servers) {
      if (id !== server.id) ensemble.unlink(Math.min(id, server.id), Math.max(id, server.id))
    }
    ensemble.pass(10_000)
    expect(client.takeOutputs()).toEqual(['closed leader-lost'])
    for (const { id } of ensemble.servers) {
      if (id !== server.id) ensemble.link(Math.min(id, server.id), Math.max(id, server.id))
    }
    ensemble.pass(1_000)
    const back = TestClient.returning(ensemble, server.id, client)
    expect(back.takeOutputs()).toEqual(['session for 6000 ms'])
    back.create('/here')
    ensemble.run()
    expect(back.takeOutputs()).toEqual(['1 ok'])
  })

  test('the close of a local session waits for the requests before it', () => {
    const ensemble = new TestEnsemble(2, local)
    const client = TestClient.attached(ensemble, ensemble.follower.id)
    client.create('/first')
    client.send('closeSession')
    client.create('/never')
    expect(client.takeOutputs()).toEqual([])
    ensemble.run()
    expect(client.takeOutputs()).toEqual(['1 ok', '2 ok', 'closed session-closed'])
    expect(ensemble.leader.state.tree.view('/never')).toBeNull()
  })
})

function multiCodesOf(body: Uint8Array): readonly number[] {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  const codes: number[] = []
  // Each result of a failed multi is a header of type -1 (4 + 1 + 4 bytes) and its code.
  for (let at = 0; view.getUint8(at + 4) === 0; at += 13) codes.push(view.getInt32(at + 9))
  return codes
}
