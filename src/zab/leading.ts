/**
 * The leader's side of discovery, synchronisation, broadcast and hand-over (docs/internals/zab.md, steps E6, D1–D6, S0–S4,
 * B1–B4, H1–H4).
 * Owns: the epoch, what is known of each learner, and what counts as committed. The leader counts itself only for what
 * its own log has flushed. If two quorums could establish one epoch, two servers would give out the same zxids. An
 * epoch is therefore minted above all that a quorum has accepted, saved before it is sent to learners, and established
 * only by learners that accepted it from this leader.
 */
import { assert } from '../base/assert.ts'
import {
  counterMax,
  counterOf,
  type Epoch,
  epochMax,
  epochOf,
  makeZxid,
  type ServerId,
  type Zxid,
  zeroEpoch,
  zeroZxid,
} from '../base/ids.ts'
import type { ClusterId } from '../protocol/disk/log-record.ts'
import { describePeerMessage, type SyncId, type ZabMessage } from '../protocol/peer/peer-message.ts'
import { chooseJoining, hexOfCluster } from './cluster-rule.ts'
import { CopySource } from './copy-source.ts'
import { HandOver } from './hand-over.ts'
import { LeaderHeartbeats } from './leader-heartbeats.ts'
import { Learner, type LearnerLag } from './learner.ts'
import { LearnerStreams } from './learner-streams.ts'
import type { Role, RoleChanges } from './role.ts'
import { SlowLeader } from './slow-leader.ts'
import { isBetterCandidate, isMoreRecent, senderOf } from './vote-order.ts'
import type { CopyAnswer, LogRead, PersistTag } from './zab-contract.ts'
import type { ZabCore } from './zab-core.ts'

type From<K extends ZabMessage['kind']> = Extract<ZabMessage, { readonly kind: K }>

/** Left at the end of an epoch, since one tick may expire many sessions before `isOutOfZxids` is read again. */
const zxidReserveCount = 2 ** 20

type Phase = 'gathering' | 'saving-epoch' | 'proposing-epoch' | 'synchronising' | 'broadcasting'

export class Leading implements Role {
  readonly #core: ZabCore
  readonly #changes: RoleChanges
  readonly #learners = new Map<ServerId, Learner>()
  readonly #epochAcks = new Set<ServerId>()
  readonly #streams: LearnerStreams
  readonly #copies: CopySource
  readonly handOver: HandOver
  readonly #slowness: SlowLeader
  #logHeldAfter: Zxid | null = null
  readonly #initialEpoch: Epoch // the current epoch of this server when it was elected
  readonly #initialLast: Zxid // the end of the epoch's initial history
  #phase: Phase = 'gathering'
  #epoch: Epoch
  readonly #clusterId: ClusterId
  #selfSynced = false
  #deadlineMs: number
  /** It has handed its leadership over to this server. Its learners may seem to follow it for a moment. */
  readonly #predecessor: ServerId | null
  readonly #heartbeats: LeaderHeartbeats

  constructor(core: ZabCore, changes: RoleChanges, predecessor: ServerId | null = null) {
    this.#core = core
    this.#changes = changes
    this.#predecessor = predecessor
    core.nextIncarnation()
    this.#streams = new LearnerStreams(core)
    this.#copies = new CopySource(core)
    this.handOver = new HandOver(core, {
      isEstablished: () => this.isEstablished,
      learnersInStep: () => this.#learnersInStep(),
      startHeartbeats: () => this.#sendHeartbeats(),
      passLeadership: (to) => this.#passLeadership(to),
    })
    this.#heartbeats = new LeaderHeartbeats(core, this.#learners)
    this.#slowness = new SlowLeader(core.settings.slowLeaderMs, predecessor, core.nowMs)
    this.#initialEpoch = core.currentEpoch
    this.#initialLast = core.history.last.zxid
    this.#epoch = core.acceptedEpoch
    // Data without a cluster id gets one. A learner without txns may have another id; it takes this one.
    this.#clusterId = core.clusterId === 0 ? core.settings.freshClusterId : core.clusterId
    this.#deadlineMs = core.nowMs + core.settings.peerTimeoutMs
  }

  enter(): void {
    this.#core.broadcast(this.#vote())
    this.#mintEpochIfGathered()
  }

