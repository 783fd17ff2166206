/**
 * One term of leadership, from the time at which this server serves as leader. It receives the requests of its own
 * clients and of its followers, and the `WriteDecider` decides them. A request that becomes no txn is answered; all
 * answers to a follower share one message a turn. An answer that may depend on old state waits until a quorum has
 * confirmed that this server still leads (unconfirmed-requests.ts), and so do later requests of the same session.
 * Discarded with the term, together with all waiting requests: the servers that sent them send them again to the next
 * leader. If one were also decided in a later term, it would take effect twice.
 */
import type { ServerId, SessionId } from '../../base/ids.ts'
import type { ServerMetrics } from '../../metrics/server-metrics.ts'
import { type OpTraits, operationOf, ops } from '../../protocol/client/operations.ts'
import type { ForwardedAnswer, ForwardedRequest, RequestMessage, SyncId } from '../../protocol/peer/peer-message.ts'
import type { Zab } from '../../zab/zab.ts'
import type { ZabEffect } from '../../zab/zab-contract.ts'
import type { ReplicatedState } from '../applying/replicated-state.ts'
import type { Clients } from '../clients/clients.ts'
import type { LeaderRoute } from '../clients/serving.ts'
import type { Stamp } from '../contract.ts'
import type { EffectList } from '../effect-list.ts'
import type { Trace } from '../trace-event.ts'
import { type LeaderRequest, type Revalidation, UnconfirmedRequests } from './unconfirmed-requests.ts'
import type { RequestSource, WriteDecider } from './write-decider.ts'

export interface LeadershipOptions {
  readonly self: RequestSource
  readonly decider: WriteDecider
  readonly state: ReplicatedState
  readonly zab: Zab
  readonly clients: Clients
  readonly effects: EffectList
  readonly metrics: ServerMetrics
  readonly trace: Trace | null
  readonly now: () => Stamp
  readonly runZabEffects: (effects: readonly ZabEffect[]) => void
}

type FromFollower = Extract<RequestMessage, { readonly kind: 'forward' | 'revalidate' }>

export class Leadership implements LeaderRoute {
  readonly decider: WriteDecider
  readonly #options: LeadershipOptions
  readonly #unconfirmed = new UnconfirmedRequests()
  readonly #answers = new Map<ServerId, ForwardedAnswer[]>() // of this turn, to followers
  #isOver = false
  /** While this server hands over: what would be decided, in order. Null: it is decided at once. */
  #suspended: LeaderRequest[] | null = null

  constructor(options: LeadershipOptions) {
    this.#options = options
    this.decider = options.decider
  }

  get recordsMoves(): boolean {
    return this.decider.recordsMoves
  }

  /** No request of this term is decided after this call, which may come while one is being decided. */
  end(): void {
    this.#isOver = true
  }

  /** This server hands over: nothing is decided until `resume`, or by this term at all. */
  suspend(): void {
    this.#suspended ??= []
  }

