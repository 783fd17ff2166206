import { beforeEach, describe, expect, it } from 'vitest'
import { defaultAccess } from '../../src/auth/access-rules.ts'
import { permissions } from '../../src/auth/permissions.ts'
import type { SessionId } from '../../src/base/ids.ts'
import { noMoments } from '../../src/transactions/moments-in-flight.ts'
import { prepareNodeWrite } from '../../src/transactions/node-writes.ts'
import { PendingChanges, type TreeReader } from '../../src/transactions/pending-changes.ts'
import type { NodeFacts } from '../../src/tree/node-view.ts'
import {
  aclWithout,
  alice,
  check,
  create,
  LeaderHarness,
  openAcl,
  remove,
  self,
  setAcl,
  setData,
  superUser,
} from '../support/leader-harness.ts'

const { read, write, delete: deletePermission, admin } = permissions
const refused = { sessionRefusal: 'session-expired' } as const
const badAcl = [{ perms: 31, scheme: 'nonsense', id: '' }]

let leader: LeaderHarness
beforeEach(() => {
  leader = new LeaderHarness()
  leader.have(
    create('/a'),
    create('/a/leaf'),
    create('/a/full'),
    create('/a/full/child'),
    create('/closed', { acl: aclWithout(deletePermission | write | admin | read) }),
    create('/closed/leaf'),
    setData('/a/leaf'),
  )
})

describe('a leader that is asked to delete', () => {
  it.each([
    ['a path without slash', remove('a'), 'bad-arguments'],
    ['an empty path', remove(''), 'bad-arguments'],
    ['a NUL in the path', remove('/a/\0'), 'bad-arguments'],
    ['the root', remove('/'), 'bad-arguments'],
    ['/zookeeper', remove('/zookeeper'), 'bad-arguments'],
    ['/zookeeper/quota', remove('/zookeeper/quota'), 'bad-arguments'],
    ['/zookeeper/config', remove('/zookeeper/config'), 'bad-arguments'],
    ['a missing parent', remove('/missing/x'), 'no-node'],
    ['a relative path, whose parent is missing', remove('a/leaf'), 'no-node'],
    ['no DELETE permission on the parent', remove('/closed/leaf'), 'no-auth'],
    ['a missing znode below a parent without DELETE permission', remove('/closed/missing'), 'no-auth'],
    ['a missing znode', remove('/a/missing'), 'no-node'],
    ['a trailing slash, which names a missing znode', remove('/a/leaf/'), 'no-node'],
    ['a doubled slash, which names a missing znode', remove('//a'), 'no-node'],
    ['another version', remove('/a/leaf', 0), 'bad-version'],
    ['another version, before the children are counted', remove('/a/full', 7), 'bad-version'],
    ['children', remove('/a/full'), 'not-empty'],
  ] as const)('refuses a delete for %s', (_reason, request, error) => {
    expect(leader.errorOf(request)).toBe(error)
    expect(leader.inFlight).toEqual([])
  })

  it('refuses a delete for the session before anything else', () => {
    expect(leader.errorOf(remove('/'), refused)).toBe('session-expired')
  })
})

describe('a leader that may delete', () => {
  it('carries out a delete with the current version or any', () => {
    expect(leader.changesOf(remove('/a/leaf', 1))).toEqual([{ kind: 'delete', path: '/a/leaf' }])
    expect(leader.changesOf(remove('/a/full/child'))).toEqual([{ kind: 'delete', path: '/a/full/child' }])
  })

  it('carries out a delete without permission on the znode itself', () => {
    leader.have(remove('/closed/leaf'))
    expect(leader.errorOf(remove('/closed'))).toBe(null)
  })
})

describe('a leader that is asked to setData', () => {
  it.each([
    ['an illegal path', setData('a'), 'bad-arguments'],
    ['an empty path', setData(''), 'bad-arguments'],
    ['a trailing slash', setData('/a/'), 'bad-arguments'],
    ['a missing znode', setData('/missing'), 'no-node'],
    ['no WRITE permission', setData('/closed'), 'no-auth'],
    ['no WRITE permission, before the version', setData('/closed', 9), 'no-auth'],
    ['another version', setData('/a/leaf', 0), 'bad-version'],
    ['the configuration, which is read-only', setData('/zookeeper/config'), 'no-auth'],
  ] as const)('refuses a setData for %s', (_reason, request, error) => {
    expect(leader.errorOf(request)).toBe(error)
  })

  it('refuses a setData for its session before its path', () => {
    expect(leader.errorOf(setData('a'), refused)).toBe('session-expired')
  })
})

describe('a leader that may setData', () => {
  it('carries out a setData with the next version', () => {
    const data = new Uint8Array(3)
    expect(leader.changesOf(setData('/a/leaf', 1))).toEqual([{ kind: 'set-data', path: '/a/leaf', data, version: 2 }])
  })

  it.each(['/', '/zookeeper', '/zookeeper/quota'])('carries out a setData on %s', (path) => {
    expect(leader.errorOf(setData(path))).toBe(null)
  })

  it('carries out a setData on the configuration for the super user', () => {
    expect(leader.errorOf(setData('/zookeeper/config'), { ids: [superUser] })).toBe(null)
  })
})

