/**
 * The clients of this server: their connections, their requests in order, their watches; their sessions are the
 * session desk's. Writes go out through a route to the leader, be it this server or another, and come back as a
 * committed txn of our origin or as an answer. Owns invariant 5: replies leave in the order of requests, and a watch
 * event before any reply that shows what it announces.
 */
import type { AccessRules } from '../auth/access-rules.ts'
import type { AuthId } from '../auth/auth-id.ts'
import { isAllowed } from '../auth/is-allowed.ts'
import { permissions } from '../auth/permissions.ts'
import { assert } from '../base/assert.ts'
import type { ConnectionId, SessionId, Zxid } from '../base/ids.ts'
import type { LineLimiter } from '../base/line-limiter.ts'
import type { Config } from '../config/config.ts'
import { NamespaceBytes } from '../metrics/namespace-bytes.ts'
import type { ServerMetrics } from '../metrics/server-metrics.ts'
import type { Log } from '../ports/log.ts'
import { noZxid, pingXid } from '../protocol/client/headers.ts'
import { ops } from '../protocol/client/operations.ts'
import type { ForwardedAnswer } from '../protocol/peer/peer-message.ts'
import type { SessionIdSource } from '../sessions/session-id-source.ts'
import type { TreeEvent } from '../tree/tree-event.ts'
import { WatchTable } from '../watches/watch-table.ts'
import { AwaitedOutcomes } from './awaited-outcomes.ts'
import { Client, type PendingRequest, type RequestOutcome } from './client.ts'
import type { ConfigZnode } from './config-znode.ts'
import { ConnectionRequests } from './connection-requests.ts'
import type { ClientRequest, ReplicaCloseReason } from './contract.ts'
import type { EffectList } from './effect-list.ts'
import { createsEphemeral } from './ephemeral-creates.ts'
import type { KeeperZnodes } from './keeper-znodes.ts'
import { isLargeReply, logLargeReply } from './large-reply.ts'
import { type ReadContext, ServerReads } from './read-answer.ts'
import { answerRead } from './read-requests.ts'
import type { ReplicatedState } from './replicated-state.ts'
import { SessionDesk, type SessionDeskConfig } from './session-desk.ts'
import type { Trace } from './trace-event.ts'
import { countWatchEvents } from './watch-metrics.ts'
import type { WriteRoute } from './write-route.ts'

export interface ClientDeskConfig
  extends SessionDeskConfig,
    Pick<Config, 'auth' | 'linearizableReads' | 'localSessionsUpgradingEnabled'> {}

export interface ClientDeskOptions {
  readonly state: ReplicatedState
  readonly effects: EffectList
  readonly sessionIds: SessionIdSource
  readonly config: ClientDeskConfig
  readonly access: AccessRules
  readonly hash: (bytes: Uint8Array) => Uint8Array // of the digest scheme
  readonly configZnode: ConfigZnode
  /** Null: the operations of ClickHouse Keeper are not served. */
  readonly keeper: KeeperZnodes | null
  readonly log: Log
  readonly lines: LineLimiter // for what clients make the log say
  readonly metrics: ServerMetrics
  readonly trace: Trace | null
}

type Operation = Extract<ClientRequest, { readonly kind: 'operation' }>
type RefusedOperation = Extract<ClientRequest, { readonly kind: 'refused-operation' }>

export class ClientDesk {
  readonly watches = new WatchTable()
  readonly sessions: SessionDesk
  readonly #options: ClientDeskOptions
  readonly #clients = new Map<ConnectionId, Client>()
  readonly #awaited = new AwaitedOutcomes()
  readonly #readContext: ReadContext
  #parked: ForwardedAnswer[] = [] // told once what they saw is applied here; in order of arrival
  #route: WriteRoute | null = null
  readonly #requests: ConnectionRequests

  constructor(options: ClientDeskOptions) {
    this.#options = options
    const { state, access, configZnode, keeper, metrics } = options
    const reads = new NamespaceBytes(metrics.read_per_namespace)
    this.#readContext = new ServerReads(state, { watches: this.watches, reads, access, configZnode, keeper })
    this.#requests = new ConnectionRequests({ ...options, auth: options.config.auth })
    this.sessions = new SessionDesk({
      ...options,
      awaited: this.#awaited,
      close: (connection, reason) => this.#close(connection, reason),
    })
  }

  get isServing(): boolean {
    return this.#route !== null
  }

  /** Serves reads alone, for want of a leader. */
  get isReadOnly(): boolean {
    return this.sessions.isReadOnly
  }

