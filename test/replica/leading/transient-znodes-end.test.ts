import { describe, expect, it } from 'vitest'
import { decode, encode } from '../../../src/jute/record.ts'
import { ops } from '../../../src/protocol/client/operations.ts'
import { CreateWithStatReply } from '../../../src/protocol/client/replies.ts'
import {
  CreateRequest,
  CreateTtlRequest,
  DeleteRequest,
  SetAclRequest,
  SetDataRequest,
  WatchableRequest,
} from '../../../src/protocol/client/requests.ts'
import { StandaloneReplica } from '../standalone-replica.ts'

const openAcl = [{ perms: 31, scheme: 'world', id: 'anyone' }]
const noAcl = [{ perms: 0, scheme: 'world', id: 'anyone' }]
const data = new Uint8Array(0)

const plain = (path: string) => encode(CreateRequest, { path, data, acl: openAcl, flags: 0 })
const container = (path: string) => encode(CreateRequest, { path, data, acl: openAcl, flags: 4 })
const ttl = (path: string, ttlMs: number) =>
  encode(CreateTtlRequest, { path, data, acl: openAcl, flags: 5, ttlMs: BigInt(ttlMs) })
const deletion = (path: string) => encode(DeleteRequest, { path, version: -1 })
const newData = (path: string) => encode(SetDataRequest, { path, data, version: -1 })

function replicaWith(...configLines: readonly string[]): StandaloneReplica {
  const replica = new StandaloneReplica(configLines)
  replica.connect(1)
  return replica
}

/** Lets time pass while the client pings to keep its session. */
function pass(replica: StandaloneReplica, ms: number): void {
  for (let passed = 0; passed < ms; passed += 5000) {
    replica.send(1, 'ping', data)
    replica.pass(Math.min(5000, ms - passed))
  }
}

function has(replica: StandaloneReplica, path: string): boolean {
  return replica.state.tree.view(path) !== null
}

describe('a container', () => {
  it('is answered with its path and a Stat without an owner', () => {
    const reply = replicaWith().ask(1, 'createContainer', container('/c'))
    const decoded = decode(CreateWithStatReply, reply.body ?? data)
    expect(decoded.ok && [decoded.value.path, decoded.value.stat.ephemeralOwner]).toEqual(['/c', 0n])
  })

  it('is deleted at the first check after its last child, and its watchers are notified', () => {
    const replica = replicaWith('znode.container.checkIntervalMs=10000')
    replica.ask(1, 'createContainer', container('/c'))
    replica.ask(1, 'create', plain('/c/x'))
    pass(replica, 15_000)
    expect(has(replica, '/c')).toBe(true)
    replica.ask(1, 'delete', deletion('/c/x'))
    replica.ask(1, 'exists', encode(WatchableRequest, { path: '/c', watch: true }))
    pass(replica, 10_000)
    expect(has(replica, '/c')).toBe(false)
    expect(replica.events).toEqual([{ type: 2, path: '/c', zxid: replica.state.lastApplied }])
    replica.state.tree.verify()
  })

  it('that never had a child is deleted after the configured time', () => {
    const replica = replicaWith('znode.container.checkIntervalMs=1000', 'znode.container.maxNeverUsedIntervalMs=20000')
    replica.ask(1, 'createContainer', container('/c'))
    pass(replica, 19_000)
    expect(has(replica, '/c')).toBe(true)
    pass(replica, 3000)
    expect(has(replica, '/c')).toBe(false)
  })

  it('is deleted although its ACL allows no client to delete it', () => {
    const replica = replicaWith('znode.container.checkIntervalMs=1000')
    replica.ask(1, 'create', plain('/closed'))
    replica.ask(1, 'createContainer', container('/closed/c'))
    replica.ask(1, 'create', plain('/closed/c/x'))
    replica.ask(1, 'delete', deletion('/closed/c/x'))
    replica.ask(1, 'setACL', encode(SetAclRequest, { path: '/closed', acl: noAcl, version: -1 }))
    expect(replica.ask(1, 'delete', deletion('/closed/c')).error).toBe('no-auth')
    pass(replica, 2000)
    expect(has(replica, '/closed/c')).toBe(false)
  })

  it('stays while the creation of a child is in flight', () => {
    const replica = replicaWith('znode.container.checkIntervalMs=1000')
    replica.ask(1, 'createContainer', container('/c'))
    replica.ask(1, 'create', plain('/c/x'))
    replica.ask(1, 'delete', deletion('/c/x'))
    replica.send(1, 'create', plain('/c/y'))
    replica.tickUnflushed(1500)
    replica.flush()
    pass(replica, 3000)
    expect([has(replica, '/c'), has(replica, '/c/y')]).toEqual([true, true])
  })

  it('is not proposed for deletion again while its deletion is in flight', () => {
    const replica = replicaWith('znode.container.checkIntervalMs=1000')
    replica.ask(1, 'createContainer', container('/c'))
    replica.ask(1, 'create', plain('/c/x'))
    replica.ask(1, 'delete', deletion('/c/x'))
    const before = replica.state.lastApplied
    replica.tickUnflushed(1500)
    replica.tickUnflushed(1500)
    replica.tickUnflushed(1500)
    replica.flush()
    expect(has(replica, '/c')).toBe(false)
    expect(replica.state.lastApplied).toBe(before + 1)
  })
})

