/**
 * One server's whole decision loop: events in, effects out (contract.ts). The only place where broadcast, tree,
 * sessions and watches meet. A write, from top to bottom: the client desk takes it; a route brings it to the
 * leader's desk, here or elsewhere; zab orders it and brings it back committed; it is applied; watchers hear of
 * it; whoever asked is answered.
 */
import { type AccessRules, accessRules } from '../auth/access-rules.ts'
import { assertNever } from '../base/assert.ts'
import { hexOfZxid, type ServerId, type SessionId, type Zxid } from '../base/ids.ts'
import type { Config } from '../config/config.ts'
import type { ServerMetrics } from '../metrics/server-metrics.ts'
import type { Log } from '../ports/log.ts'
import { ops } from '../protocol/client/operations.ts'
import type { ClusterId } from '../protocol/disk/log-record.ts'
import type { ForwardedAnswer, ForwardedRequest, PeerMessage } from '../protocol/peer/peer-message.ts'
import { decodeTxn } from '../protocol/txn/txn-codec.ts'
import { SessionIdSource } from '../sessions/session-id-source.ts'
import { Zab, type ZabEvent } from '../zab/zab.ts'
import type { RecoveredHistory, ZabEffect, ZabSettings } from '../zab/zab-contract.ts'
import { ClientDesk } from './client-desk.ts'
import { configZnodeOf } from './config-znode.ts'
import type { Effect, ReplicaEvent, Stamp } from './contract.ts'
import { EffectList } from './effect-list.ts'
import { KeeperZnodes } from './keeper-znodes.ts'
import { LeaderDesk, type RequestSource } from './leader-desk.ts'
import { noProposals } from './proposal-statistics.ts'
import { QuotaExcesses } from './quota-excesses.ts'
import { ReadOnlyMode } from './read-only-mode.ts'
import { type ReplicaDetails, replicaDetails } from './replica-details.ts'
import type { ReplicaStatus } from './replica-status.ts'
import type { ReplicatedState } from './replicated-state.ts'
import { RoleMetrics } from './role-metrics.ts'
import type { Role, Trace } from './trace-event.ts'
import { type LeaderRequest, type Revalidation, UnconfirmedRequests } from './unconfirmed-requests.ts'
import { WriteMetrics } from './write-metrics.ts'
import { WriteResults } from './write-results.ts'
import type { WriteRoute } from './write-route.ts'

export interface ReplicaOptions {
  readonly config: Config
  readonly state: ReplicatedState // as replayed from the log
  readonly recovered: RecoveredHistory
  readonly zab: ZabSettings
  /** Names this run of the process among all runs of this server; uint32, drawn at random. */
  readonly incarnation: number
  readonly wallMsAtStart: number
  /** Of the digest scheme, as the configuration has it. */
  readonly hash: (bytes: Uint8Array) => Uint8Array
  readonly log: Log
  readonly metrics: ServerMetrics
  readonly trace: Trace | null
}

/** As a follower: who leads, and in which attempt we follow. */
interface Following {
  readonly leader: ServerId
  readonly syncId: number
}

export class Replica {
  readonly #options: ReplicaOptions
  readonly #state: ReplicatedState
  readonly #zab: Zab
  readonly #access: AccessRules
  readonly #effects = new EffectList()
  readonly #clients: ClientDesk
  readonly #quotaExcesses: QuotaExcesses
  readonly #roleMetrics: RoleMetrics
  readonly #writeMetrics: WriteMetrics
  #leaderDesk: LeaderDesk | null = null // while leading an established epoch
  #following: Following | null = null // while in step with a leader
  #now: Stamp = { monotonicMs: 0, wallMs: 0 }
  #forwards: ForwardedRequest[] = [] // of this turn, to the leader
  readonly #answers = new Map<ServerId, ForwardedAnswer[]>() // of this turn, to followers
  readonly #unconfirmed = new UnconfirmedRequests()
  readonly #readOnlyMode: ReadOnlyMode

