/**
 * Election (docs/internals/zab.md, steps E1–E5). Owns: the round and this server's vote in it. The votes of
 * the others are what each of them said last (ZabCore.peerVotes), in whatever role that reached us: links
 * keep their order, and a peer says each change to everybody, so nothing has to be said twice. If votes were
 * forgotten with a role, the peer would have no reason to repeat them, and the election would stand still.
 * A server that has no vote says that it looks, so that a leader lets go of it, and waits for one that leads.
 * Safety does not rest here: two servers that both believe they won cannot both gather a quorum for one
 * epoch. What rests here is that the most recent history among a quorum wins, and wins fast.
 */
import type { ServerId } from '../base/ids.ts'
import type { Vote, ZabMessage } from '../protocol/peer/peer-message.ts'
import type { Role, RoleChanges } from './role.ts'
import { isBetterVote, isSameVote } from './vote-order.ts'
import type { VoteMessage, ZabCore } from './zab-core.ts'

export class Looking implements Role {
  readonly #core: ZabCore
  readonly #changes: RoleChanges
  #proposal: Vote
  #settlesAtMs: number | null = null
  #resendAtMs: number

  constructor(core: ZabCore, changes: RoleChanges) {
    this.#core = core
    this.#changes = changes
    this.#proposal = core.ownVote()
    this.#resendAtMs = core.nowMs + core.settings.peerTimeoutMs
  }

  enter(): void {
    this.#core.nextIncarnation()
    this.#core.dropUnfinishedSync()
    this.#startRound(Math.max(this.#core.round + 1, this.#newestRound()))
    this.#followOrDecide()
  }

  receive(from: ServerId, message: ZabMessage): void {
    if (message.kind !== 'vote') return // of a role that is over
    const isBehind = message.state === 'looking' && message.round < this.#core.round
    if (isBehind && this.#core.mayCount) this.#core.send(from, this.#voteMessage())
    this.#followOrDecide()
  }

  peerConnected(peer: ServerId): void {
    if (this.#core.mayCount) this.#core.send(peer, this.#voteMessage())
    this.#followOrDecide() // others may vote for it already
  }

  peerDisconnected(peer: ServerId): void {
    // A leader that we cannot reach cannot lead us, however good its history.
    if (this.#proposal.leader === peer) this.#startRound(this.#core.round + 1)
    this.#followOrDecide()
  }

  tick(): void {
    if (this.#core.nowMs >= this.#resendAtMs) {
      // Links lose nothing, so this changes nothing as long as the rest of this file is right.
      this.#resendAtMs = this.#core.nowMs + this.#core.settings.peerTimeoutMs
      this.#core.log.debug('votes-sent-again', { round: this.#core.round, leaderId: this.#proposal.leader })
      this.#sendVote()
    }
    this.#followOrDecide()
  }

  persisted(): void {}
  logRead(): void {}
  flush(): void {
    this.#core.flush([])
  }

  #followOrDecide(): void {
    if (this.#followWhoLeads() || !this.#isVoter(this.#core.settings.self)) return
    const newest = this.#newestRound()
    if (newest > this.#core.round) this.#startRound(newest)
    else this.#proposeIfNew(this.#bestVote())
    this.#decideIfSettled()
  }

  #startRound(round: number): void {
    this.#core.round = round
    this.#propose(this.#bestVote())
  }

  #proposeIfNew(vote: Vote): void {
    if (!isSameVote(vote, this.#proposal)) this.#propose(vote)
  }

  #propose(vote: Vote): void {
    this.#proposal = { leader: vote.leader, epoch: vote.epoch, zxid: vote.zxid }
    this.#settlesAtMs = null
    this.#sendVote()
  }

  /** A server that does not count says nothing: a vote of its own could elect a leader that lacks what it has lost. */
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
   * Of this round: our own, or a better one for a candidate that takes part in the round itself. Peers that know each
   * other's votes for a silent candidate would otherwise keep each other waiting for it.
   */
  #bestVote(): Vote {
    const core = this.#core
    let best = core.ownVote()
    for (const [peer, vote] of core.peerVotes) {
      if (!this.#isOfThisRound(peer, vote)) continue
      const candidate = vote.leader
      const takesPart =
        candidate === core.settings.self || this.#isOfThisRound(candidate, core.peerVotes.get(candidate))
      if (takesPart && isBetterVote(vote, best)) best = vote
    }
    return best
  }

  #isOfThisRound(peer: ServerId, vote: VoteMessage | undefined): boolean {
    return vote?.state === 'looking' && vote.round === this.#core.round && this.#isVoter(peer)
  }

  #decideIfSettled(): void {
    const core = this.#core
    if (!core.mayCount) return // (ZK: FastLeaderElection ignores votes while its own zxid is -1)
    const { leader } = this.#proposal
    // A candidate that votes for another, or is of another round, is not going to lead.
    if (!this.#agrees(leader) || !core.membership.isQuorum(this.#agrees)) {
      this.#settlesAtMs = null
      return
    }
    if (!core.membership.voters.every(this.#agrees)) {
      // Somebody better may still speak up; waiting a moment is cheaper than a second election.
      this.#settlesAtMs ??= core.nowMs + core.settings.settleMs
      if (core.nowMs < this.#settlesAtMs) return
    }
    if (leader === core.settings.self) this.#changes.becomeLeading()
    else this.#changes.becomeFollowing(leader)
  }

  #isVoter(id: ServerId): boolean {
    return this.#core.membership.isVoter(id)
  }

  /** A peer that has decided already says `following`, and with it whom it had agreed to. */
  readonly #agrees = (voter: ServerId): boolean => {
    const core = this.#core
    if (voter === core.settings.self) return true
    const vote = core.peerVotes.get(voter)
    if (vote === undefined || vote.round !== core.round) return false
    if (vote.state === 'following') return vote.leader === this.#proposal.leader
    return vote.state === 'looking' && isSameVote(vote, this.#proposal)
  }

  /** An ensemble that has a leader is joined, not disturbed. */
  #followWhoLeads(): boolean {
    const core = this.#core
    let best: VoteMessage | null = null
    for (const [peer, vote] of core.peerVotes) {
      if (vote.state !== 'leading' || core.isShunned(peer)) continue
      if (best === null || isBetterVote(vote, best)) best = vote
    }
    if (best === null) return false
    this.#changes.becomeFollowing(best.leader)
    return true
  }

  #voteMessage(): VoteMessage {
    return { kind: 'vote', round: this.#core.round, state: 'looking', ...this.#proposal }
  }
}
