import { describe, expect, it } from 'vitest'
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
    expect(fixUpAcl(acl, ids)).toEqual(err('invalid-acl'))
  })

  it('keeps the first of exact duplicates only', () => {
    const acl = [wire(1, 'world', 'anyone'), wire(2, 'world', 'anyone'), wire(1, 'world', 'anyone')]
    expect(fixUpAcl(acl, [])).toEqual(ok([wire(1, 'world', 'anyone'), wire(2, 'world', 'anyone')]))
  })

  it('stores permission bits that mean nothing as given', () => {
    for (const perms of [0, 255, -1]) {
      expect(fixUpAcl([wire(perms, 'world', 'anyone')], [])).toEqual(ok([wire(perms, 'world', 'anyone')]))
    }
  })

  it.each([
    [null, 'anyone', 'invalid-acl'],
    ['world', null, 'marshalling-error'],
    ['digest', null, 'marshalling-error'],
    ['ip', null, 'marshalling-error'],
    ['world', 'someone', 'invalid-acl'],
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
  ] as const)('refuses scheme %s with id %s as %s', (scheme, id, error) => {
    expect(fixUpAcl([wire(31, scheme, id)], ids)).toEqual(err(error))
  })

  it.each([
    ['digest', 'a:b'],
    ['digest', ':b'],
    ['digest', 'a:b::'],
    ['ip', '10.0.0.1'],
    ['ip', '10.0.0.0/8'],
    ['ip', '10.0.0.0/0'],
    ['ip', '::'],
    ['ip', 'fe80::1/64'],
    ['ip', '1:2:3:4:5:6:7:8'],
  ])('accepts scheme %s with id %s unchanged', (scheme, id) => {
    expect(fixUpAcl([wire(31, scheme, id)], [])).toEqual(ok([wire(31, scheme, id)]))
  })

  it.each([
    ['an id of null behind the same scheme and permissions', [wire(5, 'auth', ''), wire(5, 'auth', null)]],
    ['a scheme of null behind the same permissions', [wire(5, 'ip', '::1'), wire(5, null, 'a')]],
  ])('cannot compare %s', (_what, acl) => {
    expect(fixUpAcl(acl, ids)).toEqual(err('marshalling-error'))
  })

  it.each([
    ['the permissions differ', [wire(5, 'ip', '::1'), wire(4, null, 'a')]],
    ['the null comes first', [wire(5, null, 'a'), wire(5, 'ip', '::1')]],
  ])('refuses a scheme of null in its turn when %s', (_what, acl) => {
    expect(fixUpAcl(acl, ids)).toEqual(err('invalid-acl'))
  })

  it('expands auth to every authenticated id and leaves out address and super', () => {
    const expanded = [wire(5, 'digest', 'a:h1'), wire(5, 'digest', 'b:h2')]
    expect(fixUpAcl([wire(5, 'auth', 'whatever')], ids)).toEqual(ok(expanded))
    expect(fixUpAcl([wire(5, 'auth', null)], ids)).toEqual(ok(expanded))
  })

  it('refuses auth from a caller who is known by address only', () => {
    expect(fixUpAcl([wire(5, 'auth', '')], ids.slice(0, 2))).toEqual(err('invalid-acl'))
  })

  it('does not look for duplicates again after the expansion of auth', () => {
    const acl = [wire(5, 'digest', 'a:h1'), wire(5, 'auth', '')]
    expect(fixUpAcl(acl, ids.slice(2, 3))).toEqual(ok([wire(5, 'digest', 'a:h1'), wire(5, 'digest', 'a:h1')]))
  })
})
