/**
 * The sessions of this server's clients: maps sessions to connections, creates, resumes and refuses them, and collects
 * which were heard from. Requests about global sessions go through the route to the leader. Sessions that exist only on
 * this server are kept here: local sessions, and those created in read-only mode, which end with that mode.
 * Assumes: `Clients` owns the connections; one is closed only through it. If two connections of this server
 * had the same session, replies and watch events of one client would reach the other.
 */
import { assert, assertNever } from '../../base/assert.ts'
import type { ConnectionId, SessionId } from '../../base/ids.ts'
import type { Config } from '../../config/config.ts'
import { decode, encode } from '../../jute/record.ts'
import type { ClientRequest } from '../../protocol/client/client-request.ts'
import { createModeOf } from '../../protocol/client/create-mode.ts'
import { decodeMulti } from '../../protocol/client/multi.ts'
import { ops } from '../../protocol/client/operations.ts'
import { CreateRequest, CreateSessionRequest } from '../../protocol/client/requests.ts'
import { isPasswordOf, sessionPasswordOf, sessionPasswordSizeBytes } from '../../protocol/client/session-password.ts'
import { LocalSessions } from '../../sessions/local-sessions.ts'
import { negotiateTimeoutMs } from '../../sessions/negotiate-timeout.ts'
import type { SessionIdSource } from '../../sessions/session-id-source.ts'
import type { ExpiryBucket } from '../../sessions/session-tracker.ts'
import type { ReplicatedState } from '../applying/replicated-state.ts'
import type { ReplicaCloseReason, SessionRequest } from '../contract.ts'
import type { EffectList } from '../effect-list.ts'
import type { Trace } from '../trace-event.ts'
import type { AwaitedOutcomes, PendingSession, PendingUpgrade } from './awaited-outcomes.ts'
import type { Client, ClientSession } from './client.ts'
import type { LeaderRoute, Serving } from './serving.ts'

export type SessionsConfig = Pick<
  Config,
  | 'minSessionTimeoutMs'
  | 'maxSessionTimeoutMs'
  | 'tickTimeMs'
  | 'localSessionsEnabled'
  | 'localSessionsUpgradingEnabled'
>

export interface SessionsOptions {
  readonly state: ReplicatedState
  readonly effects: EffectList
  readonly awaited: AwaitedOutcomes
  readonly sessionIds: SessionIdSource
  readonly config: SessionsConfig
  readonly serving: () => Serving
  readonly trace: Trace | null
  readonly close: (connectionId: ConnectionId, reason: ReplicaCloseReason) => void
}

/** The states in which a server accepts sessions. */
type OpenServing = Extract<Serving, { readonly kind: 'serving' | 'read-only' }>

interface HeldConnect {
  readonly client: Client
  readonly request: SessionRequest
}

const noPassword = new Uint8Array(sessionPasswordSizeBytes)

export class Sessions {
  readonly #options: SessionsOptions
  readonly #connectionOfSession = new Map<SessionId, ConnectionId>()
  readonly #local: LocalSessions
  #heardFrom: Client[] = []
  #heardFromLocally: Client[] = []
  #heldConnects: HeldConnect[] = [] // came while this server waited for a leader
  #nowMs = 0

  constructor(options: SessionsOptions) {
    this.#options = options
    this.#local = new LocalSessions(options.config.tickTimeMs)
  }

  servingBegan(nowMs: number): void {
    this.#nowMs = nowMs
    if (this.#options.serving().kind === 'serving') this.#local.restartAll(nowMs)
  }

  /** The sessions of read-only mode; null outside it. They are valid on this server and during the mode only. */
  get #readOnly(): LocalSessions | null {
    const serving = this.#options.serving()
    return serving.kind === 'read-only' ? serving.sessions : null
  }

  /** The sessions that exist only on this server. */
  get localSessionCount(): number {
    return this.#local.count + (this.#readOnly?.count ?? 0)
  }

  /** For `dump`; null if local sessions are disabled. In read-only mode the sessions created in it. */
  localExpiryBuckets(): readonly ExpiryBucket[] | null {
    const readOnly = this.#readOnly
    if (readOnly !== null) return readOnly.expiryBuckets()
    return this.#options.config.localSessionsEnabled ? this.#local.expiryBuckets() : null
  }

