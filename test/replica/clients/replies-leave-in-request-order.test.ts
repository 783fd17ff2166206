import { describe, expect, test } from 'vitest'
import type { Zxid } from '../../../src/base/ids.ts'
import { JuteReader } from '../../../src/jute/jute-reader.ts'
import { JuteWriter } from '../../../src/jute/jute-writer.ts'
import { encode } from '../../../src/jute/record.ts'
import { writeMultiRequest } from '../../../src/protocol/client/multi.ts'
import {
  AuthRequest,
  ReconfigRequest,
  SetAclRequest,
  SetWatchesRequest,
} from '../../../src/protocol/client/requests.ts'
import { TestClient } from '../test-client.ts'
import { TestEnsemble } from '../test-ensemble.ts'

const openAcl = [{ perms: 31, scheme: 'world', id: 'anyone' }]

describe('requests of one connection', () => {
  test('a read waits for the earlier write of its connection and shows it', () => {
    const ensemble = new TestEnsemble(1)
    const client = TestClient.attached(ensemble, 1)
    ensemble.hold('disk-1')
    client.create('/a')
    client.exists('/a')
    ensemble.run()
    expect(client.takeOutputs()).toEqual([])
    ensemble.release('disk-1')
    expect(client.takeOutputs()).toEqual(['1 ok', '2 ok'])
  })

  test('a read of another connection does not wait and shows what is committed', () => {
    const ensemble = new TestEnsemble(1)
    const writer = TestClient.attached(ensemble, 1)
    const reader = TestClient.attached(ensemble, 1)
    ensemble.hold('disk-1')
    writer.create('/a')
    ensemble.run()
    reader.exists('/a')
    expect(reader.takeOutputs()).toEqual(['1 no-node'])
  })

  test('replies keep the order of pipelined requests, whatever the outcome of each', () => {
    for (const where of ['leader', 'follower'] as const) {
      const ensemble = new TestEnsemble(2)
      const client = TestClient.attached(ensemble, ensemble[where].id)
      client.exists('/a')
      client.create('/a')
      client.create('/a')
      client.exists('/a')
      client.setData('/a', 7)
      client.sync()
      client.sendType(4711)
      client.delete('/a')
      client.exists('/a')
      ensemble.run()
      expect(client.takeOutputs()).toEqual([
        '1 no-node',
        '2 ok',
        '3 node-exists',
        '4 ok',
        '5 bad-version',
        '6 ok',
        '7 unimplemented',
        '8 ok',
        '9 no-node',
      ])
    }
  })

  test('pipelined writes are validated against each other before any is committed', () => {
    const ensemble = new TestEnsemble(1)
    const client = TestClient.attached(ensemble, 1)
    ensemble.hold('disk-1')
    client.create('/a')
    client.create('/a/b')
    client.delete('/a')
    client.delete('/a/b')
    client.delete('/a')
    ensemble.release('disk-1')
    expect(client.takeOutputs()).toEqual(['1 ok', '2 ok', '3 not-empty', '4 ok', '5 ok'])
  })

  test('a refusal waits until the txns that it depends on are committed', () => {
    const ensemble = new TestEnsemble(1)
    const first = TestClient.attached(ensemble, 1)
    const second = TestClient.attached(ensemble, 1)
    ensemble.hold('disk-1')
    first.create('/a')
    second.create('/a')
    ensemble.run()
    expect(second.takeOutputs()).toEqual([])
    ensemble.release('disk-1')
    expect(first.takeOutputs()).toEqual(['1 ok'])
    expect(second.takeOutputs()).toEqual(['1 node-exists'])
    expect(second.replies().at(-1)).toMatchObject({ zxid: ensemble.leader.state.lastApplied })
  })

  test('a refusal at a follower waits until the follower has applied the txns that it depends on', () => {
    const ensemble = new TestEnsemble(2)
    const { leader, follower } = ensemble
    const writer = TestClient.attached(ensemble, leader.id)
    const client = TestClient.attached(ensemble, follower.id)
    ensemble.hold(`disk-${follower.id}`)
    writer.create('/a')
    ensemble.run()
    client.create('/a')
    ensemble.run()
    expect(client.takeOutputs()).toEqual([])
    ensemble.release(`disk-${follower.id}`)
    expect(client.takeOutputs()).toEqual(['1 node-exists'])
    client.exists('/a')
    expect(client.takeOutputs()).toEqual(['2 ok'])
  })

  test('a leader does not send a refusal before a quorum has confirmed that it follows', () => {
    const ensemble = new TestEnsemble(2)
    const { leader, follower } = ensemble
    const client = TestClient.attached(ensemble, leader.id)
    ensemble.hold(`${follower.id}->${leader.id}`)
    client.delete('/missing')
    client.exists('/missing')
    ensemble.run()
    expect(client.takeOutputs()).toEqual([])
    ensemble.release(`${follower.id}->${leader.id}`)
    expect(client.takeOutputs()).toEqual(['1 no-node', '2 no-node'])
  })

  test('an unknown operation is answered and the connection stays open', () => {
    const ensemble = new TestEnsemble(1)
    const client = TestClient.attached(ensemble, 1)
    client.sendType(999)
    client.send('check')
    client.send('ping')
    expect(client.takeOutputs()).toEqual(['1 unimplemented', '2 unimplemented', '-2 ok'])
    expect(client.replies().at(-3)).toMatchObject({ zxid: -1 })
  })

  test('a body that cannot be decoded is refused in request order', () => {
    const ensemble = new TestEnsemble(1)
    const client = TestClient.attached(ensemble, 1)
    client.create('/a')
    client.send('create', Uint8Array.of(0, 0, 0, 9))
    client.send('getData', Uint8Array.of(1))
    ensemble.run()
    expect(client.takeOutputs()).toEqual(['1 ok', '2 marshalling-error', '3 marshalling-error'])
  })

  test('a null path is a bad argument to setData and setACL, and a marshalling error to other operations', () => {
    const ensemble = new TestEnsemble(1)
    const client = TestClient.attached(ensemble, 1)
    const nullAndZeros = Uint8Array.from({ length: 16 }, (_, at) => (at < 4 ? 0xff : 0))
    for (const op of ['setData', 'setACL', 'delete', 'create'] as const) client.send(op, nullAndZeros)
    ensemble.run()
    expect(client.takeOutputs()).toEqual([
      '1 bad-arguments',
      '2 bad-arguments',
      '3 marshalling-error',
      '4 marshalling-error',
    ])
  })

  test('a reconfig is refused as disabled, unless its body cannot be decoded', () => {
    const ensemble = new TestEnsemble(1)
    const client = TestClient.attached(ensemble, 1)
    const members = { joiningServers: 'server.2=a:1:2;3', leavingServers: null, newMembers: null }
    client.send('reconfig', encode(ReconfigRequest, { ...members, curConfigId: -1n }))
    client.send('reconfig', Uint8Array.of(1))
    ensemble.run()
    expect(client.takeOutputs()).toEqual(['1 reconfig-disabled', '2 marshalling-error'])
  })

  test('a multi that fails changes nothing and names the part that failed', () => {
    const ensemble = new TestEnsemble(1)
    const client = TestClient.attached(ensemble, 1)
    const before = ensemble.leader.log.lastZxid
    const writer = new JuteWriter()
    writeMultiRequest(writer, [
      { kind: 'create', op: 'create', path: '/a', data: null, acl: openAcl, flags: 0, ttlMs: -1n },
      { kind: 'delete', path: '/missing', version: -1 },
      { kind: 'check', path: '/', version: -1 },
    ])
    client.send('multi', writer.take())
    client.exists('/a')
    ensemble.run()
    expect(client.takeOutputs()).toEqual(['1 ok', '2 no-node'])
    const reply = client.replies().at(-2)
    const body = reply?.kind === 'reply' ? reply.body : null
    const codes = errorCodesOf(body!, 3)
    expect(codes).toEqual([0, -101, -2])
    expect(ensemble.leader.log.lastZxid).toBe(before)
  })

  test('credentials hold only for requests read after them', () => {
    const ensemble = new TestEnsemble(1)
    const client = TestClient.attached(ensemble, 1)
    const acl = [{ perms: 31, scheme: 'digest', id: 'bob:other' }]
    client.create('/mine')
    client.send('setACL', encode(SetAclRequest, { path: '/mine', acl, version: -1 }))
    ensemble.run()
    client.takeOutputs()
    const auth = encode(AuthRequest, { type: 0, scheme: 'digest', auth: new TextEncoder().encode('bob:secret') })
    ensemble.hold('disk-1')
    client.create('/other')
    client.setData('/mine')
    client.send('auth', auth)
    client.setData('/mine')
    ensemble.run()
    // The reply to auth does not wait for earlier ones: auth changes the connection, not the tree.
    expect(client.takeOutputs()).toEqual(['5 ok'])
    ensemble.release('disk-1')
    expect(client.takeOutputs()).toEqual(['3 ok', '4 no-auth', '6 no-auth'])
  })

  test('credentials that are refused are answered and close the connection', () => {
    const ensemble = new TestEnsemble(1)
    const client = TestClient.attached(ensemble, 1)
    client.send('auth', encode(AuthRequest, { type: 0, scheme: 'nonsense', auth: new Uint8Array() }))
    expect(client.takeOutputs()).toEqual(['1 auth-failed', 'closed auth-failed'])
    expect(ensemble.leader.replica.status().authFailedCount).toBe(1)
  })
})