  get authFailedCount(): number {
    return this.#requests.authFailedCount
  }

  sessionOf(connection: ConnectionId): SessionId | null {
    return this.#clients.get(connection)?.session?.id ?? null
  }

  startServing(route: WriteRoute, nowMs: number): void {
    this.#route = route
    this.sessions.startServing(route, nowMs)
  }

  /** Requests on their way have a fate that only the next leader will know: their connections close. */
  stopServing(): void {
    this.#route = null
    this.sessions.stopServing()
    this.#awaited.clear()
    this.#parked = []
    this.#closeAll('leader-lost')
  }

  startReadOnly(nowMs: number): void {
    assert(this.#route === null, 'who has a leader serves writes too')
    this.sessions.startReadOnly(nowMs)
  }

  /** Its clients come back to a server that has a leader, this one or another. */
  stopReadOnly(): void {
    this.#closeAll('read-only-ended')
    this.sessions.stopReadOnly()
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
    this.sessions.detach(client)
  }

  receive(connection: ConnectionId, request: ClientRequest): void {
    const client = this.#clients.get(connection)
    if (client === undefined) return // closed by us a moment ago
    if (request.kind === 'connect') this.sessions.connect(client, request)
    else if (request.kind === 'operation') this.#operate(client, request)
    else this.#refuseInTurn(client, request)
  }

  // --- requests ---

  #operate(client: Client, { xid, type, op, body }: Operation): void {
    this.sessions.heard(client)
    if (op === 'auth') return this.#closeFor(client, this.#requests.authenticate(client, xid, body))
    if (op === 'sasl') return this.#closeFor(client, this.#requests.negotiate(client, xid, body))
    const refusal = this.#requests.admit(client, xid)
    if (refusal !== null) return this.#closeFor(client, refusal)
    const { authIds } = client
    const request: PendingRequest = { xid, op: op ?? 'ping', type, body, authIds, state: 'held', outcome: null }
    const isServed = op !== null && (ops[op].implemented || this.#mayNotWrite(op))
    if (!isServed || (ops[op].isKeepers && this.#options.keeper === null)) {
      request.state = 'done'
      request.outcome = { zxid: noZxid, error: 'unimplemented', body: null }
    }
    client.queue.push(request)
    this.#drain(client)
  }

  #refuseInTurn(client: Client, { xid, op, error }: RefusedOperation): void {
    this.sessions.heard(client)
    const refusal = this.#requests.admit(client, xid)
    if (refusal !== null) return this.#closeFor(client, refusal)
    const { authIds } = client
    const outcome = { zxid: null, error, body: null }
    client.queue.push({ xid, op, type: ops[op].opcode, body: noBody, authIds, state: 'done', outcome })
    this.#drain(client)
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
      // It starts when it comes to the front, and those behind it later.
      if (this.#needsConfirmation(request) || isLocalEnd(client, request)) return
      client.lookedAtCount++
      if (request.state === 'held' && ops[request.op].access === 'write') this.#start(client, request)
    }
  }

  /** In read-only mode, where even what we do not know is refused as a write if ZooKeeper writes by it. */
  #mayNotWrite(op: PendingRequest['op']): boolean {
    return this.isReadOnly && op !== 'closeSession' && (ops[op].access === 'write' || op === 'sync')
  }

