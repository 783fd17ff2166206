/**
 * Election (docs/internals/zab.md, steps E1–E5). Owns: the round and who voted for whom in it.
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
  readonly #received = new Map<ServerId, Vote>() // votes of this round
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
    this.#startRound(this.#core.round + 1, this.#core.ownVote())
    if (!this.#followWhoLeads()) this.#decideIfSettled()
  }

  receive(from: ServerId, message: ZabMessage): void {
    if (message.kind !== 'vote') return // of a role that is over
    if (message.state !== 'looking') {
      this.#followWhoLeads()
      return
    }
    this.#consider(from, message)
    this.#decideIfSettled()
  }

  peerConnected(peer: ServerId): void {
    this.#core.send(peer, this.#voteMessage())
  }

  peerDisconnected(peer: ServerId): void {
    this.#received.delete(peer)
    // A leader that we cannot reach cannot lead us, however good its history.
    if (this.#proposal.leader === peer) this.#startRound(this.#core.round + 1, this.#core.ownVote())
    this.#decideIfSettled()
  }

  tick(): void {
    if (this.#core.nowMs >= this.#resendAtMs) {
      this.#resendAtMs = this.#core.nowMs + this.#core.settings.peerTimeoutMs
      this.#core.broadcast(this.#voteMessage())
    }
    if (!this.#followWhoLeads()) this.#decideIfSettled()
  }

  persisted(): void {}
  logRead(): void {}
  flush(): void {
    this.#core.flush([])
  }

  #consider(from: ServerId, message: VoteMessage): void {
    const core = this.#core
    if (message.round < core.round) {
      core.send(from, this.#voteMessage()) // it will catch up with the round
      return
    }
    const own = core.ownVote()
    if (message.round > core.round) {
      this.#startRound(message.round, this.#isEligible(message.leader) && isBetterVote(message, own) ? message : own)
    } else if (isBetterVote(message, this.#proposal) && this.#isEligible(message.leader)) {
      this.#propose(message)
    }
    this.#received.set(from, message)
  }

  #startRound(round: number, vote: Vote): void {
    this.#core.round = round
    this.#received.clear()
    this.#propose(vote)
  }

  #propose(vote: Vote): void {
    this.#proposal = { leader: vote.leader, epoch: vote.epoch, zxid: vote.zxid }
    this.#settlesAtMs = null
    this.#core.broadcast(this.#voteMessage())
  }

  #isEligible(candidate: ServerId): boolean {
    return candidate === this.#core.settings.self || this.#core.connected.has(candidate)
  }

  #decideIfSettled(): void {
    const core = this.#core
    let agree = 1
    for (const vote of this.#received.values()) if (isSameVote(vote, this.#proposal)) agree++
    if (agree < core.quorum) {
      this.#settlesAtMs = null
      return
    }
    if (agree < core.settings.voters.length) {
      // Somebody better may still speak up; waiting a moment is cheaper than a second election.
      this.#settlesAtMs ??= core.nowMs + core.settings.settleMs
      if (core.nowMs < this.#settlesAtMs) return
    }
    if (this.#proposal.leader === core.settings.self) this.#changes.becomeLeading()
    else this.#changes.becomeFollowing(this.#proposal.leader)
  }

  /** An ensemble that has a leader is joined, not disturbed. */
  #followWhoLeads(): boolean {
    const core = this.#core
    let best: VoteMessage | null = null
    for (const peer of core.settings.voters) {
      const vote = core.peerVotes.get(peer)
      if (vote?.state !== 'leading' || !core.connected.has(peer) || core.isShunned(peer)) continue
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
