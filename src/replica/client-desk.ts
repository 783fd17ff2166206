/**
 * The clients of this server: their sessions, their requests in order, their watches. Writes go out through a
 * route to the leader, be it this server or another, and come back as a committed txn of our origin or as an
 * answer. Owns invariant 5: replies leave in the order of requests, and a watch event before any reply that
 * shows what it announces.
 */
import type { AuthId } from '../auth/auth-id.ts'
import { withIds } from '../auth/auth-id.ts'
import { authenticate } from '../auth/authenticate.ts'
import { isAllowed } from '../auth/is-allowed.ts'
import { permissions } from '../auth/permissions.ts'
import { assert } from '../base/assert.ts'
import type { ConnectionId, SessionId, Zxid } from '../base/ids.ts'
import { decode, encode } from '../jute/record.ts'
import { noZxid, pingXid } from '../protocol/client/headers.ts'
import { ops } from '../protocol/client/operations.ts'
import { AuthRequest, CreateSessionRequest } from '../protocol/client/requests.ts'
import { isPasswordOf, sessionPasswordOf, sessionPasswordSizeBytes } from '../protocol/client/session-password.ts'
import type { ForwardedAnswer, ForwardedRequest } from '../protocol/peer/peer-message.ts'
import { negotiateTimeoutMs } from '../sessions/negotiate-timeout.ts'
import type { SessionIdSource } from '../sessions/session-id-source.ts'
import type { TreeEvent } from '../tree/tree-event.ts'
import { WatchTable } from '../watches/watch-table.ts'
import { Client, type PendingRequest, type RequestOutcome } from './client.ts'
import type { ClientRequest, ReplicaCloseReason } from './contract.ts'
import type { EffectList } from './effect-list.ts'
import { answerRead } from './read-requests.ts'
import type { ReplicatedState } from './replicated-state.ts'

/** The way to the leader. */
export interface WriteRoute {
  submit(request: ForwardedRequest): void
  /** Asks whether a session may continue here; answered by `revalidated`. */
  revalidate(sequence: number, sessionId: SessionId, timeoutMs: number): void
}

export interface ClientDeskOptions {
  readonly state: ReplicatedState
  readonly effects: EffectList
  readonly sessionIds: SessionIdSource
  readonly minSessionTimeoutMs: number
  readonly maxSessionTimeoutMs: number
  readonly linearizableReads: boolean
  readonly superDigest: string | null
  readonly sha1: (bytes: Uint8Array) => Uint8Array
}

/** What a sequence number that we gave out stands for. */
type Awaited =
  | { readonly kind: 'request'; readonly client: Client; readonly request: PendingRequest }
  | { readonly kind: 'session'; readonly client: Client; readonly id: SessionId; readonly timeoutMs: number }

type Connect = Extract<ClientRequest, { readonly kind: 'connect' }>
type Operation = Extract<ClientRequest, { readonly kind: 'operation' }>

const noPassword = new Uint8Array(sessionPasswordSizeBytes)

export class ClientDesk {
  readonly watches = new WatchTable()
  readonly #options: ClientDeskOptions
  readonly #clients = new Map<ConnectionId, Client>()
  readonly #connectionOfSession = new Map<SessionId, ConnectionId>()
  readonly #awaited = new Map<number, Awaited>()
  #parked: ForwardedAnswer[] = [] // told once what they saw is applied here; in order of arrival
  #heardFrom: Client[] = []
  #route: WriteRoute | null = null
  #lastSequence = 0
  #authFailedCount = 0

  constructor(options: ClientDeskOptions) {
    this.#options = options
  }

  get isServing(): boolean {
    return this.#route !== null
  }

  get authFailedCount(): number {
    return this.#authFailedCount
  }

  startServing(route: WriteRoute): void {
    this.#route = route
  }

