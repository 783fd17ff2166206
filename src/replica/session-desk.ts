/**
 * The sessions of this server's clients: which connection has which, how one is made, comes back, is refused, and
 * which were heard from. What the leader has to know goes out through the route to it; what lives on this server
 * alone is kept here: local sessions, and in read-only mode those of its clients, which end with that mode.
 * Assumes: the client desk owns the connections; one is closed only through it. If two connections of this server
 * had the same session, replies and watches of one would reach whoever holds the other.
 */
import type { ConnectionId, SessionId } from '../base/ids.ts'
import type { Config } from '../config/config.ts'
import { encode } from '../jute/record.ts'
import { ops } from '../protocol/client/operations.ts'
import { CreateSessionRequest } from '../protocol/client/requests.ts'
import { isPasswordOf, sessionPasswordOf, sessionPasswordSizeBytes } from '../protocol/client/session-password.ts'
import { LocalSessions } from '../sessions/local-sessions.ts'
import { negotiateTimeoutMs } from '../sessions/negotiate-timeout.ts'
import type { SessionIdSource } from '../sessions/session-id-source.ts'
import type { ExpiryBucket } from '../sessions/session-tracker.ts'
import type { AwaitedOutcomes } from './awaited-outcomes.ts'
import type { Client, ClientSession } from './client.ts'
import type { ClientRequest, ReplicaCloseReason } from './contract.ts'
import type { EffectList } from './effect-list.ts'
import type { ReplicatedState } from './replicated-state.ts'
import type { Trace } from './trace-event.ts'
import type { WriteRoute } from './write-route.ts'

export type SessionDeskConfig = Pick<
  Config,
  'minSessionTimeoutMs' | 'maxSessionTimeoutMs' | 'tickTimeMs' | 'localSessionsEnabled'
>

export interface SessionDeskOptions {
  readonly state: ReplicatedState
  readonly effects: EffectList
  readonly awaited: AwaitedOutcomes
  readonly sessionIds: SessionIdSource
  readonly config: SessionDeskConfig
  readonly trace: Trace | null
  readonly close: (connection: ConnectionId, reason: ReplicaCloseReason) => void
}

type Connect = Extract<ClientRequest, { readonly kind: 'connect' }>

const noPassword = new Uint8Array(sessionPasswordSizeBytes)

export class SessionDesk {
  readonly #options: SessionDeskOptions
  readonly #connectionOfSession = new Map<SessionId, ConnectionId>()
  readonly #local: LocalSessions
  /** Made in read-only mode; null outside it. */
  #readOnly: LocalSessions | null = null
  #heardFrom: Client[] = []
  #heardFromLocally: Client[] = []
  #route: WriteRoute | null = null
  #nowMs = 0

  constructor(options: SessionDeskOptions) {
    this.#options = options
    this.#local = new LocalSessions(options.config.tickTimeMs)
  }

  startServing(route: WriteRoute, nowMs: number): void {
    this.#route = route
    this.#nowMs = nowMs
    this.#local.restartAll(nowMs)
  }

  stopServing(): void {
    this.#route = null
  }

  get isReadOnly(): boolean {
    return this.#readOnly !== null
  }

  startReadOnly(nowMs: number): void {
    this.#readOnly = new LocalSessions(this.#options.config.tickTimeMs)
    this.#nowMs = nowMs
  }

  /** Their clients have no right to them elsewhere, and none here: they come back with new ones. */
  stopReadOnly(): void {
    this.#readOnly = null
  }

  /** Those of this server alone. */
  get localSessionCount(): number {
    return this.#local.count + (this.#readOnly?.count ?? 0)
  }

