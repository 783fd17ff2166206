/**
 * Atomic broadcast as one state machine: events in, effects out (docs/internals/zab.md). Owns the role and is the only
 * place that assigns it. Assumes that links between servers deliver in order or close; a closed link ends every role
 * that depends on it. The caller stamps each event with monotonic time.
 */
import { assert } from '../base/assert.ts'
import type { Epoch, ServerId, Zxid } from '../base/ids.ts'
import type { Log } from '../ports/log.ts'
import type { ClusterId, TxnEntry } from '../protocol/disk/log-record.ts'
import type { SyncId, ZabMessage } from '../protocol/peer/peer-message.ts'
import { Following } from './following.ts'
import { Leading } from './leading.ts'
import type { LearnerLag } from './learner.ts'
import { Looking } from './looking.ts'
import type { LeadershipPassing, Role, RoleChanges } from './role.ts'
import type {
  CopyAnswer,
  HandOverStart,
  HandOverTarget,
  LogRead,
  PersistTag,
  RecoveredHistory,
  ZabEffect,
  ZabSettings,
} from './zab-contract.ts'
import { ZabCore } from './zab-core.ts'

export type ZabEvent =
  | { readonly kind: 'start' }
  | { readonly kind: 'peer-connected'; readonly peer: ServerId }
  | { readonly kind: 'peer-disconnected'; readonly peer: ServerId; readonly wasSilent: boolean }
  | { readonly kind: 'message'; readonly from: ServerId; readonly message: ZabMessage }
  | { readonly kind: 'persisted'; readonly tag: PersistTag }
  | { readonly kind: 'log-truncated'; readonly zxid: Zxid }
  | ({ readonly kind: 'log-read' } & LogRead)
  | { readonly kind: 'log-restarted'; readonly zxid: Zxid }
  | { readonly kind: 'copy-answer'; readonly answer: CopyAnswer }
  /** The event loop of this server stood still for this long. */
  | { readonly kind: 'paused'; readonly durationMs: number }
  | { readonly kind: 'tick' }
  | { readonly kind: 'turn-ended' }

export class Zab {
  readonly #core: ZabCore
  readonly #changes: RoleChanges
  #role: Role | null = null