describe('a znode with a time to live', () => {
  it('is deleted at the first check after its time', () => {
    const replica = replicaWith('znode.container.checkIntervalMs=1000')
    expect(replica.ask(1, 'createTTL', ttl('/t', 5000)).error).toBeNull()
    pass(replica, 4500)
    expect(has(replica, '/t')).toBe(true)
    pass(replica, 2000)
    expect(has(replica, '/t')).toBe(false)
  })

  it('restarts its time when it gets data', () => {
    const replica = replicaWith('znode.container.checkIntervalMs=1000')
    replica.ask(1, 'createTTL', ttl('/t', 5000))
    pass(replica, 4000)
    replica.ask(1, 'setData', newData('/t'))
    pass(replica, 4000)
    expect(has(replica, '/t')).toBe(true)
    pass(replica, 3000)
    expect(has(replica, '/t')).toBe(false)
  })

  it('stays while new data is in flight', () => {
    const replica = replicaWith('znode.container.checkIntervalMs=1000')
    replica.ask(1, 'createTTL', ttl('/t', 100))
    replica.send(1, 'setData', newData('/t'))
    replica.tickUnflushed(1500)
    replica.flush()
    expect(has(replica, '/t')).toBe(true)
  })

  it('stays while it has a child', () => {
    const replica = replicaWith('znode.container.checkIntervalMs=1000')
    replica.ask(1, 'createTTL', ttl('/t', 100))
    replica.ask(1, 'create', plain('/t/x'))
    pass(replica, 5000)
    expect(has(replica, '/t')).toBe(true)
    replica.ask(1, 'delete', deletion('/t/x'))
    pass(replica, 2000)
    expect(has(replica, '/t')).toBe(false)
  })

  it('is refused where extended types are disabled', () => {
    const replica = replicaWith('extendedTypesEnabled=false')
    expect(replica.ask(1, 'createTTL', ttl('/t', 100))).toMatchObject({ error: 'unimplemented', body: null })
    expect(replica.ask(1, 'createContainer', container('/c')).error).toBeNull()
  })

  it('cannot be deleted by a deleteContainer of a client', () => {
    const replica = replicaWith()
    replica.ask(1, 'createTTL', ttl('/t', 100_000))
    expect(ops.deleteContainer.implemented).toBe(false)
    expect(replica.ask(1, 'deleteContainer', encode(DeleteRequest, { path: '/t', version: -1 })).error).toBe(
      'unimplemented',
    )
    expect(has(replica, '/t')).toBe(true)
  })
})
