import { beforeEach, describe, expect, it } from 'vitest'
import { permissions } from '../../src/auth/permissions.ts'
import { recursiveRemovalZnodeCountMax } from '../../src/base/limits.ts'
import { ok } from '../../src/base/result.ts'
import type { KeeperWrite } from '../../src/protocol/client/keeper-requests.ts'
import type { MultiOp } from '../../src/protocol/client/multi.ts'
import { decodeTxn, encodeTxn } from '../../src/protocol/txn/txn-codec.ts'
import type { WriteRequest } from '../../src/transactions/write-request.ts'
import {
  aclWithout,
  anyStat,
  check,
  create,
  LeaderHarness,
  openAcl,
  remove,
  self,
  setAcl,
  setData,
} from '../support/leader-harness.ts'

let leader: LeaderHarness
beforeEach(() => {
  leader = new LeaderHarness()
  leader.have(create('/a'))
})

const multi = (...ops: readonly MultiOp[]): WriteRequest => ({ kind: 'multi', ops })
const createIfNotExists = (path: string, flags = 0): KeeperWrite => ({
  kind: 'create-if-not-exists',
  path,
  data: new Uint8Array(2),
  acl: openAcl,
  flags,
})
const tryRemove = (path: string, version = -1): KeeperWrite => ({ kind: 'try-remove', path, version })
const removeRecursive = (path: string, countMax = 1000): KeeperWrite => ({ kind: 'remove-recursive', path, countMax })
const checkNotExists = (path: string, version = -1): KeeperWrite => ({ kind: 'check-not-exists', path, version })
const checkStat = (path: string, stat: object, version = -1): KeeperWrite => ({
  kind: 'check-stat',
  path,
  version,
  stat: { ...anyStat, ...stat },
})
/** The paths that an accepted request deletes. */
const deletedBy = (request: WriteRequest): readonly string[] =>
  leader.changesOf(request).flatMap((change) => {
    if (change.kind !== 'bundle') throw new Error(`not a bundle: ${change.kind}`)
    return change.changes.map((bundled) => (bundled.kind === 'delete' ? bundled.path : 'created'))
  })

describe('createIfNotExists', () => {
  it('creates a missing znode by an ordinary create in a bundle', () => {
    expect(leader.changesOf(createIfNotExists('/a/b'))).toMatchObject([
      { kind: 'bundle', op: 'createIfNotExists', path: '/a/b', changes: [{ kind: 'create', path: '/a/b' }] },
    ])
    leader.apply()
    expect(leader.tree.view('/a/b')).toMatchObject({ dataLengthBytes: 2, version: 0 })
  })

  it('leaves an existing znode as it is and succeeds', () => {
    leader.have(setData('/a'))
    expect(leader.changesOf(createIfNotExists('/a'))).toMatchObject([{ path: '/a', changes: [] }])
    leader.apply()
    expect(leader.tree.view('/a')).toMatchObject({ version: 1, dataLengthBytes: 3 })
  })

  it('finds a znode that an earlier part of its multi created', () => {
    expect(leader.changesOf(multi(create('/a/b'), createIfNotExists('/a/b')))).toMatchObject([
      { kind: 'create' },
      { kind: 'bundle', changes: [] },
    ])
  })

  it('is refused without a parent, without CREATE on the parent, and for a sequential name', () => {
    expect(leader.errorOf(createIfNotExists('/x/y'))).toBe('no-node')
    expect(leader.errorOf(createIfNotExists('/a/b', 2))).toBe('bad-arguments')
    leader.have(setAcl('/a', aclWithout(permissions.create)))
    expect(leader.errorOf(createIfNotExists('/a/b'))).toBe('no-auth')
  })

  it('can make an ephemeral, which then belongs to the session', () => {
    leader.changesOf(createIfNotExists('/a/e', 1))
    leader.apply()
    expect(leader.tree.ephemeralsOf(self)).toEqual(['/a/e'])
  })
})

describe('tryRemove', () => {
  it('deletes an existing znode', () => {
    expect(deletedBy(tryRemove('/a', 0))).toEqual(['/a'])
  })

  it.each([
    ['is missing', '/x', -1],
    ['has no parent either', '/x/y', -1],
    ['has another version', '/a', 7],
    ['has children', '/p', -1],
  ])('succeeds and deletes nothing if the znode %s', (_, path, version) => {
    leader.have(create('/p'), create('/p/c'))
    expect(deletedBy(tryRemove(path, version))).toEqual([])
  })

  it('is refused without DELETE on the parent', () => {
    leader.have(setAcl('/a', aclWithout(permissions.delete)))
    expect(leader.errorOf(tryRemove('/a/b'))).toBe('no-auth')
  })
})

