/**
 * What all three roles of a server share: its durable facts, its history, its links, and the effects of the event being
 * handled. Roles change these through the methods of this class, so each rule is kept in one place: the commit point
 * only rises and never passes the end of the history; records reach the log in the order in which they were decided.
 */
import { assert } from '../base/assert.ts'
import { emptyChainHash } from '../base/chain-hash.ts'
import { type Epoch, hexOfZxid, type ServerId, type Zxid, zeroZxid } from '../base/ids.ts'
import {
  commitMarkIntervalMs,
  commitMarkIntervalTxns,
  foreignClusterReminderMs,
  handOverForCopyMs,
} from '../base/limits.ts'
import type { Membership } from '../membership/membership.ts'
import type { Log } from '../ports/log.ts'
import type { ClusterId, LogRecord } from '../protocol/disk/log-record.ts'
import type { ZabMessage } from '../protocol/peer/peer-message.ts'
import {
  chooseJoining,
  type DataName,
  describeContradiction,
  describeForeignCluster,
  hexOfCluster,
} from './cluster-rule.ts'
import { type CopyOffer, CopyReceipt } from './copy-receipt.ts'
import { History, type HistoryPoint } from './history.ts'
import type { Candidate, VoteMessage } from './vote-order.ts'
import type {
  CopyAnswer,
  CopyStep,
  PersistTag,
  RecoveredHistory,
  SendEffect,
  ZabEffect,
  ZabSettings,
} from './zab-contract.ts'

export class ZabCore {
  readonly settings: ZabSettings
  readonly log: Log
  /** Who counts. Roles read it for each decision and keep no copy, so that it may change. */
  readonly membership: Membership
  history: History // replaced when a copy of the state is installed
  readonly connected = new Set<ServerId>()
  /** Since this process started. */
  readonly wasConnected = new Set<ServerId>()
  /**
   * Peers that have not answered this server when it gave up the leadership for that reason, and have sent nothing since. What
   * it sends may reach them all the same.
   */
  readonly unheard = new Set<ServerId>()
  /** The last vote of each connected peer. It holds until the peer sends another one or its link closes. */
  readonly peerVotes = new Map<ServerId, VoteMessage>()
  out: ZabEffect[] = []
  nowMs = 0
  round = 0 // of the election; grows with each new attempt
  incarnation: number // of the present role
  acceptedEpoch: Epoch
  acceptedLeader: ServerId | null
  /** The newest epoch that any server is known to have accepted. A leader mints its epoch above it. */
  newestEpochSeen: Epoch
  currentEpoch: Epoch
  clusterId: ClusterId
  #mustSync: boolean // until a current epoch is saved, as in the log
  committed: Zxid // invariant: applied = committed <= history.last
  durable: Zxid // this server's log holds everything up to this zxid
  /** A copy of the state that this server is receiving, or has received in part. */
  receipt: CopyReceipt | null = null
  readonly #shunnedUntilMs = new Map<ServerId, number>()
  readonly #leftAloneUntilMs = new Map<ServerId, number>()
  readonly #foreignUntilMs = new Map<ServerId, number>()
  /** By peer: when its data was last reported as foreign, and of which cluster the data was. */
  readonly #foreignReports = new Map<ServerId, { readonly clusterId: ClusterId; readonly atMs: number }>()
  /** By peer: until when a contradiction to its history is not reported again. */
  readonly #contradictionsUntilMs = new Map<ServerId, number>()
  #handedOverForCopyAtMs = Number.NEGATIVE_INFINITY
  #unsaved: LogRecord[] = []
  #unmarkedCommits = 0
  #markedAtMs = 0
  #readTickets = 0

  constructor(settings: ZabSettings, recovered: RecoveredHistory, log: Log) {
    this.settings = settings
    this.log = log
    this.membership = settings.membership
    const { committed: zxid, committedHash: hash, tail } = recovered
    this.history = new History({ zxid, hash }, tail, settings.retainedTxnCountMax)
    this.incarnation = settings.firstIncarnation
    this.acceptedEpoch = recovered.acceptedEpoch
    this.acceptedLeader = recovered.acceptedLeader
    this.newestEpochSeen = recovered.acceptedEpoch
    this.currentEpoch = recovered.currentEpoch
    this.clusterId = recovered.clusterId
    this.#mustSync = recovered.mustSync
    this.committed = recovered.committed
    this.durable = this.history.last.zxid
  }