  receive(from: ServerId, message: ZabMessage): void {
    if (message.kind === 'vote') return this.#receiveVote(from, message)
    if (message.kind === 'follower-info') return this.#receiveFollowerInfo(from, message)
    const learner = this.#learners.get(from)
    if (!learner || learner.syncId !== message.syncId) return
    switch (message.kind) {
      case 'ack-epoch':
        return this.#receiveAckEpoch(learner, message)
      case 'sync-from':
        return this.#receiveSyncFrom(learner, message)
      case 'checkpoint-request': {
        const problem = this.#copies.receiveRequest(learner, message)
        if (problem !== null) this.#drop(learner.id, problem)
        return
      }
      case 'ack-new-leader':
        return this.#receiveAckNewLeader(learner, message)
      case 'ack':
        learner.noteAcked(message.durable)
        return this.#commitWhatAQuorumHolds()
      case 'heartbeat-reply':
        return this.#receiveHeartbeatReply(learner, message)
      case 'hand-over-request': {
        const problem = this.handOver.request(message.to === 0 ? null : (message.to as ServerId))
        if (problem !== null) this.#core.log.info('hand-over-refused', { peerId: from, problem })
        return
      }
      default:
        return this.#drop(learner.id, `it sent "${describePeerMessage(message)}", which only a leader sends`)
    }
  }

  peerConnected(peer: ServerId): void {
    this.#core.send(peer, this.#vote())
  }

  peerDisconnected(peer: ServerId, wasSilent: boolean): void {
    this.#forget(peer, wasSilent ? 'it was silent for peerTimeoutMs' : 'its link closed')
  }