describe('sync', () => {
  test('a read after a sync shows what the leader had when the sync arrived', () => {
    const ensemble = new TestEnsemble(3)
    const { leader, follower } = ensemble
    const writer = TestClient.attached(ensemble, leader.id)
    const reader = TestClient.attached(ensemble, follower.id)
    // The other two servers are a quorum; this follower does not get the write.
    const blocked = `${leader.id}->${follower.id}`
    ensemble.hold(blocked)
    writer.create('/a')
    ensemble.run()
    expect(writer.takeOutputs()).toEqual(['1 ok'])
    reader.exists('/a')
    reader.sync()
    reader.exists('/a')
    ensemble.run()
    expect(reader.takeOutputs()).toEqual(['1 no-node'])
    ensemble.release(blocked)
    expect(reader.takeOutputs()).toEqual(['2 ok', '3 ok'])
  })

  test('a sync at the leader is not answered until a quorum has confirmed that it still follows', () => {
    const ensemble = new TestEnsemble(2)
    const { leader, follower } = ensemble
    const client = TestClient.attached(ensemble, leader.id)
    ensemble.hold(`${follower.id}->${leader.id}`)
    client.sync()
    client.exists('/')
    ensemble.run()
    expect(client.takeOutputs()).toEqual([])
    ensemble.release(`${follower.id}->${leader.id}`)
    expect(client.takeOutputs()).toEqual(['1 ok', '2 ok'])
  })

  test('all syncs of one turn share one round of heartbeats', () => {
    const ensemble = new TestEnsemble(2)
    const clients = [1, 2, 3].map(() => TestClient.attached(ensemble, ensemble.leader.id))
    ensemble.sent.length = 0
    for (const client of clients) client.sync()
    ensemble.run()
    for (const client of clients) expect(client.takeOutputs()).toEqual(['1 ok'])
    expect(ensemble.sent.filter(({ message }) => message.kind === 'heartbeat')).toHaveLength(1)
  })

  test('every read is confirmed if linearizable reads are configured', () => {
    const ensemble = new TestEnsemble(2, ['linearizableReads=true'])
    const client = TestClient.attached(ensemble, ensemble.follower.id)
    ensemble.hold(`${ensemble.leader.id}->${ensemble.follower.id}`)
    client.exists('/')
    client.send('ping')
    ensemble.run()
    expect(client.takeOutputs()).toEqual([])
    ensemble.release(`${ensemble.leader.id}->${ensemble.follower.id}`)
    expect(client.takeOutputs()).toEqual(['1 ok', '-2 ok'])
  })
})