describe('removeRecursive', () => {
  beforeEach(() => leader.have(create('/a/b'), create('/a/b/c'), create('/a/d')))

  it('deletes children before parents, those in flight included', () => {
    leader.changesOf(create('/a/b/new'))
    leader.changesOf(remove('/a/d'))
    expect(deletedBy(removeRecursive('/a'))).toEqual(['/a/b/new', '/a/b/c', '/a/b', '/a'])
    leader.apply()
    expect(leader.tree.view('/a')).toBe(null)
    expect(leader.tree.nodeCount).toBe(new LeaderHarness().tree.nodeCount)
    leader.tree.verify()
  })

  it('finds a child proposed after an earlier removal looked, and no child that was deleted again', () => {
    leader.changesOf(create('/a/new'))
    leader.changesOf(removeRecursive('/a/b'))
    leader.changesOf(create('/a/newer'))
    leader.changesOf(create('/a/newer/e', { flags: 1 }))
    leader.changesOf(remove('/a/new'))
    leader.apply(2)
    leader.changesOf(create('/a/b'))
    expect(deletedBy(removeRecursive('/a'))).toEqual(['/a/newer/e', '/a/newer', '/a/d', '/a/b', '/a'])
    leader.apply()
    expect(leader.tree.view('/a')).toBe(null)
    leader.tree.verify()
  })

  it('removes thousands of znodes that are all in flight', () => {
    const parents = Array.from({ length: 12_000 }, (_, i) => `/a/${i}`)
    const creates = parents.flatMap((path) => [create(path), create(`${path}/c`)])
    leader.changesOf(multi(...creates))
    expect(deletedBy(removeRecursive('/a', 100_000))).toHaveLength(24_004)
  })

  it('sees the changes of the parts before it', () => {
    expect(deletedBy(multi(removeRecursive('/a/b'), removeRecursive('/a')))).toEqual(['/a/b/c', '/a/b', '/a/d', '/a'])
  })

  it('counts the znode itself against its limit and deletes all or nothing', () => {
    expect(leader.errorOf(removeRecursive('/a', 3))).toBe('not-empty')
    expect(leader.errorOf(removeRecursive('/a', 0))).toBe('not-empty')
    expect(deletedBy(removeRecursive('/a', 4))).toHaveLength(4)
  })

  it('of a missing znode succeeds and deletes nothing', () => {
    expect(deletedBy(removeRecursive('/x'))).toEqual([])
    expect(deletedBy(removeRecursive('/x/y'))).toEqual([])
    expect(deletedBy(removeRecursive('/x', 0))).toEqual([])
  })

  it('needs DELETE on the parent and on every znode that it removes', () => {
    leader.have(setAcl('/a/b/c', aclWithout(permissions.delete)))
    expect(leader.errorOf(removeRecursive('/a'))).toBe('no-auth')
    expect(leader.errorOf(removeRecursive('/a/b/c'))).toBe('no-auth')
    expect(deletedBy(removeRecursive('/a/d'))).toEqual(['/a/d'])
    leader.have(setAcl('/a', aclWithout(permissions.delete)))
    expect(leader.errorOf(removeRecursive('/a/b'))).toBe('no-auth')
  })

  it.each(['/', '/zookeeper', '/zookeeper/config', '/keeper', '/keeper/api_version', 'a'])(
    'of %s is refused',
    (path) => {
      expect(leader.errorOf(removeRecursive(path))).toBe('bad-arguments')
    },
  )

  it('removes ephemerals of any session', () => {
    leader.have(create('/a/b/e', { flags: 1 }))
    leader.changesOf(removeRecursive('/a'))
    expect(leader.changesOf({ kind: 'close-session', sessionId: self })).toMatchObject([{ deletedPaths: [] }])
    leader.apply()
    expect(leader.tree.ephemeralsCount).toBe(0)
  })

  it('is refused above the number of znodes that one txn may touch, whatever limit it names', () => {
    leader.have(create('/big'))
    const leaves = Array.from({ length: recursiveRemovalZnodeCountMax }, (_, index) => create(`/big/${index}`))
    leader.have(multi(...leaves))
    expect(leader.errorOf(removeRecursive('/big', 2 ** 32 - 1))).toBe('not-empty')
    leader.have(remove('/big/0'))
    expect(leader.errorOf(removeRecursive('/big', 2 ** 32 - 1))).toBe(null)
    leader.apply()
    expect(leader.tree.view('/big')).toBe(null)
  })
})

describe('checkNotExists', () => {
  it('holds for a znode that is missing or has another version', () => {
    expect(leader.changesOf(multi(checkNotExists('/x'), checkNotExists('/x/y'), checkNotExists('/a', 3)))).toHaveLength(
      3,
    )
  })

  it('fails the multi for an existing znode, and gives no-auth without READ', () => {
    const failed = (request: WriteRequest) => leader.submit(request)
    expect(failed(multi(create('/b'), checkNotExists('/a')))).toEqual(
      ok({ kind: 'failed-multi', failedIndex: 1, error: 'node-exists' }),
    )
    leader.have(setAcl('/a', aclWithout(permissions.read)))
    expect(failed(multi(checkNotExists('/a', 3)))).toEqual(
      ok({ kind: 'failed-multi', failedIndex: 0, error: 'no-auth' }),
    )
  })
})

