/**
 * A learner's side of discovery, synchronisation and broadcast (docs/internals/zab.md, steps E4, D1–D6, S0–S4, B3, B4,
 * H3, H4).
 * Owns: how far this attempt to follow one leader has come. Every message to and from the leader carries the attempt's
 * syncId; a message with another syncId is of an earlier attempt and is ignored. A txn that does not chain to this
 * server's history ends the attempt: a hole or a fork is never logged.
 */
import { type Epoch, epochOf, hexOfZxid, type ServerId, type Zxid, zeroZxid } from '../base/ids.ts'
import type { ClusterId } from '../protocol/disk/log-record.ts'
import { describePeerMessage, type SyncId, type ZabMessage } from '../protocol/peer/peer-message.ts'
import { chooseJoining, describeRepair } from './cluster-rule.ts'
import { copyReplacedHistory } from './copy-receipt.ts'
import { followsInOrder, type HistoryPoint } from './history.ts'
import type { Role, RoleChanges } from './role.ts'
import { isMoreRecent } from './vote-order.ts'
import type { CopyAnswer, HandOverTarget } from './zab-contract.ts'
import type { ZabCore } from './zab-core.ts'

type From<K extends ZabMessage['kind']> = Extract<ZabMessage, { readonly kind: K }>

type Phase =
  | 'awaiting-leader'
  | 'discovering'
  | 'awaiting-sync-start'
  | 'receiving-copy'
  | 'synchronising'
  | 'awaiting-up-to-date'
  | 'broadcasting'

export class Following implements Role {
  readonly leader: ServerId
  readonly #core: ZabCore
  readonly #changes: RoleChanges
  readonly #syncId: SyncId
  /** The round in which the leader was elected, or will be. This server's own round may be another. */
  #round: number
  /** The former leader has handed over to this one, and no election has. */
  readonly #isSuccessor: boolean
  #phase: Phase = 'awaiting-leader'
  #epoch: Epoch
  #clusterId = 0 as ClusterId // of the leader, from new-epoch
  #named = zeroZxid // the point that the leader looks for in its history
  #deadlineMs: number // of the present phase; while broadcasting, for the next message of the leader

  /** `handOverRound`: of the hand-over that makes `leader` lead; null: an election does. */
  constructor(core: ZabCore, changes: RoleChanges, leader: ServerId, handOverRound: number | null = null) {
    this.#core = core
    this.#changes = changes
    this.leader = leader
    this.#syncId = core.nextIncarnation()
    this.#isSuccessor = handOverRound !== null
    this.#round = handOverRound ?? core.peerVotes.get(leader)?.round ?? core.round
    this.#epoch = core.acceptedEpoch
    this.#deadlineMs = core.nowMs + core.settings.peerTimeoutMs
  }