  /** Touches the local sessions that were heard from, and ends expired ones. The leader does it for global sessions. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs
    if (this.#heardFromLocally.length > 0) this.#touchLocal()
    for (const id of this.#expiredLocally()) {
      this.#options.trace?.({ kind: 'local-session-ended', sessionId: id, how: 'expired' })
      this.closeConnectionOf(id, 'session-expired')
    }
  }

  #expiredLocally(): readonly SessionId[] {
    const serving = this.#options.serving()
    switch (serving.kind) {
      case 'serving':
        return this.#local.count === 0 ? [] : this.#local.expiredBy(this.#nowMs)
      // Clients of `#local` sessions that do not accept read-only mode cannot return during it: these do not expire in
      // it.
      case 'read-only':
        return serving.sessions.expiredBy(this.#nowMs)
      case 'not-serving':
      case 'waiting':
        return []
      default:
        return assertNever(serving)
    }
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

  connect(client: Client, request: SessionRequest): void {
    const { state, config } = this.#options
    const serving = this.#options.serving()
    const { minSessionTimeoutMs: minMs, maxSessionTimeoutMs: maxMs } = config
    client.timeoutMs = negotiateTimeoutMs(request.timeoutMs, { minMs, maxMs })
    if (serving.kind === 'not-serving') return this.#close(client, 'not-serving')
    // The next leader may bring what the client has seen, so it is not judged now.
    if (serving.kind === 'waiting') return void this.#heldConnects.push({ client, request })
    if (serving.kind === 'read-only' && !request.canBeReadOnly) return this.#close(client, 'read-only-mode')
    // The client has seen a later state than this server has: it would see time run backwards.
    if (request.lastZxidSeen > BigInt(state.lastApplied)) return this.#close(client, 'client-is-ahead')
    const { timeoutMs } = client
    if (request.sessionId === 0n) this.#create(client, timeoutMs, serving)
    else this.#resume(client, request, timeoutMs, serving)
  }

  /** This server has a leader again. */
  connectHeld(): void {
    const held = this.#heldConnects
    this.#heldConnects = []
    for (const { client, request } of held) if (!client.isGone) this.connect(client, request)
  }

  /** The leader to which it went is gone, and the next one does not have it. */
  sendAgain(leader: LeaderRoute, sequence: number, awaited: PendingSession | PendingUpgrade): void {
    const { id, timeoutMs } = awaited
    if (awaited.kind === 'upgrade' || awaited.isNew) this.#submitCreation(leader, sequence, id, timeoutMs)
    else leader.revalidate(sequence, id, timeoutMs)
  }

