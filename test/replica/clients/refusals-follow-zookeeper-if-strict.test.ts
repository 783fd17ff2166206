/**
 * Each rule that compatibility=strict changes: what the client gets with the key, and what it gets without.
 */
import { describe, expect, test } from 'vitest'
import { zeroZxid } from '../../../src/base/ids.ts'
import { JuteWriter } from '../../../src/jute/jute-writer.ts'
import { decode, encode } from '../../../src/jute/record.ts'
import { writeMultiRequest } from '../../../src/protocol/client/multi.ts'
import { type OpName, ops } from '../../../src/protocol/client/operations.ts'
import { WhoAmIReply } from '../../../src/protocol/client/replies.ts'
import { CreateRequest } from '../../../src/protocol/client/requests.ts'
import { TestClient } from '../test-client.ts'
import { TestEnsemble } from '../test-ensemble.ts'

const strict = ['compatibility=strict']
const openAcl = [{ perms: 31, scheme: 'world', id: 'anyone' }]

function alone(lines: readonly string[]): { readonly ensemble: TestEnsemble; readonly client: TestClient } {
  const ensemble = new TestEnsemble(1, lines)
  return { ensemble, client: TestClient.attached(ensemble, 1) }
}

function zxidsOf(client: TestClient): readonly number[] {
  return client.replies().flatMap((reply) => (reply.kind === 'reply' ? [reply.zxid] : []))
}

function lastBodyOf(client: TestClient): Uint8Array | null {
  const reply = client.replies().at(-1)
  return reply?.kind === 'reply' ? reply.body : null
}

/** The body of a create with a null path. */
function nullPathCreate(flags: number, isCut = false): Uint8Array {
  const writer = new JuteWriter()
  writer.writeUstring(null)
  writer.writeBuffer(null)
  writer.writeVector(openAcl, (into, { perms, scheme, id }) => {
    into.writeInt(perms)
    into.writeUstring(scheme)
    into.writeUstring(id)
  })
  writer.writeInt(flags)
  return writer.take().subarray(0, isCut ? -1 : undefined)
}

/** A multi of one delete without a path. */
function nullPathWrites(): Uint8Array {
  const writer = new JuteWriter()
  writeMultiRequest(writer, [{ kind: 'delete', path: '', version: -1 }])
  const body = writer.take()
  new DataView(body.buffer, body.byteOffset).setInt32(9, -1)
  return body
}

function watchOf(path: string | null, number: number): Uint8Array {
  const writer = new JuteWriter()
  writer.writeUstring(path)
  writer.writeInt(number)
  return writer.take()
}