describe('a leader that is asked to setACL', () => {
  it.each([
    ['an illegal path', setAcl('a', badAcl), 'bad-arguments'],
    ['an invalid ACL, before the znode is looked for', setAcl('/missing', badAcl), 'invalid-acl'],
    ['a null ACL', setAcl('/a', null), 'invalid-acl'],
    ['a missing znode', setAcl('/missing'), 'no-node'],
    ['no ADMIN permission', setAcl('/closed', openAcl, 9), 'no-auth'],
    ['another aversion', setAcl('/a', openAcl, 1), 'bad-version'],
    ['the data version in place of the aversion', setAcl('/a/leaf', openAcl, 1), 'bad-version'],
  ] as const)('refuses a setACL for %s', (_reason, request, error) => {
    expect(leader.errorOf(request)).toBe(error)
  })

  it('refuses a setACL for its session before its path', () => {
    expect(leader.errorOf(setAcl('a'), refused)).toBe('session-expired')
  })
})

describe('a leader that may setACL', () => {
  it('carries out a setACL with the next aversion and the fixed-up list', () => {
    const acl = [{ perms: 31, scheme: 'auth', id: '' }]
    expect(leader.changesOf(setAcl('/a/leaf', acl, 0), { ids: [alice] })).toEqual([
      { kind: 'set-acl', path: '/a/leaf', acl: [{ perms: 31, ...alice }], aversion: 1 },
    ])
  })

  it('carries out a setACL and binds the requests that follow at once', () => {
    leader.changesOf(setAcl('/a', aclWithout(permissions.create)))
    expect(leader.errorOf(create('/a/x'))).toBe('no-auth')
    leader.changesOf(setAcl('/', aclWithout(permissions.create)))
    expect(leader.errorOf(create('/x'))).toBe('no-auth')
  })
})

describe('a leader that is asked to check', () => {
  const partError = (request: ReturnType<typeof check>, context = {}): unknown => {
    const prepared = leader.submit({ kind: 'multi', ops: [request] }, context)
    return prepared.ok && prepared.value.kind === 'failed-multi' ? prepared.value.error : null
  }

  it.each([
    ['an illegal path', check('a'), 'bad-arguments'],
    ['a missing znode', check('/missing'), 'no-node'],
    ['no READ permission', check('/closed', 9), 'no-auth'],
    ['another version', check('/a/leaf', 0), 'bad-version'],
    ['the current version', check('/a/leaf', 1), null],
    ['any version', check('/a/leaf'), null],
  ] as const)('answers a check for %s', (_reason, request, error) => {
    expect(partError(request)).toBe(error)
  })

  it('answers a check for a refused session', () => {
    expect(partError(check('a'), refused)).toBe('session-expired')
  })
})

describe('numbers that wrap', () => {
  const quotas = { isEnforced: true, exceeded: () => {} }
  const context = {
    sessionId: self,
    ids: [],
    sessionRefusal: null,
    localOwnerRefusal: null,
    extendedTypesEnabled: false,
    keeperCompatibility: true,
    timeMs: 1000,
    quotas,
    access: defaultAccess,
  }
  /** A tree whose every znode, but the names below `/p`, has these numbers. */
  function pendingOver(numbers: Partial<NodeFacts>): PendingChanges {
    const counts = { version: 0, aversion: 0, createCount: 0, childCount: 0, dataLengthBytes: 0 }
    const node: NodeFacts = { ...counts, ephemeralOwner: 0n as SessionId, acl: [], ...numbers }
    const facts = (path: string) => (path.startsWith('/p/') ? null : node)
    const tree: TreeReader = {
      facts,
      moments: () => noMoments,
      ephemeralsOf: () => [],
      ephemeralPathUnitsOf: () => 0,
      children: () => [].values(),
      quotaOver: () => null,
    }
    return new PendingChanges({ tree })
  }

  it.each([
    [2147483647, -2147483648],
    [-2, 0],
    [-1, 0],
    [-3, -2],
  ])('take the data and ACL version from %d to %d', (current, next) => {
    const pending = pendingOver({ version: current, aversion: current })
    expect(prepareNodeWrite(setData('/n'), pending, context)).toMatchObject({ value: { version: next } })
    pending.dropStage()
    expect(prepareNodeWrite(setAcl('/n'), pending, context)).toMatchObject({ value: { aversion: next } })
  })

  it.each([
    [0, '/p/n0000000000', 1],
    [42, '/p/n0000000042', 43],
    [2147483647, '/p/n2147483647', -2147483648],
    [-2147483648, '/p/n-2147483648', -2147483647],
    [-5, '/p/n-000000005', -4],
  ])('name a sequential child of a parent with count %d %s', (createCount, path, parentCreateCount) => {
    const change = prepareNodeWrite(create('/p/n', { flags: 2 }), pendingOver({ createCount }), context)
    expect(change).toMatchObject({ ok: true, value: { path, parentCreateCount } })
  })
})