  #create(client: Client, timeoutMs: number, serving: OpenServing): void {
    const { awaited, config } = this.#options
    const id = this.#newId()
    if (serving.kind === 'read-only') return this.#attachLocal(client, serving.sessions, id, timeoutMs)
    if (config.localSessionsEnabled) return this.#attachLocal(client, this.#local, id, timeoutMs)
    const sequence = awaited.add({ kind: 'session', isNew: true, client, id, timeoutMs })
    this.#submitCreation(serving.leader, sequence, id, timeoutMs)
  }

  #newId(): SessionId {
    const { sessionIds, state } = this.#options
    let id = sessionIds.next()
    // The wall clock may have gone back since an earlier run of this server gave out the same ids.
    while (state.sessions.has(id) || this.#local.has(id)) id = sessionIds.next()
    return id
  }

  #submitCreation(leader: LeaderRoute, sequence: number, id: SessionId, timeoutMs: number): void {
    const op = ops.createSession
    const body = encode(CreateSessionRequest, { timeoutMs })
    leader.submit({ sequence, sessionId: id, isLocal: false, type: op.opcode, body, authIds: [] }, op)
  }

  #resume(client: Client, request: SessionRequest, timeoutMs: number, serving: OpenServing): void {
    const { sessionId: id } = request
    const localSessions = this.#localSessionsWith(id, serving)
    // Only a leader knows whether a global session is still alive (ZK: ReadOnlyZooKeeperServer.validateSession).
    if (localSessions === null && serving.kind === 'read-only') return this.#close(client, 'session-needs-quorum')
    // Before the password is checked, as in ZooKeeper: a client that names a session ends the session's old connection.
    this.closeConnectionOf(id, 'session-replaced')
    if (!isPasswordOf(id, request.password)) return this.refuse(client)
    if (localSessions !== null) return this.#attachLocal(client, localSessions, id, timeoutMs)
    const sequence = this.#options.awaited.add({ kind: 'session', isNew: false, client, id, timeoutMs })
    if (serving.kind === 'serving') serving.leader.revalidate(sequence, id, timeoutMs)
  }

  /** Null: it is not a session that exists only on this server. */
  #localSessionsWith(id: SessionId, serving: OpenServing): LocalSessions | null {
    if (this.#local.has(id)) return this.#local
    return serving.kind === 'read-only' && serving.sessions.has(id) ? serving.sessions : null
  }

  /** The leader's answer to `revalidate`. */
  revalidated(sequence: number, valid: boolean): void {
    const awaited = this.#options.awaited.take(sequence)
    if (awaited?.kind !== 'session' || awaited.client.isGone) return
    if (valid) this.attach(awaited.client, awaited.id, awaited.timeoutMs)
    else this.refuse(awaited.client)
  }

  attach(client: Client, id: SessionId, timeoutMs: number): void {
    this.#attach(client, { id, timeoutMs, isLocal: false })
  }

  #attachLocal(client: Client, sessions: LocalSessions, id: SessionId, timeoutMs: number): void {
    sessions.put(id, timeoutMs, this.#nowMs)
    this.#attach(client, { id, timeoutMs, isLocal: true })
  }

  #attach(client: Client, session: ClientSession): void {
    if (client.isGone) return
    const { id, timeoutMs } = session
    this.closeConnectionOf(id, 'session-replaced')
    client.session = session
    this.#connectionOfSession.set(id, client.connectionId)
    this.heard(client) // its timeout starts now, however long the leader took to answer
    this.#respond(client, id, timeoutMs, sessionPasswordOf(id))
  }

  refuse(client: Client): void {
    this.#respond(client, 0n as SessionId, 0, noPassword)
    this.#close(client, 'session-invalid')
  }

  #respond({ connectionId }: Client, sessionId: SessionId, timeoutMs: number, password: Uint8Array): void {
    const { effects, serving } = this.#options
    const readOnly = serving().kind === 'read-only'
    effects.push({ kind: 'connect-response', connectionId, timeoutMs, sessionId, password, readOnly })
  }

  // --- staying and going ---

  /**
   * A local session cannot own an ephemeral, so it becomes global first (ZK:
   * QuorumZooKeeperServer.checkUpgradeSession).
   */
  mustBeGlobal(request: ClientRequest): boolean {
    return this.#options.config.localSessionsUpgradingEnabled && createsEphemeral(request)
  }

  /**
   * A local session is about to own an ephemeral: the leader manages it from now on, like any other, and this server
   * forgets it. Its creation goes to the leader before all its later requests, and again if it is lost with the leader.
   */
  makeGlobal(session: ClientSession): void {
    const { awaited, serving: servingNow, trace } = this.#options
    const serving = servingNow()
    assert(serving.kind === 'serving', 'a session becomes global through a leader', { serving: serving.kind })
    session.isLocal = false
    this.#local.remove(session.id)
    trace?.({ kind: 'local-session-ended', sessionId: session.id, how: 'made-global' })
    const { id, timeoutMs } = session
    this.#submitCreation(serving.leader, awaited.add({ kind: 'upgrade', id, timeoutMs }), id, timeoutMs)
  }

  /** The client closes its local session; no other server has to know. */
  endLocal({ id }: ClientSession): void {
    this.#local.remove(id)
    this.#readOnly?.remove(id)
  }

  /** Closes the connection of the session, if this server has it. */
  closeConnectionOf(id: SessionId, reason: ReplicaCloseReason): void {
    const connectionId = this.#connectionOfSession.get(id)
    if (connectionId === undefined) return
    const isOver = reason !== 'session-expired' || !this.#options.state.sessions.has(id)
    assert(isOver, 'a connection closes as expired only after the end of its session (invariant 7)', { sessionId: id })
    this.#options.close(connectionId, reason)
  }

  /** The connection is gone; the session stays alive until it expires. */
  detach({ session, connectionId }: Client): void {
    if (session !== null && this.#connectionOfSession.get(session.id) === connectionId) {
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
      // Also if the client has left meanwhile: its session stays alive for its whole timeout.
      if (client.session !== null) visit(client.session.id)
    }
  }

  #close(client: Client, reason: ReplicaCloseReason): void {
    this.#options.close(client.connectionId, reason)
  }
}

/** False for a body that does not decode: the leader will refuse it. */
function createsEphemeral({ op, body }: ClientRequest): boolean {
  if (op === ops.create || op === ops.create2 || op === ops.createIfNotExists) {
    const create = decode(CreateRequest, body)
    return create.ok && isEphemeral(create.value.flags)
  }
  if (op !== ops.multi) return false
  const parts = decodeMulti(body, true)
  return parts.ok && parts.value.some((part) => 'flags' in part && isEphemeral(part.flags))
}

function isEphemeral(flags: number): boolean {
  return createModeOf(flags)?.ephemeral ?? false
}
