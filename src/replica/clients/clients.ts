/**
 * The clients of this server: their connections, their requests in order, their watches. `Sessions` keeps their
 * sessions. Writes go through a route to the leader, which is this server or another, and come back as a committed txn
 * of this server's origin or as an answer. Owns invariant 5, which `Answers` asserts: replies leave in the order
 * of requests, and a watch event leaves before any reply that shows its change.
 * A leader that is lost takes no client with it (design D8): what clients ask waits, and requests whose outcome is not
 * known go to the next leader again, unless they have become txns. If one went again that was carried out, it would be
 * done twice.
 */
import type { AccessRules } from '../../auth/access-rules.ts'
import type { AuthId } from '../../auth/auth-id.ts'
import { isAllowed } from '../../auth/is-allowed.ts'
import { permissions } from '../../auth/permissions.ts'
import { assert, assertNever } from '../../base/assert.ts'
import type { ConnectionId, SessionId, Zxid } from '../../base/ids.ts'
import type { LineLimiter } from '../../base/line-limiter.ts'
import type { Config } from '../../config/config.ts'
import { NamespaceBytes } from '../../metrics/namespace-bytes.ts'
import type { ServerMetrics } from '../../metrics/server-metrics.ts'
import type { Log } from '../../ports/log.ts'
import type { ClientRequest } from '../../protocol/client/client-request.ts'
import { noZxid, pingXid } from '../../protocol/client/headers.ts'
import { type OpTraits, ops } from '../../protocol/client/operations.ts'
import type { ForwardedAnswer } from '../../protocol/peer/peer-message.ts'
import { LocalSessions } from '../../sessions/local-sessions.ts'
import type { SessionIdSource } from '../../sessions/session-id-source.ts'
import type { DataTree } from '../../tree/data-tree.ts'
import type { TreeEvent } from '../../tree/tree-event.ts'
import { WatchTable } from '../../watches/watch-table.ts'
import type { ReplicatedState } from '../applying/replicated-state.ts'
import type { WriteOutcome } from '../applying/write-results.ts'
import type { BackupAnswer, Effect, ReplicaCloseReason, SessionRequest } from '../contract.ts'
import type { EffectList } from '../effect-list.ts'
import type { ConfigZnode } from '../reads/config-znode.ts'
import type { KeeperZnodes } from '../reads/keeper/keeper-znodes.ts'
import { type ReadContext, ServerReads } from '../reads/read-answer.ts'
import { answerRead } from '../reads/read-requests.ts'
import { countWatchEvents } from '../status/change-metrics.ts'
import type { CutReason, Trace } from '../trace-event.ts'
import { Answers } from './answers.ts'
import { Authentication } from './authentication.ts'
import { AwaitedOutcomes } from './awaited-outcomes.ts'
import { backupStepOf, bodyOfAnswer } from './backup-requests.ts'
import { Client, held, local, type PendingRequest, type Verdict, withDriver, withLeader } from './client.ts'
import { ClientsBetweenLeaders } from './clients-between-leaders.ts'
import { RequestAdmission } from './request-admission.ts'
import { isOvertaking } from './requests-in-doubt.ts'
import { type LeaderRoute, notServing, type Serving } from './serving.ts'
import { Sessions, type SessionsConfig } from './sessions.ts'

export interface ClientsConfig
  extends SessionsConfig,
    Pick<Config, 'serverId' | 'auth' | 'compatibility' | 'linearizableReads' | 'clientWaitForLeaderMs'> {}

export interface ClientsOptions {
  readonly state: ReplicatedState
  readonly effects: EffectList
  readonly sessionIds: SessionIdSource
  readonly config: ClientsConfig
  readonly access: AccessRules
  readonly hash: (bytes: Uint8Array) => Uint8Array // of the digest scheme
  readonly localKey: string | null
  readonly configZnode: ConfigZnode
  /** Null: the operations of ClickHouse Keeper are not served. */
  readonly keeper: KeeperZnodes | null
  readonly log: Log
  readonly lines: LineLimiter // for log lines that clients cause
  readonly metrics: ServerMetrics
  readonly trace: Trace | null
}

