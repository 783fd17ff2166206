import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { accessRules, defaultAccess } from '../../src/auth/access-rules.ts'
import { type AuthenticateContext, addressId, authenticate } from '../../src/auth/authenticate.ts'
import { encodeBase64 } from '../../src/auth/base64.ts'
import { authSchemes } from '../../src/base/auth-schemes.ts'
import { err, ok } from '../../src/base/result.ts'

const sha1 = (bytes: Uint8Array): Uint8Array => createHash('sha1').update(bytes).digest()
const context: AuthenticateContext = {
  access: defaultAccess,
  remoteAddress: '10.0.0.9',
  hash: sha1,
  localKey: null,
  superDigest: null,
  ensembleNames: null,
  keyData: () => null,
}
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('authentication', () => {
  it('makes the digest id that ZooKeeper makes', () => {
    expect(authenticate('digest', bytes('u:p'), context)).toEqual(
      ok([{ scheme: 'digest', id: 'u:Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ=' }]),
    )
  })

  it('splits user from password at the first colon', () => {
    const id = `u:${Buffer.from(sha1(bytes('u:p:q'))).toString('base64')}`
    expect(authenticate('digest', bytes('u:p:q'), context)).toEqual(ok([{ scheme: 'digest', id }]))
  })

  it('gives the local id for the text of the key, and for nothing else', () => {
    const keyed = { ...context, localKey: 'ab12'.repeat(16) }
    expect(authenticate('local', bytes(keyed.localKey), keyed)).toEqual(ok([{ scheme: 'local', id: '' }]))
    const wrong = ['', 'ab12', 'ab12'.repeat(15), `${keyed.localKey}0`, keyed.localKey.replace('a', 'c')]
    for (const text of wrong) expect(authenticate('local', bytes(text), keyed), text).toEqual(err('auth-failed'))
    expect(authenticate('local', null, keyed)).toEqual(err('auth-failed'))
    for (const text of ['', 'null']) expect(authenticate('local', bytes(text), context)).toEqual(err('auth-failed'))
  })

  it('reads a digest text without colon as both user and password', () => {
    const id = `alone:${Buffer.from(sha1(bytes('alone'))).toString('base64')}`
    expect(authenticate('digest', bytes('alone'), context)).toEqual(ok([{ scheme: 'digest', id }]))
  })

  it('adds the super id to the digest id when the super digest matches', () => {
    const id = 'u:Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ='
    expect(authenticate('digest', bytes('u:p'), { ...context, superDigest: id })).toEqual(
      ok([
        { scheme: 'super', id: '' },
        { scheme: 'digest', id },
      ]),
    )
  })

  it('re-adds the address for scheme ip, whatever the credentials', () => {
    expect(authenticate('ip', null, context)).toEqual(ok([addressId('10.0.0.9')]))
  })

  it.each([
    ['world', bytes('anyone')],
    ['sasl', bytes('token')],
    ['super', bytes('u:p')],
    ['', bytes('u:p')],
    [null, bytes('u:p')],
    ['digest', null],
  ])('refuses scheme %s where there is nothing to check it by', (scheme, credentials) => {
    expect(authenticate(scheme, credentials, context)).toEqual(err('auth-failed'))
  })
})

describe('schemes that have to be switched on', () => {
  const all: AuthenticateContext = { ...context, access: accessRules(authSchemes, false) }

  it.each(['ensemble', 'key'])('are refused like unknown ones while %s is off', (scheme) => {
    expect(authenticate(scheme, bytes('5'), context)).toEqual(err('auth-failed'))
  })

  it('give no digest ids when digest is off, not even those of the super user', () => {
    const off = { ...context, access: accessRules(['ip'], false), superDigest: 'u:Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ=' }
    expect(authenticate('digest', bytes('u:p'), off)).toEqual(err('auth-failed'))
  })

  it.each([
    ['one', true],
    ['two', true],
    [' two', false],
    ['three', false],
    ['', true],
  ])('let a client of ensemble "%s" in or not', (name, isOurs) => {
    const named = { ...all, ensembleNames: ['one', 'two'] }
    expect(authenticate('ensemble', bytes(name), named)).toEqual(isOurs ? ok([]) : err('wrong-ensemble'))
  })

  it('accept every client when the ensemble or the client has no name', () => {
    expect(authenticate('ensemble', bytes('any'), all)).toEqual(ok([]))
    expect(authenticate('ensemble', null, { ...all, ensembleNames: ['one'] })).toEqual(ok([]))
  })

  it.each([
    ['5', '10', true],
    ['5', '-5', true],
    ['5', '+10', true],
    ['5', '0', true],
    ['5', '7', false],
    ['5', 'x', false],
    ['5', '', false],
    ['5', '2147483650', false],
    ['0', '7', true],
    ['x', '7', false],
    ['', '7', false],
    [null, 'anything', true],
  ])('judge by a /key of %s the key %s as %s', (key, given, opens) => {
    const locked = { ...all, keyData: () => (key === null ? null : bytes(key)) }
    const expected = opens ? ok([{ scheme: 'key', id: '' }]) : err('auth-failed')
    expect(authenticate('key', bytes(given), locked)).toEqual(expected)
  })

  it('refuse a key of null', () => {
    expect(authenticate('key', null, all)).toEqual(err('auth-failed'))
  })
})

describe('base64', () => {
  it('agrees with the platform on every length up to twenty', () => {
    for (let length = 0; length <= 20; length++) {
      const input = Uint8Array.from({ length }, (_, index) => (index * 97 + length * 31) & 0xff)
      expect(encodeBase64(input)).toBe(Buffer.from(input).toString('base64'))
    }
  })
})
