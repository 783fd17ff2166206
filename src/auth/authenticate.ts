/**
 * Answers opcode 100: which ids a connection gains by credentials (ZK: the AuthenticationProviders). The caller passes
 * in the hash and the data of the znode /key. A refusal is answered and then closes the connection. A client of
 * another ensemble gets no answer before the close, because after a refusal it would give up permanently instead of
 * trying its other servers (ZK: EnsembleAuthenticationProvider).
 */
import { assertNever } from '../base/assert.ts'
import { type AuthScheme, authSchemes } from '../base/auth-schemes.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { AccessRules } from './access-rules.ts'
import { type AuthId, localScheme, superScheme } from './auth-id.ts'
import { encodeBase64 } from './base64.ts'

export interface AuthenticateContext {
  readonly access: AccessRules
  readonly remoteAddress: string // numeric
  readonly hash: (bytes: Uint8Array) => Uint8Array // of the digest scheme
  /** `user:base64(hash(user:password))` of the super user; null = no super user. */
  readonly superDigest: string | null
  /** The text that proves access to the files of this server; null = none. */
  readonly localKey: string | null
  /** The names of the ensemble; null = every name is accepted. */
  readonly ensembleNames: readonly string[] | null
  /** The data of the znode /key; null = no znode or no data. */
  readonly keyData: () => Uint8Array | null
}

export type AuthRefusal = 'auth-failed' | 'wrong-ensemble'

export function authenticate(
  scheme: string | null,
  credentials: Uint8Array | null,
  context: AuthenticateContext,
): Result<readonly AuthId[], AuthRefusal> {
  // No scheme of an ACL, so that no configuration switches it on or off.
  if (scheme === localScheme) {
    return isLocalKey(credentials, context.localKey) ? ok([{ scheme: localScheme, id: '' }]) : err('auth-failed')
  }
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
      // The id is empty, whatever the key, as in ZooKeeper; ACLs hold it in this form.
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
  // Without a colon the whole text is both user and password. ZooKeeper accepts that.
  const user = colon < 0 ? text : text.slice(0, colon)
  const id = `${user}:${encodeBase64(hash(new TextEncoder().encode(text)))}`
  const ids = [{ scheme: 'digest', id }]
  return id === superDigest ? [{ scheme: superScheme, id: '' }, ...ids] : ids
}

/** Takes the same time wherever the first difference is, so that the time of an answer shows nothing of the key. */
function isLocalKey(credentials: Uint8Array | null, localKey: string | null): boolean {
  if (credentials === null || localKey === null || credentials.length !== localKey.length) return false
  let difference = 0
  for (let i = 0; i < credentials.length; i++) difference |= credentials[i]! ^ localKey.charCodeAt(i)
  return difference === 0
}

/** A client that names no ensemble is accepted. */
function isOurEnsemble(credentials: Uint8Array | null, names: readonly string[] | null): boolean {
  if (names === null || credentials === null || credentials.length === 0) return true
  return names.includes(textOf(credentials))
}

/** A multiple of the number in /key; any text, while /key does not exist or has no data. */
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