describe('a write that is refused', () => {
  test.each([
    [[], [0, 0, 0]],
    [strict, [1, 2, 3]],
  ])('with %j takes these zxids after the last: %j', (lines, expected) => {
    const { ensemble, client } = alone(lines)
    const before = ensemble.leader.state.lastApplied
    client.setData('/none')
    client.multiCreate(['/a', 0], ['/none/b', 0])
    ensemble.run()
    expect(client.takeOutputs()).toEqual(['1 no-node', '2 ok'])
    client.exists('/none')
    expect(client.takeOutputs()).toEqual(['3 no-node'])
    const last = lines === strict ? [...expected.slice(0, 2), 2] : expected
    expect(zxidsOf(client).map((zxid) => zxid - before)).toEqual(last)
  })

  test('strict or not, the results of a multi that fails are the same, and none of its parts is applied', () => {
    const bodies = [[], strict].map((lines) => {
      const { ensemble, client } = alone(lines)
      client.multiCreate(['/a', 0], ['/none/b', 0], ['/c', 0])
      ensemble.run()
      expect(ensemble.leader.state.tree.view('/a')).toBeNull()
      return lastBodyOf(client)
    })
    expect(bodies[1]).toEqual(bodies[0])
    expect(bodies[0]).not.toBeNull()
  })

  test('if strict it is answered on a follower with the zxid of its own txn, after the writes before it', () => {
    const ensemble = new TestEnsemble(3, strict)
    const client = TestClient.attached(ensemble, ensemble.follower.id)
    const before = ensemble.leader.state.lastApplied
    client.create('/a')
    client.create('/a')
    client.create('/b')
    ensemble.run()
    expect(client.takeOutputs()).toEqual(['1 ok', '2 node-exists', '3 ok'])
    expect(zxidsOf(client).map((zxid) => zxid - before)).toEqual([1, 2, 3])
    for (const { state } of ensemble.servers) expect(state.lastApplied).toBe(before + 3)
  })

  test('if strict it is replayed from the log like any txn', () => {
    const { ensemble, client } = alone(strict)
    client.setData('/none')
    client.create('/a')
    ensemble.run()
    const { state } = ensemble.leader
    ensemble.restart(1)
    ensemble.pass(1_000)
    expect(ensemble.leader.state).not.toBe(state)
    expect(ensemble.leader.state.tree.digest()).toEqual(state.tree.digest())
    expect(state.lastApplied).toBeGreaterThan(zeroZxid)
  })

  test.each([
    ['cut short', 'delete', new Uint8Array(3), 0],
    ['cut short after a null path', 'create', nullPathCreate(0, true), 0],
    ['without a path', 'create', nullPathCreate(0), 1],
    ['cut short in a multi', 'multi', new Uint8Array(3), 1],
  ] as const)(
    'if strict a body %s is refused as ZooKeeper does, which takes that number of zxids',
    (_, op, body, taken) => {
      const { ensemble, client } = alone(strict)
      const before = ensemble.leader.state.lastApplied
      client.send(op, body)
      ensemble.run()
      expect(client.takeOutputs()).toEqual(['1 marshalling-error'])
      expect(ensemble.leader.state.lastApplied - before).toBe(taken)
    },
  )
})

test.each([
  [[], '1 marshalling-error'],
  [strict, '1 bad-arguments'],
])('with %j a create with a null path and flags that are not legal is answered "%s"', (lines, expected) => {
  const { ensemble, client } = alone(lines)
  client.send('create', nullPathCreate(127))
  ensemble.run()
  expect(client.takeOutputs()).toEqual([expected])
})

describe('an operation that is not served', () => {
  test.each([
    [[], ['1 unimplemented', '-2 ok']],
    [strict, ['1 unimplemented', 'closed unimplemented']],
    [['keeper.compatibility=false'], ['1 unimplemented', '-2 ok']],
  ])('with %j is answered, and then %j', (lines, expected) => {
    for (const type of [ops.check.opcode, 999]) {
      const { ensemble, client } = alone(lines)
      client.sendType(type)
      client.send('ping')
      ensemble.run()
      expect(client.takeOutputs()).toEqual(expected)
      expect(zxidsOf(client)[0]).toBe(-1)
    }
  })

  test.each(['createSession', 'deleteContainer'] as const)(
    'if strict %s is refused and the connection goes on',
    (op) => {
      const { ensemble, client } = alone(strict)
      client.send(op)
      client.send('ping')
      ensemble.run()
      expect(client.takeOutputs()).toEqual(['1 unimplemented', '-2 ok'])
    },
  )

  test('if strict an operation of Keeper is one of them, unless its dialect is switched on', () => {
    const outcomeWith = (...lines: readonly string[]): readonly string[] => {
      const { ensemble, client } = alone([...strict, ...lines])
      client.send('listRecursive')
      ensemble.run()
      return client.takeOutputs()
    }
    expect(outcomeWith()).toEqual(['1 unimplemented', 'closed unimplemented'])
    expect(outcomeWith('keeper.compatibility=true')).toEqual(['1 marshalling-error'])
  })
})

test.each(['auth', 'sasl'] as const)(
  '%s that cannot be decoded is answered, or if strict ends the connection',
  (op) => {
    const outcomes = [[], strict].map((lines) => {
      const { ensemble, client } = alone(lines)
      client.send(op, new Uint8Array(3))
      ensemble.run()
      return client.takeOutputs()
    })
    expect(outcomes).toEqual([['1 marshalling-error'], ['closed auth-malformed']])
  },
)

