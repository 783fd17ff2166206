import { beforeEach, describe, expect, it } from 'vitest'
import { permissions } from '../../src/auth/permissions.ts'
import type { Change } from '../../src/protocol/txn/txn.ts'
import { aclWithout, alice, create, LeaderHarness, openAcl, self } from '../support/leader-harness.ts'

let leader: LeaderHarness
beforeEach(() => {
  leader = new LeaderHarness()
  leader.have(
    create('/a'),
    create('/a/existing'),
    create('/closed', { acl: aclWithout(permissions.create) }),
    create('/closed/existing'),
    create('/e', { flags: 1 }),
    create('/c', { op: 'createContainer' }),
    create('/t', { op: 'createTTL', flags: 5, ttlMs: 1000n }),
  )
})

const badAcl = [{ perms: 31, scheme: 'world', id: 'another' }]

function created(change: Change | undefined): Extract<Change, { kind: 'create' }> {
  if (change?.kind !== 'create') throw new Error(`not a create: ${change?.kind}`)
  return change
}

describe('a leader that is asked to create', () => {
  it.each([
    ['flags above the table', create('/a/x', { flags: 7 }), 'bad-arguments'],
    ['negative flags', create('/a/x', { flags: -1 }), 'bad-arguments'],
    [
      'TTL flags while extended types are off',
      create('/a/x', { op: 'createTTL', flags: 5, ttlMs: 9n }),
      'unimplemented',
    ],
    ['plain opcode with TTL flags while extended types are off', create('/a/x', { flags: 6 }), 'unimplemented'],
    ['a ttl without TTL flags', create('/a/x', { op: 'createTTL', flags: 0, ttlMs: 0n }), 'bad-arguments'],
    ['createTTL that has neither TTL flags nor ttl', create('/a/x', { op: 'createTTL' }), 'bad-arguments'],
    [
      'a missing parent before that it has neither TTL flags nor ttl',
      create('/missing/x', { op: 'createTTL' }),
      'no-node',
    ],
    ['a path without slash', create('x'), 'bad-arguments'],
    ['an empty path', create(''), 'bad-arguments'],
    ['a NUL in the path', create('/missing/\0'), 'bad-arguments'],
    ['an invalid ACL', create('/a/x', { acl: badAcl }), 'invalid-acl'],
    ['an empty ACL', create('/a/x', { acl: [] }), 'invalid-acl'],
    ['a null ACL', create('/a/x', { acl: null }), 'invalid-acl'],
    [
      'an ACL that cannot be read',
      create('/a/x', { acl: [{ perms: 1, scheme: 'world', id: null }] }),
      'marshalling-error',
    ],
    ['no parent', create('/missing/x'), 'no-node'],
    ['no parent, although the path ends with a slash', create('/nope/'), 'no-node'],
    ['no parent, although a component is empty', create('/b//x'), 'no-node'],
    ['no parent, for a path that does not begin with a slash', create('a/x'), 'no-node'],
    ['no CREATE permission on the parent', create('/closed/x'), 'no-auth'],
    ['a trailing slash', create('/a/'), 'bad-arguments'],
    ['a dot as name', create('/a/.'), 'bad-arguments'],
    ['an illegal character', create('/a/\u0001'), 'bad-arguments'],
    ['an empty name below the root', create('//'), 'bad-arguments'],
    ['a znode that exists', create('/a/existing'), 'node-exists'],
    ['the root', create('/'), 'node-exists'],
    ['a parent that is ephemeral', create('/e/x'), 'no-children-for-ephemerals'],
  ] as const)('refuses a create for %s', (_reason, request, error) => {
    expect(leader.errorOf(request)).toBe(error)
    expect(leader.inFlight).toEqual([])
    expect(leader.pending.isStageEmpty).toBe(true)
  })

  it.each([
    ['a ttl of zero', 5, 0n],
    ['a negative ttl', 6, -1n],
    ['a ttl of more than forty bits', 5, 2n ** 40n],
  ])('refuses a create for %s while extended types are on', (_reason, flags, ttlMs) => {
    const request = create('/a/x', { op: 'createTTL', flags, ttlMs })
    expect(leader.errorOf(request, { extendedTypesEnabled: true })).toBe('bad-arguments')
  })

  it('refuses a create for TTL flags on a plain opcode while extended types are on', () => {
    expect(leader.errorOf(create('/a/x', { flags: 5 }), { extendedTypesEnabled: true })).toBe('bad-arguments')
  })
})