  /** The hand-over has failed. A request is dropped if its server no longer awaits it here. */
  resume(): void {
    const suspended = this.#suspended ?? []
    this.#suspended = null
    for (const asked of suspended) if (this.#isAwaited(asked)) this.#takeAgain(asked)
  }

  // --- requests ---

  submit(request: ForwardedRequest, op: OpTraits): void {
    this.#takeRequest(this.#options.self, request, op)
  }

  revalidate(sequence: number, sessionId: SessionId, timeoutMs: number): void {
    this.#takeRevalidation({ kind: 'revalidation', sessionId, source: this.#options.self, sequence, timeoutMs })
  }

  receive(from: ServerId, message: FromFollower): void {
    if (!this.#isInStep(from, message.syncId)) return
    const { syncId } = message
    if (message.kind === 'forward') {
      const source = { serverId: from, incarnation: message.incarnation, syncId }
      for (const request of message.requests) this.#takeRequest(source, request, operationOf(request.type))
      return
    }
    this.#options.metrics.revalidate_count.add()
    const { sequence, sessionId, timeoutMs, incarnation } = message
    const source = { serverId: from, incarnation, syncId }
    this.#takeRevalidation({ kind: 'revalidation', sessionId, source, sequence, timeoutMs })
  }

  /** Touches sessions of a follower's clients: only the leader knows when a session expires. */
  heardFrom(from: ServerId, syncId: SyncId, sessionIds: readonly SessionId[]): void {
    if (!this.#isInStep(from, syncId)) return
    const { monotonicMs } = this.#options.now()
    for (const id of sessionIds) this.decider.touch(id, monotonicMs)
  }

  #isInStep(follower: ServerId, syncId: SyncId): boolean {
    return this.#options.zab.syncIdOf(follower) === syncId
  }

  #takeRequest(source: RequestSource, request: ForwardedRequest, op: OpTraits | null): void {
    const { sessionId } = request
    if (!this.#unconfirmed.isWaiting(sessionId)) this.#decideRequest(source, request, op, false)
    else this.#unconfirmed.hold({ kind: 'request', sessionId, source, request, op })
  }

  #takeRevalidation(asked: Revalidation): void {
    if (!this.#unconfirmed.isWaiting(asked.sessionId)) this.#decideRevalidation(asked, false)
    else this.#unconfirmed.hold(asked)
  }

  // --- deciding ---

  /** Proposes or answers the request; an answer waits until a quorum has confirmed that this server still leads. */
  #decideRequest(source: RequestSource, request: ForwardedRequest, op: OpTraits | null, isConfirmed: boolean): void {
    if (this.#isOver) return
    const { state, zab, now, runZabEffects } = this.#options
    const { sessionId, sequence } = request
    if (this.#suspended !== null) {
      this.#suspended.push({ kind: 'request', sessionId, source, request, op })
      return
    }
    let answer: ForwardedAnswer | null
    if (op === ops.sync) {
      answer = { sequence, after: state.lastApplied, error: null, body: null }
    } else {
      if (zab.isOutOfZxids) {
        return runZabEffects(zab.stepDown('the counter of this epoch is used up', now().monotonicMs))
      }
      answer = this.decider.decide(source, request, op, now(), isConfirmed)
      if (answer === null) return
    }
    if (isConfirmed) this.#giveAnswer(source.serverId, answer)
    else this.#unconfirmed.add({ kind: 'request', sessionId, source, request, op })
  }

  #decideRevalidation(asked: Revalidation, isConfirmed: boolean): void {
    if (this.#isOver) return
    if (this.#suspended !== null) {
      this.#suspended.push(asked)
      return
    }
    const { self, zab, clients, effects, now, runZabEffects } = this.#options
    if (zab.isOutOfZxids) {
      return runZabEffects(zab.stepDown('the counter of this epoch is used up', now().monotonicMs))
    }
    const { source, sequence } = asked
    const from = source.serverId
    const verdict = this.decider.reattach(asked, now())
    if (verdict === 'moves') return // the answer is a txn
    const valid = verdict === 'valid'
    if (!valid && !isConfirmed) return this.#unconfirmed.add(asked)
    if (from === self.serverId) return clients.sessions.revalidated(sequence, valid)
    if (valid) clients.sessions.closeConnectionOf(asked.sessionId, 'session-moved')
    const syncId = zab.syncIdOf(from)
    if (syncId !== null) effects.send(from, { kind: 'revalidated', syncId, sequence, valid })
  }

  #giveAnswer(to: ServerId, answer: ForwardedAnswer): void {
    const { self, clients } = this.#options
    if (to === self.serverId) return clients.receiveAnswer(answer)
    const batch = this.#answers.get(to)
    if (batch === undefined) this.#answers.set(to, [answer])
    else batch.push(answer)
  }

  // --- confirming ---

  /**
   * One round of heartbeats for all requests of the turn (D9): a quorum that answers had not followed another leader.
   */
  #confirm(): void {
    const { zab, now, runZabEffects } = this.#options
    // A single voter confirms itself at once, and requests that were held after an answer may need another round.
    while (!this.#isOver && this.#unconfirmed.needsRound) {
      const { sequence, effects } = zab.confirmLeadership(now().monotonicMs)
      this.#unconfirmed.roundBegan(sequence)
      runZabEffects(effects)
    }
  }

  /** A quorum has answered round `sequence`. */
  confirmed(sequence: number): void {
    const { confirmed, next } = this.#unconfirmed.confirmed(sequence)
    for (const asked of confirmed) if (this.#isAwaited(asked)) this.#decideConfirmed(asked)
    for (const asked of next) if (this.#isAwaited(asked)) this.#takeAgain(asked)
  }

  #decideConfirmed(asked: LeaderRequest): void {
    if (asked.kind === 'revalidation') this.#decideRevalidation(asked, true)
    else this.#decideRequest(asked.source, asked.request, asked.op, true)
  }

  #takeAgain(asked: LeaderRequest): void {
    if (asked.kind === 'revalidation') this.#takeRevalidation(asked)
    else this.#takeRequest(asked.source, asked.request, asked.op)
  }

  /**
   * Whether the server that sent the request still follows in the same attempt. If not, it no longer awaits the answer.
   * After a restart it numbers its requests from the start, so it would take the answer for that to another request.
   */
  #isAwaited({ source: { serverId, syncId } }: LeaderRequest): boolean {
    return syncId === null || this.#isInStep(serverId, syncId)
  }

  // --- time ---

  /** All requests to confirm share one round, and each follower gets one message with its answers. */
  endTurn(): void {
    this.#confirm()
    if (this.#isOver) return
    const { zab, effects } = this.#options
    for (const [server, answers] of this.#answers) {
      const syncId = zab.syncIdOf(server)
      if (syncId !== null) effects.send(server, { kind: 'answer', syncId, answers })
    }
    this.#answers.clear()
  }

  tick(): void {
    const { clients, metrics, trace, now } = this.#options
    const stamp = now()
    clients.sessions.drainHeardFrom((id) => this.decider.touch(id, stamp.monotonicMs))
    if (this.#suspended !== null) return // both of the following propose txns
    this.decider.deleteUnused(stamp)
    for (const sessionId of this.decider.expireSessions(stamp)) {
      metrics.stale_sessions_expired.add()
      trace?.({ kind: 'session-expiring', sessionId })
    }
  }
}
