/**
 * The sessions of this server's clients: which connection has which, how one is made, comes back, is refused, and
 * which were heard from. What the leader has to know goes out through the route to it.
 * Assumes: the client desk owns the connections; one is closed only through it. If two connections of this server
 * had the same session, replies and watches of one would reach whoever holds the other.
 */
import type { ConnectionId, SessionId } from '../base/ids.ts'
import { encode } from '../jute/record.ts'
import { ops } from '../protocol/client/operations.ts'
import { CreateSessionRequest } from '../protocol/client/requests.ts'
import { isPasswordOf, sessionPasswordOf, sessionPasswordSizeBytes } from '../protocol/client/session-password.ts'
import { negotiateTimeoutMs } from '../sessions/negotiate-timeout.ts'
import type { SessionIdSource } from '../sessions/session-id-source.ts'
import type { AwaitedOutcomes } from './awaited-outcomes.ts'
import type { Client } from './client.ts'
import type { ClientRequest, ReplicaCloseReason } from './contract.ts'
import type { EffectList } from './effect-list.ts'
import type { ReplicatedState } from './replicated-state.ts'
import type { WriteRoute } from './write-route.ts'

export interface SessionDeskOptions {
  readonly state: ReplicatedState
  readonly effects: EffectList
  readonly awaited: AwaitedOutcomes
  readonly sessionIds: SessionIdSource
  readonly minSessionTimeoutMs: number
  readonly maxSessionTimeoutMs: number
  readonly close: (connection: ConnectionId, reason: ReplicaCloseReason) => void
}

type Connect = Extract<ClientRequest, { readonly kind: 'connect' }>

const noPassword = new Uint8Array(sessionPasswordSizeBytes)

export class SessionDesk {
  readonly #options: SessionDeskOptions
  readonly #connectionOfSession = new Map<SessionId, ConnectionId>()
  #heardFrom: Client[] = []
  #route: WriteRoute | null = null

  constructor(options: SessionDeskOptions) {
    this.#options = options
  }

  startServing(route: WriteRoute): void {
    this.#route = route
  }

  stopServing(): void {
    this.#route = null
  }

  connect(client: Client, request: Connect): void {
    const { state, minSessionTimeoutMs: minMs, maxSessionTimeoutMs: maxMs } = this.#options
    if (this.#route === null) return this.#options.close(client.connection, 'not-serving')
    // It has seen a state that we have not: here time would run backwards for it.
    if (request.lastZxidSeen > BigInt(state.lastApplied)) {
      return this.#options.close(client.connection, 'client-is-ahead')
    }
    const timeoutMs = negotiateTimeoutMs(request.timeoutMs, { minMs, maxMs })
    if (request.sessionId === 0n) return this.#create(client, timeoutMs, this.#route)
    const id = request.sessionId
    // Before the password is checked, as in the original: whoever names the session takes over the connection.
    this.closeConnectionOf(id, 'session-replaced')
    if (!isPasswordOf(id, request.password)) return this.refuse(client)
    const sequence = this.#options.awaited.add({ kind: 'session', client, id, timeoutMs })
    this.#route.revalidate(sequence, id, timeoutMs)
  }

  #create(client: Client, timeoutMs: number, route: WriteRoute): void {
    const { sessionIds, state, awaited } = this.#options
    let id = sessionIds.next()
    // The wall clock may have gone back since an earlier run of this server gave out the same ids.
    while (state.sessions.has(id)) id = sessionIds.next()
    const sequence = awaited.add({ kind: 'session', client, id, timeoutMs })
    const body = encode(CreateSessionRequest, { timeoutMs })
    route.submit({ sequence, sessionId: id, type: ops.createSession.opcode, body, authIds: [] })
  }

  /** The leader's word on a session that came back. */
  revalidated(sequence: number, valid: boolean): void {
    const awaited = this.#options.awaited.take(sequence)
    if (awaited?.kind !== 'session' || awaited.client.isGone) return
    if (valid) this.attach(awaited.client, awaited.id, awaited.timeoutMs)
    else this.refuse(awaited.client)
  }

  attach(client: Client, id: SessionId, timeoutMs: number): void {
    if (client.isGone) return
    this.closeConnectionOf(id, 'session-replaced')
    client.session = { id, timeoutMs }
    this.#connectionOfSession.set(id, client.connection)
    this.heard(client) // its timeout runs from here, however long the way to the leader was
    this.#options.effects.push({
      kind: 'reply',
      connection: client.connection,
      reply: { kind: 'connect-response', timeoutMs, sessionId: id, password: sessionPasswordOf(id) },
    })
  }

  refuse(client: Client): void {
    const reply = { kind: 'connect-response', timeoutMs: 0, sessionId: 0n as SessionId, password: noPassword } as const
    this.#options.effects.push({ kind: 'reply', connection: client.connection, reply })
    this.#options.close(client.connection, 'session-invalid')
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
    this.#heardFrom.push(client)
  }

  /** Calls `visit` with each session heard from since the last call. */
  drainHeardFrom(visit: (id: SessionId) => void): void {
    const clients = this.#heardFrom
    this.#heardFrom = []
    for (const client of clients) {
      client.wasHeardFrom = false
      if (client.session !== null && !client.isGone) visit(client.session.id)
    }
  }
}