  persisted(tag: PersistTag): void {
    if (tag.incarnation === this.#core.incarnation && tag.step === 'accepted-epoch') this.#proposeEpoch()
    if (tag.incarnation === this.#core.incarnation && tag.step === 'current-epoch') {
      this.#selfSynced = true
      this.#establishIfSynced()
    }
    this.#commitWhatAQuorumHolds()
  }

  logRead(read: LogRead): void {
    for (const learner of this.#learners.values()) {
      if (learner.readTicket !== read.ticket) continue
      if (read.start === null && learner.phase === 'locating') {
        learner.readTicket = null
        if (!this.#copies.request(learner, read.oldest)) this.#startStream(learner, false)
        return
      }
      const problem = this.#streams.logRead(learner, read)
      if (problem !== null) this.#drop(learner.id, problem)
      return
    }
  }

  copyAnswered(answer: CopyAnswer): void {
    switch (answer.kind) {
      case 'opened':
        for (const learner of this.#copies.opened(answer)) this.#startStream(learner, false)
        return
      case 'failed':
        return this.#copyFailed(answer)
      case 'chunk': {
        const learner = this.#learners.get(answer.learner)
        if (learner?.syncId === answer.syncId) this.#copies.chunkRead(learner, answer)
        return
      }
      case 'received':
        return assert(false, 'a server that installs a copy does not lead', { zxid: answer.zxid })
      case 'added':
      case 'refused':
        return
    }
  }

  #copyFailed(answer: Extract<CopyAnswer, { readonly kind: 'failed' }>): void {
    const { learners, isAgain } = this.#copies.failed(answer)
    for (const { id } of learners) this.#drop(id, `no copy for it: ${answer.reason}`)
    if (!isAgain || !this.isEstablished || !this.#core.mayHandOverForCopy()) return
    // Step H6. Whether the successor can bring them up is not known.
    const problem = this.handOver.request(null)
    const peerIds = learners.map(({ id }) => id)
    this.#core.log.warn('learners-not-brought-up', { peerIds, reason: answer.reason, problem })
  }

  tick(): void {
    const core = this.#core
    this.#copies.tick()
    this.#holdLog(true)
    if (this.#phase !== 'broadcasting' && core.nowMs >= this.#deadlineMs) {
      this.#changes.becomeLooking(`no quorum while ${this.#phase}`)
      return
    }
    if (this.isEstablished && this.#heartbeats.isLeaseOver()) {
      for (const learner of this.#heartbeats.silentLearners()) core.unheard.add(learner)
      return this.#changes.becomeLooking('no quorum has answered for peerTimeoutMs')
    }
    if (this.#heartbeats.areDue) this.#sendHeartbeats()
    if (this.isEstablished) this.#handOverIfSlow()
  }

  flush(): void {
    const committed = this.#phase === 'broadcasting' ? this.#core.committed : (0 as Zxid)
    for (const learner of this.#learners.values()) {
      const reachedEnd = this.#streams.advance(learner, committed)
      if (reachedEnd && learner.phase === 'streaming') this.#sendNewLeader(learner)
    }
    this.#holdLog(false)
    this.#core.flush([])
  }

  leave(): void {
    this.handOver.end('this server has lost the leadership')
    this.#copies.close()
    if (this.#logHeldAfter !== null) this.#core.out.push({ kind: 'copy-step', step: { kind: 'hold-log', after: null } })
  }

  /** The log is kept from where the learners read it. `mayRelease`: now and then, what none of them needs is released. */
  #holdLog(mayRelease: boolean): void {
    const inMemory = this.#core.history.oldest.zxid
    let after: Zxid | null = null
    for (const { sent } of this.#learners.values()) {
      if (sent !== null && sent.zxid < inMemory && (after === null || sent.zxid < after)) after = sent.zxid
    }
    const isHeld = this.#logHeldAfter !== null && (after === null || this.#logHeldAfter <= after)
    if (after === this.#logHeldAfter || (isHeld && !mayRelease)) return
    this.#logHeldAfter = after
    this.#core.out.push({ kind: 'copy-step', step: { kind: 'hold-log', after } })
  }

  get isEstablished(): boolean {
    return this.#phase === 'broadcasting'
  }

  syncIdOf(peer: ServerId): SyncId | null {
    return this.#syncedLearner(peer)?.syncId ?? null
  }

  learnerCounts(): { readonly learners: number; readonly synced: number; readonly pending: number } {
    let synced = 0
    for (const learner of this.#learners.values()) if (learner.phase === 'synced') synced++
    return { learners: this.#learners.size, synced, pending: this.#learners.size - synced }
  }

  learnerLags(): readonly LearnerLag[] {
    const { history, nowMs } = this.#core
    return Array.from(this.#learners.values(), (learner) => learner.lag(history.last.zxid, nowMs))
  }

  /** A new epoch starts its counter at 1, so what an earlier epoch has used up does not matter. */
  get isOutOfZxids(): boolean {
    const last = this.#core.history.last.zxid
    return epochOf(last) === this.#epoch && counterOf(last) >= counterMax - zxidReserveCount
  }

  /** Step B1: the txn gets the next zxid; it leaves with the batch of this turn. */
  propose(payload: Uint8Array): Zxid {
    assert(this.isEstablished, 'only an established leader proposes', { epoch: this.#epoch })
    assert(!this.handOver.isUnderway, 'no txn is proposed during a hand-over', { epoch: this.#epoch })
    const last = this.#core.history.last
    const zxid = epochOf(last.zxid) === this.#epoch ? ((last.zxid + 1) as Zxid) : makeZxid(this.#epoch, 1)
    assert(epochOf(zxid) === this.#epoch, 'the counter stays within its epoch', { zxid, epoch: this.#epoch })
    this.#core.accept(zxid, payload)
    return zxid
  }

  /** Asks a quorum whether it still follows. `leadership-confirmed` with this or a later sequence is the answer. */
  confirmLeadership(): number {
    const sequence = this.#sendHeartbeats()
    this.#heartbeats.awaitConfirmation(sequence)
    return sequence
  }

  // --- hand-over, steps H3 and H5 ---

  paused(durationMs: number): void {
    this.#slowness.paused(durationMs, this.#core.nowMs)
  }

  #handOverIfSlow(): void {
    const { durable, committed, history, membership, nowMs, out } = this.#core
    const progress = { last: history.last.zxid, durable, committed, heartbeatsSent: this.#heartbeats.sequence }
    const voters = this.#learnersInStep().filter(({ id }) => membership.isVoter(id))
    const finding = this.#slowness.tick(progress, voters, nowMs)
    if (finding === null) return
    out.push({ kind: 'leader-slow', ...finding })
    if (finding.to !== null) this.handOver.request(finding.to) // which is refused if another one is under way
  }

  #passLeadership(to: ServerId): void {
    const core = this.#core
    const rounds = [...core.peerVotes.values()].map(({ round }) => round)
    const round = Math.max(core.round, ...rounds) + 1
    for (const { id, syncId } of this.#learnersInStep()) core.send(id, { kind: 'hand-over', syncId, to, round })
    this.#changes.passLeadership({ from: core.settings.self, to, round })
  }

  #learnersInStep(): readonly Learner[] {
    return [...this.#learners.values()].filter(({ phase }) => phase === 'synced')
  }

  // --- two leaders at once, step E6; discovery, steps D1–D6 ---

  #receiveVote(from: ServerId, vote: From<'vote'>): void {
    if (vote.state === 'looking') {
      this.#core.send(from, this.#vote())
      this.#forget(from, 'it looks for a leader') // comes last, since it may end this leadership
    } else if (this.#phase === 'gathering') {
      this.#giveWay(from, vote)
    }
  }

  /**
   * Votes that cross on the network can elect two leaders. Both would wait for the same followers, so one steps down.
   */
  #giveWay(from: ServerId, vote: From<'vote'>): void {
    if (vote.state === 'leading' && isBetterCandidate(senderOf(vote, from), this.#core.self)) {
      this.#changes.becomeLooking(`server ${from} leads too and goes before`)
    } else if (!this.#core.membership.isQuorum(this.#mayTakePart)) {
      this.#changes.becomeLooking('too many follow another leader', true)
    }
  }

  #receiveFollowerInfo(from: ServerId, message: From<'follower-info'>): void {
    const own = { clusterId: this.#clusterId, isEmpty: this.#core.history.last.zxid === 0 }
    const theirs = { clusterId: message.clusterId, isEmpty: message.lastZxid === 0 }
    const joining = chooseJoining(theirs, own)
    // A learner that may not count could not lead instead.
    const isRefused = joining === 'refuse' || (joining === 'leader-must-yield' && !message.mayCount)
    if (isRefused) return this.#refuseForeign(from, message)
    if (joining === 'leader-must-yield') {
      // Servers whose disks were emptied may have elected this one. Nothing was written since, so nothing is lost.
      const theirCluster = hexOfCluster(theirs.clusterId)
      return this.#changes.becomeLooking(`server ${from} holds data of cluster ${theirCluster}, this server holds none`)
    }
    const before = this.#learners.get(from)
    if (before !== undefined) this.#copies.release(before)
    const learner = new Learner(from, message.syncId, message.mayCount)
    this.#learners.set(from, learner)
    this.#core.sawEpoch(message.acceptedEpoch)
    if (this.#phase === 'gathering') return this.#mintEpochIfGathered()
    if (message.acceptedEpoch > this.#epoch) {
      this.#core.log.info('learner-not-counted', {
        peerId: from,
        epoch: this.#epoch,
        acceptedEpoch: message.acceptedEpoch,
      })
      learner.isAhead = true
      learner.counts = false
      if (!this.#core.membership.isQuorum(this.#takesPart)) {
        // The next election opens an epoch above both.
        return this.#changes.becomeLooking(`server ${from} has accepted the newer epoch ${message.acceptedEpoch}`)
      }
    }
    if (this.#phase !== 'saving-epoch') this.#sendNewEpoch(learner)
  }

  /** The learner reads the cluster id in the answer, and gives up. An epoch that is not saved yet is not named. */
  #refuseForeign(from: ServerId, message: From<'follower-info'>): void {
    this.#core.reportForeign(from, message.clusterId, this.isEstablished)
    this.#forget(from, 'its data is of another cluster')
    const { syncId } = message
    const isSaved = this.#phase !== 'gathering' && this.#phase !== 'saving-epoch'
    const epoch = isSaved ? this.#epoch : zeroEpoch
    this.#core.send(from, { kind: 'new-epoch', syncId, epoch, clusterId: this.#clusterId })
  }

  #mintEpochIfGathered(): void {
    const core = this.#core
    if (!core.membership.isQuorum(this.#takesPart)) return
    // Above all that the quorum has accepted, and above every other epoch seen, or its server could never join.
    const highest = core.newestEpochSeen
    if (highest >= epochMax) {
      core.out.push({ kind: 'stop', reason: withoutEpochs(highest, core.acceptedEpoch) })
      return
    }
    this.#epoch = (highest + 1) as Epoch
    this.#enterPhase('saving-epoch')
    core.saveAcceptedEpoch(this.#epoch, core.settings.self, [])
  }

  #proposeEpoch(): void {
    if (this.#phase !== 'saving-epoch') return
    this.#enterPhase('proposing-epoch')
    this.#epochAcks.add(this.#core.settings.self)
    for (const learner of this.#learners.values()) this.#sendNewEpoch(learner)
    this.#synchroniseIfAccepted()
  }

  #sendNewEpoch(learner: Learner): void {
    // Steps D2 and D6: a learner that may not count is brought up once the epoch is established without it.
    if (!learner.counts && !this.isEstablished) return
    learner.phase = 'epoch-sent'
    const { syncId } = learner
    this.#core.send(learner.id, { kind: 'new-epoch', syncId, epoch: this.#epoch, clusterId: this.#clusterId })
  }

  #receiveAckEpoch(learner: Learner, message: From<'ack-epoch'>): void {
    if (learner.phase !== 'epoch-sent') return this.#drop(learner.id, `ack-epoch while ${learner.phase}`)
    learner.phase = 'epoch-acked'
    learner.last = { zxid: message.lastZxid, hash: message.lastHash }
    if (message.currentEpoch > this.#epoch || epochOf(message.lastZxid) > this.#epoch) {
      // It has helped another leader, which may have established that epoch with it.
      return this.#changes.becomeLooking(`server ${learner.id} was in step in a newer epoch`)
    }
    // Also for a learner that joins late: a server of this quorum may have lost its disk, and then helped another
    // leader.
    const isMore = isMoreRecent(message.currentEpoch, message.lastZxid, this.#initialEpoch, this.#initialLast)
    const isVoter = this.#core.membership.isVoter(learner.id) // what no voter holds was never committed
    if (isMore && isVoter && !this.isEstablished) {
      return this.#changes.becomeLooking(`server ${learner.id} has a more recent history`)
    }
    if (this.#phase === 'proposing-epoch') {
      if (message.countable) this.#epochAcks.add(learner.id)
      this.#synchroniseIfAccepted()
    } else {
      this.#startSync(learner)
    }
  }

  // --- synchronisation, steps S1–S4 ---

  #synchroniseIfAccepted(): void {
    const core = this.#core
    if (!core.membership.isQuorum(this.#acceptedEpoch)) return
    this.#enterPhase('synchronising')
    core.saveCurrentEpoch(this.#epoch, this.#clusterId, [])
    for (const learner of this.#learners.values()) if (learner.phase === 'epoch-acked') this.#startSync(learner)
  }

  #startSync(learner: Learner): void {
    this.#startStream(learner, this.#copies.mayReplaceLog(learner))
  }

  #startStream(learner: Learner, mayCopy: boolean): void {
    const problem = this.#streams.start(learner, mayCopy)
    if (problem !== null) this.#drop(learner.id, problem)
  }

  /**
   * The learner's history lacks the point that `sync-start` named: start over, from a strictly earlier one each time. Or
   * the learner has installed a copy of the state: start over from there.
   */
  #receiveSyncFrom(learner: Learner, message: From<'sync-from'>): void {
    const { last, phase } = learner
    const isNews = last !== null && (phase === 'receiving-copy' ? message.zxid > last.zxid : message.zxid < last.zxid)
    if (!isNews) return this.#drop(learner.id, 'it asked to synchronise from where it already was')
    this.#copies.release(learner)
    const again = new Learner(learner.id, learner.syncId, learner.counts)
    again.isAhead = learner.isAhead
    again.last = { zxid: message.zxid, hash: message.hash }
    this.#learners.set(learner.id, again)
    this.#startSync(again)
  }

  #sendNewLeader(learner: Learner): void {
    learner.phase = 'new-leader-sent'
    learner.newLeaderSentAtMs = this.#core.nowMs
    const { syncId, sent } = learner
    const epoch = this.#epoch
    const clusterId = this.#clusterId
    this.#core.send(learner.id, { kind: 'new-leader', syncId, epoch, clusterId, lastZxid: sent!.zxid })
  }

  #receiveAckNewLeader(learner: Learner, message: From<'ack-new-leader'>): void {
    if (learner.phase !== 'new-leader-sent') return this.#drop(learner.id, `ack-new-leader while ${learner.phase}`)
    learner.noteAcked(message.durable)
    learner.noteHeard(learner.newLeaderSentAtMs)
    learner.phase = 'synced'
    learner.counts = !learner.isAhead
    if (this.#phase === 'broadcasting') this.#sendUpToDate(learner)
    else this.#establishIfSynced()
    this.#commitWhatAQuorumHolds()
  }

  #establishIfSynced(): void {
    const core = this.#core
    if (this.#phase !== 'synchronising' || !this.#selfSynced) return
    if (!core.membership.isQuorum(this.#isSynced)) return
    this.#phase = 'broadcasting'
    this.#heartbeats.noteHeardByQuorum()
    core.commitUpTo(this.#initialLast)
    for (const learner of this.#learners.values()) if (learner.phase === 'synced') this.#sendUpToDate(learner)
    core.out.push({ kind: 'serving-as-leader', epoch: this.#epoch })
    for (const learner of this.#learners.values()) if (learner.phase === 'joined') this.#sendNewEpoch(learner)
  }

  #sendUpToDate(learner: Learner): void {
    learner.committedSent = this.#core.committed
    // The replica, which knows sessions, says whether it records their moves.
    const message = { kind: 'up-to-date', syncId: learner.syncId, recordsMoves: false } as const
    this.#core.send(learner.id, { ...message, committed: this.#core.committed })
  }

  // --- broadcast, steps B3 and B4 ---

  #commitWhatAQuorumHolds(): void {
    if (this.#phase !== 'broadcasting') return
    const core = this.#core
    const held = core.membership.reachedByQuorum(this.#durableOn)
    if (held > core.committed) core.commitUpTo(held)
  }

  /** Returns the number of the round. */
  #sendHeartbeats(): number {
    this.#copies.sendWaits()
    return this.#heartbeats.send()
  }

  #receiveHeartbeatReply(learner: Learner, message: From<'heartbeat-reply'>): void {
    this.#heartbeats.answered(learner, message.sequence)
    // It works on the copy, however long that takes. If it waits in vain for this leader, it gives up by itself.
    if (learner.phase === 'receiving-copy') this.#extendDeadline()
    if (this.isEstablished) this.#heartbeats.noteConfirmations()
  }

  // --- losing learners ---

  /** The learner is notified: its link is up, and it would wait for this leader until initLimit. */
  #drop(peer: ServerId, reason: string): void {
    const learner = this.#learners.get(peer)
    if (learner === undefined) return
    this.#core.send(peer, { kind: 'dropped', syncId: learner.syncId })
    this.#forget(peer, reason)
  }

  #forget(peer: ServerId, reason: string): void {
    const learner = this.#learners.get(peer)
    if (learner === undefined) return
    this.#learners.delete(peer)
    this.#copies.release(learner)
    this.#epochAcks.delete(peer)
    this.#core.log.info('learner-dropped', { peerId: peer, reason })
    if (this.#phase !== 'gathering' && !this.#core.membership.isQuorum(this.#takesPart)) {
      this.#changes.becomeLooking('no quorum of learners is left')
    }
  }

  // --- what each voter counts for, as Membership asks it ---

  readonly #takesPart = (voter: ServerId): boolean => this.#isSelf(voter) || this.#learners.get(voter)?.counts === true
  /** As far as is known it neither leads nor follows another server. */
  readonly #mayTakePart = (voter: ServerId): boolean => {
    const vote = this.#core.peerVotes.get(voter)
    if (vote === undefined || vote.state === 'looking' || this.#isOfPredecessor(vote)) return true
    return vote.leader === this.#core.settings.self
  }
  /** Step H4: the vote was sent before its sender knew of the hand-over. */
  readonly #isOfPredecessor = ({ leader, round }: From<'vote'>): boolean =>
    leader === this.#predecessor && round < this.#core.round
  readonly #acceptedEpoch = (voter: ServerId): boolean => this.#epochAcks.has(voter)
  readonly #isSynced = (voter: ServerId): boolean => this.#isSelf(voter) || this.#countedLearner(voter) !== null
  readonly #durableOn = (voter: ServerId): Zxid => {
    const { durable, history } = this.#core
    if (this.#isSelf(voter)) return Math.min(durable, history.last.zxid) as Zxid
    return this.#countedLearner(voter)?.acked ?? zeroZxid
  }

  #isSelf(voter: ServerId): boolean {
    return voter === this.#core.settings.self
  }

  #syncedLearner(id: ServerId): Learner | null {
    const learner = this.#learners.get(id)
    return learner?.phase === 'synced' ? learner : null
  }

  #countedLearner(id: ServerId): Learner | null {
    const learner = this.#syncedLearner(id)
    return learner?.counts === true ? learner : null
  }

  #enterPhase(phase: Phase): void {
    this.#phase = phase
    this.#extendDeadline()
  }

  #extendDeadline(): void {
    this.#deadlineMs = this.#core.nowMs + this.#core.settings.initLimitMs
  }

  #vote(): From<'vote'> {
    return this.#core.vote(this.#core.settings.self, 'leading', this.#core.round)
  }
}

function withoutEpochs(highest: Epoch, accepted: Epoch): string {
  return (
    `no epoch is left: each new leader needs a greater one than all before, ${epochMax} is the last, and this server has seen ` +
    `${highest} (its own data has ${accepted}). If only another server has that epoch, stop it and empty its folders. Otherwise ` +
    'stop all members and restore a backup from before that epoch on each ("zkts-cli restore"), without --epoch or with a smaller ' +
    'one. "zkts-cli data adopt" does not help, also with --new-cluster: adopted data keeps its epochs.'
  )
}
