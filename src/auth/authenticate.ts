/**
 * Answers opcode 100: what ids a connection gains by presenting credentials (ZK: DigestAuthenticationProvider,
 * IPAuthenticationProvider). Hashing is passed in. A refusal is answered and then closes the connection.
 */
import { err, ok, type Result } from '../base/result.ts'
import { type AuthId, superScheme } from './auth-id.ts'
import { encodeBase64 } from './base64.ts'

export interface AuthenticateContext {
  readonly remoteAddress: string // numeric
  readonly sha1: (bytes: Uint8Array) => Uint8Array
  /** `user:base64(sha1(user:password))` of the super user; null = there is none. */
  readonly superDigest: string | null
}

export function authenticate(
  scheme: string | null,
  credentials: Uint8Array | null,
  context: AuthenticateContext,
): Result<readonly AuthId[], 'auth-failed'> {
  if (scheme === 'ip') return ok([addressId(context.remoteAddress)])
  if (scheme !== 'digest' || credentials === null) return err('auth-failed')
  const id = digestOf(credentials, context.sha1)
  const ids = [{ scheme: 'digest', id }]
  return ok(id === context.superDigest ? [{ scheme: superScheme, id: '' }, ...ids] : ids)
}

/** The id that every connection has from its start. */
export function addressId(remoteAddress: string): AuthId {
  return { scheme: 'ip', id: remoteAddress }
}

function digestOf(credentials: Uint8Array, sha1: (bytes: Uint8Array) => Uint8Array): string {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(credentials)
  const colon = text.indexOf(':')
  // Without a colon the whole text is user and password at once: odd, but accepted by the original.
  const user = colon < 0 ? text : text.slice(0, colon)
  return `${user}:${encodeBase64(sha1(new TextEncoder().encode(text)))}`
}