  get self(): Candidate {
    return { id: this.settings.self, epoch: this.currentEpoch, zxid: this.history.last.zxid }
  }

  vote(leader: ServerId, state: VoteMessage['state'], round: number, cannotWin = false): VoteMessage {
    return { kind: 'vote', round, state, leader, epoch: this.currentEpoch, zxid: this.history.last.zxid, cannotWin }
  }

  get data(): DataName {
    return { clusterId: this.clusterId, isEmpty: this.history.last.zxid === 0 }
  }

  /** Whether this server may vote and be counted by a leader that has no quorum yet. */
  get mayCount(): boolean {
    return !this.#mustSync && (this.settings.trustsEmptyLog || this.clusterId !== 0)
  }

  /**
   * Logs that a peer holds data of another cluster; at most once in foreignClusterReminderMs for each peer and cluster.
   */
  reportForeign(peer: ServerId, theirs: ClusterId, isServing: boolean): void {
    const last = this.#foreignReports.get(peer)
    if (last?.clusterId === theirs && this.nowMs < last.atMs + foreignClusterReminderMs) return
    this.#foreignReports.set(peer, { clusterId: theirs, atMs: this.nowMs })
    const ids = { own: this.clusterId, theirs }
    const text = describeForeignCluster(peer, ids, isServing)
    const fields = { peerId: peer, clusterId: hexOfCluster(ids.own), peerClusterId: hexOfCluster(theirs), text }
    if (isServing) this.log.warn('data-of-another-cluster', fields)
    else this.log.error('data-of-another-cluster', fields)
  }

  /** Logs that a peer of this cluster holds another history; at most once in foreignClusterReminderMs for each peer. */
  reportContradiction(peer: ServerId, zxid: Zxid): void {
    if (this.nowMs < (this.#contradictionsUntilMs.get(peer) ?? 0)) return
    this.#contradictionsUntilMs.set(peer, this.nowMs + foreignClusterReminderMs)
    const text = describeContradiction(peer, zxid)
    this.log.error('history-contradicted', { peerId: peer, zxid: hexOfZxid(zxid), text })
  }

  /**
   * Takes back the txns of a first synchronisation that was interrupted. A part of a history must not win an election
   * as if it were the whole. None of these txns was acknowledged: a server without a cluster id has never been in step.
   */
  dropUnfinishedSync(): void {
    if (this.clusterId !== 0 || this.history.last.zxid === 0) return
    if (this.committed === 0) return this.truncateAfter(zeroZxid)
    this.log.info('copy-given-up', { zxid: hexOfZxid(this.committed) })
    this.#replaceHistory({ zxid: zeroZxid, hash: emptyChainHash })
  }

  // --- a copy of the state that a leader sends, step S0 ---

  /** Continues the copy that was interrupted if the leader offers the same one, otherwise begins a new one. */
  beginReceipt(offer: CopyOffer, clusterId: ClusterId): void {
    this.beginSyncWith(clusterId)
    if (this.receipt?.isFinishing) return // an earlier copy; once it is installed, the leader may be able to go on from it
    if (this.receipt?.isOf(offer)) return this.receipt.resume()
    this.abandonReceipt()
    this.receipt = new CopyReceipt(this.nextReadTicket(), offer, clusterId)
    this.#copyStep({ kind: 'receive', ticket: this.receipt.ticket })
  }

  /** A copy that is being finished cannot be stopped: it may already be the checkpoint of this server. */
  abandonReceipt(): void {
    if (this.receipt === null || this.receipt.isFinishing) return
    this.#copyStep({ kind: 'abort', ticket: this.receipt.ticket })
    this.receipt = null
  }

  advanceReceipt(): void {
    const step = this.receipt?.takeStep() ?? null
    if (step !== null) this.#copyStep(step)
  }

  /** Returns what the role has to know; null: the answer belongs to a copy that was abandoned. */
  takeCopyAnswer(answer: CopyAnswer): CopyAnswer | null {
    if (!('ticket' in answer)) return answer
    const { receipt } = this
    if (receipt?.ticket !== answer.ticket) return null
    if (answer.kind === 'added') {
      receipt.added(answer.number, answer.isGood)
      return answer
    }
    this.receipt = null
    if (answer.kind === 'refused') return answer
    // It was finished after its attempt had ended, and another attempt has brought this server further.
    const hasAll = answer.zxid <= this.committed || this.history.pointAt(answer.zxid)?.hash === answer.hash
    const reason = 'this server has more by now than the copy'
    if (hasAll) return { kind: 'refused', ticket: answer.ticket, reason }
    assert(this.clusterId === 0 || this.clusterId === receipt.clusterId, 'a copy is of the cluster of this server', {
      own: this.clusterId,
      theirs: receipt.clusterId,
    })
    this.#replaceHistory({ zxid: answer.zxid, hash: answer.hash })
    return answer
  }

  /**
   * The history goes on from `point`. The caller of `install` has the state at that point, and it is durable. This
   * server's uncommitted txns were not in the leader's history, or come again from it.
   */
  #replaceHistory(point: HistoryPoint): void {
    this.flush([])
    this.history = new History(point, [], this.settings.retainedTxnCountMax)
    this.committed = point.zxid
    this.#unmarkedCommits = 0
    this.out.push({ kind: 'install', ...point }, { kind: 'restart-log', ...point, clusterId: this.clusterId })
  }

  #copyStep(step: CopyStep): void {
    this.out.push({ kind: 'copy-step', step })
  }

