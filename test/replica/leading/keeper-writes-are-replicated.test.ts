/** Requests go through a whole replica, from the bytes of a client to its reply. */
import { describe, expect, it } from 'vitest'
import { JuteWriter } from '../../../src/jute/jute-writer.ts'
import { encode } from '../../../src/jute/record.ts'
import { RemoveRecursiveRequest } from '../../../src/protocol/client/keeper-requests.ts'
import { type MultiOp, writeMultiRequest } from '../../../src/protocol/client/multi.ts'
import type { OpName } from '../../../src/protocol/client/operations.ts'
import { CheckRequest, CreateRequest, DeleteRequest, WatchableRequest } from '../../../src/protocol/client/requests.ts'
import { hexOf } from '../../support/hex.ts'
import { openAcl } from '../../support/leader-harness.ts'
import { StandaloneReplica } from '../standalone-replica.ts'

const nodeDeleted = 2
const end = 'ffffffff01ffffffff'
const createBody = (path: string): Uint8Array => encode(CreateRequest, { path, data: null, acl: openAcl, flags: 0 })

function replicaWith(...paths: readonly string[]): StandaloneReplica {
  const replica = new StandaloneReplica()
  replica.connect(1)
  for (const path of paths) replica.ask(1, 'create', createBody(path))
  return replica
}

function multiBody(...ops: readonly MultiOp[]): Uint8Array {
  const writer = new JuteWriter()
  writeMultiRequest(writer, ops)
  return writer.take()
}

describe('writes of the dialect of ClickHouse Keeper', () => {
  it('createIfNotExists answers with the path, whether it created the znode or found it', () => {
    const replica = replicaWith()
    const first = replica.ask(1, 'createIfNotExists', createBody('/a'))
    const second = replica.ask(1, 'createIfNotExists', createBody('/a'))
    expect([first.error, hexOf(first.body!)]).toEqual([null, '000000022f61'])
    expect([second.error, hexOf(second.body!)]).toEqual([null, '000000022f61'])
    expect(replica.state.tree.view('/a')?.czxid).toBe(first.zxid)
  })

  it('tryRemove and removeRecursive answer without a body', () => {
    const replica = replicaWith('/a', '/a/b', '/a/b/c')
    const tried = replica.ask(1, 'tryRemove', encode(DeleteRequest, { path: '/a', version: -1 }))
    expect([tried.error, tried.body]).toEqual([null, null])
    expect(replica.state.tree.view('/a')).not.toBe(null)
    const removed = replica.ask(1, 'removeRecursive', encode(RemoveRecursiveRequest, { path: '/a', countMax: 3 }))
    expect([removed.error, removed.body]).toEqual([null, null])
    expect(replica.state.tree.view('/a')).toBe(null)
    replica.state.tree.verify()
  })

  it('removeRecursive notifies the watchers of each znode, children first, before its reply', () => {
    const replica = replicaWith('/a', '/a/b')
    for (const path of ['/a', '/a/b']) replica.ask(1, 'getData', encode(WatchableRequest, { path, watch: true }))
    replica.ask(1, 'removeRecursive', encode(RemoveRecursiveRequest, { path: '/a', countMax: 9 }))
    expect(replica.events.map(({ type, path }) => [type, path])).toEqual([
      [nodeDeleted, '/a/b'],
      [nodeDeleted, '/a'],
    ])
  })

  it('parts of a multi answer with their own numbers', () => {
    const replica = replicaWith('/a', '/a/b')
    const create = { kind: 'create-if-not-exists', data: null, acl: openAcl, flags: 0 } as const
    const answer = replica.ask(
      1,
      'multi',
      multiBody(
        { kind: 'check-not-exists', path: '/n', version: -1 },
        { ...create, path: '/n' },
        { ...create, path: '/a' },
        { kind: 'remove-recursive', path: '/a', countMax: 100 },
        { kind: 'try-remove', path: '/a', version: -1 },
      ),
    )
    const results = ['000001f50000000000', '000001f60000000000000000022f6e', '000001f60000000000000000022f61']
    expect(hexOf(answer.body!)).toBe(`${results.join('')}000001f70000000000000001f90000000000${end}`)
    expect(replica.state.tree.view('/a')).toBe(null)
  })

  it('a refused part fails the whole multi', () => {
    const replica = replicaWith('/a')
    const parts = multiBody({ kind: 'try-remove', path: '/a', version: -1 }, { kind: 'check', path: '/x', version: -1 })
    const answer = replica.ask(1, 'multi', parts)
    expect(hexOf(answer.body!)).toBe(`ffffffff000000000000000000ffffffff00ffffff9bffffff9b${end}`)
    expect(replica.state.tree.view('/a')).not.toBe(null)
  })

  it('count as writes to the namespaces that they change', () => {
    const replica = replicaWith('/a', '/a/b')
    const written = replica.metrics.write_per_namespace.of('a').summary
    expect([written.count, written.sum]).toEqual([2, 6])
    replica.ask(1, 'createIfNotExists', createBody('/a/c'))
    replica.ask(1, 'createIfNotExists', createBody('/a/c'))
    expect([written.count, written.sum]).toEqual([3, 10])
    replica.ask(1, 'removeRecursive', encode(RemoveRecursiveRequest, { path: '/a', countMax: 9 }))
    expect([written.count, written.sum]).toEqual([6, 20])
  })

  it('an ephemeral under a removed subtree is not deleted twice when its session closes', () => {
    const replica = replicaWith('/a')
    replica.ask(1, 'create', encode(CreateRequest, { path: '/a/e', data: null, acl: openAcl, flags: 1 }))
    replica.ask(1, 'removeRecursive', encode(RemoveRecursiveRequest, { path: '/a', countMax: 9 }))
    expect(replica.ask(1, 'closeSession', new Uint8Array(0)).error).toBe(null)
    expect(replica.state.tree.ephemeralsCount).toBe(0)
  })
})

