/**
 * The steps of a server, reported when they happen, for the simulator's checkers and for debugging. The server does the
 * same with and without a trace.
 */
import type { Epoch, ServerId, SessionId, Zxid } from '../base/ids.ts'
import type { Txn } from '../protocol/txn/txn.ts'

export type Role = 'looking' | 'following' | 'leading'

export type TraceEvent =
  | { readonly kind: 'role-changed'; readonly role: Role; readonly epoch: Epoch }
  /** The link to another server has come up, or has closed. */
  | { readonly kind: 'link'; readonly peer: ServerId; readonly isUp: boolean }
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
  /** The server has a leader again; so many clients with a session kept their connections meanwhile. */
  | { readonly kind: 'clients-kept'; readonly count: number }
  /** The connection of a session closes because the leader was lost. */
  | { readonly kind: 'client-cut'; readonly sessionId: SessionId; readonly timeoutMs: number; readonly why: CutReason }

export type CutReason =
  | 'not-kept' // the configuration keeps no clients
  | 'waited' // for as long as it may
  | 'in-doubt' // the outcome of a request cannot be known
  | 'replaced' // by a copy of the leader's state, which may hide an outcome

export type Trace = (event: TraceEvent) => void