  send(to: ServerId, message: ZabMessage): void {
    this.out.push({ kind: 'send', to, message })
  }

  broadcast(message: ZabMessage): void {
    for (const peer of this.membership.members) if (this.connected.has(peer)) this.send(peer, message)
  }

  noteVote(from: ServerId, vote: VoteMessage): void {
    this.peerVotes.set(from, vote)
    // Its leadership, in which the attempt failed, is over. If it leads again, this server may follow it at once.
    if (vote.state === 'looking') this.#shunnedUntilMs.delete(from)
  }

  /** After a failed attempt to follow `leader`: waits peerTimeoutMs before the next one. */
  shun(leader: ServerId): void {
    this.#shunnedUntilMs.set(leader, this.nowMs + this.settings.peerTimeoutMs)
  }

  /** `leader` leads another cluster or another history. That lasts until its process ends or its servers hold another election. */
  shunForeign(leader: ServerId): void {
    this.#foreignUntilMs.set(leader, this.nowMs + foreignClusterReminderMs)
  }

  /**
   * `leader` has a less recent history than this server, and gave up for that reason. It leads again if a quorum has no
   * better candidate: this server then lets it establish its epoch, and does not join before peerTimeoutMs.
   */
  leaveAlone(leader: ServerId): void {
    this.#leftAloneUntilMs.set(leader, this.nowMs + this.settings.peerTimeoutMs)
  }