  constructor(options: ReplicaOptions) {
    this.#options = options
    this.#state = options.state
    this.#zab = new Zab(options.zab, options.recovered, options.log)
    const { config, hash, log, metrics } = options
    this.#access = accessRules(config.auth.schemes, config.auth.skipsAcl)
    this.#quotaExcesses = new QuotaExcesses(config.enforceQuota, metrics, log, () => this.#now.monotonicMs)
    this.#roleMetrics = new RoleMetrics(metrics, config.mode === 'ensemble')
    this.#writeMetrics = new WriteMetrics(metrics)
    this.#clients = new ClientDesk({
      state: options.state,
      effects: this.#effects,
      sessionIds: new SessionIdSource(config.serverId, options.wallMsAtStart),
      minSessionTimeoutMs: config.minSessionTimeoutMs,
      maxSessionTimeoutMs: config.maxSessionTimeoutMs,
      tickTimeMs: config.tickTimeMs,
      localSessionsEnabled: config.localSessionsEnabled,
      localSessionsUpgradingEnabled: config.localSessionsUpgradingEnabled,
      trace: options.trace,
      linearizableReads: config.linearizableReads,
      access: this.#access,
      auth: config.auth,
      hash,
      configZnode: configZnodeOf(config),
      keeper: config.keeperCompatibility ? new KeeperZnodes(config) : null,
      log,
      metrics,
    })
    this.#readOnlyMode = new ReadOnlyMode({ config, clients: this.#clients, state: this.#state, log })
  }

  /** Before any event. */
  start(now: Stamp): readonly Effect[] {
    this.#now = now
    this.#traceDurable(this.#zab.lastZxid) // what was recovered
    this.#roleMetrics.note(this.role, now.monotonicMs)
    this.#runZab({ kind: 'start' })
    return this.#effects.take()
  }

  handle(event: ReplicaEvent, now: Stamp): readonly Effect[] {
    this.#now = now
    this.#dispatch(event)
    this.#roleMetrics.note(this.#zab.state, now.monotonicMs)
    return this.#effects.take()
  }

  get clusterId(): ClusterId {
    return this.#zab.clusterId
  }

  get role(): Role {
    return this.#zab.state
  }

  status(): ReplicaStatus {
    const { tree, sessions } = this.#state
    return {
      role: this.role,
      isServing: this.#clients.isServing,
      isReadOnly: this.#clients.isReadOnly,
      zxid: tree.lastApplied,
      nodeCount: tree.nodeCount,
      ephemeralsCount: tree.ephemeralsCount,
      approximateDataSizeBytes: tree.approximateDataSizeBytes,
      watchCount: this.#clients.watches.watchCount,
      sessionCount: sessions.count,
      localSessionCount: this.#clients.sessions.localSessionCount,
      authFailedCount: this.#clients.authFailedCount,
      quotas: tree.namespaceQuotas(),
      learners: this.#zab.learnerCounts(),
      proposalSizes: this.#leaderDesk?.proposals.sizes ?? noProposals,
    }
  }

  details(): ReplicaDetails {
    const desk = this.#leaderDesk
    return replicaDetails({
      state: this.#state,
      watches: this.#clients.watches,
      expiryBuckets: desk === null ? null : () => desk.expiryBuckets(),
      localExpiryBuckets: () => this.#clients.sessions.localExpiryBuckets(),
      sessionOf: (connection) => this.#clients.sessionOf(connection),
    })
  }

  /** As far as they are not in the metrics. */
  resetStatistics(): void {
    this.#leaderDesk?.proposals.reset()
  }

  #dispatch(event: ReplicaEvent): void {
    switch (event.kind) {
      case 'connection-opened':
        return this.#clients.open(event.connection, event.remoteAddress)
      case 'request':
        return this.#clients.receive(event.connection, event.request)
      case 'connection-closed':
        return this.#clients.gone(event.connection)
      case 'peer-message':
        return this.#receivePeer(event.peer, event.message)
      case 'persisted':
        this.#traceDurable(event.tag.zxid)
        return this.#runZab(event)
      case 'peer-connected':
      case 'peer-disconnected':
      case 'log-read':
        return this.#runZab(event)
      case 'log-truncated':
        this.#traceDurable(event.zxid)
        return this.#runZab(event)
      case 'persist-failed':
        return this.#effects.push({ kind: 'stop', reason: event.cause })
      case 'tick':
        return this.#tick()
      case 'turn-ended':
        return this.#endTurn()
      default:
        return assertNever(event)
    }
  }

  #tick(): void {
    this.#runZab({ kind: 'tick' })
    this.#clients.sessions.tick(this.#now.monotonicMs)
    this.#readOnlyMode.tick(this.#zab.state, this.#now.monotonicMs)
    const desk = this.#leaderDesk
    if (desk === null) return
    desk.deleteUnused(this.#now)
    this.#clients.sessions.drainHeardFrom((id) => desk.touch(id, this.#now.monotonicMs))
    for (const sessionId of desk.expireSessions(this.#now)) {
      this.#options.metrics.stale_sessions_expired.add()
      this.#options.trace?.({ kind: 'session-expiring', sessionId })
    }
  }

  /** Everything gathered in this turn leaves in batches: what must be confirmed shares a round, each peer gets one message. */
  #endTurn(): void {
    this.#confirmLeadership()
    this.#sendForwards()
    for (const [server, answers] of this.#answers) {
      const syncId = this.#zab.syncIdOf(server)
      if (syncId !== null) this.#effects.send(server, { kind: 'answer', syncId, answers })
    }
    this.#answers.clear()
    this.#runZab({ kind: 'turn-ended' })
  }

  #sendForwards(): void {
    if (this.#following === null || this.#forwards.length === 0) return
    const { leader, syncId } = this.#following
    const { incarnation } = this.#options
    this.#effects.send(leader, { kind: 'forward', syncId, incarnation, requests: this.#forwards })
    this.#forwards = []
  }

  #traceDurable(zxid: Zxid): void {
    this.#options.trace?.({ kind: 'durable', zxid })
  }

  // --- messages between servers ---

  #receivePeer(from: ServerId, message: PeerMessage): void {
    switch (message.kind) {
      case 'forward': {
        if (this.#zab.syncIdOf(from) !== message.syncId) return
        const source = { serverId: from, incarnation: message.incarnation }
        for (const request of message.requests) this.#takeRequest(source, request)
        return
      }
      case 'answer':
        if (!this.#follows(from, message.syncId)) return
        for (const answer of message.answers) this.#clients.receiveAnswer(answer)
        return
      case 'revalidate': {
        if (this.#zab.syncIdOf(from) !== message.syncId) return
        this.#options.metrics.revalidate_count.add()
        const { sequence, sessionId, timeoutMs } = message
        return this.#take({ kind: 'revalidation', sessionId, from, sequence, timeoutMs })
      }
      case 'revalidated':
        if (this.#follows(from, message.syncId)) this.#clients.sessions.revalidated(message.sequence, message.valid)
        return
      case 'heartbeat-reply':
        if (this.#leaderDesk !== null && this.#zab.syncIdOf(from) === message.syncId) {
          for (const id of message.touched) this.#leaderDesk.touch(id, this.#now.monotonicMs)
        }
        return this.#runZab({ kind: 'message', from, message })
      case 'append':
        this.#options.metrics.learner_proposal_received_count.add(message.entries.length)
        return this.#runZab({ kind: 'message', from, message })
      default:
        return this.#runZab({ kind: 'message', from, message })
    }
  }

  #follows(leader: ServerId, syncId: number): boolean {
    return this.#following !== null && this.#following.leader === leader && this.#following.syncId === syncId
  }

  // --- deciding, on the leader ---

  /** A request arrived, from a client here or forwarded. */
  #take(asked: LeaderRequest): void {
    if (!this.#unconfirmed.holdBehind(asked)) this.#decide(asked, false)
  }

  #takeRequest(source: RequestSource, request: ForwardedRequest): void {
    this.#take({ kind: 'request', sessionId: request.sessionId, source, request })
  }

  /** Proposes it, or answers it; an answer waits until a quorum has confirmed that we still lead. */
  #decide(asked: LeaderRequest, isConfirmed: boolean): void {
    const desk = this.#leaderDesk
    if (desk === null) return // leadership ended within this turn: the requester's link to us is void too
    if (asked.kind === 'revalidation') return this.#decideRevalidation(desk, asked, isConfirmed)
    const { source, request } = asked
    const isSync = request.type === ops.sync.opcode
    if (isSync && !isConfirmed) return this.#unconfirmed.add(asked)
    if (isSync) {
      const { sequence } = request
      return this.#giveAnswer(source.serverId, { sequence, after: this.#state.lastApplied, error: null, body: null })
    }
    if (this.#zab.isOutOfZxids) {
      return this.#runZabEffects(this.#zab.stepDown('the counter of this epoch is used up', this.#now.monotonicMs))
    }
    const answer = desk.decide(source, request, this.#now)
    if (answer === null) return
    if (isConfirmed) this.#giveAnswer(source.serverId, answer)
    else this.#unconfirmed.add(asked)
  }

  #decideRevalidation(desk: LeaderDesk, asked: Revalidation, isConfirmed: boolean): void {
    const { from, sequence, sessionId, timeoutMs } = asked
    const valid = desk.reattach(sessionId, from, timeoutMs, this.#now.monotonicMs)
    if (!valid && !isConfirmed) return this.#unconfirmed.add(asked)
    if (from === this.#options.config.serverId) return this.#clients.sessions.revalidated(sequence, valid)
    if (valid) this.#clients.sessions.closeConnectionOf(sessionId, 'session-moved')
    const syncId = this.#zab.syncIdOf(from)
    if (syncId !== null) this.#effects.send(from, { kind: 'revalidated', syncId, sequence, valid })
  }

  /** One round of heartbeats for all of the turn (D9): a quorum that answers it has followed nobody else since. */
  #confirmLeadership(): void {
    // A lone voter confirms itself at once, and what was held behind an answer may need another round.
    while (this.#leaderDesk !== null && this.#unconfirmed.needsRound) {
      const { sequence, effects } = this.#zab.confirmLeadership(this.#now.monotonicMs)
      this.#unconfirmed.roundBegan(sequence)
      this.#runZabEffects(effects)
    }
  }

  #leadershipConfirmed(sequence: number): void {
    const { confirmed, next } = this.#unconfirmed.confirmed(sequence)
    for (const asked of confirmed) this.#decide(asked, true)
    for (const asked of next) this.#take(asked)
  }

  #giveAnswer(to: ServerId, answer: ForwardedAnswer): void {
    if (to === this.#options.config.serverId) return this.#clients.receiveAnswer(answer)
    const batch = this.#answers.get(to)
    if (batch === undefined) this.#answers.set(to, [answer])
    else batch.push(answer)
  }

  // --- what zab wants ---

  #runZab(event: ZabEvent): void {
    this.#runZabEffects(this.#zab.handle(event, this.#now.monotonicMs))
  }

  #runZabEffects(effects: readonly ZabEffect[]): void {
    for (const effect of effects) this.#runZabEffect(effect)
  }

  #runZabEffect(effect: ZabEffect): void {
    switch (effect.kind) {
      case 'send':
        return this.#send(effect)
      case 'persist':
      case 'truncate-log':
      case 'read-log':
      case 'stop':
        return this.#effects.push(effect)
      case 'deliver':
        return this.#apply(effect)
      case 'stopped-serving':
        return this.#stopServing()
      case 'serving-as-leader':
        return this.#serveAsLeader(effect)
      case 'serving-as-follower':
        return this.#serveAsFollower(effect)
      case 'leadership-confirmed':
        return this.#leadershipConfirmed(effect.sequence)
      default:
        return assertNever(effect)
    }
  }

  /** Heartbeat replies take along which sessions were heard from: only the leader knows when one expires. */
  #send({ to, message }: Extract<ZabEffect, { readonly kind: 'send' }>): void {
    if (message.kind === 'sync-start') this.#options.metrics.diff_count.add()
    if (message.kind !== 'heartbeat-reply' || this.#following === null) return this.#effects.send(to, message)
    const touched: SessionId[] = []
    this.#clients.sessions.drainHeardFrom((id) => touched.push(id))
    this.#effects.send(to, { ...message, touched })
  }

  #apply({ entry }: Extract<ZabEffect, { readonly kind: 'deliver' }>): void {
    const { config, incarnation, trace } = this.#options
    trace?.({ kind: 'committed', zxid: entry.zxid })
    const txn = decodeTxn(entry.payload)
    const { origin } = txn
    const isOwn = origin !== null && origin.serverId === config.serverId && origin.incarnation === incarnation
    const results = isOwn ? new WriteResults(txn, this.#state.tree) : null
    const events = this.#state.apply(entry, txn, results === null ? null : (index) => results.note(index))
    this.#leaderDesk?.applied(entry.zxid, this.#now.monotonicMs)
    this.#writeMetrics.applied(txn, this.#leaderDesk !== null)
    trace?.({ kind: 'applied', zxid: entry.zxid, txn, digest: this.#state.tree.digest() })
    this.#clients.applied(entry.zxid, events, isOwn ? origin.sequence : null, results?.body() ?? null)
    const change = txn.changes[0]
    if (change?.kind === 'close-session') this.#sessionClosed(change.sessionId)
    // The client hears of its session only now; the time that its creation took must not be missing from its timeout.
    if (change?.kind === 'create-session') this.#leaderDesk?.touch(change.sessionId, this.#now.monotonicMs)
  }

  /** Whoever asked for it has been answered; a connection that is still there learns of an expiry by closing. */
  #sessionClosed(sessionId: SessionId): void {
    this.#leaderDesk?.sessionClosed(sessionId)
    this.#clients.sessions.closeConnectionOf(sessionId, 'session-expired')
  }

  #stopServing(): void {
    this.#roleMetrics.servingEnded(this.#now.monotonicMs)
    this.#leaderDesk = null
    this.#following = null
    this.#forwards = []
    this.#answers.clear()
    this.#unconfirmed.clear()
    this.#readOnlyMode.lookingAgain(this.#now.monotonicMs)
    // Read-only clients stay while attempts to follow fail: nothing changes for them until one succeeds.
    if (!this.#clients.isReadOnly) this.#clients.stopServing()
    this.#options.trace?.({ kind: 'role-changed', role: 'looking', epoch: this.#zab.currentEpoch })
  }

  #serveAsLeader({ epoch }: Extract<ZabEffect, { readonly kind: 'serving-as-leader' }>): void {
    const { config, log, trace, incarnation, metrics } = this.#options
    this.#roleMetrics.servingBegan('leading', this.#now.monotonicMs)
    const own = { state: this.#state, zab: this.#zab }
    const parts = { ...own, config, quotas: this.#quotaExcesses, metrics, access: this.#access }
    this.#leaderDesk = new LeaderDesk(parts, this.#now.monotonicMs)
    const self = config.serverId
    const source = { serverId: self, incarnation }
    const route: WriteRoute = {
      submit: (request) => this.#takeRequest(source, request),
      revalidate: (sequence, sessionId, timeoutMs) =>
        this.#take({ kind: 'revalidation', sessionId, from: self, sequence, timeoutMs }),
    }
    this.#readOnlyMode.end()
    this.#clients.startServing(route, this.#now.monotonicMs)
    log.info('serving-as-leader', { epoch, zxid: hexOfZxid(this.#state.lastApplied) })
    trace?.({ kind: 'role-changed', role: 'leading', epoch })
    trace?.({ kind: 'established', epoch })
  }

  #serveAsFollower(effect: Extract<ZabEffect, { readonly kind: 'serving-as-follower' }>): void {
    const { leader, epoch, syncId } = effect
    this.#roleMetrics.servingBegan('following', this.#now.monotonicMs)
    this.#following = { leader, syncId }
    const route: WriteRoute = {
      submit: (request) => this.#forwards.push(request),
      revalidate: (sequence, sessionId, timeoutMs) => {
        this.#sendForwards() // one of them may be what makes the session known to the leader
        this.#effects.send(leader, { kind: 'revalidate', syncId, sequence, sessionId, timeoutMs })
      },
    }
    this.#readOnlyMode.end()
    this.#clients.startServing(route, this.#now.monotonicMs)
    this.#options.log.info('serving-as-follower', {
      epoch,
      peerId: leader,
      zxid: hexOfZxid(this.#state.lastApplied),
    })
    this.#options.trace?.({ kind: 'role-changed', role: 'following', epoch })
  }
}
