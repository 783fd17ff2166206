/**
 * What a role answers to, and the three doors between roles. Only Zab assigns the role; a role asks.
 */
import type { ServerId } from '../base/ids.ts'
import type { ZabMessage } from '../protocol/peer/peer-message.ts'
import type { LogRead, PersistTag } from './zab-contract.ts'

export interface Role {
  /** Called once, right after it became the present role. */
  enter(): void
  receive(from: ServerId, message: ZabMessage): void
  peerConnected(peer: ServerId): void
  peerDisconnected(peer: ServerId): void
  persisted(tag: PersistTag): void
  logRead(read: LogRead): void
  tick(): void
  /** The turn ended: send and save what was gathered. */
  flush(): void
}

export interface RoleChanges {
  becomeLooking(reason: string): void
  becomeFollowing(leader: ServerId): void
  becomeLeading(): void
}
