/**
 * The events that every role handles, and the three changes of role. Only Zab assigns the role; a role asks it to.
 */
import type { ServerId } from '../base/ids.ts'
import type { ZabMessage } from '../protocol/peer/peer-message.ts'
import type { CopyAnswer, LogRead, PersistTag } from './zab-contract.ts'

export interface Role {
  /** Called once, right after this became the present role. */
  enter(): void
  receive(from: ServerId, message: ZabMessage): void
  peerConnected(peer: ServerId): void
  peerDisconnected(peer: ServerId, wasSilent: boolean): void
  persisted(tag: PersistTag): void
  logRead(read: LogRead): void
  /** `ZabCore` has taken it into account already, and has installed a copy that was received. */
  copyAnswered(answer: CopyAnswer): void
  tick(): void
  /** At the end of a turn: sends and saves what was gathered. */
  flush(): void
  /** Called once, when another role replaces this one. */
  leave(): void
}

export interface RoleChanges {
  /** `votersLeft`: voters that had elected this server follow another leader. */
  becomeLooking(reason: string, votersLeft?: boolean): void
  /**
   * In the round that this server is in. A new one would take the votes from the election that the other servers are about to
   * decide, and without end if this server cannot reach the candidate of the others.
   */
  lookOn(reason: string): void
  becomeFollowing(leader: ServerId): void
  becomeLeading(): void
  /** Step H3: the leadership passes from one server to another; this server is one of the two, or a learner. */
  passLeadership(passing: LeadershipPassing): void
}

export interface LeadershipPassing {
  readonly from: ServerId
  readonly to: ServerId
  readonly round: number // counts as the one that has elected `to`
}