describe('the checks of a create come in order', () => {
  const refused = { sessionRefusal: 'session-expired' } as const

  it('flags before the session', () => {
    expect(leader.errorOf(create('x', { flags: 9 }), refused)).toBe('bad-arguments')
    expect(leader.errorOf(create('x', { flags: 5 }), refused)).toBe('unimplemented')
  })

  it('the session before the path', () => {
    expect(leader.errorOf(create('x'), refused)).toBe('session-expired')
  })

  it('the slash before the ACL', () => {
    expect(leader.errorOf(create('x', { acl: null }))).toBe('bad-arguments')
  })

  it('the ACL before the parent', () => {
    expect(leader.errorOf(create('/missing/x', { acl: badAcl }))).toBe('invalid-acl')
  })

  it('the parent before its permission and the legality of the name', () => {
    expect(leader.errorOf(create('/missing/.'))).toBe('no-node')
  })

  it('permission before the legality of the name', () => {
    expect(leader.errorOf(create('/closed/.'))).toBe('no-auth')
  })

  it('permission before existence', () => {
    expect(leader.errorOf(create('/closed/existing'))).toBe('no-auth')
  })

  it('legality of the name before the ephemeral parent', () => {
    expect(leader.errorOf(create('/e/.'))).toBe('bad-arguments')
  })
})

describe('a create makes', () => {
  it('a persistent znode with the next count of its parent', () => {
    expect(leader.changesOf(create('/a/x', { data: new Uint8Array([1]) }))).toEqual([
      {
        kind: 'create',
        path: '/a/x',
        data: new Uint8Array([1]),
        acl: openAcl,
        ephemeralOwner: 0n,
        parentCreateCount: 2,
        withStat: false,
      },
    ])
  })

  it('an ephemeral owned by the session that sends the request', () => {
    expect(created(leader.changesOf(create('/a/x', { flags: 1 }))[0]).ephemeralOwner).toBe(self)
  })

  it('a container by its opcode, whatever the flags add', () => {
    const change = created(leader.changesOf(create('/a/x', { op: 'createContainer', flags: 2 }))[0])
    expect([change.path, change.ephemeralOwner, change.withStat]).toEqual(['/a/x0000000001', 0x8000000000000000n, true])
  })

  it('a persistent znode from a plain opcode with the container flag', () => {
    expect(created(leader.changesOf(create('/a/x', { op: 'create2', flags: 4 }))[0]).ephemeralOwner).toBe(0n)
  })

  it('a TTL znode whose owner holds the time to live', () => {
    const request = create('/a/x', { op: 'createTTL', flags: 5, ttlMs: 0x1234n })
    const change = created(leader.changesOf(request, { extendedTypesEnabled: true })[0])
    expect(change.ephemeralOwner).toBe(0xff00000000001234n)
  })

  it('children of containers and TTL znodes', () => {
    expect(leader.errorOf(create('/c/x'))).toBe(null)
    expect(leader.errorOf(create('/t/x'))).toBe(null)
  })

  it('an ACL with the ids of the caller in place of `auth`', () => {
    const request = create('/a/x', { acl: [{ perms: 31, scheme: 'auth', id: '' }] })
    expect(created(leader.changesOf(request, { ids: [alice] })[0]).acl).toEqual([{ perms: 31, ...alice }])
  })

  it('a result with Stat for every opcode but the first', () => {
    expect(created(leader.changesOf(create('/a/x'))[0]).withStat).toBe(false)
    expect(created(leader.changesOf(create('/a/y', { op: 'create2' }))[0]).withStat).toBe(true)
  })

  it('a name from the suffix alone when the path ends with a slash', () => {
    expect(created(leader.changesOf(create('/a/', { flags: 2 }))[0]).path).toBe('/a/0000000001')
    expect(created(leader.changesOf(create('/', { flags: 2 }))[0]).path).toBe('/0000000005')
  })
})
