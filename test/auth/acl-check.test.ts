import { describe, expect, it } from 'vitest'
import { accessRules, defaultAccess } from '../../src/auth/access-rules.ts'
import { type AuthId, withIds } from '../../src/auth/auth-id.ts'
import { isAllowed, userOf, visibleAcl } from '../../src/auth/is-allowed.ts'
import { permissions } from '../../src/auth/permissions.ts'
import type { AclEntry } from '../../src/protocol/txn/txn.ts'

const entry = (perms: number, scheme: string, id: string): AclEntry => ({ perms, scheme, id })
const alice: AuthId = { scheme: 'digest', id: 'alice:hash=' }
const from = (address: string): AuthId => ({ scheme: 'ip', id: address })
const { read, write, admin, all } = permissions

describe('the permission check', () => {
  it('allows every caller when the list is empty', () => {
    expect(isAllowed([], all, [], defaultAccess)).toBe(true)
  })

  it("applies 'world' entries to a caller without ids", () => {
    expect(isAllowed([entry(read, 'world', 'anyone')], read, [], defaultAccess)).toBe(true)
  })

  it('refuses when the matching entry lacks the permission', () => {
    expect(isAllowed([entry(read, 'world', 'anyone')], write, [alice], defaultAccess)).toBe(false)
  })

  it('allows the operation when the entry has one of several wanted bits', () => {
    expect(isAllowed([entry(admin, 'world', 'anyone')], read | admin, [], defaultAccess)).toBe(true)
  })

  it('allows super although no entry of the list matches', () => {
    expect(isAllowed([entry(0, 'world', 'anyone')], all, [{ scheme: 'super', id: '' }], defaultAccess)).toBe(true)
  })

  it('compares digest ids as text', () => {
    const acl = [entry(all, 'digest', 'alice:hash=')]
    expect(isAllowed(acl, read, [from('10.0.0.1'), alice], defaultAccess)).toBe(true)
    expect(isAllowed(acl, read, [{ scheme: 'digest', id: 'alice:other=' }], defaultAccess)).toBe(false)
  })

  it('does not match an id of another scheme that has the same text', () => {
    expect(isAllowed([entry(all, 'digest', 'a:b')], read, [{ scheme: 'ip', id: 'a:b' }], defaultAccess)).toBe(false)
  })

  it('matches no caller through a scheme that has no provider', () => {
    expect(isAllowed([entry(all, 'sasl', 'bob')], read, [{ scheme: 'sasl', id: 'bob' }], defaultAccess)).toBe(false)
  })

  it.each([
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '10.1.2.4', false],
    ['10.1.0.0/16', '10.1.255.255', true],
    ['10.1.0.0/16', '10.2.0.0', false],
    ['10.1.128.0/17', '10.1.200.1', true],
    ['10.1.128.0/17', '10.1.127.1', false],
    ['1.2.3.4/0', '9.9.9.9', true],
    ['1.2.3.4/0', '::1', false],
    ['::1', '::1', true],
    ['2001:db8::/32', '2001:db8:1::9', true],
    ['2001:db8::/33', '2001:db8:8000::', false],
    ['::/0', '10.0.0.1', false],
    ['0:0:0:0:0:0:0:1', '::1', true],
  ])('judges ip entry %s against address %s as %s', (aclId, address, expected) => {
    expect(isAllowed([entry(read, 'ip', aclId)], read, [from(address)], defaultAccess)).toBe(expected)
  })
})

describe('what the operator decides about access', () => {
  const closed = [entry(all, 'digest', 'alice:hash=')]

  it('allows every caller while ACLs are skipped, and shows whole lists', () => {
    const skipping = accessRules(['ip', 'digest'], true)
    expect(isAllowed([entry(0, 'world', 'anyone')], all, [], skipping)).toBe(true)
    expect(visibleAcl(closed, [], skipping)).toBe(closed)
  })

  it('refuses a caller that only an entry of a scheme that is off matches', () => {
    const withoutDigest = accessRules(['ip'], false)
    expect(isAllowed(closed, read, [alice], withoutDigest)).toBe(false)
    expect(userOf(alice, withoutDigest)).toBe('')
  })

  it('compares key ids as text, and never matches ensemble ids', () => {
    const rules = accessRules(['ensemble', 'key'], false)
    const ids = ['key', 'ensemble'].map((scheme) => ({ scheme, id: 'k' }))
    expect(isAllowed([entry(all, 'key', 'k')], read, ids, rules)).toBe(true)
    expect(isAllowed([entry(all, 'key', 'other')], read, ids, rules)).toBe(false)
    expect(isAllowed([entry(all, 'ensemble', 'k')], read, ids, rules)).toBe(false)
  })
})

describe('the list that getACL shows', () => {
  const acl = [entry(read, 'world', 'anyone'), entry(all, 'digest', 'alice:hash='), entry(all, 'ip', '10.0.0.1')]

  it('hides digest hashes from a caller without ADMIN', () => {
    expect(visibleAcl(acl, [], defaultAccess)).toEqual([acl[0], entry(all, 'digest', 'alice:x'), acl[2]])
  })

  it('shows digest hashes to a caller with ADMIN', () => {
    expect(visibleAcl(acl, [alice], defaultAccess)).toBe(acl)
  })
})

describe('the ids of a connection', () => {
  it('stay the same array when nothing new is added', () => {
    const held = [alice, from('10.0.0.1')]
    expect(withIds(held, [{ ...alice }])).toBe(held)
  })

  it('accumulate in order', () => {
    expect(withIds([from('10.0.0.1')], [alice])).toEqual([from('10.0.0.1'), alice])
  })

  it('have a user name only where a provider knows one', () => {
    expect([alice, from('10.0.0.1'), { scheme: 'super', id: '' }].map((id) => userOf(id, defaultAccess))).toEqual([
      'alice',
      '10.0.0.1',
      '',
    ])
  })
})