describe('a null path', () => {
  test.each([
    [[], ['1 marshalling-error', '2 marshalling-error', '3 marshalling-error', '4 marshalling-error']],
    [strict, ['1 ok', '2 ok', '3 ok', '4 no-watcher']],
  ])('with %j is watched, looked for, removed and looked for again with %j', (lines, expected) => {
    const { ensemble, client } = alone(lines)
    const asked: readonly (readonly [OpName, number])[] = [
      ['addWatch', 1],
      ['checkWatches', 3],
      ['removeWatches', 3],
      ['checkWatches', 3],
    ]
    for (const [op, number] of asked) client.send(op, watchOf(null, lines === strict && number === 3 ? 5 : number))
    ensemble.run()
    expect(client.takeOutputs()).toEqual(expected)
  })

  test.each([
    [[], null],
    [strict, 9],
  ])('with %j in a multiRead of writes is refused with a body of this size: %s', (lines, expected) => {
    const { ensemble, client } = alone(lines)
    client.send('multiRead', nullPathWrites())
    ensemble.run()
    expect(client.takeOutputs()).toEqual(['1 marshalling-error'])
    expect(lastBodyOf(client)?.length ?? null).toBe(expected)
  })
})

test.each([
  [[], ['ip', 'digest', 'digest', 'digest']],
  [strict, ['digest', 'digest', 'digest', 'ip']],
])('with %j the ids of a client stand in the order %j', (lines, expected) => {
  const { ensemble, client } = alone(lines)
  for (const credentials of ['u1:p', 'u2:p', 'u3:p']) {
    const writer = new JuteWriter()
    writer.writeInt(0)
    writer.writeUstring('digest')
    writer.writeBuffer(new TextEncoder().encode(credentials))
    client.send('auth', writer.take())
  }
  client.send('whoAmI')
  ensemble.run()
  const reply = decode(WhoAmIReply, lastBodyOf(client)!)
  expect(reply.ok && reply.value.clientInfo?.map(({ authScheme }) => authScheme)).toEqual(expected)
})

test.each([
  [[], '::1'],
  [strict, '0:0:0:0:0:0:0:1'],
])(
  'with %j the address of a client of IPv6 is shown as %s, and an ACL with the short form lets it in',
  (lines, expected) => {
    const ensemble = new TestEnsemble(1, lines)
    const client = new TestClient(ensemble, 1, '::1')
    client.connect({})
    ensemble.run()
    const acl = [{ perms: 31, scheme: 'ip', id: '::1' }]
    client.send('create', encode(CreateRequest, { path: '/mine', data: null, acl, flags: 0 }))
    client.setData('/mine')
    client.send('whoAmI')
    ensemble.run()
    expect(client.takeOutputs().slice(1)).toEqual(['1 ok', '2 ok', '3 ok'])
    const reply = decode(WhoAmIReply, lastBodyOf(client)!)
    expect(reply.ok && reply.value.clientInfo).toEqual([{ authScheme: 'ip', user: expected }])
  },
)

describe('a session that another server has taken over', () => {
  test.each([
    [[], ['closed session-moved']],
    [strict, ['1 bad-arguments', 'closed session-moved']],
  ])('with %j its old connection asks for flags that are not legal, and then for a write: %j', (lines, expected) => {
    const ensemble = new TestEnsemble(2, lines)
    const old = TestClient.attached(ensemble, ensemble.follower.id)
    TestClient.returning(ensemble, ensemble.leader.id, old)
    ensemble.run()
    old.create('/late', 127)
    ensemble.run()
    old.create('/late')
    ensemble.run()
    expect(old.takeOutputs()).toEqual(expected)
    expect(ensemble.leader.state.tree.view('/late')).toBeNull()
  })
})

test.each([
  [[], { leader: -120, follower: -120 }],
  [strict, { leader: -120, follower: -112 }],
])('with %j an ephemeral in a multi of a local session fails with %j', (lines, expected) => {
  const ensemble = new TestEnsemble(2, ['localSessionsEnabled=true', ...lines])
  const codeOn = (server: number): number => {
    const client = TestClient.attached(ensemble, server)
    client.multiCreate(['/e', 1])
    ensemble.run()
    const body = lastBodyOf(client)!
    return new DataView(body.buffer, body.byteOffset).getInt32(9)
  }
  expect({ leader: codeOn(ensemble.leader.id), follower: codeOn(ensemble.follower.id) }).toEqual(expected)
})
