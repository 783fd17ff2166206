/**
 * What a server did, told as it happens: for the simulator's checkers and for debugging. Nothing in the
 * server depends on anyone listening.
 */
import type { Epoch, SessionId, Zxid } from '../base/ids.ts'
import type { Txn } from '../protocol/txn/txn.ts'

export type Role = 'looking' | 'following' | 'leading'

export type TraceEvent =
  | { readonly kind: 'role-changed'; readonly role: Role; readonly epoch: Epoch }
  /** This server leads `epoch`: a quorum has acknowledged its history. */
  | { readonly kind: 'established'; readonly epoch: Epoch }
  /** The own log holds everything up to `zxid` durably, and nothing beyond that was ever acknowledged: after a truncation it falls. */
  | { readonly kind: 'durable'; readonly zxid: Zxid }
  | { readonly kind: 'committed'; readonly zxid: Zxid }
  | { readonly kind: 'applied'; readonly zxid: Zxid; readonly txn: Txn; readonly digest: string }
  | { readonly kind: 'session-expiring'; readonly sessionId: SessionId }
  /** A session that only this server knew is over, or from here on the leader's like any other. */
  | { readonly kind: 'local-session-ended'; readonly sessionId: SessionId; readonly how: 'expired' | 'made-global' }

export type Trace = (event: TraceEvent) => void
