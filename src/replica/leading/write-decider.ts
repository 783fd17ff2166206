/**
 * The leader's decisions: it decides every write, of its own clients and of other servers' clients, in
 * the order in which they arrive, against the tree plus the changes in flight; it keeps sessions alive and
 * ends them. A new one is created for each term of leadership.
 * A refusal becomes an answer, which the client gets after its own server has applied every txn that the refusal
 * depends on; it is not written to disk, except with compatibility=strict, where it is a txn that changes nothing. Owns
 * invariant 7: only this class expires a session, as a txn, and after that txn no request of the session succeeds.
 */
import type { AccessRules } from '../../auth/access-rules.ts'
import { superScheme } from '../../auth/auth-id.ts'
import { assert, InvariantViolation } from '../../base/assert.ts'
import type { ErrorName } from '../../base/errors.ts'
import { type ServerId, type SessionId, type Zxid, zeroZxid } from '../../base/ids.ts'
import { txnSizeBytesMax } from '../../base/limits.ts'
import { type Compatibility, recordsMoves } from '../../config/compatibility.ts'
import type { Config } from '../../config/config.ts'
import { JuteWriter } from '../../jute/jute-writer.ts'
import { decode } from '../../jute/record.ts'
import type { ServerMetrics } from '../../metrics/server-metrics.ts'
import { writeMultiFailure } from '../../protocol/client/multi.ts'
import { type OpTraits, ops } from '../../protocol/client/operations.ts'
import { ReconfigRequest } from '../../protocol/client/requests.ts'
import type { ForwardedAnswer, ForwardedRequest } from '../../protocol/peer/peer-message.ts'
import type { Origin, Txn } from '../../protocol/txn/txn.ts'
import { encodeAnyTxn, encodeTxn } from '../../protocol/txn/txn-codec.ts'
import { encodeUsualTxn } from '../../protocol/txn/usual-txn-encoder.ts'
import { type ExpiryBucket, SessionTracker } from '../../sessions/session-tracker.ts'
import { PendingChanges } from '../../transactions/pending-changes.ts'
import { type PrepareContext, prepare } from '../../transactions/prepare.ts'
import type { QuotaExcess, QuotaPolicy } from '../../transactions/quota-check.ts'
import type { WriteRequest } from '../../transactions/write-request.ts'
import type { Zab } from '../../zab/zab.ts'
import type { ReplicatedState } from '../applying/replicated-state.ts'
import type { Stamp } from '../contract.ts'
import { ContainerCleaner } from './container-cleaner.ts'
import { DecidedTxns } from './decided-txns.ts'
import { toWriteRequest } from './decode-write.ts'
import { lateRefusalOf } from './late-refusal.ts'
import { ProposalStatistics } from './proposal-statistics.ts'

export interface WriteDeciderOptions {
  readonly state: ReplicatedState
  readonly zab: Zab
  readonly config: Config
  readonly quotas: QuotaPolicy
  readonly metrics: ServerMetrics
  readonly access: AccessRules
}

/** The server that sent a request and gets the answer, in one attempt to follow. */
export interface SourceServer {
  readonly serverId: ServerId
  readonly syncId: number | null // null: the leader itself
}

/** The server that sent a request, in one incarnation of its process. */
export interface RequestSource extends SourceServer {
  readonly incarnation: number
}

/** A client wants to continue its session on the server `source`. */
export interface Resumption {
  readonly sessionId: SessionId
  readonly source: RequestSource
  readonly sequence: number
  readonly timeoutMs: number
}

interface Resumed {
  /** Sessions that do not move by txns keep the timeout of their creation in the replicated state. */
  readonly timeoutMs: number
  readonly movedBy: Zxid // 0: it did not move
}

/** The request that is being decided. */
interface Asked {
  readonly source: RequestSource
  readonly request: ForwardedRequest
  readonly op: OpTraits | null // what `request.type` names
  readonly sessionRefusal: ErrorName | null
  readonly stamp: Stamp
}

export class WriteDecider {
  readonly proposals: ProposalStatistics
  readonly #state: ReplicatedState
  readonly #zab: Zab
  readonly #pending: PendingChanges
  readonly #decided = new DecidedTxns()
  readonly #tracker: SessionTracker
  readonly #cleaner: ContainerCleaner
  readonly #extendedTypesEnabled: boolean
  readonly #quotas: QuotaPolicy
  readonly #excessReports: QuotaPolicy
  #excesses: QuotaExcess[] = [] // of the request being decided
  readonly #reconfigEnabled: boolean
  readonly #access: AccessRules
  /** Of the request that is being decided; the object is used again for the next one. */
  readonly #context: { -readonly [K in keyof PrepareContext]: PrepareContext[K] }
  readonly #keeperCompatibility: boolean
  readonly recordsMoves: boolean
  readonly #isStandalone: boolean // no session moves: there is no other server
  readonly #compatibility: Compatibility
  /** The sessions that were resumed in this term, as they were last. */
  readonly #resumed = new Map<SessionId, Resumed>()