  /** Such a peer is no candidate either. */
  isForeign(peer: ServerId): boolean {
    return this.nowMs < (this.#foreignUntilMs.get(peer) ?? 0)
  }

  isShunned(leader: ServerId): boolean {
    const untilMs = Math.max(this.#shunnedUntilMs.get(leader) ?? 0, this.#leftAloneUntilMs.get(leader) ?? 0)
    return this.nowMs < untilMs || this.isForeign(leader)
  }

  /** Step H6: true once in handOverForCopyMs, whatever roles this server has meanwhile. */
  mayHandOverForCopy(): boolean {
    if (this.nowMs < this.#handedOverForCopyAtMs + handOverForCopyMs) return false
    this.#handedOverForCopyAtMs = this.nowMs
    return true
  }

  peerGone(peer: ServerId): void {
    this.connected.delete(peer)
    this.peerVotes.delete(peer)
    this.unheard.delete(peer)
    this.#foreignUntilMs.delete(peer) // it may come back with other data
  }

  sawEpoch(epoch: Epoch): void {
    if (epoch > this.newestEpochSeen) this.newestEpochSeen = epoch
  }

  nextIncarnation(): number {
    this.incarnation = (this.incarnation + 1) >>> 0
    return this.incarnation
  }

  nextReadTicket(): number {
    return ++this.#readTickets
  }

  /** Adds a txn to the history; it reaches the log with the next flush. */
  accept(zxid: Zxid, payload: Uint8Array): void {
    this.#unsaved.push(this.history.extend(zxid, payload))
  }

  get hasUnsaved(): boolean {
    return this.#unsaved.length > 0
  }

  /** Hands what was accepted since the last flush to the log, as one batch. */
  flush(whenDurable: readonly SendEffect[]): void {
    if (this.#unsaved.length === 0) return
    if (this.#isMarkDue()) this.#unsaved.push(this.#commitMark())
    this.#persist(this.#unsaved, 'txns', whenDurable)
    this.#unsaved = []
  }

  saveAcceptedEpoch(epoch: Epoch, leader: ServerId, whenDurable: readonly SendEffect[]): void {
    assert(epoch >= this.acceptedEpoch, 'the accepted epoch never falls', { epoch, accepted: this.acceptedEpoch })
    this.acceptedEpoch = epoch
    this.acceptedLeader = leader
    this.sawEpoch(epoch)
    this.flush([])
    this.#persist([{ kind: 'accepted-epoch', epoch, leader }], 'accepted-epoch', whenDurable)
  }

  saveCurrentEpoch(epoch: Epoch, clusterId: ClusterId, whenDurable: readonly SendEffect[]): void {
    assert(epoch <= this.acceptedEpoch, 'an epoch is accepted before it is current', { epoch })
    assert(epoch >= this.currentEpoch, 'the current epoch never falls', { epoch, current: this.currentEpoch })
    assert(
      this.clusterId === 0 || this.clusterId === clusterId || this.history.last.zxid === 0,
      'a history keeps its cluster id',
      {
        own: this.clusterId,
        theirs: clusterId,
      },
    )
    this.currentEpoch = epoch
    this.clusterId = clusterId
    if (this.#mustSync) this.log.info('adopted-data-in-step', { epoch, zxid: hexOfZxid(this.history.last.zxid) })
    this.#mustSync = false
    this.flush([])
    this.#persist([{ kind: 'current-epoch', epoch, clusterId }], 'current-epoch', whenDurable)
  }

  /**
   * The data of `clusterId` is about to replace an empty log that has another cluster id. The log has the id 0 until
   * the whole history has arrived: txns of one cluster never stand under the id of another, not even after a crash.
   */
  beginSyncWith(clusterId: ClusterId): void {
    if (this.clusterId === clusterId || this.clusterId === 0) return
    assert(
      chooseJoining(this.data, { clusterId, isEmpty: false }) === 'may-join',
      'only an empty log gets another cluster id',
      {
        own: this.clusterId,
        theirs: clusterId,
        lastZxid: this.history.last.zxid,
      },
    )
    this.clusterId = 0 as ClusterId
    this.#persist([{ kind: 'current-epoch', epoch: this.currentEpoch, clusterId: this.clusterId }], 'txns', [])
  }

  truncateAfter(zxid: Zxid): void {
    assert(zxid >= this.committed, 'committed history is never cut', { zxid, committed: this.committed })
    this.flush([])
    this.history.truncateAfter(zxid)
    this.out.push({ kind: 'truncate-log', zxid })
  }

  /** Delivers everything up to `zxid`, which a quorum holds durably, as far as this server's history goes. */
  commitUpTo(zxid: Zxid): void {
    const target = Math.min(zxid, this.history.last.zxid) as Zxid
    if (this.committed >= target) return
    for (const entry of this.history.uncommittedUpTo(target)) {
      this.committed = entry.zxid
      this.#unmarkedCommits++
      this.out.push({ kind: 'deliver', entry })
    }
    this.history.trim(this.committed)
  }

  /** On each tick: notes the last commits in the log even if no other txn follows. */
  markCommits(): void {
    if (this.#unsaved.length === 0 && this.#isMarkDue()) this.#persist([this.#commitMark()], 'txns', [])
  }

  #isMarkDue(): boolean {
    if (this.#unmarkedCommits === 0) return false
    return this.#unmarkedCommits >= commitMarkIntervalTxns || this.nowMs >= this.#markedAtMs + commitMarkIntervalMs
  }

  /** A restart applies the txns up to the mark on its own, and stops the server if a leader lacks one of them. */
  #commitMark(): LogRecord {
    this.#unmarkedCommits = 0
    this.#markedAtMs = this.nowMs
    return { kind: 'committed', zxid: this.committed }
  }

  #persist(records: readonly LogRecord[], step: PersistTag['step'], whenDurable: readonly SendEffect[]): void {
    const tag = { incarnation: this.incarnation, step, zxid: this.history.last.zxid }
    this.out.push({ kind: 'persist', records, tag, whenDurable })
  }
}