  /** For `dump`; null where there can be none. In read-only mode those that were made in it. */
  localExpiryBuckets(): readonly ExpiryBucket[] | null {
    if (this.#readOnly !== null) return this.#readOnly.expiryBuckets()
    return this.#options.config.localSessionsEnabled ? this.#local.expiryBuckets() : null
  }

  /** Local sessions were heard from, or have had their time. Others are the leader's. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs
    if (this.#heardFromLocally.length > 0) this.#touchLocal()
    // Without a leader clients of local sessions are sent away unless they are content with reads: no time passes.
    const expired = this.#readOnly !== null ? this.#readOnly.expiredBy(nowMs) : this.#expiredLocally()
    for (const id of expired) {
      this.#options.trace?.({ kind: 'local-session-ended', sessionId: id, how: 'expired' })
      this.closeConnectionOf(id, 'session-expired')
    }
  }

  #expiredLocally(): readonly SessionId[] {
    return this.#route === null || this.#local.count === 0 ? [] : this.#local.expiredBy(this.#nowMs)
  }

  #touchLocal(): void {
    const clients = this.#heardFromLocally
    this.#heardFromLocally = []
    for (const client of clients) {
      client.wasHeardFrom = false
      if (client.session === null) continue
      const { id } = client.session
      if (!this.#local.touch(id, this.#nowMs)) this.#readOnly?.touch(id, this.#nowMs)
    }
  }

  // --- coming ---

  connect(client: Client, request: Connect): void {
    const { state, config } = this.#options
    const { minSessionTimeoutMs: minMs, maxSessionTimeoutMs: maxMs } = config
    if (this.#route === null && this.#readOnly === null) return this.#close(client, 'not-serving')
    if (this.#readOnly !== null && !request.canBeReadOnly) return this.#close(client, 'read-only-mode')
    // It has seen a state that we have not: here time would run backwards for it.
    if (request.lastZxidSeen > BigInt(state.lastApplied)) return this.#close(client, 'client-is-ahead')
    const timeoutMs = negotiateTimeoutMs(request.timeoutMs, { minMs, maxMs })
    if (request.sessionId === 0n) this.#create(client, timeoutMs)
    else this.#resume(client, request, timeoutMs)
  }

  #create(client: Client, timeoutMs: number): void {
    const { awaited, config } = this.#options
    const id = this.#newId()
    if (this.#readOnly !== null) return this.#attachLocal(client, this.#readOnly, id, timeoutMs)
    if (config.localSessionsEnabled) return this.#attachLocal(client, this.#local, id, timeoutMs)
    this.#submitCreation(awaited.add({ kind: 'session', client, id, timeoutMs }), id, timeoutMs)
  }

  #newId(): SessionId {
    const { sessionIds, state } = this.#options
    let id = sessionIds.next()
    // The wall clock may have gone back since an earlier run of this server gave out the same ids.
    while (state.sessions.has(id) || this.#local.has(id)) id = sessionIds.next()
    return id
  }

  #submitCreation(sequence: number, id: SessionId, timeoutMs: number): void {
    const body = encode(CreateSessionRequest, { timeoutMs })
    const type = ops.createSession.opcode
    this.#route!.submit({ sequence, sessionId: id, isLocal: false, type, body, authIds: [] })
  }

  #resume(client: Client, request: Connect, timeoutMs: number): void {
    const { sessionId: id } = request
    const home = this.#local.has(id) ? this.#local : this.#readOnly?.has(id) ? this.#readOnly : null
    // Whether a global session still lives only a leader knows (ZK: ReadOnlyZooKeeperServer.validateSession).
    if (home === null && this.#route === null) return this.#close(client, 'session-needs-quorum')
    // Before the password is checked, as in the original: whoever names the session takes over the connection.
    this.closeConnectionOf(id, 'session-replaced')
    if (!isPasswordOf(id, request.password)) return this.refuse(client)
    if (home !== null) return this.#attachLocal(client, home, id, timeoutMs)
    const sequence = this.#options.awaited.add({ kind: 'session', client, id, timeoutMs })
    this.#route!.revalidate(sequence, id, timeoutMs)
  }

  /** The leader's word on a session that came back. */
  revalidated(sequence: number, valid: boolean): void {
    const awaited = this.#options.awaited.take(sequence)
    if (awaited?.kind !== 'session' || awaited.client.isGone) return
    if (valid) this.attach(awaited.client, awaited.id, awaited.timeoutMs)
    else this.refuse(awaited.client)
  }

  attach(client: Client, id: SessionId, timeoutMs: number): void {
    this.#attach(client, { id, timeoutMs, isLocal: false })
  }

  #attachLocal(client: Client, home: LocalSessions, id: SessionId, timeoutMs: number): void {
    home.put(id, timeoutMs, this.#nowMs)
    this.#attach(client, { id, timeoutMs, isLocal: true })
  }

  #attach(client: Client, session: ClientSession): void {
    if (client.isGone) return
    const { id, timeoutMs } = session
    this.closeConnectionOf(id, 'session-replaced')
    client.session = session
    this.#connectionOfSession.set(id, client.connection)
    this.heard(client) // its timeout runs from here, however long the way to the leader was
    const { effects } = this.#options
    const readOnly = this.#readOnly !== null
    const password = sessionPasswordOf(id)
    const reply = { kind: 'connect-response', timeoutMs, sessionId: id, password, readOnly } as const
    effects.push({ kind: 'reply', connection: client.connection, reply })
  }

  refuse(client: Client): void {
    const sessionId = 0n as SessionId
    const readOnly = this.#readOnly !== null
    const reply = { kind: 'connect-response', timeoutMs: 0, sessionId, password: noPassword, readOnly } as const
    this.#options.effects.push({ kind: 'reply', connection: client.connection, reply })
    this.#close(client, 'session-invalid')
  }

  // --- staying and going ---

  /**
   * A local session is about to own something: from here on it is the leader's like any other, and forgotten here. Its
   * creation goes ahead of all that it asks from now on. Should that be lost with the leader, so is the session, and
   * with it whatever was to be its own.
   */
  makeGlobal(session: ClientSession): void {
    session.isLocal = false
    this.#local.remove(session.id)
    this.#options.trace?.({ kind: 'local-session-ended', sessionId: session.id, how: 'made-global' })
    this.#submitCreation(this.#options.awaited.next(), session.id, session.timeoutMs)
  }

  /** A local session ends at its client's wish, without a word to anyone. */
  endLocal({ id }: ClientSession): void {
    this.#local.remove(id)
    this.#readOnly?.remove(id)
  }

  /** If a connection of this server has the session, it closes. */
  closeConnectionOf(id: SessionId, reason: ReplicaCloseReason): void {
    const connection = this.#connectionOfSession.get(id)
    if (connection !== undefined) this.#options.close(connection, reason)
  }

  /** The connection is gone; the session lives on until it expires. */
  detach({ session, connection }: Client): void {
    if (session !== null && this.#connectionOfSession.get(session.id) === connection) {
      this.#connectionOfSession.delete(session.id)
    }
  }

  heard(client: Client): void {
    if (client.wasHeardFrom) return
    client.wasHeardFrom = true
    if (client.session?.isLocal) this.#heardFromLocally.push(client)
    else this.#heardFrom.push(client)
  }

  /** Calls `visit` with each global session heard from since the last call. */
  drainHeardFrom(visit: (id: SessionId) => void): void {
    const clients = this.#heardFrom
    this.#heardFrom = []
    for (const client of clients) {
      client.wasHeardFrom = false
      // Also of one that has left since: its session lives on for its whole timeout.
      if (client.session !== null) visit(client.session.id)
    }
  }

  #close(client: Client, reason: ReplicaCloseReason): void {
    this.#options.close(client.connection, reason)
  }
}
