/**
 * Requests that change what the connection is known as, auth and sasl, and the rule that one of them may have to come
 * before anything else (ZK: ZooKeeperServer.processPacket, AuthenticationHelper). They are answered at once, ahead of what
 * waits, as in the original: what they bring holds for the requests read after them.
 * A refusal is answered with zxid 0, leaves a line in the log, and ends the connection. The line never shows credentials.
 */
import type { AccessRules } from '../../auth/access-rules.ts'
import { unitsOfIds, withIds } from '../../auth/auth-id.ts'
import { type AuthenticateContext, authenticate } from '../../auth/authenticate.ts'
import type { AuthScheme } from '../../base/auth-schemes.ts'
import type { ErrorName } from '../../base/errors.ts'
import { hexOfSession } from '../../base/ids.ts'
import { authIdUnitsMax } from '../../base/limits.ts'
import type { LineLimiter } from '../../base/line-limiter.ts'
import { JuteWriter } from '../../jute/jute-writer.ts'
import { decode, encode } from '../../jute/record.ts'
import type { Log } from '../../ports/log.ts'
import type { ClientRequest } from '../../protocol/client/client-request.ts'
import { ops } from '../../protocol/client/operations.ts'
import { GetDataReply, SaslReply } from '../../protocol/client/replies.ts'
import { AuthRequest, SaslRequest } from '../../protocol/client/requests.ts'
import type { DataTree } from '../../tree/data-tree.ts'
import type { ReplicatedState } from '../applying/replicated-state.ts'
import type { ReplicaCloseReason } from '../contract.ts'
import type { Client, Verdict } from './client.ts'

/** The part of the configuration that is about this. */
export interface AuthSettings {
  readonly superDigest: string | null
  readonly ensembleNames: readonly string[] | null
  readonly requiredSchemes: readonly AuthScheme[]
}

export interface AuthenticationOptions {
  readonly state: ReplicatedState
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

export class Authentication {
  readonly #options: AuthenticationOptions
  readonly #isRequired: boolean
  #failedCount = 0

  constructor(options: AuthenticationOptions) {
    this.#options = options
    this.#isRequired = options.auth.requiredSchemes.length > 0
  }

  get failedCount(): number {
    return this.#failedCount
  }

  /** Carries out an auth or a sasl, and gives its answer. */
  settle(client: Client, request: ClientRequest): Verdict {
    return request.op === ops.sasl ? this.#negotiate(request) : this.#authenticate(client, request)
  }

  /** For any other request: null if it may go on. Even a ping or a close may not. */
  missingFor(client: Client): Verdict | null {
    if (!this.#isRequired || this.#holdsRequiredId(client)) return null
    return this.#refuse(client, 'auth-required', 'session-closed-require-sasl-auth', null)
  }

  #authenticate(client: Client, { body }: ClientRequest): Verdict {
    const packet = decode(AuthRequest, body)
    if (!packet.ok) return this.#malformed()
    const { scheme, auth } = packet.value
    const gained = authenticate(scheme, auth, this.#contextOf(client))
    if (!gained.ok) {
      // A client of another ensemble is told nothing: it would not try its other servers any more.
      const error = gained.error === 'wrong-ensemble' ? null : 'auth-failed'
      return this.#refuse(client, gained.error, error, scheme)
    }
    const authIds = withIds(client.authIds, gained.value)
    // They travel with every write: without a limit one client could make each of them a burden on all servers.
    if (unitsOfIds(authIds) > authIdUnitsMax) return this.#refuse(client, 'auth-failed', 'auth-failed', scheme)
    client.authIds = authIds
    return done(null)
  }

  /** As a server does that has no login. */
  #negotiate({ body }: ClientRequest): Verdict {
    const packet = decode(SaslRequest, body)
    // The original breaks on a null token, which no client sends.
    return packet.ok && packet.value.token !== null ? done(noToken) : this.#malformed()
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
  #malformed(): Verdict {
    this.#failedCount++
    return { kind: 'decided', zxid: 0, error: 'marshalling-error', body: null }
  }

  #refuse(
    { connectionId, remoteAddress, session }: Client,
    reason: AuthCloseReason,
    error: ErrorName | null,
    scheme: string | null,
  ): Verdict {
    const { log, lines } = this.#options
    this.#failedCount++
    const shown = scheme === null ? null : scheme.slice(0, schemeShownMax)
    const sessionId = session === null ? null : hexOfSession(session.id)
    const fields = { reason, scheme: shown, connectionId, remoteAddress, sessionId }
    const suppressed = lines.admit(reason)
    if (suppressed !== null) log.warn('client-not-authenticated', { ...fields, ...suppressed })
    return { kind: 'closed', error, reason }
  }
}

function done(body: Uint8Array | null): Verdict {
  return { kind: 'decided', zxid: 0, error: null, body }
}

/** Null if there is no such znode, or it has no data. */
function dataOf(path: string, tree: DataTree): Uint8Array | null {
  const writer = new JuteWriter()
  if (!tree.writeDataAndStat(path, writer)) return null
  const reply = decode(GetDataReply, writer.detach())
  return reply.ok ? reply.value.data : null
}
