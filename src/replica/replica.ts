/**
 * The decision loop of one server: events in, effects out (contract.ts). This folder alone joins broadcast, tree,
 * sessions and watches; here each event goes to the part that handles it. The steps of a write: `Clients` receives it; a route forwards it to the leader, which is
 * this server (leadership.ts) or another (followership.ts); the leader's `WriteDecider` decides it; zab orders it and
 * delivers it once committed; it is applied; its watch events are sent; its client is answered.
 */
import { type AccessRules, accessRules } from '../auth/access-rules.ts'
import { assert, assertNever } from '../base/assert.ts'
import { type Epoch, hexOfZxid, type ServerId, type SessionId, type Zxid } from '../base/ids.ts'
import { LineLimiter } from '../base/line-limiter.ts'
import { recordsMoves } from '../config/compatibility.ts'
import type { Config } from '../config/config.ts'
import type { ServerMetrics } from '../metrics/server-metrics.ts'
import type { Log } from '../ports/log.ts'
import type { ClusterId } from '../protocol/disk/log-record.ts'
import type { PeerMessage } from '../protocol/peer/peer-message.ts'
import type { Origin } from '../protocol/txn/txn.ts'
import { decodeTxn } from '../protocol/txn/txn-codec.ts'
import { SessionIdSource } from '../sessions/session-id-source.ts'
import type { LearnerLag } from '../zab/learner.ts'
import { Zab, type ZabEvent } from '../zab/zab.ts'
import type { HandOverTarget, RecoveredHistory, ZabEffect, ZabSettings } from '../zab/zab-contract.ts'
import { DigestComparison } from './applying/digest-comparison.ts'
import type { ReplicatedState, StateContents } from './applying/replicated-state.ts'
import { WriteResults } from './applying/write-results.ts'
import { Clients } from './clients/clients.ts'
import { ReadOnlyMode } from './clients/read-only-mode.ts'
import type { LeaderRoute } from './clients/serving.ts'
import type { Effect, ReplicaEvent, Stamp } from './contract.ts'
import { EffectList } from './effect-list.ts'
import { Followership } from './followership.ts'
import { Leadership } from './leading/leadership.ts'
import { QuotaExcesses } from './leading/quota-excesses.ts'
import { WriteDecider } from './leading/write-decider.ts'
import { configZnodeOf } from './reads/config-znode.ts'
import { KeeperZnodes } from './reads/keeper/keeper-znodes.ts'
import { WriteMetrics } from './status/change-metrics.ts'
import { LeaderAbsence, type PastAbsence, type Search } from './status/leader-absence.ts'
import { type ReplicaDetails, replicaDetails } from './status/replica-details.ts'
import { type ReplicaStatus, replicaStatus } from './status/replica-status.ts'
import { RoleMetrics } from './status/role-metrics.ts'
import type { Role, Trace } from './trace-event.ts'

export interface ReplicaOptions {
  readonly config: Config
  readonly state: ReplicatedState // as replayed from the log
  readonly recovered: RecoveredHistory
  readonly zab: ZabSettings
  /** Names this run of the process among all runs of this server; uint32, drawn at random. */
  readonly incarnation: number
  readonly wallMsAtStart: number
  /** The hash of the digest scheme, as configured. */
  readonly hash: (bytes: Uint8Array) => Uint8Array
  /** What proves to this server that a client may read its files; null: none is known. */
  readonly localKey: string | null
  readonly log: Log
  readonly metrics: ServerMetrics
  readonly trace: Trace | null
}

export class Replica {
  readonly #options: ReplicaOptions
  readonly #state: ReplicatedState
  readonly #zab: Zab
  readonly #access: AccessRules
  readonly #effects = new EffectList()
  readonly #clients: Clients
  readonly #quotaExcesses: QuotaExcesses
  readonly #roleMetrics: RoleMetrics
  readonly #writeMetrics: WriteMetrics
  readonly #absence: LeaderAbsence
  readonly #readOnlyMode: ReadOnlyMode
  readonly #digests: DigestComparison
  #leadership: Leadership | null = null // while leading an established epoch
  #followership: Followership | null = null // while in step with a leader
  /** While zab decides whether it is installed. */
  #received: StateContents | null = null
  /** For the results of the write that is being applied. */
  readonly #results = new WriteResults()
  #now: Stamp = { monotonicMs: 0, wallMs: 0 }