  #needsConfirmation(request: PendingRequest): boolean {
    if (this.isReadOnly) return false
    if (request.op === 'sync') return true
    return this.#options.config.linearizableReads && ops[request.op].access === 'read' && request.op !== 'ping'
  }

  /** A held request either goes to the leader or is ready where it stands. */
  #start(client: Client, request: PendingRequest): void {
    if (this.#mayNotWrite(request.op)) {
      return this.#finish(request, { zxid: this.#options.state.lastApplied, error: 'not-read-only', body: null })
    }
    const isWrite = ops[request.op].access === 'write'
    if (isWrite ? isLocalEnd(client, request) : !this.#needsConfirmation(request)) {
      request.state = 'confirmed'
      return
    }
    const { session } = client
    assert(this.#route !== null && session !== null, 'requests come from attached clients of a serving server')
    if (session.isLocal && this.#options.config.localSessionsUpgradingEnabled && createsEphemeral(request)) {
      this.sessions.makeGlobal(session)
      // That was a request too: a leader that has used up its zxids steps down at it, and its clients are gone.
      if (client.isGone) return
    }
    request.state = 'sent'
    const sequence = this.#awaited.add({ kind: 'request', client, request })
    const type = isWrite ? request.type : ops.sync.opcode
    const body = isWrite ? request.body : noBody
    const { id: sessionId, isLocal } = session
    this.#route.submit({ sequence, sessionId, isLocal, type, body, authIds: request.authIds })
  }

  #answer(client: Client, request: PendingRequest): void {
    const { state, effects, log, lines } = this.#options
    const { connection } = client
    if (request.outcome !== null) {
      const { zxid, error, body } = request.outcome
      if (isLargeReply(body)) logLargeReply(log, lines, client, request, body)
      effects.reply(connection, request.xid, zxid ?? state.lastApplied, error, body)
      if (request.op === 'closeSession' && error === null) this.#close(connection, 'session-closed')
      return
    }
    if (request.op === 'closeSession') {
      effects.reply(connection, request.xid, state.lastApplied, null, null)
      this.sessions.endLocal(client.session!)
      return this.#close(connection, 'session-closed')
    }
    const answer = answerRead(request, client, this.#readContext)
    if (isLargeReply(answer.body)) logLargeReply(log, lines, client, request, answer.body)
    for (const notification of answer.missed) effects.notify(notification, noZxid)
    const xid = request.op === 'ping' ? pingXid : request.xid
    effects.reply(connection, xid, state.lastApplied, answer.error, answer.body)
  }

  // --- what comes back ---

  receiveAnswer(answer: ForwardedAnswer): void {
    if (answer.after > this.#options.state.lastApplied) this.#parked.push(answer)
    else this.#tell(answer)
  }

  #tell(answer: ForwardedAnswer): void {
    const awaited = this.#awaited.take(answer.sequence)
    if (awaited === undefined) return
    const { client } = awaited
    if (client.isGone) return
    if (awaited.kind === 'session') return this.sessions.refuse(client)
    // Never told in so many words: a superseded connection closes without a reply (ZK: SessionMovedException).
    if (answer.error === 'session-moved') return this.#close(client.connection, 'session-moved')
    if (answer.error === null && this.#needsConfirmation(awaited.request)) awaited.request.state = 'confirmed'
    else this.#finish(awaited.request, { zxid: answer.after, error: answer.error, body: answer.body })
    this.#drain(client)
  }

  /** A txn was applied: watchers hear of it first, then whoever asked for it, then those who waited for its zxid. */
  applied(zxid: Zxid, events: readonly TreeEvent[], ownSequence: number | null, body: Uint8Array | null): void {
    if (events.length > 0) {
      const notifications = this.watches.trigger(events, this.#canRead)
      for (const notification of notifications) this.#options.effects.notify(notification, zxid)
      if (notifications.length > 0) countWatchEvents(this.#options.metrics, notifications)
    }
    if (ownSequence !== null) this.#complete(ownSequence, { zxid, error: null, body })
    while (this.#parked.length > 0 && this.#parked[0]!.after <= zxid) this.#tell(this.#parked.shift()!)
  }

  #complete(sequence: number, outcome: RequestOutcome): void {
    const awaited = this.#awaited.take(sequence)
    if (awaited === undefined) return
    if (awaited.kind === 'session') return this.sessions.attach(awaited.client, awaited.id, awaited.timeoutMs)
    this.#finish(awaited.request, outcome)
    if (!awaited.client.isGone) this.#drain(awaited.client)
  }

  #finish(request: PendingRequest, outcome: RequestOutcome): void {
    request.state = 'done'
    request.outcome = outcome
  }

  readonly #canRead = (connection: ConnectionId, acl: TreeEvent['acl']): boolean => {
    const ids: readonly AuthId[] = this.#clients.get(connection)?.authIds ?? []
    return isAllowed(acl, permissions.read, ids, this.#options.access)
  }

  #closeFor(client: Client, reason: ReplicaCloseReason | null): void {
    if (reason !== null) this.#close(client.connection, reason)
  }

  #closeAll(reason: ReplicaCloseReason): void {
    for (const connection of [...this.#clients.keys()]) this.#close(connection, reason)
  }

  #close(connection: ConnectionId, reason: ReplicaCloseReason): void {
    this.#options.effects.close(connection, reason)
    this.gone(connection)
  }
}

/** The end of a local session is nobody's business but ours; it takes its turn in the queue like a read. */
function isLocalEnd(client: Client, request: PendingRequest): boolean {
  return request.op === 'closeSession' && client.session !== null && client.session.isLocal
}

function isReady(request: PendingRequest): boolean {
  return request.state === 'done' || request.state === 'confirmed'
}

const noBody = new Uint8Array(0)
