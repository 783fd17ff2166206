/**
 * Election (docs/internals/zab.md, steps E1–E5 and E7). Owns: the round and this server's vote in it. The vote of a
 * peer is the last one that it sent (ZabCore.peerVotes), in whichever role this server received it. Links keep their
 * order and a peer sends each change to all others, so no vote has to be sent twice. If votes were forgotten with a
 * role, no peer would have a reason to repeat them, and the election would not end. A learner without a vote sends that
 * it looks, so that a leader drops it, and waits for a server that leads. Safety does not depend on this file: two
 * servers that both believe they won cannot both gather a quorum for one epoch. This file makes sure that the most
 * recent history among a quorum wins, and wins fast.
 */
import type { ServerId } from '../base/ids.ts'
import { emptyPeersReminderMs } from '../base/limits.ts'
import type { ZabMessage } from '../protocol/peer/peer-message.ts'
import { copyReplacedHistory } from './copy-receipt.ts'
import type { Role, RoleChanges } from './role.ts'
import { type Candidate, isBetterCandidate, isMoreRecent, senderOf, type VoteMessage } from './vote-order.ts'
import type { CopyAnswer } from './zab-contract.ts'
import type { ZabCore } from './zab-core.ts'

export class Looking implements Role {
  readonly #core: ZabCore
  readonly #changes: RoleChanges
  readonly #firstRound: number
  #candidate: ServerId
  #cannotWin = false
  #settlesAtMs: number | null = null
  #resendAtMs: number
  /** By peer: when it would have voted if it votes at all. A peer sends its vote as soon as its link is up. */
  readonly #voteDueAtMs = new Map<ServerId, number>()
  #emptyPeersReportAtMs = 0

  /** `round`: the one to begin or to go on with, unless other servers are in a newer one. */
  constructor(core: ZabCore, changes: RoleChanges, round: number) {
    this.#core = core
    this.#changes = changes
    this.#firstRound = round
    this.#candidate = core.settings.self
    this.#resendAtMs = core.nowMs + core.settings.peerTimeoutMs
    for (const peer of core.connected) this.#voteDueAtMs.set(peer, this.#resendAtMs)
  }

  enter(): void {
    this.#core.nextIncarnation()
    this.#core.dropUnfinishedSync()
    this.#startRound(Math.max(this.#firstRound, this.#newestRound()))
    this.#followOrDecide()
  }