describe('keeper.compatibility=false', () => {
  const bodies: readonly (readonly [OpName, Uint8Array])[] = [
    ['filteredList', new Uint8Array(0)],
    ['checkNotExists', encode(CheckRequest, { path: '/a', version: -1 })],
    ['createIfNotExists', createBody('/a')],
    ['removeRecursive', encode(RemoveRecursiveRequest, { path: '/a', countMax: 9 })],
    ['checkStat', new Uint8Array(0)],
    ['tryRemove', encode(DeleteRequest, { path: '/a', version: -1 })],
    ['filteredListWithStatsAndData', new Uint8Array(0)],
    ['listRecursive', new Uint8Array(0)],
  ]

  it('answers these operations as unimplemented, and the connection stays open', () => {
    const replica = new StandaloneReplica(['keeper.compatibility=false'])
    replica.connect(1)
    for (const [op, body] of bodies) {
      expect([op, replica.ask(1, op, body)]).toMatchObject([op, { error: 'unimplemented', zxid: -1, body: null }])
    }
    expect(replica.ask(1, 'create', createBody('/a')).error).toBe(null)
  })

  it('refuses a multi with one of them as a marshalling error', () => {
    const replica = new StandaloneReplica(['keeper.compatibility=false'])
    replica.connect(1)
    const parts = multiBody({ kind: 'try-remove', path: '/a', version: -1 })
    expect(replica.ask(1, 'multi', parts)).toMatchObject({ error: 'marshalling-error', body: null })
  })

  it('lets clients create /keeper, which they keep when the znodes are enabled again', () => {
    const replica = new StandaloneReplica(['keeper.compatibility=false'])
    replica.connect(1)
    expect(replica.ask(1, 'getData', encode(WatchableRequest, { path: '/keeper', watch: false })).error).toBe('no-node')
    expect(replica.ask(1, 'create', createBody('/keeper')).error).toBe(null)
    expect(replica.ask(1, 'getData', encode(WatchableRequest, { path: '/keeper', watch: false })).error).toBe(null)
  })
})