export class Clients {
  readonly watches = new WatchTable()
  readonly sessions: Sessions
  readonly #options: ClientsOptions
  readonly #byConnection = new Map<ConnectionId, Client>()
  readonly #awaited = new AwaitedOutcomes()
  readonly #between: ClientsBetweenLeaders
  readonly #answers: Answers
  readonly #authentication: Authentication
  readonly #admission: RequestAdmission
  readonly #readContext: ReadContext
  #serving: Serving = notServing
  #parked: ForwardedAnswer[] = [] // wait until this server has applied their zxid; in order of arrival

  constructor(options: ClientsOptions) {
    this.#options = options
    const { state, access, config, configZnode, keeper, metrics } = options
    const serving = (): Serving => this.#serving
    const reads = new NamespaceBytes(metrics.read_per_namespace)
    const { compatibility } = config
    this.#readContext = new ServerReads(state, {
      watches: this.watches,
      reads,
      access,
      configZnode,
      keeper,
      watchesNullPaths: compatibility.watchesNullPaths,
      decodesNullWrites: compatibility.decodesNullWritesInMultiRead,
    })
    this.#answers = new Answers(options, state.lastApplied)
    this.#authentication = new Authentication({ ...options, auth: config.auth, compatibility })
    this.#admission = new RequestAdmission({
      authentication: this.#authentication,
      serving,
      servesKeeperOps: keeper !== null,
      unimplementedCloses: compatibility.unimplementedCloses,
    })
    this.sessions = new Sessions({
      ...options,
      serving,
      awaited: this.#awaited,
      close: (connectionId, reason) => this.#close(connectionId, reason),
    })
    this.#between = new ClientsBetweenLeaders({
      ...options,
      connected: this.#byConnection,
      awaited: this.#awaited,
      sessions: this.sessions,
      watches: this.watches,
      close: (connectionId, reason) => this.#close(connectionId, reason),
    })
  }

  get serving(): Serving {
    return this.#serving
  }

  get authFailedCount(): number {
    return this.#authentication.failedCount
  }

  sessionOf(connectionId: ConnectionId): SessionId | null {
    return this.#byConnection.get(connectionId)?.session?.id ?? null
  }

  // --- what the server does for its clients ---

  /**
   * This server is in step with a leader, itself or another. Every txn of an earlier leader that survives has been
   * applied, or is in this server's history and is going to be: `proposed` has the numbers of its requests among those.
   */
  startServing(leader: LeaderRoute, nowMs: number, proposed: ReadonlySet<number>): void {
    if (this.#serving.kind === 'waiting') {
      this.#serving = notServing
      this.#between.traceKept()
    }
    const serving: Serving = { kind: 'serving', leader }
    this.#changeServing('not-serving', serving)
    this.sessions.servingBegan(nowMs)
    this.#between.sendAgain(leader, proposed, () => this.#serving !== serving)
    this.sessions.connectHeld()
    for (const client of [...this.#byConnection.values()]) this.#drain(client)
  }

  /** The leader is lost. The clients stay: only the next leader knows the outcome of their requests. */
  stopServing(nowMs: number): void {
    if (this.#serving.kind !== 'serving') return
    const { recordsMoves } = this.#serving.leader
    this.#serving = { kind: 'waiting', sinceMs: nowMs }
    this.#parked = [] // these requests are decided again: what they waited for may be lost
    if (this.#options.config.clientWaitForLeaderMs === 0 || !recordsMoves) this.stopWaiting('not-kept')
  }

  /** The connections of all clients close. */
  stopWaiting(why: CutReason): void {
    if (this.#serving.kind !== 'waiting') return
    this.#serving = notServing
    this.#between.cutAll(why)
  }

  /** While this server has no leader: closes the clients that cannot wait longer. */
  tick(nowMs: number): void {
    if (this.#serving.kind !== 'waiting') return
    const waitedMs = nowMs - this.#serving.sinceMs
    if (waitedMs >= this.#options.config.clientWaitForLeaderMs) this.stopWaiting('waited')
    else this.#between.cutThoseThatCannotWait(waitedMs)
  }

  /** A copy of the leader's state has replaced that of this server, which has no leader. */
  stateReplaced(before: DataTree): void {
    const { state, effects } = this.#options
    this.#between.stateReplaced()
    const missed = this.watches.trigger(this.watches.differences(before, state.tree), this.#canRead)
    for (const notification of missed) effects.notify(notification, noZxid)
    this.#answers.announced(state.lastApplied)
  }

  startReadOnly(nowMs: number): void {
    this.#changeServing('not-serving', {
      kind: 'read-only',
      sessions: new LocalSessions(this.#options.config.tickTimeMs),
    })
    this.sessions.servingBegan(nowMs)
  }

  /** Closes the clients, so that they reconnect to a server that has a leader, this one or another. */
  stopReadOnly(): void {
    this.#closeAll('read-only-ended')
    this.#changeServing('read-only', notServing)
  }

  #changeServing(from: Serving['kind'], to: Serving): void {
    assert(this.#serving.kind === from, 'a server begins to serve from not serving', { is: this.#serving.kind, from })
    this.#serving = to
    this.#answers.announced(this.#options.state.lastApplied)
  }

  // --- connections ---

  open(connectionId: ConnectionId, remoteAddress: string): void {
    const idText = this.#authentication.idTextOf(remoteAddress)
    this.#byConnection.set(connectionId, new Client(connectionId, remoteAddress, idText))
  }

  /** The socket is gone; the session stays alive until it expires. `reason`: this server has closed it. */
  gone(connectionId: ConnectionId, reason: ReplicaCloseReason | null = null): void {
    const client = this.#byConnection.get(connectionId)
    if (client === undefined) return
    client.isGone = true
    this.#byConnection.delete(connectionId)
    this.watches.removeConnection(connectionId)
    this.sessions.detach(client)
    if (client.takesBackups) this.#options.effects.push(leftBackups(client, reason))
  }

  #closeAll(reason: ReplicaCloseReason): void {
    for (const connectionId of [...this.#byConnection.keys()]) this.#close(connectionId, reason)
  }

  #close(connectionId: ConnectionId, reason: ReplicaCloseReason): void {
    this.#options.effects.close(connectionId, reason)
    this.gone(connectionId, reason)
  }

  // --- requests ---

  receive(connectionId: ConnectionId, request: SessionRequest | ClientRequest): void {
    const client = this.#byConnection.get(connectionId)
    if (client === undefined) return // this server has already closed it
    if (request.kind === 'connect') return this.sessions.connect(client, request)
    this.sessions.heard(client)
    if (request.op?.access === 'connection') {
      return this.#settleAtOnce(client, request, this.#authentication.settle(client, request))
    }
    const verdict = this.#admission.verdictOn(client, request)
    if (verdict?.kind === 'closed') return this.#settleAtOnce(client, request, verdict)
    client.queue.push({ kind: 'request', client, request, authIds: client.authIds, state: verdict ?? held, sent: null })
    if (this.#serving.kind !== 'waiting') this.#drain(client)
  }

  heard(connectionId: ConnectionId): void {
    const client = this.#byConnection.get(connectionId)
    if (client !== undefined) this.sessions.heard(client)
  }

  #settleAtOnce(client: Client, request: ClientRequest, verdict: Verdict): void {
    switch (verdict.kind) {
      case 'decided':
        return this.#answers.giveAtOnce(client, request, verdict.zxid ?? 0, verdict.error, verdict.body)
      case 'closed':
        if (verdict.error !== null) this.#answers.giveAtOnce(client, request, verdict.zxid, verdict.error, null)
        return this.#close(client.connectionId, verdict.reason)
      default:
        return assertNever(verdict)
    }
  }

  /**
   * Answers the requests at the front of the queue that are ready, and starts later writes. A sync holds back the
   * requests after it until it is confirmed, so that a read after it sees no later write of its session.
   * A leader may answer while a request is submitted; such an answer only changes the state of its request, and the
   * running `#drain` continues.
   * While this server waits for a leader, it is called for clients whose write was applied: the reads after that write
   * are answered as they would have been, so that no reply is older than an event that left before it.
   */
  #drain(client: Client): void {
    if (client.isDraining) return
    client.isDraining = true
    do {
      this.#answerFront(client)
      this.#startWrites(client)
    } while (!client.isGone && client.queue.length > 0 && isReady(client.queue[0]!))
    client.isDraining = false
  }

  #answerFront(client: Client): void {
    const { queue } = client
    while (queue.length > 0 && !client.isGone) {
      const head = queue[0]!
      if (head.state.kind === 'held') this.#start(head)
      if (!isReady(head)) return
      queue.shift()
      if (client.startedCount > 0) client.startedCount--
      this.#answer(head)
    }
  }

  #startWrites(client: Client): void {
    const { queue } = client
    while (client.startedCount < queue.length && !client.isGone) {
      const pending = queue[client.startedCount]!
      const { op } = pending.request
      // It starts when it is first in the queue; the requests after it start later.
      if (this.#needsConfirmation(op) || isLocalEnd(pending)) return
      if (isHeld(pending) && op?.access === 'write') this.#start(pending)
      // This server has no leader, or has just lost it.
      if (isHeld(pending) && op?.access === 'write') return
      client.startedCount++
    }
  }

  #needsConfirmation(op: OpTraits | null): boolean {
    if (op === ops.sync) return this.#serving.kind !== 'read-only'
    if (!this.#options.config.linearizableReads || this.#serving.kind === 'read-only') return false
    return op?.access === 'read' && op !== ops.ping
  }

  /** Forwards a held request to the leader, or marks it as ready to be answered here. Without a leader it stays held. */
  #start(pending: PendingRequest): void {
    const { client, request, authIds } = pending
    const { op } = request
    if (op?.access === 'operator') return this.#startStep(pending)
    const isWrite = op?.access === 'write'
    if (isWrite ? isLocalEnd(pending) : !this.#needsConfirmation(op)) {
      pending.state = local
      return
    }
    const { session } = client
    const serving = this.#serving
    if (serving.kind === 'waiting') return
    assert(serving.kind === 'serving' && session !== null, 'requests come from attached clients of a serving server')
    if (session.isLocal && this.sessions.mustBeGlobal(request)) {
      this.sessions.makeGlobal(session)
      // This submits a request. If the leader has used up its zxids it steps down.
      if (client.isGone || this.#serving !== serving) return
    }
    pending.state = withLeader
    const { id: sessionId, isLocal } = session
    const sequence = this.#awaited.add(pending)
    const sentOp = isWrite ? op : ops.sync
    const body = isWrite ? request.body : emptyBody
    pending.sent = { sequence, sessionId, isLocal, type: sentOp.opcode, body, authIds }
    serving.leader.submit(pending.sent, sentOp)
  }

  /** A step of a backup is carried out by the driver. Only sessions take backups, since each belongs to one. */
  #startStep(pending: PendingRequest): void {
    const { client, request } = pending
    assert(client.session !== null, 'requests come from attached clients', { connectionId: client.connectionId })
    const sequence = this.#awaited.add(pending)
    const step = backupStepOf(request, sequence, client.session)
    if (step.ok) {
      client.takesBackups = true
      pending.state = withDriver
      this.#options.effects.push({ kind: 'backup-step', step: step.value })
    } else {
      this.#awaited.take(sequence)
      pending.state = { kind: 'decided', zxid: null, error: step.error, body: null }
    }
  }

  #answer(pending: PendingRequest): void {
    const { client, request, state } = pending
    const { lastApplied } = this.#options.state
    if (state.kind === 'decided') {
      this.#answers.give(client, request, state.zxid ?? lastApplied, state.error, state.body)
      if (request.op === ops.closeSession && state.error === null) this.#close(client.connectionId, 'session-closed')
    } else if (request.op === ops.closeSession) {
      this.#answers.give(client, request, lastApplied, null, null)
      this.sessions.endLocal(client.session!)
      this.#close(client.connectionId, 'session-closed')
    } else if (request.op === ops.ping) {
      this.#answers.give(client, request, lastApplied, null, null, pingXid)
    } else {
      const { error, body, missed } = answerRead(pending, this.#readContext)
      for (const notification of missed) this.#options.effects.notify(notification, noZxid)
      this.#answers.give(client, request, lastApplied, error, body)
    }
  }

  // --- what comes back ---

  /** A backup needs no leader. While this server waits for one, the answer waits as well, like those to reads. */
  receiveBackupAnswer(sequence: number, answer: BackupAnswer): void {
    const awaited = this.#awaited.take(sequence)
    if (awaited === undefined) return
    assert(awaited.kind === 'request', 'a step of a backup belongs to a request', { sequence })
    if (awaited.client.isGone) return
    awaited.state = { kind: 'decided', zxid: null, error: null, body: bodyOfAnswer(awaited.request, answer) }
    if (this.#serving.kind !== 'waiting') this.#drain(awaited.client)
  }

  receiveAnswer(answer: ForwardedAnswer): void {
    if (answer.after > this.#options.state.lastApplied) this.#parked.push(answer)
    else this.#take(answer)
  }

  #take(answer: ForwardedAnswer): void {
    const awaited = this.#awaited.take(answer.sequence)
    if (awaited === undefined || awaited.kind === 'upgrade' || awaited.client.isGone) return
    if (awaited.kind === 'session') return this.sessions.refuse(awaited.client)
    const { client, request } = awaited
    // A superseded connection closes without a reply (ZK: SessionMovedException).
    if (answer.error === 'session-moved') return this.#close(client.connectionId, 'session-moved')
    if (answer.error === null && this.#needsConfirmation(request.op)) awaited.state = local
    else awaited.state = { kind: 'decided', zxid: answer.after, error: answer.error, body: answer.body }
    this.#drain(client)
  }

  /**
   * A txn was applied: sends its watch events, then answers its own request, then the answers that wait for its zxid.
   * `own`: the outcome of the request with the number `sequence`, which this server had sent. Null: another server had.
   */
  applied(zxid: Zxid, events: readonly TreeEvent[], sequence: number | null, own: WriteOutcome | null): void {
    if (events.length > 0) {
      const notifications = this.watches.trigger(events, this.#canRead)
      for (const notification of notifications) this.#options.effects.notify(notification, zxid)
      if (notifications.length > 0) countWatchEvents(this.#options.metrics, notifications)
    }
    this.#answers.announced(zxid)
    if (sequence !== null && own !== null) this.#complete(zxid, sequence, own)
    while (this.#parked.length > 0 && this.#parked[0]!.after <= zxid) this.#take(this.#parked.shift()!)
  }

  #complete(zxid: Zxid, sequence: number, { error, body }: WriteOutcome): void {
    const awaited = this.#awaited.take(sequence)
    if (awaited === undefined || awaited.kind === 'upgrade' || awaited.client.isGone) return
    if (awaited.kind === 'session') return this.sessions.attach(awaited.client, awaited.id, awaited.timeoutMs)
    if (error === 'session-moved') return this.#close(awaited.client.connectionId, 'session-moved')
    if (isOvertaking(awaited)) return this.#between.cut(awaited.client, 'in-doubt')
    awaited.state = { kind: 'decided', zxid, error, body }
    this.#drain(awaited.client)
  }

  readonly #canRead = (connectionId: ConnectionId, acl: TreeEvent['acl']): boolean => {
    const ids: readonly AuthId[] = this.#byConnection.get(connectionId)?.authIds ?? []
    return isAllowed(acl, permissions.read, ids, this.#options.access)
  }
}

/** This server alone ends a local session; the request waits in the queue like a read. */
function isLocalEnd({ client, request }: PendingRequest): boolean {
  return request.op === ops.closeSession && client.session !== null && client.session.isLocal
}

function isHeld({ state }: PendingRequest): boolean {
  return state.kind === 'held'
}

/** A server without a leader, too, closes connections of sessions that live on. */
function leftBackups({ session }: Client, reason: ReplicaCloseReason | null): Effect {
  assert(session !== null, 'backups belong to sessions')
  const isOver = reason !== null && endedSessions.includes(reason)
  return { kind: 'backups-left', sessionId: session.id, mayReturn: !isOver }
}

const endedSessions: readonly ReplicaCloseReason[] = ['session-closed', 'session-expired', 'session-moved']

function isReady({ state }: PendingRequest): boolean {
  return state.kind === 'decided' || state.kind === 'local'
}

const emptyBody = new Uint8Array(0)