  receive(from: ServerId, message: ZabMessage): void {
    if (message.kind !== 'vote') return // sent to an earlier role of this server
    const isOfOlderRound = message.state === 'looking' && message.round < this.#core.round
    if (isOfOlderRound && this.#core.mayCount) this.#core.send(from, this.#voteMessage())
    this.#followOrDecide()
  }

  peerConnected(peer: ServerId): void {
    this.#voteDueAtMs.set(peer, this.#core.nowMs + this.#core.settings.peerTimeoutMs)
    if (this.#core.mayCount) this.#core.send(peer, this.#voteMessage())
    this.#followOrDecide() // other servers may vote for this peer already
  }

  peerDisconnected(peer: ServerId): void {
    // This server cannot follow a candidate that it cannot reach, however recent its history.
    if (this.#candidate === peer) this.#startRound(this.#core.round + 1)
    this.#followOrDecide()
  }

  tick(): void {
    if (this.#core.nowMs >= this.#resendAtMs) {
      this.#core.unheard.clear() // a link that is silent for peerTimeoutMs is closed
      // Links lose nothing, so the repeated vote changes nothing unless this file has a bug.
      this.#resendAtMs = this.#core.nowMs + this.#core.settings.peerTimeoutMs
      this.#core.log.debug('votes-sent-again', { round: this.#core.round, leaderId: this.#candidate })
      this.#sendVote()
    }
    this.#reportEmptyPeers()
    this.#followOrDecide()
  }

  persisted(): void {}
  logRead(): void {}
  leave(): void {
    this.#core.unheard.clear()
  }
  flush(): void {
    this.#core.flush([])
  }

  copyAnswered(answer: CopyAnswer): void {
    if (answer.kind === 'received') this.#changes.becomeLooking(copyReplacedHistory)
  }

  /** A connected voter that has sent no vote has no data and is not trusted, or has adopted its data (step E7). */
  #reportEmptyPeers(): void {
    const core = this.#core
    if (core.nowMs < this.#emptyPeersReportAtMs || !core.mayCount) return
    const isSilent = (voter: ServerId): boolean =>
      core.connected.has(voter) && !core.peerVotes.has(voter) && core.nowMs >= this.#voteDueAtMs.get(voter)!
    const peerIds = core.membership.voters.filter(isSilent)
    if (peerIds.length === 0) return
    this.#emptyPeersReportAtMs = core.nowMs + emptyPeersReminderMs
    const text =
      `connected without a vote: server ${peerIds.join(', server ')}. A server without data does not vote with ` +
      'db.autocreate=false, nor does one whose data was adopted ("zkts-cli data adopt"), and this server has found no quorum ' +
      'of others. If the data is in another folder or on a disk that is not mounted, stop the server without a vote, bring the ' +
      'data back, and start that server. If the data is lost and this server holds the newest, stop as many servers without a ' +
      'vote as a quorum needs, move their data away, run "zkts-cli data initialize" for each, and start them while this server ' +
      'runs: they copy its data. Writes that only they held are lost then.'
    core.log.warn('peers-do-not-vote', { peerIds, text })
  }

  #followOrDecide(): void {
    if (this.#followWhoLeads() || !this.#isVoter(this.#core.settings.self)) return
    const newest = this.#newestRound()
    if (newest > this.#core.round) this.#startRound(newest)
    else this.#chooseAgain()
    this.#decideIfSettled()
  }

  #startRound(round: number): void {
    this.#core.round = round
    this.#chooseCandidate()
    this.#settlesAtMs = null
    this.#sendVote()
  }

  #chooseAgain(): void {
    const [candidate, couldNotWin] = [this.#candidate, this.#cannotWin]
    this.#chooseCandidate()
    if (this.#candidate !== candidate) this.#settlesAtMs = null
    if (this.#candidate !== candidate || this.#cannotWin !== couldNotWin) this.#sendVote()
  }

  /** Step E7. A vote of a server that has lost its data could elect a leader that lacks the same txns. */
  #sendVote(): void {
    if (this.#core.mayCount) this.#core.broadcast(this.#voteMessage())
  }

  #newestRound(): number {
    let newest = 0
    for (const [peer, vote] of this.#core.peerVotes) {
      if (vote.state === 'looking' && vote.round > newest && this.#isVoter(peer)) newest = vote.round
    }
    return newest
  }

  /**
   * The best of this server and the peers that stand in this round. How recent a history is, only its own server says: if
   * votes repeated what others say of a candidate, peers that hear it from each other could go on with it after the
   * candidate has restarted with less, or change their votes in turn without end.
   * A server whose history is more recent than that of every candidate votes for none: it would vote for itself, and
   * lead, if it could win.
   */
  #chooseCandidate(): void {
    const core = this.#core
    const { self } = core
    this.#cannotWin = !core.membership.isQuorum(this.#mayFollow)
    let best: Candidate | null = this.#cannotWin ? null : self
    for (const [peer, vote] of core.peerVotes) {
      if (!this.#stands(peer, vote) || core.isForeign(peer)) continue
      const candidate = senderOf(vote, peer)
      if (best === null || isBetterCandidate(candidate, best)) best = candidate
    }
    const isTooOld = best !== null && isMoreRecent(self.epoch, self.zxid, best.epoch, best.zxid)
    this.#candidate = best === null || isTooOld ? self.id : best.id
  }

  /**
   * The servers of a quorum that could follow this one: it reaches them, none of them has a more recent history, and it does not
   * have to doubt that it hears them. A server that has no such quorum cannot win, and peers would vote for it in vain.
   */
  readonly #mayFollow = (voter: ServerId): boolean => {
    const { self, connected, peerVotes, unheard } = this.#core
    if (voter === self.id) return true
    if (unheard.has(voter)) return false
    const vote = peerVotes.get(voter)
    return connected.has(voter) && (vote === undefined || !isMoreRecent(vote.epoch, vote.zxid, self.epoch, self.zxid))
  }

  #stands(peer: ServerId, vote: VoteMessage): boolean {
    const isOfThisRound = vote.state === 'looking' && vote.round === this.#core.round
    return isOfThisRound && vote.leader === peer && !vote.cannotWin && this.#isVoter(peer)
  }

  #decideIfSettled(): void {
    const core = this.#core
    if (!core.mayCount) return // (ZK: FastLeaderElection ignores votes while its own zxid is -1)
    const leader = this.#candidate
    // A candidate that votes for another, or is of another round, is not going to lead.
    const isGone = leader === core.settings.self ? this.#cannotWin : !this.#agrees(leader)
    if (isGone || !core.membership.isQuorum(this.#agrees)) {
      this.#settlesAtMs = null
      return
    }
    if (!core.membership.voters.every((voter) => this.#agrees(voter) || this.#isGone(voter))) {
      // A better candidate may still vote; waiting for settleMs is cheaper than a second election.
      this.#settlesAtMs ??= core.nowMs + core.settings.settleMs
      if (core.nowMs < this.#settlesAtMs) return
    }
    // The history of this server is about to be replaced by a later one.
    if (leader === core.settings.self && core.receipt?.isFinishing) return
    if (leader === core.settings.self) this.#changes.becomeLeading()
    else this.#changes.becomeFollowing(leader)
  }

  /** Its link has closed, as that of a leader does that died. At the start of an ensemble links are still to come. */
  #isGone(voter: ServerId): boolean {
    return this.#core.wasConnected.has(voter) && !this.#core.connected.has(voter)
  }

  #isVoter(id: ServerId): boolean {
    return this.#core.membership.isVoter(id)
  }

  /** A peer that has decided already sends `following`, with the candidate on which it agreed. */
  readonly #agrees = (voter: ServerId): boolean => {
    const core = this.#core
    if (voter === core.settings.self) return true
    const vote = core.peerVotes.get(voter)
    if (vote === undefined || vote.round !== core.round) return false
    return vote.state !== 'leading' && vote.leader === this.#candidate
  }

  /** Step E5: this server joins an ensemble that has a leader and does not disturb it. */
  #followWhoLeads(): boolean {
    const core = this.#core
    let best: Candidate | null = null
    for (const [peer, vote] of core.peerVotes) {
      if (vote.state !== 'leading' || core.isShunned(peer)) continue
      const leader = senderOf(vote, peer)
      if (best === null || isBetterCandidate(leader, best)) best = leader
    }
    if (best === null) return false
    this.#changes.becomeFollowing(best.id)
    return true
  }

  #voteMessage(): VoteMessage {
    return this.#core.vote(this.#candidate, 'looking', this.#core.round, this.#cannotWin)
  }
}
