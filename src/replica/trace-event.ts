/**
 * The steps of a server, reported when they happen, for the simulator's checkers and for debugging. The server does the
 * same with and without a trace.
 */
import type { Epoch, SessionId, Zxid } from '../base/ids.ts'
import type { Txn } from '../protocol/txn/txn.ts'

export type Role = 'looking' | 'following' | 'leading'

export type TraceEvent =
  | { readonly kind: 'role-changed'; readonly role: Role; readonly epoch: Epoch }
  /** This server leads `epoch`: a quorum has acknowledged its history. */
  | { readonly kind: 'established'; readonly epoch: Epoch }
  /**
   * This server's log holds all txns up to `zxid` durably, and it acknowledged no later one; a truncation lowers it.
   */
  | { readonly kind: 'durable'; readonly zxid: Zxid }
  | { readonly kind: 'committed'; readonly zxid: Zxid }
  /** A copy of the state, received from the leader, replaces that of this server; zxid 0: it is given up. */
  | { readonly kind: 'installed'; readonly zxid: Zxid; readonly digest: string }
  | { readonly kind: 'applied'; readonly zxid: Zxid; readonly txn: Txn; readonly digest: string }
  | { readonly kind: 'session-expiring'; readonly sessionId: SessionId }
  /** A session that existed only on this server has expired, or has become global. */
  | { readonly kind: 'local-session-ended'; readonly sessionId: SessionId; readonly how: 'expired' | 'made-global' }

export type Trace = (event: TraceEvent) => void