  enter(): void {
    const core = this.#core
    core.broadcast(this.#vote())
    const vote = core.peerVotes.get(this.leader)
    if (vote?.state === 'leading') this.#joinLeader(vote)
  }

  receive(from: ServerId, message: ZabMessage): void {
    if (message.kind === 'vote') {
      if (from === this.leader) this.#receiveLeaderVote(message)
      else this.#receiveVote(from, message)
      return
    }
    if (from !== this.leader || message.syncId !== this.#syncId) return
    if (this.#phase === 'broadcasting') this.#extendDeadline()
    switch (message.kind) {
      case 'new-epoch':
        return this.#receiveNewEpoch(message)
      case 'sync-start':
        return this.#receiveSyncStart(message)
      case 'checkpoint-wait':
        return this.#extendDeadline()
      case 'checkpoint-offer':
        return this.#receiveOffer(message)
      case 'checkpoint-chunk':
      case 'checkpoint-end':
        return this.#receiveCopy(message)
      case 'append':
        return this.#receiveAppend(message)
      case 'new-leader':
        return this.#receiveNewLeader(message)
      case 'up-to-date':
        return this.#receiveUpToDate(message)
      case 'heartbeat':
        return this.#receiveHeartbeat(message)
      case 'dropped':
        return this.#receiveDropped()
      case 'hand-over':
        return this.#receiveHandOver(message)
      case 'follower-info':
      case 'ack-epoch':
      case 'sync-from':
      case 'checkpoint-request':
      case 'ack-new-leader':
      case 'ack':
      case 'heartbeat-reply':
      case 'hand-over-request':
        return this.#giveUp(`the leader sent "${describePeerMessage(message)}", which only learners send`)
    }
  }

  peerConnected(peer: ServerId): void {
    this.#core.send(peer, this.#vote())
  }

  peerDisconnected(peer: ServerId, wasSilent: boolean): void {
    if (peer !== this.leader) return
    this.#changes.becomeLooking(wasSilent ? 'the leader was silent for peerTimeoutMs' : 'the link to the leader closed')
  }

  tick(): void {
    // The link of a dead leader closes, and a leader that drops this server says so.
    if (this.#phase === 'receiving-copy' && this.#core.receipt?.isWorking) return this.#extendDeadline()
    if (this.#core.nowMs >= this.#deadlineMs) this.#giveUp(`no progress while ${this.#phase}`)
  }

  flush(): void {
    if (!this.#core.hasUnsaved) return
    const durable = this.#core.history.last.zxid
    this.#core.flush([{ kind: 'send', to: this.leader, message: { kind: 'ack', syncId: this.#syncId, durable } }])
  }

  persisted(): void {}
  logRead(): void {}
  leave(): void {}

  copyAnswered(answer: CopyAnswer): void {
    if (this.#phase !== 'receiving-copy') {
      // It was received in an earlier attempt. This attempt has named another history to the leader.
      if (answer.kind === 'received') this.#changes.becomeLooking(copyReplacedHistory)
      return
    }
    if (answer.kind === 'received') {
      this.#sendSyncFrom(this.#core.history.last)
      this.#enterPhase('awaiting-sync-start')
    } else if (answer.kind === 'refused') {
      this.#giveUp(`the copy of the state cannot be used: ${answer.reason}`)
    } else if (this.#core.receipt?.isTooDamaged) {
      this.#core.abandonReceipt()
      this.#giveUp('the chunks of the copy of the state arrive damaged')
    } else {
      this.#advanceCopy()
    }
  }

  #receiveVote(from: ServerId, vote: From<'vote'>): void {
    if (vote.state === 'looking') this.#core.send(from, this.#vote())
    // A server that leads already is better than one that may win its election.
    const isLate = this.#phase === 'awaiting-leader' && vote.state === 'leading' && !this.#core.isShunned(from)
    if (isLate) this.#changes.becomeFollowing(from)
  }

  #receiveLeaderVote(vote: From<'vote'>): void {
    if (vote.state === 'leading') {
      if (this.#phase === 'awaiting-leader') this.#joinLeader(vote)
    } else if (this.#phase !== 'awaiting-leader' || vote.state === 'following' || this.#isSuccessor) {
      const { epoch, zxid } = this.#core.self
      const gaveUpForThis = this.#phase === 'awaiting-sync-start' && isMoreRecent(epoch, zxid, vote.epoch, vote.zxid)
      if (gaveUpForThis) this.#core.leaveAlone(this.leader)
      this.#changes.becomeLooking('the leader no longer leads')
    } else if (vote.round > this.#round) {
      this.#changes.becomeLooking('the candidate has begun a new round')
    } else if (vote.leader !== this.leader) {
      this.#changes.lookOn('the candidate votes for a better one')
    }
  }

  /** After a hand-over the round of the leader may be later than the one that its predecessor has named. */
  #joinLeader(vote: From<'vote'>): void {
    if (this.#isSuccessor && vote.round !== this.#round) {
      this.#round = vote.round
      this.#core.broadcast(this.#vote())
    }
    this.#introduce()
  }

  #introduce(): void {
    this.#enterPhase('discovering')
    const { acceptedEpoch, clusterId, mayCount, history } = this.#core
    const lastZxid = history.last.zxid
    this.#sendToLeader({ kind: 'follower-info', syncId: this.#syncId, acceptedEpoch, clusterId, lastZxid, mayCount })
  }

  #receiveNewEpoch(message: From<'new-epoch'>): void {
    const core = this.#core
    if (this.#phase !== 'discovering') return this.#giveUp(`new-epoch while ${this.#phase}`)
    // Step D5, before the epoch is accepted and long before anything is cut: this may be the last copy.
    if (chooseJoining(core.data, { clusterId: message.clusterId, isEmpty: false }) !== 'may-join') {
      core.reportForeign(this.leader, message.clusterId, false)
      core.shunForeign(this.leader)
      return this.#changes.becomeLooking(`server ${this.leader} leads another cluster`)
    }
    const { receipt } = core
    if (receipt?.isFinishing && receipt.clusterId !== message.clusterId) {
      return this.#giveUp('a copy of the state of another cluster is being installed')
    }
    this.#clusterId = message.clusterId
    this.#epoch = message.epoch
    const accepted = this.#acceptance(message.epoch)
    const last = core.history.last
    this.#named = last.zxid
    const answer: ZabMessage = {
      kind: 'ack-epoch',
      syncId: this.#syncId,
      countable: accepted.epoch === message.epoch && accepted.leader === this.leader,
      currentEpoch: core.currentEpoch,
      lastZxid: last.zxid,
      lastHash: last.hash,
      clusterId: core.clusterId,
    }
    core.saveAcceptedEpoch(accepted.epoch, accepted.leader, [{ kind: 'send', to: this.leader, message: answer }])
    this.#enterPhase('awaiting-sync-start')
  }

  /**
   * The promise that this server has made from now on. A server that accepted this epoch from another leader, or a later
   * epoch, may join, but must not count for both (steps D2 and D3; ZK: ACKEPOCH with -1).
   */
  #acceptance(epoch: Epoch): { readonly epoch: Epoch; readonly leader: ServerId } {
    const { acceptedEpoch, acceptedLeader, settings } = this.#core
    if (epoch > acceptedEpoch) return { epoch, leader: this.leader }
    return { epoch: acceptedEpoch, leader: acceptedLeader ?? (epoch === acceptedEpoch ? this.leader : settings.self) }
  }

  #receiveSyncStart(message: From<'sync-start'>): void {
    const core = this.#core
    if (this.#phase !== 'awaiting-sync-start') return this.#giveUp(`sync-start while ${this.#phase}`)
    const floor = message.zxid < core.committed ? null : core.history.pointAtOrBefore(message.zxid)
    if (floor === null || floor.zxid < core.committed) return this.#stopForLostHistory(message.zxid)
    if (floor.zxid < message.zxid) {
      // The histories parted before this point. The part of the stream that is under way follows the wrong start.
      return this.#sendSyncFrom(floor)
    }
    if (floor.hash !== message.hash) {
      core.reportContradiction(this.leader, message.zxid)
      core.shunForeign(this.leader)
      return this.#changes.becomeLooking(`the history of server ${this.leader} contradicts this one`)
    }
    if (message.zxid < core.history.last.zxid) this.#cutAfter(message.zxid)
    core.beginSyncWith(this.#clusterId)
    this.#enterPhase('synchronising')
  }

  #sendSyncFrom({ zxid, hash }: HistoryPoint): void {
    this.#named = zxid
    this.#sendToLeader({ kind: 'sync-from', syncId: this.#syncId, zxid, hash })
  }

  /**
   * Step S0. The copy has all that this server may share with the leader. Otherwise a txn which this server has acknowledged
   * could be missing from its history until the leader sends it again.
   */
  #receiveOffer(message: From<'checkpoint-offer'>): void {
    const core = this.#core
    if (this.#phase !== 'awaiting-sync-start') return this.#giveUp(`checkpoint-offer while ${this.#phase}`)
    if (message.zxid <= this.#named) {
      const [theirs, own] = [hexOfZxid(message.zxid), hexOfZxid(this.#named)]
      return this.#giveUp(`the offered copy ends at ${theirs}, and this server has the history up to ${own}`)
    }
    core.beginReceipt(message, this.#clusterId)
    this.#enterPhase('receiving-copy')
    this.#advanceCopy()
  }

  #receiveCopy(message: From<'checkpoint-chunk' | 'checkpoint-end'>): void {
    const { receipt } = this.#core
    if (this.#phase !== 'receiving-copy') {
      // Of a chunk that was asked for before the first answer said where the copy ends.
      if (message.kind === 'checkpoint-end') return
      return this.#giveUp(`${message.kind} while ${this.#phase}`)
    }
    if (receipt === null || receipt.offer.copyId !== message.copyId) return // an earlier copy is being installed
    if (message.kind === 'checkpoint-chunk') receipt.receive(message.number, message.chunk)
    else receipt.end(message.chunkCount)
    this.#advanceCopy()
  }

  #advanceCopy(): void {
    const core = this.#core
    this.#extendDeadline()
    core.advanceReceipt()
    const { receipt } = core
    if (receipt === null || receipt.isFinishing) return
    const { copyId } = receipt.offer
    for (const number of receipt.takeRequests()) {
      this.#sendToLeader({ kind: 'checkpoint-request', syncId: this.#syncId, copyId, number })
    }
  }

  #cutAfter(zxid: Zxid): void {
    const core = this.#core
    const cut = core.history.entriesAfter(zxid, Number.POSITIVE_INFINITY) ?? []
    const text =
      `server ${this.leader} leads without these txns, so this server removes them from the end of its log. As far as this ` +
      'server knows, no quorum had written them. That is normal after a leader has failed. If the log of a server was ' +
      'restored from a copy before, the txns may have been acknowledged.'
    core.log.warn('history-cut', {
      peerId: this.leader,
      firstZxid: hexOfZxid(cut[0]?.zxid ?? zxid),
      lastZxid: hexOfZxid(core.history.last.zxid),
      txnCount: cut.length,
      text,
    })
    core.truncateAfter(zxid)
  }

  #stopForLostHistory(zxid: Zxid): void {
    this.#core.out.push({
      kind: 'stop',
      reason:
        `the leader (server ${this.leader}) lacks history that this server knows to be committed: the two histories meet at ` +
        `${hexOfZxid(zxid)}, but the txns up to ${hexOfZxid(this.#core.committed)} are committed. ${describeRepair(this.leader)}`,
    })
  }

  #receiveAppend(message: From<'append'>): void {
    const core = this.#core
    if (this.#phase === 'awaiting-leader' || this.#phase === 'discovering')
      return this.#giveUp(`append while ${this.#phase}`)
    if (this.#phase === 'awaiting-sync-start') return // it follows a start that this server refused
    if (this.#phase === 'receiving-copy') return this.#giveUp(`append while ${this.#phase}`)
    const last = core.history.last
    if (message.previousZxid !== last.zxid || message.previousHash !== last.hash) {
      return this.#giveUp(
        `the stream continues at ${hexOfZxid(message.previousZxid)}, this history ends at ${hexOfZxid(last.zxid)}`,
      )
    }
    let before = last.zxid
    for (const { zxid, payload } of message.entries) {
      if (!followsInOrder(before, zxid) || epochOf(zxid) > this.#epoch) {
        return this.#giveUp(`${hexOfZxid(zxid)} does not follow ${hexOfZxid(before)}`)
      }
      core.accept(zxid, payload)
      before = zxid
    }
    if (this.#phase === 'broadcasting') core.commitUpTo(message.committed)
    else this.#extendDeadline()
  }

  #receiveNewLeader(message: From<'new-leader'>): void {
    const core = this.#core
    if (this.#phase === 'awaiting-sync-start') return // it ends a stream whose start this server refused
    if (this.#phase !== 'synchronising') return this.#giveUp(`new-leader while ${this.#phase}`)
    if (message.lastZxid !== core.history.last.zxid || message.epoch !== this.#epoch) {
      return this.#giveUp('the synchronisation ended at another zxid or epoch than the leader announced')
    }
    if (message.clusterId !== this.#clusterId) return this.#giveUp('the leader changed its cluster id')
    // The log keeps the order: the record of the current epoch comes after the history that belongs to it.
    const answer: ZabMessage = { kind: 'ack-new-leader', syncId: this.#syncId, durable: message.lastZxid }
    core.saveCurrentEpoch(message.epoch, message.clusterId, [{ kind: 'send', to: this.leader, message: answer }])
    this.#enterPhase('awaiting-up-to-date')
  }

  #receiveUpToDate(message: From<'up-to-date'>): void {
    if (this.#phase !== 'awaiting-up-to-date') return this.#giveUp(`up-to-date while ${this.#phase}`)
    this.#enterPhase('broadcasting')
    this.#core.abandonReceipt()
    this.#core.commitUpTo(message.committed)
    const { recordsMoves } = message
    const attempt = { leader: this.leader, epoch: this.#epoch, syncId: this.#syncId }
    this.#core.out.push({ kind: 'serving-as-follower', ...attempt, recordsMoves })
  }

  /**
   * A leader with which this server was in step is not shunned, since clients wait. If the next attempt fails before it is
   * in step, a pause follows.
   */
  #receiveDropped(): void {
    const reason = 'the leader has dropped this server'
    if (this.#phase === 'broadcasting') this.#changes.becomeLooking(reason)
    else this.#giveUp(reason)
  }

  /** Returns why the leader cannot be asked; null: it is. */
  requestHandOver(to: HandOverTarget): string | null {
    if (this.#phase !== 'broadcasting') return 'this server is not in step with a leader'
    this.#sendToLeader({ kind: 'hand-over-request', syncId: this.#syncId, to: to ?? 0 })
    return null
  }

  #receiveHandOver({ to, round }: From<'hand-over'>): void {
    if (this.#phase !== 'broadcasting') return this.#giveUp(`hand-over while ${this.#phase}`)
    this.#changes.passLeadership({ from: this.leader, to, round })
  }

  #receiveHeartbeat(message: From<'heartbeat'>): void {
    if (this.#phase === 'broadcasting') this.#core.commitUpTo(message.committed)
    // The replica sends it at the end of the turn, and adds the sessions whose clients sent something.
    this.#sendToLeader({ kind: 'heartbeat-reply', syncId: this.#syncId, sequence: message.sequence, touched: [] })
  }

  #enterPhase(phase: Exclude<Phase, 'awaiting-leader'>): void {
    this.#phase = phase
    this.#extendDeadline()
  }

  #extendDeadline(): void {
    this.#deadlineMs = this.#core.nowMs + this.#core.settings.initLimitMs
  }

  #giveUp(reason: string): void {
    this.#core.log.warn('gave-up-following', { peerId: this.leader, reason })
    this.#core.shun(this.leader)
    this.#changes.becomeLooking(reason)
  }

  #sendToLeader(message: ZabMessage): void {
    this.#core.send(this.leader, message)
  }

  #vote(): From<'vote'> {
    return this.#core.vote(this.leader, 'following', this.#round)
  }
}
