/**
 * Answers opcode 100: what ids a connection gains by presenting credentials (ZK: the AuthenticationProviders). Hashing and
 * what lies in the tree are passed in. A refusal is answered and then closes the connection, but for a client of
 * another ensemble: it is closed without a word, because a refusal would make it give up for good instead of trying
 * its other servers (ZK: EnsembleAuthenticationProvider).
 */
import { assertNever } from '../base/assert.ts'
import { type AuthScheme, authSchemes } from '../base/auth-schemes.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { AccessRules } from './access-rules.ts'
import { type AuthId, superScheme } from './auth-id.ts'
import { encodeBase64 } from './base64.ts'

export interface AuthenticateContext {
  readonly access: AccessRules
  readonly remoteAddress: string // numeric
  readonly hash: (bytes: Uint8Array) => Uint8Array // of the digest scheme
  /** `user:base64(hash(user:password))` of the super user; null = there is none. */
  readonly superDigest: string | null
  /** What the ensemble is called; null = every name will do. */
  readonly ensembleNames: readonly string[] | null
  /** The data of the znode /key; null = there is none. */
  readonly keyData: () => Uint8Array | null
}

export type AuthRefusal = 'auth-failed' | 'wrong-ensemble'

export function authenticate(
  scheme: string | null,
  credentials: Uint8Array | null,
  context: AuthenticateContext,
): Result<readonly AuthId[], AuthRefusal> {
  const known = schemeNamed(scheme)
  if (known === null || !context.access.schemes.has(known)) return err('auth-failed')
  switch (known) {
    case 'ip':
      return ok([addressId(context.remoteAddress)])
    case 'digest':
      return credentials === null ? err('auth-failed') : ok(digestIds(textOf(credentials), context))
    case 'ensemble':
      return isOurEnsemble(credentials, context.ensembleNames) ? ok([]) : err('wrong-ensemble')
    case 'key':
      // The id is empty, whatever the key: so it is in the original, and so it stands in ACLs.
      return opensKey(credentials, context.keyData) ? ok([{ scheme: 'key', id: '' }]) : err('auth-failed')
    default:
      return assertNever(known)
  }
}

/** The id that every connection has from its start. */
export function addressId(remoteAddress: string): AuthId {
  return { scheme: 'ip', id: remoteAddress }
}

function schemeNamed(name: string | null): AuthScheme | null {
  return authSchemes.find((scheme) => scheme === name) ?? null
}

function digestIds(text: string, { hash, superDigest }: AuthenticateContext): readonly AuthId[] {
  const colon = text.indexOf(':')
  // Without a colon the whole text is user and password at once: odd, but accepted by the original.
  const user = colon < 0 ? text : text.slice(0, colon)
  const id = `${user}:${encodeBase64(hash(new TextEncoder().encode(text)))}`
  const ids = [{ scheme: 'digest', id }]
  return id === superDigest ? [{ scheme: superScheme, id: '' }, ...ids] : ids
}

/** A client that names no ensemble is let in. */
function isOurEnsemble(credentials: Uint8Array | null, names: readonly string[] | null): boolean {
  if (names === null || credentials === null || credentials.length === 0) return true
  return names.includes(textOf(credentials))
}

/** A multiple of the number in /key; anything, while there is no such znode or it has no data. */
function opensKey(credentials: Uint8Array | null, keyData: () => Uint8Array | null): boolean {
  if (credentials === null) return false
  const key = keyData()
  if (key === null) return true
  const wanted = javaInt(textOf(key))
  const given = javaInt(textOf(credentials))
  return wanted !== null && given !== null && (wanted === 0 || given % wanted === 0)
}

/** As Integer.parseInt reads it. */
function javaInt(text: string): number | null {
  if (!/^[+-]?[0-9]+$/.test(text)) return null
  const value = Number(text)
  return value === (value | 0) ? value : null
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}
