/**
 * The requests that add ids to a connection, auth and sasl, and the rule that a client may have to authenticate before
 * other requests (ZK: ZooKeeperServer.processPacket, AuthenticationHelper). They are answered at once, before requests
 * that wait, as in ZooKeeper: the new ids hold for requests read later.
 * A refusal is answered with zxid 0, is logged, and ends the connection. The log line never shows credentials.
 */
import type { AccessRules } from '../../auth/access-rules.ts'
import { mayOperate, unitsOfIds, withIds } from '../../auth/auth-id.ts'
import { type AuthenticateContext, authenticate } from '../../auth/authenticate.ts'
import { withIdsInHashOrder } from '../../auth/ids-in-hash-order.ts'
import { javaAddressText } from '../../auth/ip-address.ts'
import type { AuthScheme } from '../../base/auth-schemes.ts'
import type { ErrorName } from '../../base/errors.ts'
import { hexOfSession } from '../../base/ids.ts'
import { authIdUnitsMax } from '../../base/limits.ts'
import type { LineLimiter } from '../../base/line-limiter.ts'
import type { Compatibility } from '../../config/compatibility.ts'
import { JuteWriter } from '../../jute/jute-writer.ts'
import { decode, encode } from '../../jute/record.ts'
import type { Log } from '../../ports/log.ts'
import type { ClientRequest } from '../../protocol/client/client-request.ts'
import { type OpTraits, ops } from '../../protocol/client/operations.ts'
import { GetDataReply, SaslReply } from '../../protocol/client/replies.ts'
import { AuthRequest, SaslRequest } from '../../protocol/client/requests.ts'
import type { DataTree } from '../../tree/data-tree.ts'
import type { ReplicatedState } from '../applying/replicated-state.ts'
import type { ReplicaCloseReason } from '../contract.ts'
import type { Client, Verdict } from './client.ts'

/** The part of the configuration that concerns authentication. */
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
  /** The text of the file `local-key` of this server; null: it could not be written. */
  readonly localKey: string | null
  readonly log: Log
  readonly lines: LineLimiter
  readonly compatibility: Compatibility
}

/** Why the connection is closed. */
export type AuthCloseReason = Extract<
  ReplicaCloseReason,
  'auth-failed' | 'auth-malformed' | 'auth-required' | 'wrong-ensemble'
>

const keyPath = '/key'
/** No login is configured, so the reply has no token; clients accept it (ZK: processSasl). */
const noToken = encode(SaslReply, { token: null })
/** The log shows this many characters of a scheme, since a client may send credentials in its place. */
const schemeShownMax = 64

export class Authentication {
  readonly #options: AuthenticationOptions
  readonly #isRequired: boolean
  #failedCount = 0

  constructor(options: AuthenticationOptions) {
    this.#options = options
    this.#isRequired = options.auth.requiredSchemes.length > 0
  }

  /** What the `ip` id says of a client at this address. */
  idTextOf(remoteAddress: string): string {
    return this.#options.compatibility.writesAddressesAsJava ? javaAddressText(remoteAddress) : remoteAddress
  }

  get failedCount(): number {
    return this.#failedCount
  }

  /** Carries out an auth or a sasl and returns its verdict. */
  settle(client: Client, request: ClientRequest): Verdict {
    return request.op === ops.sasl ? this.#negotiate(client, request) : this.#authenticate(client, request)
  }

  /** For any other request, pings and closeSession included: null if the client has authenticated as required. */
  missingFor(client: Client, { op }: ClientRequest): Verdict | null {
    if (!this.#isRequired || this.#holdsRequiredId(client)) return null
    // The local key replaces other credentials for what it gives rights to, and for keeping and ending the session.
    const isForOperators = op?.access === 'operator' || op === ops.ping || op === ops.closeSession
    if (isForOperators && mayOperate(client.authIds)) return null
    return this.#refuse(client, 'auth-required', 'session-closed-require-sasl-auth', null)
  }

  /** Whether the client has rights to this server itself, beside its znodes. A refusal is counted and logged. */
  mayOperate({ authIds, connectionId, remoteAddress, session }: Client, { name }: OpTraits): boolean {
    if (mayOperate(authIds)) return true
    const { log, lines } = this.#options
    this.#failedCount++
    const suppressed = lines.admit('operation-not-allowed')
    const sessionId = session === null ? null : hexOfSession(session.id)
    if (suppressed !== null) {
      log.warn('operation-not-allowed', { op: name, connectionId, remoteAddress, sessionId, ...suppressed })
    }
    return false
  }

  #authenticate(client: Client, { body }: ClientRequest): Verdict {
    const packet = decode(AuthRequest, body)
    if (!packet.ok) return this.#malformed(client)
    const { scheme, auth } = packet.value
    const gained = authenticate(scheme, auth, this.#contextOf(client))
    if (!gained.ok) {
      // A client of another ensemble gets no error reply: after one it would not try its other servers.
      const error = gained.error === 'wrong-ensemble' ? null : 'auth-failed'
      return this.#refuse(client, gained.error, error, scheme)
    }
    const join = this.#options.compatibility.ordersIdsByHash ? withIdsInHashOrder : withIds
    const authIds = join(client.authIds, gained.value)
    // Each write carries these ids to all servers, so their size has a limit.
    if (unitsOfIds(authIds) > authIdUnitsMax) return this.#refuse(client, 'auth-failed', 'auth-failed', scheme)
    client.authIds = authIds
    return done(null)
  }

  /** Answers as a server without a login does. */
  #negotiate(client: Client, { body }: ClientRequest): Verdict {
    const packet = decode(SaslRequest, body)
    // ZooKeeper fails on a null token, which no client sends.
    return packet.ok && packet.value.token !== null ? done(noToken) : this.#malformed(client)
  }

  #holdsRequiredId({ authIds }: Client): boolean {
    const required: readonly string[] = this.#options.auth.requiredSchemes
    return authIds.some(({ scheme }) => required.includes(scheme))
  }

  #contextOf({ remoteAddress: address }: Client): AuthenticateContext {
    const remoteAddress = this.idTextOf(address)
    const { access, auth, hash, localKey, state } = this.#options
    const { superDigest, ensembleNames } = auth
    return {
      access,
      remoteAddress,
      hash,
      localKey,
      superDigest,
      ensembleNames,
      keyData: () => dataOf(keyPath, state.tree),
    }
  }

  /** ZooKeeper closes the connection without a reply. Without compatibility=strict a reply shows the author what is wrong. */
  #malformed(client: Client): Verdict {
    if (this.#options.compatibility.malformedAuthCloses) return this.#refuse(client, 'auth-malformed', null, null)
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
    return { kind: 'closed', error, zxid: 0, reason }
  }
}

function done(body: Uint8Array | null): Verdict {
  return { kind: 'decided', zxid: 0, error: null, body }
}

/** Null if the znode does not exist or has no data. */
function dataOf(path: string, tree: DataTree): Uint8Array | null {
  const writer = new JuteWriter()
  if (!tree.writeDataAndStat(path, writer)) return null
  const reply = decode(GetDataReply, writer.detach())
  return reply.ok ? reply.value.data : null
}