  constructor(options: ReplicaOptions) {
    this.#options = options
    this.#state = options.state
    this.#zab = new Zab(options.zab, options.recovered, options.log)
    const { config, hash, log, metrics } = options
    this.#access = accessRules(config.auth.schemes, config.auth.skipsAcl)
    this.#quotaExcesses = new QuotaExcesses(config.enforceQuota, metrics, log, () => this.#now.monotonicMs)
    this.#roleMetrics = new RoleMetrics(metrics, config.mode === 'ensemble')
    this.#writeMetrics = new WriteMetrics(metrics)
    const { self, membership, peerTimeoutMs } = options.zab
    this.#absence = new LeaderAbsence({ self, membership, peerTimeoutMs, log })
    this.#clients = new Clients({
      state: options.state,
      effects: this.#effects,
      sessionIds: new SessionIdSource(config.serverId, options.wallMsAtStart),
      config,
      access: this.#access,
      hash,
      localKey: options.localKey,
      configZnode: configZnodeOf(config),
      keeper: config.keeperCompatibility ? new KeeperZnodes(config) : null,
      log,
      lines: new LineLimiter(() => this.#now.monotonicMs),
      metrics,
      trace: options.trace,
    })
    this.#digests = new DigestComparison({
      policy: config.digestPolicy,
      state: options.state,
      metrics,
      log,
      nowMs: () => this.#now.monotonicMs,
      stop: (reason) => this.#effects.push({ kind: 'stop', reason }),
    })
    this.#readOnlyMode = new ReadOnlyMode({ config, clients: this.#clients, state: this.#state, log })
  }

  /** Called once, before any event. */
  start(now: Stamp): readonly Effect[] {
    this.#now = now
    this.#traceDurable(this.#zab.lastZxid) // the recovered history
    this.#roleMetrics.note(this.role, now.monotonicMs)
    this.#absence.lost('this server has started', now.monotonicMs)
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

  get currentEpoch(): Epoch {
    return this.#zab.currentEpoch
  }

  get role(): Role {
    return this.#zab.state
  }

  /** The leader of this server while it serves, which may be itself; null: it has none. */
  get leaderId(): ServerId | null {
    return this.isServing ? this.#zab.leaderId : null
  }

  /** It leads, or is in step with a leader. */
  get isServing(): boolean {
    return this.#clients.serving.kind === 'serving'
  }

  status(): ReplicaStatus {
    return replicaStatus({
      role: this.role,
      state: this.#state,
      clients: this.#clients,
      learners: this.#zab.learnerCounts(),
      proposals: this.#leadership?.decider.proposals ?? null,
    })
  }

  /** Empty unless this server leads. */
  learnerLags(): readonly LearnerLag[] {
    return this.#zab.learnerLags()
  }

  details(): ReplicaDetails {
    const decider = this.#leadership?.decider
    return replicaDetails({
      state: this.#state,
      clients: this.#clients,
      expiryBuckets: decider === undefined ? null : () => decider.expiryBuckets(),
    })
  }

  /** Resets the statistics that are not in the metrics. */
  resetStatistics(): void {
    this.#leadership?.decider.proposals.reset()
  }

  #dispatch(event: ReplicaEvent): void {
    switch (event.kind) {
      case 'connection-opened':
        return this.#clients.open(event.connectionId, event.remoteAddress)
      case 'request':
        return this.#clients.receive(event.connectionId, event.request)
      case 'client-heard':
        return this.#clients.heard(event.connectionId)
      case 'connection-closed':
        return this.#clients.gone(event.connectionId)
      case 'peer-message':
        return this.#receivePeer(event.peer, event.message)
      case 'persisted':
        this.#traceDurable(event.tag.zxid)
        return this.#runZab(event)
      case 'peer-connected':
      case 'peer-disconnected':
        this.#options.trace?.({ kind: 'link', peer: event.peer, isUp: event.kind === 'peer-connected' })
        return this.#runZab(event)
      case 'log-read':
      case 'paused':
        return this.#runZab(event)
      case 'log-truncated':
      case 'log-restarted':
        this.#traceDurable(event.zxid)
        return this.#runZab(event)
      case 'copy-answer':
        return this.#runZab(event)
      case 'copy-received':
        return this.#receiveCopy(event)
      case 'backup-answer':
        return this.#clients.receiveBackupAnswer(event.sequence, event.answer)
      case 'hand-over':
        return this.#handOver(event.to)
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
    this.#clients.tick(this.#now.monotonicMs)
    this.#clients.sessions.tick(this.#now.monotonicMs)
    // A server whose empty log is not trusted has no data to serve.
    if (this.#zab.mayCount) this.#readOnlyMode.tick(this.#zab.state, this.#now.monotonicMs)
    this.#leadership?.tick()
    this.#absence.tick(this.#search, this.#now.monotonicMs)
  }

  readonly #search = (): Search => ({ role: this.role, connected: this.#zab.connected, mayCount: this.#zab.mayCount })

  /** The messages gathered in this turn leave in batches. */
  #endTurn(): void {
    this.#leadership?.endTurn()
    this.#followership?.endTurn()
    this.#runZab({ kind: 'turn-ended' })
  }

  /** Zab decides whether it is installed: meanwhile this server may have got further in another way. */
  #receiveCopy({ ticket, contents }: Extract<ReplicaEvent, { readonly kind: 'copy-received' }>): void {
    this.#received = contents
    const { tree, lastHash: hash } = contents
    this.#runZab({ kind: 'copy-answer', answer: { kind: 'received', ticket, zxid: tree.lastApplied, hash } })
    this.#received = null
  }

  /** A hand-over that has begun ends with an effect of zab. */
  #handOver(to: HandOverTarget): void {
    const { start, effects } = this.#zab.handOver(to, this.#now.monotonicMs)
    this.#runZabEffects(effects)
    if (start.kind === 'began') return
    const problem = start.kind === 'refused' ? start.problem : null
    this.#effects.push({ kind: 'hand-over-ended', to, problem })
  }

  #handOverEnded({ asked, problem }: Extract<ZabEffect, { readonly kind: 'hand-over-ended' }>): void {
    for (const to of asked) this.#effects.push({ kind: 'hand-over-ended', to, problem })
    if (problem !== null) this.#leadership?.resume()
  }

  #traceDurable(zxid: Zxid): void {
    this.#options.trace?.({ kind: 'durable', zxid })
  }

  // --- messages between servers ---

  #receivePeer(from: ServerId, message: PeerMessage): void {
    switch (message.kind) {
      case 'forward':
      case 'revalidate':
        return this.#leadership?.receive(from, message)
      case 'answer':
      case 'revalidated':
        return this.#followership?.receive(from, message)
      case 'heartbeat-reply':
        this.#leadership?.heardFrom(from, message.syncId, message.touched)
        return this.#runZab({ kind: 'message', from, message })
      case 'heartbeat':
        this.#runZab({ kind: 'message', from, message }) // which applies what it commits
        if (this.#followership?.isOf(from, message.syncId)) this.#digests.received(from, message.committed, message)
        return
      case 'append':
        this.#options.metrics.learner_proposal_received_count.add(message.entries.length)
        if (this.#followership?.isOf(from, message.syncId)) {
          this.#writeMetrics.proposalsReceived(message.entries, this.#now.wallMs)
        }
        return this.#runZab({ kind: 'message', from, message })
      default:
        return this.#runZab({ kind: 'message', from, message })
    }
  }

  // --- effects of zab ---

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
      case 'restart-log':
      case 'read-log':
      case 'copy-step':
      case 'stop':
        return this.#effects.push(effect)
      case 'install':
        return this.#install(effect.zxid)
      case 'deliver':
        return this.#apply(effect)
      case 'stopped-serving':
        if (effect.votersLeft) this.#options.metrics.quit_leading_due_to_disloyal_voter.add()
        return this.#stopServing(effect.reason)
      case 'serving-as-leader':
        return this.#serveAsLeader(effect)
      case 'serving-as-follower':
        return this.#serveAsFollower(effect)
      case 'hand-over-began':
        return this.#leadership?.suspend()
      case 'hand-over-ended':
        return this.#handOverEnded(effect)
      case 'leader-slow':
        return this.#reportSlow(effect)
      case 'leadership-confirmed':
        return this.#leadership?.confirmed(effect.sequence)
      default:
        return assertNever(effect)
    }
  }

  #reportSlow({ momentCount, longest, to }: Extract<ZabEffect, { readonly kind: 'leader-slow' }>): void {
    const longestMs = Math.round(longest.durationMs)
    this.#options.metrics.slow_leader_count.add()
    this.#options.log.warn('leader-slow', { momentCount, longestMs, longestOf: longest.kind, peerId: to })
  }

  #send({ to, message }: Extract<ZabEffect, { readonly kind: 'send' }>): void {
    if (message.kind === 'sync-start') this.#options.metrics.diff_count.add()
    if (message.kind === 'checkpoint-offer') this.#options.metrics.snap_count.add()
    if (message.kind === 'heartbeat-reply' && this.#followership !== null) this.#followership.replyToHeartbeat(message)
    else if (message.kind === 'heartbeat')
      this.#effects.send(to, { ...message, ...this.#digests.ownAt(message.committed) })
    else if (message.kind !== 'up-to-date') this.#effects.send(to, message)
    else this.#effects.send(to, { ...message, recordsMoves: recordsMoves(this.#options.config.compatibility) })
  }

  #apply({ entry }: Extract<ZabEffect, { readonly kind: 'deliver' }>): void {
    const { config, incarnation, trace } = this.#options
    trace?.({ kind: 'committed', zxid: entry.zxid })
    const txn = this.#leadership?.decider.takeDecided(entry.zxid) ?? decodeTxn(entry.payload)
    const { origin } = txn
    const isOwn = origin !== null && origin.serverId === config.serverId && origin.incarnation === incarnation
    if (isOwn) this.#results.begin(txn, this.#state.tree)
    const events = this.#state.apply(entry, txn, isOwn ? this.#results.note : null)
    this.#digests.applied(entry.zxid)
    this.#leadership?.decider.applied(entry.zxid, this.#now.monotonicMs)
    this.#writeMetrics.applied(txn, this.#leadership !== null)
    if (this.#leadership !== null || this.#followership !== null) this.#writeMetrics.propagated(txn, this.#now.wallMs)
    trace?.({ kind: 'applied', zxid: entry.zxid, txn, digest: this.#state.tree.digest() })
    this.#clients.applied(entry.zxid, events, isOwn ? origin.sequence : null, isOwn ? this.#results.finish() : null)
    const change = txn.changes[0]
    if (change?.kind === 'close-session') this.#sessionClosed(change.sessionId)
    if (change?.kind === 'create-session') this.#sessionAttached(change.sessionId, origin)
  }

  /** A session was created, or has moved to another server. */
  #sessionAttached(sessionId: SessionId, origin: Origin | null): void {
    const isHere = origin === null || origin.serverId === this.#options.config.serverId
    if (!isHere) this.#clients.sessions.closeConnectionOf(sessionId, 'session-moved')
    // The client gets its session only now, so its timeout starts now and not when the txn was proposed.
    this.#leadership?.decider.touch(sessionId, this.#now.monotonicMs)
  }

  /** A copy of the leader's state replaces that of this server, or is given up (zxid 0). */
  #install(zxid: Zxid): void {
    const { log, trace } = this.#options
    this.#readOnlyMode.end()
    assert(this.#clients.serving.kind !== 'serving', 'no client is served while the state is replaced', { zxid })
    if (zxid === 0) {
      this.#clients.stopWaiting('replaced')
      this.#state.giveUp()
    } else {
      assert(this.#received !== null, 'a copy that is installed was received', { zxid })
      const before = this.#state.install(this.#received)
      this.#clients.stateReplaced(before.tree)
    }
    assert(this.#state.lastApplied === zxid, 'the installed state is the one that zab goes on from', { zxid })
    this.#digests.applied(zxid)
    if (zxid > 0) {
      log.info('checkpoint-installed', { zxid: hexOfZxid(zxid), znodeCount: this.#state.tree.znodeCount })
    }
    trace?.({ kind: 'installed', zxid, digest: this.#state.tree.digest() })
  }

  /**
   * A client that asked for the close has been answered. After an expiry the connection, if it still exists, is closed.
   */
  #sessionClosed(sessionId: SessionId): void {
    this.#leadership?.decider.sessionClosed(sessionId)
    this.#clients.sessions.closeConnectionOf(sessionId, 'session-expired')
  }

  #stopServing(reason: string): void {
    this.#absence.lost(reason, this.#now.monotonicMs)
    this.#leadership?.end()
    this.#leadership = null
    this.#followership = null
    this.#readOnlyMode.lookingAgain(this.#now.monotonicMs)
    // Read-only clients stay connected while attempts to follow fail, until one succeeds.
    if (this.#clients.serving.kind !== 'read-only') this.#clients.stopServing(this.#now.monotonicMs)
    this.#options.trace?.({ kind: 'role-changed', role: 'looking', epoch: this.#zab.currentEpoch })
  }

  #serveAsLeader({ epoch }: Extract<ZabEffect, { readonly kind: 'serving-as-leader' }>): void {
    const { config, log, trace, incarnation, metrics } = this.#options
    const { monotonicMs } = this.#now
    const own = { state: this.#state, zab: this.#zab, metrics }
    const decider = new WriteDecider({ ...own, config, quotas: this.#quotaExcesses, access: this.#access }, monotonicMs)
    this.#leadership = new Leadership({
      ...own,
      self: { serverId: config.serverId, incarnation, syncId: null },
      decider,
      clients: this.#clients,
      effects: this.#effects,
      trace,
      now: () => this.#now,
      runZabEffects: (effects) => this.#runZabEffects(effects),
    })
    const absence = this.#serveThrough(this.#leadership, 'leading', config.serverId)
    log.info('serving-as-leader', { epoch, zxid: hexOfZxid(this.#state.lastApplied), ...absence })
    trace?.({ kind: 'role-changed', role: 'leading', epoch })
    trace?.({ kind: 'established', epoch })
  }

  #serveAsFollower(effect: Extract<ZabEffect, { readonly kind: 'serving-as-follower' }>): void {
    const { leader, epoch, syncId } = effect
    const { incarnation, config, log } = this.#options
    const own = { clients: this.#clients, effects: this.#effects }
    this.#followership = new Followership({ ...own, leader, syncId, incarnation, recordsMoves: effect.recordsMoves })
    const absence = this.#serveThrough(this.#followership, 'following', leader)
    log.info('serving-as-follower', { epoch, peerId: leader, zxid: hexOfZxid(this.#state.lastApplied), ...absence })
    if (effect.recordsMoves !== recordsMoves(config.compatibility))
      log.warn('compatibility-differs', { peerId: leader })
    this.#options.trace?.({ kind: 'role-changed', role: 'following', epoch })
  }

  #serveThrough(route: LeaderRoute, role: 'leading' | 'following', leader: ServerId): PastAbsence {
    const { monotonicMs } = this.#now
    const absence = this.#absence.found(leader, monotonicMs)
    this.#roleMetrics.servingBegan(role, absence.withoutLeaderMs)
    this.#readOnlyMode.end()
    this.#clients.startServing(route, monotonicMs, this.#ownProposed())
    return absence
  }

  /** The numbers of this process's requests among the txns in its history that are not committed yet. */
  #ownProposed(): ReadonlySet<number> {
    const { config, incarnation } = this.#options
    const numbers = new Set<number>()
    for (const { payload } of this.#zab.uncommitted()) {
      const { origin } = decodeTxn(payload)
      if (origin?.serverId === config.serverId && origin.incarnation === incarnation) numbers.add(origin.sequence)
    }
    return numbers
  }
}
