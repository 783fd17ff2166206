import { describe, expect, it } from 'vitest'
import type { SessionId } from '../../../src/base/ids.ts'
import { isPasswordOf, sessionPasswordOf } from '../../../src/protocol/client/session-password.ts'
import { bytesOf, hexOf } from '../../support/hex.ts'

const sessionId = 0x1000026f2f2000an as SessionId

describe('session passwords', () => {
  it('the password of a known session is the one a Java server gave it', () => {
    expect(hexOf(sessionPasswordOf(sessionId))).toBe('2e0643a45902ed0fbaa06049007a6186')
  })

  it('a password of another session, length or null does not pass', () => {
    expect(isPasswordOf(sessionId, bytesOf('2e0643a45902ed0fbaa06049007a6186'))).toBe(true)
    expect(isPasswordOf(sessionId, bytesOf('2e0643a45902ed0fbaa06049007a6187'))).toBe(false)
    expect(isPasswordOf(sessionId, bytesOf('2e0643a45902ed0fbaa06049007a61'))).toBe(false)
    expect(isPasswordOf((sessionId + 1n) as SessionId, sessionPasswordOf(sessionId))).toBe(false)
    expect(isPasswordOf(sessionId, new Uint8Array(0))).toBe(false)
    expect(isPasswordOf(sessionId, null)).toBe(false)
  })

  it('a session id with its top bit set has a password too', () => {
    expect(sessionPasswordOf(0xfe00026f2f20000an as SessionId).length).toBe(16)
  })
})