  constructor(settings: ZabSettings, recovered: RecoveredHistory, log: Log) {
    this.#core = new ZabCore(settings, recovered, log)
    this.#changes = {
      becomeLooking: (reason, votersLeft = false) => this.#becomeLooking(reason, votersLeft),
      lookOn: (reason) => this.#becomeLooking(reason, false, this.#core.round),
      becomeFollowing: (leader) => this.#become(new Following(this.#core, this.#changes, leader)),
      becomeLeading: () => this.#become(new Leading(this.#core, this.#changes)),
      passLeadership: (passing) => this.#passLeadership(passing),
    }
  }

  /** The caller may keep the returned effects; the next call starts a new list. */
  handle(event: ZabEvent, nowMs: number): readonly ZabEffect[] {
    this.#core.nowMs = nowMs
    this.#dispatch(event)
    return this.#takeEffects()
  }

  /** On the established leader: orders a txn after all others. It leaves at the end of the turn. */
  propose(payload: Uint8Array): Zxid {
    assert(this.#role instanceof Leading, 'only a leader proposes')
    return this.#role.propose(payload)
  }

  /** On the established leader: see Leading.confirmLeadership. */
  confirmLeadership(nowMs: number): { readonly sequence: number; readonly effects: readonly ZabEffect[] } {
    assert(this.#role instanceof Leading, 'only a leader can be confirmed')
    this.#core.nowMs = nowMs
    const sequence = this.#role.confirmLeadership()
    return { sequence, effects: this.#takeEffects() }
  }

  get isOutOfZxids(): boolean {
    return this.#role instanceof Leading && this.#role.isOutOfZxids
  }

  get lastZxid(): Zxid {
    return this.#core.history.last.zxid
  }

  /** The end of this server's history that is not known to be committed. */
  uncommitted(): readonly TxnEntry[] {
    const { history, committed } = this.#core
    const entries = history.entriesAfter(committed, Number.POSITIVE_INFINITY)
    assert(entries !== null, 'what is not yet committed is in memory', { committed })
    return entries
  }

  get currentEpoch(): Epoch {
    return this.#core.currentEpoch
  }

  /** The cluster id of the data in this server's log; 0 while the log holds no txn. */
  get clusterId(): ClusterId {
    return this.#core.history.last.zxid === 0 ? (0 as ClusterId) : this.#core.clusterId
  }

  /** The servers to which the link is up. */
  get connected(): ReadonlySet<ServerId> {
    return this.#core.connected
  }

  /** False: the log is empty and not trusted, or adopted: what this server has acknowledged or promised may be lost. */
  get mayCount(): boolean {
    return this.#core.mayCount
  }

  get state(): 'looking' | 'following' | 'leading' {
    if (this.#role instanceof Leading) return 'leading'
    return this.#role instanceof Following ? 'following' : 'looking'
  }

  /**
   * The attempt in which `peer` is in step with this leader; null if it is not. What it sends in another attempt is
   * void.
   */
  syncIdOf(peer: ServerId): SyncId | null {
    return this.#role instanceof Leading ? this.#role.syncIdOf(peer) : null
  }

  /** Of this server, which may be itself; null: it has none, or does not follow it yet. */
  get leaderId(): ServerId | null {
    if (this.#role instanceof Leading) return this.#core.settings.self
    return this.#role instanceof Following ? this.#role.leader : null
  }

  /** Ends this server's leadership; a new election opens a new epoch. */
  stepDown(reason: string, nowMs: number): readonly ZabEffect[] {
    this.#core.nowMs = nowMs
    this.#becomeLooking(reason, false)
    return this.#takeEffects()
  }

  /**
   * Step H1. A leader begins to hand over, and a follower asks its leader to. The caller of `propose` holds back what it would
   * propose from `hand-over-began` to `hand-over-ended` or the loss of the leadership.
   */
  handOver(
    to: HandOverTarget,
    nowMs: number,
  ): { readonly start: HandOverStart; readonly effects: readonly ZabEffect[] } {
    this.#core.nowMs = nowMs
    const start = this.#startHandOver(to)
    return { start, effects: this.#takeEffects() }
  }

  #startHandOver(to: HandOverTarget): HandOverStart {
    const role = this.#role
    if (role instanceof Leading) {
      const problem = role.handOver.request(to)
      return problem === null ? { kind: 'began' } : { kind: 'refused', problem }
    }
    const problem = role instanceof Following ? role.requestHandOver(to) : 'this server has no leader'
    return problem === null ? { kind: 'leader-asked' } : { kind: 'refused', problem }
  }

  learnerCounts(): { readonly learners: number; readonly synced: number; readonly pending: number } {
    return this.#role instanceof Leading ? this.#role.learnerCounts() : { learners: 0, synced: 0, pending: 0 }
  }

  /** Empty unless this server leads. */
  learnerLags(): readonly LearnerLag[] {
    return this.#role instanceof Leading ? this.#role.learnerLags() : []
  }

  #dispatch(event: ZabEvent): void {
    const core = this.#core
    if (event.kind === 'start') return this.#become(new Looking(core, this.#changes, core.round + 1))
    assert(this.#role !== null, 'zab was started')
    switch (event.kind) {
      case 'peer-connected':
        core.connected.add(event.peer)
        core.wasConnected.add(event.peer)
        return this.#role.peerConnected(event.peer)
      case 'peer-disconnected':
        core.peerGone(event.peer)
        return this.#role.peerDisconnected(event.peer, event.wasSilent)
      case 'message':
        assert(core.connected.has(event.from), 'messages come over links that are up', { peerId: event.from })
        if (core.unheard.size > 0) core.unheard.delete(event.from)
        if (event.message.kind === 'vote') core.noteVote(event.from, event.message)
        return this.#role.receive(event.from, event.message)
      case 'persisted':
        core.durable = event.tag.zxid
        return this.#role.persisted(event.tag)
      case 'log-truncated':
      case 'log-restarted':
        core.durable = event.zxid
        return
      case 'copy-answer': {
        const answer = core.takeCopyAnswer(event.answer)
        if (answer !== null) this.#role.copyAnswered(answer)
        return
      }
      case 'log-read':
        return this.#role.logRead(event)
      case 'paused':
        if (this.#role instanceof Leading) this.#role.paused(event.durationMs)
        return
      case 'tick':
        core.markCommits()
        return this.#role.tick()
      case 'turn-ended':
        this.#role.flush()
        if (this.#role instanceof Leading) this.#role.handOver.advance()
        return
    }
  }

  #becomeLooking(reason: string, votersLeft: boolean, round = this.#core.round + 1): void {
    this.#core.log.info('became-looking', { reason })
    this.#core.out.push({ kind: 'stopped-serving', reason, votersLeft })
    this.#become(new Looking(this.#core, this.#changes, round))
  }

  /** Steps H3 and H4. If the successor is not connected, or could not lead, this server does as after any lost leader. */
  #passLeadership({ from, to, round }: LeadershipPassing): void {
    const core = this.#core
    core.round = Math.max(core.round, round)
    const { settings, connected, membership, receipt } = core
    const isSelf = to === settings.self
    const isReached = (voter: ServerId): boolean => voter === settings.self || connected.has(voter)
    const canLead = membership.isVoter(to) && membership.isQuorum(isReached) && receipt?.isFinishing !== true
    if (isSelf && !canLead) {
      return this.#becomeLooking(`server ${from} hands over to this server, which does not reach a quorum`, false)
    }
    if (!isSelf && !connected.has(to)) {
      return this.#becomeLooking(`server ${from} hands over to server ${to}, to which the link is down`, false)
    }
    core.log.info('leadership-handed-over', { peerId: from, leaderId: to })
    core.out.push({
      kind: 'stopped-serving',
      reason: `server ${from} has handed over to server ${to}`,
      votersLeft: false,
    })
    this.#become(isSelf ? new Leading(core, this.#changes, from) : new Following(core, this.#changes, to, round))
  }

  #become(role: Role): void {
    this.#role?.flush() // what the old role accepted is part of the history and belongs in the log
    this.#role?.leave()
    this.#role = role
    role.enter()
  }

  #takeEffects(): readonly ZabEffect[] {
    const effects = this.#core.out
    this.#core.out = []
    return effects
  }
}