  /** Requests on their way have a fate that only the next leader will know: their connections close. */
  stopServing(): void {
    this.#route = null
    this.#awaited.clear()
    this.#parked = []
    for (const connection of [...this.#clients.keys()]) this.#close(connection, 'leader-lost')
  }

  open(connection: ConnectionId, remoteAddress: string): void {
    this.#clients.set(connection, new Client(connection, remoteAddress))
  }

  /** The socket is gone; the session lives on until it expires. */
  gone(connection: ConnectionId): void {
    const client = this.#clients.get(connection)
    if (client === undefined) return
    client.isGone = true
    this.#clients.delete(connection)
    this.watches.removeConnection(connection)
    const { session } = client
    if (session !== null && this.#connectionOfSession.get(session.id) === connection) {
      this.#connectionOfSession.delete(session.id)
    }
  }

  receive(connection: ConnectionId, request: ClientRequest): void {
    const client = this.#clients.get(connection)
    if (client === undefined) return // closed by us a moment ago
    if (request.kind === 'connect') this.#connect(client, request)
    else this.#operate(client, request)
  }

  // --- sessions ---

  #connect(client: Client, request: Connect): void {
    const { state, minSessionTimeoutMs: minMs, maxSessionTimeoutMs: maxMs } = this.#options
    if (this.#route === null) return this.#close(client.connection, 'not-serving')
    // It has seen a state that we have not: here time would run backwards for it.
    if (request.lastZxidSeen > BigInt(state.lastApplied)) return this.#close(client.connection, 'client-is-ahead')
    const timeoutMs = negotiateTimeoutMs(request.timeoutMs, { minMs, maxMs })
    if (request.sessionId === 0n) return this.#createSession(client, timeoutMs)
    const id = request.sessionId
    // Before the password is checked, as in the original: whoever names the session takes over the connection.
    this.closeSessionConnection(id, 'session-replaced')
    if (!isPasswordOf(id, request.password)) return this.#refuseSession(client)
    const sequence = this.#await({ kind: 'session', client, id, timeoutMs })
    this.#route.revalidate(sequence, id, timeoutMs)
  }

  #createSession(client: Client, timeoutMs: number): void {
    const { sessionIds, state } = this.#options
    let id = sessionIds.next()
    // The wall clock may have gone back since an earlier run of this server gave out the same ids.
    while (state.sessions.has(id)) id = sessionIds.next()
    const sequence = this.#await({ kind: 'session', client, id, timeoutMs })
    const body = encode(CreateSessionRequest, { timeoutMs })
    this.#route!.submit({ sequence, sessionId: id, type: ops.createSession.opcode, body, authIds: [] })
  }

  /** The leader's word on a session that came back. */
  revalidated(sequence: number, valid: boolean): void {
    const awaited = this.#awaited.get(sequence)
    if (awaited?.kind !== 'session') return
    this.#awaited.delete(sequence)
    if (awaited.client.isGone) return
    if (valid) this.#attach(awaited.client, awaited.id, awaited.timeoutMs)
    else this.#refuseSession(awaited.client)
  }

  #attach(client: Client, id: SessionId, timeoutMs: number): void {
    if (client.isGone) return
    this.closeSessionConnection(id, 'session-replaced')
    client.session = { id, timeoutMs }
    this.#connectionOfSession.set(id, client.connection)
    this.#heard(client) // its timeout runs from here, however long the way to the leader was
    this.#options.effects.push({
      kind: 'reply',
      connection: client.connection,
      reply: { kind: 'connect-response', timeoutMs, sessionId: id, password: sessionPasswordOf(id) },
    })
  }

  #refuseSession(client: Client): void {
    const reply = { kind: 'connect-response', timeoutMs: 0, sessionId: 0n as SessionId, password: noPassword } as const
    this.#options.effects.push({ kind: 'reply', connection: client.connection, reply })
    this.#close(client.connection, 'session-invalid')
  }

  /** If a connection of this server has the session, it closes. */
  closeSessionConnection(id: SessionId, reason: ReplicaCloseReason): void {
    const connection = this.#connectionOfSession.get(id)
    if (connection !== undefined) this.#close(connection, reason)
  }

  #heard(client: Client): void {
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

  // --- requests ---

  #operate(client: Client, { xid, type, op, body }: Operation): void {
    this.#heard(client)
    if (op === 'auth') return this.#authenticate(client, xid, body)
    const { authIds } = client
    const request: PendingRequest = { xid, op: op ?? 'ping', type, body, authIds, state: 'held', outcome: null }
    if (op === null || !ops[op].implemented) {
      request.state = 'done'
      request.outcome = { zxid: noZxid, error: 'unimplemented', body: null }
    }
    client.queue.push(request)
    this.#drain(client)
  }

  /** Out of turn, as in the original: it holds for the requests read after it. */
  #authenticate(client: Client, xid: Operation['xid'], body: Uint8Array): void {
    const { effects, sha1, superDigest } = this.#options
    const packet = decode(AuthRequest, body)
    const context = { remoteAddress: client.remoteAddress, sha1, superDigest }
    const ids = packet.ok ? authenticate(packet.value.scheme, packet.value.auth, context) : packet
    if (ids.ok) {
      client.authIds = withIds(client.authIds, ids.value)
      effects.reply(client.connection, xid, 0, null, null)
    } else {
      this.#authFailedCount++
      effects.reply(client.connection, xid, 0, packet.ok ? 'auth-failed' : 'marshalling-error', null)
      if (packet.ok) this.#close(client.connection, 'auth-failed')
    }
  }

  /**
   * Moves the queue on: answers what has come to the front, and sends writes further back on their way. A sync
   * holds back what follows it until it is confirmed, so that a read behind it sees no later write of its session.
   * A leader may answer while we submit; such an answer only marks its request, and the walk under way goes on.
   */
  #drain(client: Client): void {
    if (client.isDraining) return
    client.isDraining = true
    do {
      this.#answerFront(client)
      this.#sendOnTheirWay(client)
    } while (!client.isGone && client.queue.length > 0 && isReady(client.queue[0]!))
    client.isDraining = false
  }

  #answerFront(client: Client): void {
    const { queue } = client
    while (queue.length > 0 && !client.isGone) {
      const head = queue[0]!
      if (head.state === 'held') this.#start(client, head)
      if (!isReady(head)) return
      queue.shift()
      if (client.lookedAtCount > 0) client.lookedAtCount--
      this.#answer(client, head)
    }
  }

  #sendOnTheirWay(client: Client): void {
    const { queue } = client
    while (client.lookedAtCount < queue.length && !client.isGone) {
      const request = queue[client.lookedAtCount]!
      if (this.#needsConfirmation(request)) return // it starts when it comes to the front, and those behind it later
      client.lookedAtCount++
      if (request.state === 'held' && ops[request.op].access === 'write') this.#start(client, request)
    }
  }

  #needsConfirmation(request: PendingRequest): boolean {
    if (request.op === 'sync') return true
    return this.#options.linearizableReads && ops[request.op].access === 'read' && request.op !== 'ping'
  }

  /** A held request either goes to the leader or is ready where it stands. */
  #start(client: Client, request: PendingRequest): void {
    if (ops[request.op].access !== 'write' && !this.#needsConfirmation(request)) {
      request.state = 'confirmed'
      return
    }
    assert(this.#route !== null && client.session !== null, 'requests come from attached clients of a serving server')
    request.state = 'sent'
    const sequence = this.#await({ kind: 'request', client, request })
    const type = ops[request.op].access === 'write' ? request.type : ops.sync.opcode
    const body = ops[request.op].access === 'write' ? request.body : noBody
    this.#route.submit({ sequence, sessionId: client.session.id, type, body, authIds: request.authIds })
  }

  #answer(client: Client, request: PendingRequest): void {
    const { state, effects } = this.#options
    const { connection } = client
    if (request.outcome !== null) {
      const { zxid, error, body } = request.outcome
      effects.reply(connection, request.xid, zxid, error, body)
      if (request.op === 'closeSession' && error === null) this.#close(connection, 'session-closed')
      return
    }
    if (request.op === 'sync') {
      // The path comes back as it came, undecoded: only its length prefix could be wrong.
      const error = request.body.length >= 4 ? null : 'marshalling-error'
      effects.reply(connection, request.xid, state.lastApplied, error, error === null ? request.body : null)
      return
    }
    const answer = answerRead(request, client, { tree: state.tree, watches: this.watches })
    for (const notification of answer.missed) effects.notify(notification, noZxid)
    const xid = request.op === 'ping' ? pingXid : request.xid
    effects.reply(connection, xid, state.lastApplied, answer.error, answer.body)
  }

  #await(awaited: Awaited): number {
    const sequence = ++this.#lastSequence
    this.#awaited.set(sequence, awaited)
    return sequence
  }

  // --- what comes back ---

  receiveAnswer(answer: ForwardedAnswer): void {
    if (answer.after > this.#options.state.lastApplied) this.#parked.push(answer)
    else this.#tell(answer)
  }

  #tell(answer: ForwardedAnswer): void {
    const awaited = this.#awaited.get(answer.sequence)
    if (awaited === undefined) return
    this.#awaited.delete(answer.sequence)
    const { client } = awaited
    if (client.isGone) return
    if (awaited.kind === 'session') return this.#refuseSession(client)
    // Never told in so many words: a superseded connection closes without a reply (ZK: SessionMovedException).
    if (answer.error === 'session-moved') return this.#close(client.connection, 'session-moved')
    if (answer.error === null && this.#needsConfirmation(awaited.request)) awaited.request.state = 'confirmed'
    else this.#finish(awaited.request, { zxid: answer.after, error: answer.error, body: answer.body })
    this.#drain(client)
  }

  /** A txn was applied: watchers hear of it first, then whoever asked for it, then those who waited for its zxid. */
  applied(zxid: Zxid, events: readonly TreeEvent[], ownSequence: number | null, body: Uint8Array | null): void {
    if (events.length > 0) {
      for (const notification of this.watches.trigger(events, this.#canRead))
        this.#options.effects.notify(notification, zxid)
    }
    if (ownSequence !== null) this.#complete(ownSequence, { zxid, error: null, body })
    while (this.#parked.length > 0 && this.#parked[0]!.after <= zxid) this.#tell(this.#parked.shift()!)
  }

  #complete(sequence: number, outcome: RequestOutcome): void {
    const awaited = this.#awaited.get(sequence)
    if (awaited === undefined) return
    this.#awaited.delete(sequence)
    if (awaited.kind === 'session') return this.#attach(awaited.client, awaited.id, awaited.timeoutMs)
    this.#finish(awaited.request, outcome)
    if (!awaited.client.isGone) this.#drain(awaited.client)
  }

  #finish(request: PendingRequest, outcome: RequestOutcome): void {
    request.state = 'done'
    request.outcome = outcome
  }

  readonly #canRead = (connection: ConnectionId, acl: TreeEvent['acl']): boolean => {
    const ids: readonly AuthId[] = this.#clients.get(connection)?.authIds ?? []
    return isAllowed(acl, permissions.read, ids)
  }

  #close(connection: ConnectionId, reason: ReplicaCloseReason): void {
    this.#options.effects.close(connection, reason)
    this.gone(connection)
  }
}

function isReady(request: PendingRequest): boolean {
  return request.state === 'done' || request.state === 'confirmed'
}

const noBody = new Uint8Array(0)