  constructor(options: WriteDeciderOptions, nowMs: number) {
    this.proposals = new ProposalStatistics(options.metrics)
    this.#state = options.state
    this.#zab = options.zab
    this.#pending = new PendingChanges(options.state)
    const { config } = options
    this.#tracker = new SessionTracker(config.tickTimeMs)
    const { sessions } = options.state
    this.#tracker.restartAll(sessions.entries(), nowMs, (sessionId) => sessions.attachedTo(sessionId))
    this.recordsMoves = recordsMoves(config.compatibility)
    this.#isStandalone = config.mode === 'standalone'
    this.#cleaner = new ContainerCleaner(options.state, config, nowMs)
    this.#extendedTypesEnabled = config.extendedTypesEnabled
    this.#quotas = { isEnforced: options.quotas.isEnforced, exceeded: (excess) => this.#excesses.push(excess) }
    this.#excessReports = options.quotas
    this.#reconfigEnabled = config.reconfigEnabled
    this.#access = options.access
    this.#keeperCompatibility = config.keeperCompatibility
    this.#compatibility = config.compatibility
    this.#context = {
      timeMs: 0,
      origin: null,
      sessionId: noSession,
      ids: [],
      sessionRefusal: null,
      localOwnerRefusal: null,
      extendedTypesEnabled: config.extendedTypesEnabled,
      quotas: this.#quotas,
      access: this.#access,
      keeperCompatibility: config.keeperCompatibility,
    }
  }

  /**
   * Turns a request into a proposal or an answer. Unless a quorum has confirmed that this server still leads
   * (`isConfirmed`), an answer is not given, and the request is decided again.
   */
  decide(
    source: RequestSource,
    request: ForwardedRequest,
    op: OpTraits | null,
    stamp: Stamp,
    isConfirmed: boolean,
  ): ForwardedAnswer | null {
    const answer = this.#decide(source, request, op, stamp)
    if (this.#excesses.length > 0) this.#reportExcesses(answer === null || isConfirmed)
    return answer
  }

  #decide(source: RequestSource, request: ForwardedRequest, op: OpTraits | null, stamp: Stamp): ForwardedAnswer | null {
    const refusal = this.#checkSession(source.serverId, request, op, stamp)
    const asked: Asked = { source, request, op, sessionRefusal: refusal, stamp }
    if (refusal === 'session-moved' && !this.#compatibility.checksArgumentsBeforeOwner) {
      return this.#refuse(asked, 'session-moved')
    }
    if (op === ops.reconfig) return this.#decideReconfig(asked)
    const wanted = toWriteRequest(request, op, this.#keeperCompatibility)
    if (!wanted.ok) return this.#refuseUndecoded(asked, wanted.error)
    if (refusal !== null && (wanted.value.kind === 'close-session' || wanted.value.kind === 'multi')) {
      return this.#refuse(asked, refusal)
    }
    return this.#propose(asked, wanted.value)
  }

  /** Proposes the end of each expired session, and returns these sessions. */
  expireSessions(stamp: Stamp): readonly SessionId[] {
    const expired = this.#tracker.expiredBy(stamp.monotonicMs)
    for (const sessionId of expired) {
      const context = { ...this.#ownContext(stamp), sessionId }
      const prepared = prepare({ kind: 'close-session', sessionId }, this.#pending, context)
      const isTxn = prepared.ok && prepared.value.kind === 'txn'
      assert(isTxn, 'a session expires as a txn (invariant 7)', { sessionId })
      this.#order(encodeTxn(prepared.value.txn), stamp)
    }
    return expired
  }

  /** Proposes the deletion of containers and TTL znodes that are due. */
  deleteUnused(stamp: Stamp): void {
    if (this.#zab.isOutOfZxids) return
    for (const path of this.#cleaner.tick(stamp)) {
      // A change in flight may give it new data or a child. If it is still due afterwards, the next sweep finds it.
      if (this.#pending.isInFlight(path)) continue
      const context = { ...this.#ownContext(stamp), ids: [superUser] }
      const prepared = prepare({ kind: 'delete', path, version: -1 }, this.#pending, context)
      if (prepared.ok && prepared.value.kind === 'txn') this.#order(encodeTxn(prepared.value.txn), stamp)
    }
  }

  touch(sessionId: SessionId, nowMs: number): void {
    const timeoutMs = this.#resumed.get(sessionId)?.timeoutMs ?? this.#state.sessions.timeoutMsOf(sessionId)
    if (timeoutMs !== null) this.#tracker.touch(sessionId, timeoutMs, nowMs)
  }

  /**
   * `over`: the session has ended. A session that moves to another server, or gets another timeout, does so by a txn: the
   * next leader has to know both. Each server that applies it closes the old connection of the session. Otherwise a server
   * that keeps its clients while the leader changes could hand requests of an old connection to a new leader, after those
   * that the client sent to another server.
   */
  reattach({ sessionId, source, sequence, timeoutMs }: Resumption, stamp: Stamp): 'valid' | 'moves' | 'over' {
    const { serverId } = source
    const { sessions, lastApplied } = this.#state
    const isMoving = (this.#resumed.get(sessionId)?.movedBy ?? 0) > lastApplied
    const isHere = sessions.attachedTo(sessionId) === serverId && sessions.timeoutMsOf(sessionId) === timeoutMs
    if (!this.#tracker.setOwner(sessionId, serverId)) return 'over'
    this.#tracker.touch(sessionId, timeoutMs, stamp.monotonicMs)
    if ((isHere && !isMoving) || !this.recordsMoves || this.#isStandalone) {
      this.#resumed.set(sessionId, { timeoutMs, movedBy: zeroZxid })
      return 'valid'
    }
    const origin = { serverId, incarnation: source.incarnation, sequence }
    const context = { ...this.#ownContext(stamp), origin, sessionId }
    const prepared = prepare({ kind: 'create-session', sessionId, timeoutMs }, this.#pending, context)
    const isTxn = prepared.ok && prepared.value.kind === 'txn'
    assert(isTxn, 'a session moves as a txn', { sessionId })
    this.#order(encodeTxn(prepared.value.txn), stamp)
    this.#resumed.set(sessionId, { timeoutMs, movedBy: this.#zab.lastZxid })
    return 'moves'
  }

  /** Soonest expiry first; times are monotonic. */
  expiryBuckets(): readonly ExpiryBucket[] {
    return this.#tracker.expiryBuckets()
  }

  /** The txn that is delivered as `zxid`, if it is one that this leader has kept. */
  takeDecided(zxid: Zxid): Txn | null {
    return this.#decided.take(zxid)
  }

  /** The tree has applied all txns up to `zxid`. */
  applied(zxid: Zxid, nowMs: number): void {
    this.#pending.forget(zxid)
    this.proposals.committed(zxid, nowMs)
  }

  sessionClosed(sessionId: SessionId): void {
    this.#tracker.remove(sessionId)
    this.#resumed.delete(sessionId)
  }

  /**
   * ZK: SessionTrackerImpl.checkSession. A createSession has no session yet, and any server may send a closeSession.
   */
  #checkSession(server: ServerId, request: ForwardedRequest, op: OpTraits | null, stamp: Stamp): ErrorName | null {
    if (op === ops.createSession) return null
    // The server that sent it knows the local session, which can own no znode. One that has become global is checked.
    if (request.isLocal && !this.#tracker.isTracking(request.sessionId)) return null
    this.touch(request.sessionId, stamp.monotonicMs)
    const refusal = this.#tracker.check(request.sessionId, server)
    if (op === ops.closeSession && refusal === 'session-moved') return null
    return refusal === 'unknown-session' ? 'session-expired' : refusal
  }

  #propose(asked: Asked, wanted: WriteRequest): ForwardedAnswer | null {
    const { source, request, sessionRefusal, stamp } = asked
    const { sessionId, authIds } = request
    const origin = originOf(asked)
    const context = this.#context
    context.timeMs = stamp.wallMs
    context.origin = origin
    context.sessionId = sessionId
    context.ids = authIds
    context.sessionRefusal = sessionRefusal
    context.localOwnerRefusal = request.isLocal ? this.#localOwnerRefusal(source, wanted) : null
    const prepared = prepare(wanted, this.#pending, context)
    if (!prepared.ok) return this.#refuse(asked, prepared.error)
    if (prepared.value.kind === 'failed-multi') {
      const opCount = wanted.kind === 'multi' ? wanted.ops.length : 0
      const writer = new JuteWriter()
      writeMultiFailure(writer, opCount, prepared.value.failedIndex, prepared.value.error)
      return this.#answer(asked, null, writer.take())
    }
    const { txn } = prepared.value
    const usual = encodeUsualTxn(txn)
    const payload = usual ?? encodeAnyTxn(txn)
    if (payload.length > txnSizeBytesMax) {
      this.#pending.dropStage()
      return this.#refuse(asked, 'marshalling-error')
    }
    if (sessionRefusal !== null) {
      const claim = 'after its end no request of a session becomes a txn (invariant 7)'
      throw new InvariantViolation(claim, { sessionId, sessionRefusal, wanted: wanted.kind })
    }
    if (wanted.kind === 'create-session') {
      this.#tracker.track(sessionId, wanted.timeoutMs, stamp.monotonicMs, origin.serverId)
    }
    if (wanted.kind === 'close-session') this.#tracker.markClosing(sessionId)
    this.#order(payload, stamp)
    if (usual !== null) this.#decided.add(this.#zab.lastZxid, txn)
    return null
  }

  /** A refusal is decided twice and reported once: when the leader is confirmed. */
  #reportExcesses(isDecided: boolean): void {
    const excesses = this.#excesses
    this.#excesses = []
    if (isDecided) for (const excess of excesses) this.#excessReports.exceeded(excess)
  }

  /** In ZooKeeper's order: it refuses a disabled reconfig before it checks the session. */
  #decideReconfig(asked: Asked): ForwardedAnswer | null {
    if (!decode(ReconfigRequest, asked.request.body).ok) return this.#refuseUndecoded(asked, 'marshalling-error')
    if (!this.#reconfigEnabled) return this.#refuse(asked, 'reconfig-disabled')
    return this.#refuse(asked, asked.sessionRefusal ?? 'unimplemented')
  }

  /** ZK: LeaderSessionTracker.checkGlobalSession. The leader checks its own clients more precisely. */
  #localOwnerRefusal({ syncId }: SourceServer, { kind }: WriteRequest): ErrorName {
    const isExpired = this.#compatibility.expiresLocalOwnersOnFollowers && kind === 'multi' && syncId !== null
    return isExpired ? 'session-expired' : 'ephemeral-on-local-session'
  }

  /** For txns that the leader proposes without a request. */
  #ownContext(stamp: Stamp): PrepareContext {
    return {
      timeMs: stamp.wallMs,
      origin: null,
      sessionId: noSession,
      ids: [],
      sessionRefusal: null,
      localOwnerRefusal: null,
      extendedTypesEnabled: false,
      keeperCompatibility: false,
      quotas: this.#quotas,
      access: this.#access,
    }
  }

  #order(payload: Uint8Array, { wallMs, monotonicMs }: Stamp): void {
    const zxid = this.#zab.propose(payload)
    this.#pending.commitStage(zxid, wallMs)
    this.proposals.proposed(zxid, payload.length, monotonicMs)
  }

  #refuse(asked: Asked, error: ErrorName): ForwardedAnswer | null {
    return this.#answer(asked, error, null)
  }

  /** In ZooKeeper a body that is cut short takes no zxid, and a null path is refused after one was taken. */
  #refuseUndecoded(asked: Asked, error: ErrorName): ForwardedAnswer | null {
    if (!this.#compatibility.checksFlagsBeforeNullPaths) return this.#refuse(asked, error)
    const { request, op, sessionRefusal } = asked
    const late = lateRefusalOf(op, request, error, sessionRefusal, this.#extendedTypesEnabled)
    return late === null ? this.#direct(request, error, null) : this.#refuse(asked, late)
  }

  #answer(asked: Asked, error: ErrorName | null, body: Uint8Array | null): ForwardedAnswer | null {
    if (!this.#compatibility.refusalsTakeZxids) return this.#direct(asked.request, error, body)
    const { request, stamp } = asked
    const { sessionId } = request
    const changes = [{ kind: 'refusal', error, body }] as const
    const txn = { timeMs: stamp.wallMs, sessionId, origin: originOf(asked), isMulti: false, changes }
    this.#order(encodeTxn(txn), stamp)
    return null
  }

  #direct({ sequence }: ForwardedRequest, error: ErrorName | null, body: Uint8Array | null): ForwardedAnswer {
    return { sequence, after: this.#zab.lastZxid, error, body }
  }
}

function originOf({ source: { serverId, incarnation }, request: { sequence } }: Asked): Origin {
  return { serverId, incarnation, sequence }
}

const noSession = 0n as SessionId
/** The id under which the server deletes znodes; ACLs do not apply to it. */
const superUser = { scheme: superScheme, id: '' }