describe('checkStat', () => {
  const errorOfCheck = (stat: object, version = -1): unknown => {
    const prepared = leader.submit(multi(checkStat('/a', stat, version)), { timeMs: 9000 })
    return prepared.ok && prepared.value.kind === 'failed-multi' ? prepared.value.error : prepared.ok ? null : prepared
  }

  it('compares every field that is not -1 with the znode as it is', () => {
    leader.have(create('/a/b'), setData('/a'))
    const view = leader.tree.view('/a')!
    const stat = {
      czxid: view.czxid,
      mzxid: view.mzxid,
      ctime: view.ctimeMs,
      mtime: view.mtimeMs,
      version: 1,
      cversion: 1,
      aversion: 0,
      ephemeralOwner: 0n,
      dataLength: 3,
      numChildren: 1,
      pzxid: view.pzxid,
    }
    expect(errorOfCheck(stat)).toBe(null)
    for (const [field, value] of Object.entries(stat)) {
      const other = typeof value === 'bigint' ? value + 1n : value + 1
      expect([field, errorOfCheck({ ...stat, [field]: other })]).toEqual([field, 'bad-version'])
    }
    expect(errorOfCheck({}, 1)).toBe(null)
    expect(errorOfCheck({}, 2)).toBe('bad-version')
  })

  it('compares with the znode that the changes in flight will make', () => {
    const before = leader.tree.view('/a')!
    leader.changesOf(setData('/a'), { timeMs: 8000 })
    leader.changesOf(create('/a/b'))
    const zxid = leader.inFlight[0]!.zxid
    const stat = {
      czxid: before.czxid,
      mzxid: zxid,
      mtime: 8000,
      version: 1,
      dataLength: 3,
      numChildren: 1,
      pzxid: zxid + 1,
    }
    expect(errorOfCheck(stat)).toBe(null)
    expect(errorOfCheck({ mzxid: before.mzxid })).toBe('bad-version')
    leader.apply()
    expect(leader.tree.view('/a')).toMatchObject({ mzxid: zxid, mtimeMs: 8000, pzxid: zxid + 1 })
  })

  it('matches no zxid of a znode that its own multi has changed', () => {
    const prepared = leader.submit(multi(setData('/a'), checkStat('/a', { mzxid: leader.tree.lastApplied + 1 })))
    expect(prepared).toEqual(ok({ kind: 'failed-multi', failedIndex: 1, error: 'bad-version' }))
    expect(leader.changesOf(multi(setData('/a'), checkStat('/a', { version: 1, mtime: 1000 })))).toHaveLength(2)
  })
})

describe('a path that is reserved for the znodes of ClickHouse Keeper', () => {
  const writes: readonly (readonly [string, WriteRequest])[] = [
    ['create', create('/keeper')],
    ['create below it', create('/keeper/x')],
    ['sequential create below it', create('/keeper/', { flags: 2 })],
    ['delete', remove('/keeper/api_version')],
    ['setData', setData('/keeper/feature_flags')],
    ['setACL', setAcl('/keeper')],
    ['tryRemove', tryRemove('/keeper')],
    ['createIfNotExists', createIfNotExists('/keeper')],
  ]

  it.each(writes)('%s is refused', (_, write) => {
    expect(leader.errorOf(write)).toBe('bad-arguments')
    expect(leader.submit(multi(check('/keeper')))).toMatchObject({ value: { error: 'bad-arguments' } })
  })

  it('is not one whose name only begins with keeper', () => {
    expect(leader.errorOf(create('/keepers'))).toBe(null)
    expect(leader.errorOf(create('/keeper', { flags: 2 }))).toBe(null)
    expect(leader.errorOf(create('/a/keeper'))).toBe(null)
  })

  it('is not reserved once a user has created /keeper', () => {
    leader.changesOf(create('/keeper'), { keeperCompatibility: false })
    leader.apply()
    expect(leader.errorOf(create('/keeper/mine'))).toBe(null)
    expect(deletedBy(removeRecursive('/keeper'))).toEqual(['/keeper/mine', '/keeper'])
    leader.apply()
    expect(leader.errorOf(create('/keeper'))).toBe('bad-arguments')
  })
})

it('a bundle survives the txn codec', () => {
  leader.have(create('/a/b'))
  leader.changesOf(
    multi({ ...createIfNotExists('/a/c'), data: null } as KeeperWrite, removeRecursive('/a'), checkNotExists('/a')),
  )
  const { txn } = leader.inFlight[0]!
  expect(decodeTxn(encodeTxn(txn))).toEqual(txn)
})
