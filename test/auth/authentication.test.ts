import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { addressId, authenticate } from '../../src/auth/authenticate.ts'
import { encodeBase64 } from '../../src/auth/base64.ts'
import { err, ok } from '../../src/base/result.ts'

const sha1 = (bytes: Uint8Array): Uint8Array => createHash('sha1').update(bytes).digest()
const context = { remoteAddress: '10.0.0.9', sha1, superDigest: null }
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

  it('takes a digest text without colon for user and password at once', () => {
    const id = `alone:${Buffer.from(sha1(bytes('alone'))).toString('base64')}`
    expect(authenticate('digest', bytes('alone'), context)).toEqual(ok([{ scheme: 'digest', id }]))
  })

  it('adds the super id beside the digest id when the super digest is met', () => {
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

describe('base64', () => {
  it('agrees with the platform on every length up to twenty', () => {
    for (let length = 0; length <= 20; length++) {
      const input = Uint8Array.from({ length }, (_, index) => (index * 97 + length * 31) & 0xff)
      expect(encodeBase64(input)).toBe(Buffer.from(input).toString('base64'))
    }
  })
})