describe('watches', () => {
  test('an event leaves before the reply that shows its change', () => {
    for (const where of ['leader', 'follower'] as const) {
      const ensemble = new TestEnsemble(2)
      const client = TestClient.attached(ensemble, ensemble[where].id)
      client.exists('/a', true)
      client.getChildren('/', true)
      client.create('/a')
      client.exists('/a')
      ensemble.run()
      expect(client.takeOutputs()).toEqual(['1 no-node', '2 ok', 'created /a', 'children-changed /', '3 ok', '4 ok'])
    }
  })

  test('a watcher is notified of a change before its own later read shows it', () => {
    const ensemble = new TestEnsemble(2)
    const watcher = TestClient.attached(ensemble, ensemble.follower.id)
    const writer = TestClient.attached(ensemble, ensemble.leader.id)
    watcher.exists('/a', true)
    writer.create('/a')
    watcher.create('/b')
    watcher.exists('/a')
    ensemble.run()
    const heard = watcher.takeOutputs()
    expect(heard.indexOf('created /a')).toBeLessThan(heard.indexOf('3 ok'))
  })

  test('a watch ends with its connection', () => {
    const ensemble = new TestEnsemble(1)
    const watcher = TestClient.attached(ensemble, 1)
    watcher.exists('/a', true)
    watcher.disconnect()
    const back = TestClient.returning(ensemble, 1, watcher)
    back.create('/a')
    ensemble.run()
    expect(back.takeOutputs()).toEqual(['session for 6000 ms', '1 ok'])
    expect(ensemble.leader.replica.status().watchCount).toBe(0)
  })

  test('a returning client gets the events that its watches missed before the reply, and keeps the other watches', () => {
    const ensemble = new TestEnsemble(1)
    const client = TestClient.attached(ensemble, 1)
    client.create('/changed')
    client.create('/kept')
    ensemble.run()
    const seen = ensemble.leader.state.lastApplied as Zxid
    client.setData('/changed')
    client.create('/new')
    ensemble.run()
    client.takeOutputs()
    const lists = { dataWatches: ['/changed', '/kept'], existWatches: ['/new', '/absent'], childWatches: ['/'] }
    client.send('setWatches', encode(SetWatchesRequest, { relativeZxid: seen, ...lists }))
    expect(client.takeOutputs()).toEqual(['changed /changed', 'created /new', 'children-changed /', '5 ok'])
    client.setData('/kept')
    client.create('/absent')
    ensemble.run()
    expect(client.takeOutputs()).toEqual(['changed /kept', '6 ok', 'created /absent', '7 ok'])
  })
})

function errorCodesOf(body: Uint8Array, count: number): readonly number[] {
  const reader = new JuteReader(body)
  return Array.from({ length: count }, () => {
    reader.readInt()
    reader.readBoolean()
    reader.readInt()
    return reader.readInt()
  })
}
