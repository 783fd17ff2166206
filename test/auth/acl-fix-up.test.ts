import { describe, expect, it } from 'vitest'
import { accessRules, defaultAccess } from '../../src/auth/access-rules.ts'
import { fixUpAcl } from '../../src/auth/fix-up-acl.ts'
import { err, ok } from '../../src/base/result.ts'
import type { AclWire } from '../../src/protocol/client/acl.ts'

const wire = (perms: number, scheme: string | null, id: string | null): AclWire => ({ perms, scheme, id })
const ids = [
  { scheme: 'ip', id: '10.0.0.1' },
  { scheme: 'super', id: '' },
  { scheme: 'digest', id: 'a:h1' },
  { scheme: 'digest', id: 'b:h2' },
]

describe('the fix-up of an ACL list', () => {
  it.each([
    ['null', null],
    ['empty', []],
  ])('refuses a list that is %s', (_name, acl) => {
    expect(fixUpAcl(acl, ids, defaultAccess)).toEqual(err('invalid-acl'))
  })

  it('keeps the first of exact duplicates only', () => {
    const acl = [wire(1, 'world', 'anyone'), wire(2, 'world', 'anyone'), wire(1, 'world', 'anyone')]
    expect(fixUpAcl(acl, [], defaultAccess)).toEqual(ok([wire(1, 'world', 'anyone'), wire(2, 'world', 'anyone')]))
  })

  it.each([
    ['a null id after an entry of its scheme', [wire(1, 'auth', 'x'), wire(1, 'auth', null)], 'marshalling-error'],
    ['a null scheme after an entry of its bits', [wire(1, 'nonsense', 'x'), wire(1, null, 'x')], 'marshalling-error'],
    ['a null scheme after other bits', [wire(2, 'world', 'anyone'), wire(1, null, 'x')], 'invalid-acl'],
    ['two entries without anything', [wire(1, null, null), wire(1, null, null)], 'marshalling-error'],
  ] as const)('trips over %s where the original does', (_name, acl, error) => {
    expect(fixUpAcl(acl, ids, defaultAccess)).toEqual(err(error))
  })

  it('expands each of several auth entries that differ', () => {
    const acl = [wire(2, 'auth', null), wire(1, 'auth', null)]
    const caller = ids.slice(2, 3)
    expect(fixUpAcl(acl, caller, defaultAccess)).toEqual(ok([wire(2, 'digest', 'a:h1'), wire(1, 'digest', 'a:h1')]))
  })

  it('stores unknown permission bits as given', () => {
    for (const perms of [0, 255, -1]) {
      expect(fixUpAcl([wire(perms, 'world', 'anyone')], [], defaultAccess)).toEqual(
        ok([wire(perms, 'world', 'anyone')]),
      )
    }
  })

  it.each([
    [null, 'anyone', 'invalid-acl'],
    ['world', null, 'marshalling-error'],
    ['digest', null, 'marshalling-error'],
    ['ip', null, 'marshalling-error'],
    ['world', 'other', 'invalid-acl'],
    ['super', '', 'invalid-acl'],
    ['x509', 'CN=a', 'invalid-acl'],
    ['sasl', 'bob', 'invalid-acl'],
    ['', '', 'invalid-acl'],
    ['nonsense', null, 'invalid-acl'],
    ['digest', 'ab', 'invalid-acl'],
    ['digest', 'a:', 'invalid-acl'],
    ['digest', ':', 'invalid-acl'],
    ['digest', '', 'invalid-acl'],
    ['digest', 'a:b:c', 'invalid-acl'],
    ['ip', '', 'invalid-acl'],
    ['ip', '10.0.0', 'invalid-acl'],
    ['ip', '10.0.0.256', 'invalid-acl'],
    ['ip', '10.0.0.1/33', 'invalid-acl'],
    ['ip', '10.0.0.1/', 'invalid-acl'],
    ['ip', '10.0.0.1/-1', 'invalid-acl'],
    ['ip', '1:2:3:4:5:6:7', 'invalid-acl'],
    ['ip', '1:2:3:4:5:6:7:8:9', 'invalid-acl'],
    ['ip', '1::2::3', 'invalid-acl'],
    ['ip', '1:2:3:4::5:6:7:8', 'invalid-acl'],
    ['ip', '::ffff:10.0.0.1', 'invalid-acl'],
    ['ip', 'fe80::1%eth0', 'invalid-acl'],
    ['ip', '::12345', 'invalid-acl'],
    ['ip', '::1/129', 'invalid-acl'],
    ['ip', ':::', 'invalid-acl'],
    ['ip', '1:2:3:4:5:6:7:-0008', 'invalid-acl'],
  ] as const)('refuses scheme %s with id %s as %s', (scheme, id, error) => {
    expect(fixUpAcl([wire(31, scheme, id)], ids, defaultAccess)).toEqual(err(error))
  })

  it.each([
    ['digest', 'a:b'],
    ['digest', ':b'],
    ['digest', 'a:b::'],
    ['ip', '10.0.0.1'],
    ['ip', '10.0.0.0/8'],
    ['ip', '10.0.0.0/0'],
    ['ip', '::'],
    // Signs are legal, because Integer.parseInt accepts them.
    ['ip', '+10.0.0.1'],
    ['ip', '10.0.0.1/-0'],
    ['ip', '+1::'],
    ['ip', '-1::'],
    ['ip', 'fe80::1/64'],
    ['ip', '1:2:3:4:5:6:7:8'],
  ])('accepts scheme %s with id %s unchanged', (scheme, id) => {
    expect(fixUpAcl([wire(31, scheme, id)], [], defaultAccess)).toEqual(ok([wire(31, scheme, id)]))
  })

  it.each([
    ['an id of null after the same scheme and permissions', [wire(5, 'auth', ''), wire(5, 'auth', null)]],
    ['a scheme of null after the same permissions', [wire(5, 'ip', '::1'), wire(5, null, 'a')]],
  ])('cannot compare %s', (_what, acl) => {
    expect(fixUpAcl(acl, ids, defaultAccess)).toEqual(err('marshalling-error'))
  })

  it.each([
    ['the permissions differ', [wire(5, 'ip', '::1'), wire(4, null, 'a')]],
    ['the null comes first', [wire(5, null, 'a'), wire(5, 'ip', '::1')]],
  ])('refuses a scheme of null in its turn when %s', (_what, acl) => {
    expect(fixUpAcl(acl, ids, defaultAccess)).toEqual(err('invalid-acl'))
  })

  it('expands auth to every authenticated id and leaves out address and super', () => {
    const expanded = [wire(5, 'digest', 'a:h1'), wire(5, 'digest', 'b:h2')]
    expect(fixUpAcl([wire(5, 'auth', 'whatever')], ids, defaultAccess)).toEqual(ok(expanded))
    expect(fixUpAcl([wire(5, 'auth', null)], ids, defaultAccess)).toEqual(ok(expanded))
  })

  it('refuses auth from a caller that has only an address', () => {
    expect(fixUpAcl([wire(5, 'auth', '')], ids.slice(0, 2), defaultAccess)).toEqual(err('invalid-acl'))
  })

  it('does not look for duplicates again after the expansion of auth', () => {
    const acl = [wire(5, 'digest', 'a:h1'), wire(5, 'auth', '')]
    expect(fixUpAcl(acl, ids.slice(2, 3), defaultAccess)).toEqual(
      ok([wire(5, 'digest', 'a:h1'), wire(5, 'digest', 'a:h1')]),
    )
  })

  it('knows the schemes that are on and no others', () => {
    const rules = accessRules(['ip', 'ensemble', 'key'], true)
    const judge = (scheme: string, id: string | null): unknown => fixUpAcl([wire(31, scheme, id)], ids, rules)
    expect(judge('digest', 'a:b')).toEqual(err('invalid-acl'))
    expect(judge('digest', null)).toEqual(err('invalid-acl'))
    expect(judge('ensemble', 'a')).toEqual(err('invalid-acl'))
    expect(judge('ensemble', null)).toEqual(err('invalid-acl'))
    expect(judge('key', 'a')).toEqual(ok([wire(31, 'key', 'a')]))
    expect(judge('key', null)).toEqual(err('marshalling-error'))
    expect(judge('auth', '')).toEqual(err('invalid-acl'))
  })
})
