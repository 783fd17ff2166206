/**
 * Requests that change what the connection is known as, auth and sasl, and the rule that one of them may have to come
 * before anything else (ZK: ZooKeeperServer.processPacket, AuthenticationHelper). They are answered out of turn, as in
 * the original: what they bring holds for the requests read after them.
 * A refusal is answered with zxid 0, leaves a line in the log, and ends the connection. The line never shows credentials.
 */
import type { AccessRules } from '../auth/access-rules.ts'
import { unitsOfIds, withIds } from '../auth/auth-id.ts'
import { type AuthenticateContext, authenticate } from '../auth/authenticate.ts'
import type { AuthScheme } from '../base/auth-schemes.ts'
import type { ErrorName } from '../base/errors.ts'
import { hexOfSession, type Xid } from '../base/ids.ts'
import { authIdUnitsMax } from '../base/limits.ts'
import type { LineLimiter } from '../base/line-limiter.ts'
import { JuteWriter } from '../jute/jute-writer.ts'
import { decode, encode } from '../jute/record.ts'
import type { Log } from '../ports/log.ts'
import { GetDataReply, SaslReply } from '../protocol/client/replies.ts'
import { AuthRequest, SaslRequest } from '../protocol/client/requests.ts'
import type { DataTree } from '../tree/data-tree.ts'
import type { Client } from './client.ts'
import type { ReplicaCloseReason } from './contract.ts'
import type { EffectList } from './effect-list.ts'
import type { ReplicatedState } from './replicated-state.ts'

/** The part of the configuration that is about this. */
export interface AuthSettings {
  readonly superDigest: string | null
  readonly ensembleNames: readonly string[] | null
  readonly requiredSchemes: readonly AuthScheme[]
}

export interface ConnectionRequestsOptions {
  readonly state: ReplicatedState
  readonly effects: EffectList
  readonly access: AccessRules
  readonly auth: AuthSettings
  readonly hash: (bytes: Uint8Array) => Uint8Array // of the digest scheme
  readonly log: Log
  readonly lines: LineLimiter
}

/** Why the connection has to end. */
export type AuthCloseReason = Extract<ReplicaCloseReason, 'auth-failed' | 'auth-required' | 'wrong-ensemble'>

const keyPath = '/key'
/** No login is configured, so there is nothing to say; clients take it for an answer (ZK: processSasl). */
const noToken = encode(SaslReply, { token: null })
/** Where a client puts something else in the place of the scheme, the log shows no more of it. */
const schemeShownMax = 64

export class ConnectionRequests {
  readonly #options: ConnectionRequestsOptions
  readonly #isAuthRequired: boolean
  #authFailedCount = 0

  constructor(options: ConnectionRequestsOptions) {
    this.#options = options
    this.#isAuthRequired = options.auth.requiredSchemes.length > 0
  }

  get authFailedCount(): number {
    return this.#authFailedCount
  }

  /** Answers an auth request; null: the connection lives on. */
  authenticate(client: Client, xid: Xid, body: Uint8Array): AuthCloseReason | null {
    const packet = decode(AuthRequest, body)
    if (!packet.ok) return this.#malformed(client, xid)
    const { scheme, auth } = packet.value
    const gained = authenticate(scheme, auth, this.#contextOf(client))
    if (!gained.ok) {
      // A client of another ensemble is told nothing: it would not try its other servers any more.
      const error = gained.error === 'wrong-ensemble' ? null : 'auth-failed'
      return this.#refuse(client, xid, gained.error, error, scheme)
    }
    const authIds = withIds(client.authIds, gained.value)
    // They travel with every write: without a limit one client could make each of them a burden on all servers.
    if (unitsOfIds(authIds) > authIdUnitsMax) {
      return this.#refuse(client, xid, 'auth-failed', 'auth-failed', scheme)
    }
    client.authIds = authIds
    this.#options.effects.reply(client.connection, xid, 0, null, null)
    return null
  }

  /** Answers a sasl request as a server does that has no login; null: the connection lives on. */
  negotiate(client: Client, xid: Xid, body: Uint8Array): AuthCloseReason | null {
    const packet = decode(SaslRequest, body)
    // The original breaks on a null token, which no client sends.
    if (!packet.ok || packet.value.token === null) return this.#malformed(client, xid)
    this.#options.effects.reply(client.connection, xid, 0, null, noToken)
    return null
  }

  /** For any other request: null if it may go on. Even a ping or a close may not. */
  admit(client: Client, xid: Xid): AuthCloseReason | null {
    if (!this.#isAuthRequired || this.#holdsRequiredId(client)) return null
    return this.#refuse(client, xid, 'auth-required', 'session-closed-require-sasl-auth', null)
  }

  #holdsRequiredId({ authIds }: Client): boolean {
    const required: readonly string[] = this.#options.auth.requiredSchemes
    return authIds.some(({ scheme }) => required.includes(scheme))
  }

  #contextOf({ remoteAddress }: Client): AuthenticateContext {
    const { access, auth, hash, state } = this.#options
    const { superDigest, ensembleNames } = auth
    return { access, remoteAddress, hash, superDigest, ensembleNames, keyData: () => dataOf(keyPath, state.tree) }
  }

  /** The original closes the connection without a word; here its author finds out. */
  #malformed({ connection }: Client, xid: Xid): null {
    this.#authFailedCount++
    this.#options.effects.reply(connection, xid, 0, 'marshalling-error', null)
    return null
  }

  #refuse(
    { connection, remoteAddress, session }: Client,
    xid: Xid,
    reason: AuthCloseReason,
    error: ErrorName | null,
    scheme: string | null,
  ): AuthCloseReason {
    const { effects, log, lines } = this.#options
    this.#authFailedCount++
    if (error !== null) effects.reply(connection, xid, 0, error, null)
    const shown = scheme === null ? null : scheme.slice(0, schemeShownMax)
    const sessionId = session === null ? null : hexOfSession(session.id)
    const fields = { reason, scheme: shown, connectionId: connection, remoteAddress, sessionId }
    const suppressed = lines.admit(reason)
    if (suppressed !== null) log.warn('client-not-authenticated', { ...fields, ...suppressed })
    return reason
  }
}

/** Null if there is no such znode, or it has no data. */
function dataOf(path: string, tree: DataTree): Uint8Array | null {
  const writer = new JuteWriter()
  if (!tree.writeDataAndStat(path, writer)) return null
  const reply = decode(GetDataReply, writer.detach())
  return reply.ok ? reply.value.data : null
}
