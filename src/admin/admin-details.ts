/**
 * What only some words print, and what costs more the more there is of it: connections, sessions, watches, metrics. Each
 * part is a function, so that a word pays for what it prints and nothing else.
 * Assumes: the functions are called within the turn in which the details were handed out.
 */
import type { SessionId, Zxid } from '../base/ids.ts'
import type { ConnectionStatus } from './server-status.ts'

/** Those whose time is up at the same tick. */
export interface ExpiryBucket<Member> {
  readonly expiresAtWallMs: number
  readonly members: readonly Member[]
}

/** Only the leader knows when a global session expires; the others know that it exists. */
export type GlobalSessions =
  | { readonly kind: 'expiring'; readonly buckets: readonly ExpiryBucket<SessionId>[] }
  | { readonly kind: 'known'; readonly sessions: readonly SessionTimeout[] }

export interface SessionTimeout {
  readonly sessionId: SessionId
  readonly timeoutMs: number
}

export interface SessionsStatus {
  /** Null unless this server has local sessions: sessions that no other server knows. */
  readonly local: readonly ExpiryBucket<SessionId>[] | null
  readonly global: GlobalSessions
}

export interface SessionEphemerals {
  readonly sessionId: SessionId
  readonly paths: readonly string[]
}

export interface ConnectionName {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly sessionId: SessionId | null // null: none yet
}

/** Of the watches that getData, exists and addWatch leave; ZooKeeper does not show those of getChildren. */
export interface WatchCounts {
  readonly connectionCount: number
  readonly pathCount: number
  readonly watchCount: number
}

export interface TreeDigestAt {
  readonly zxid: Zxid
  readonly digest: bigint // signed, 64 bits
}

export interface AdminDetails {
  readonly connections: () => readonly ConnectionStatus[]
  /** Further `mntr` lines, key without `zk_`: what src/metrics counts. Those that begin with `avg_` are means. */
  readonly metrics: () => ReadonlyMap<string, number>
  readonly sessions: () => SessionsStatus
  readonly ephemerals: () => readonly SessionEphemerals[]
  readonly connectionExpiry: () => readonly ExpiryBucket<ConnectionName>[]
  readonly watchCounts: () => WatchCounts
  readonly watchersByPath: () => readonly (readonly [path: string, sessionIds: readonly SessionId[]])[]
  readonly pathsByWatcher: () => readonly (readonly [sessionId: SessionId, paths: readonly string[]])[]
  /** Oldest first. */
  readonly digests: () => readonly TreeDigestAt[]
  readonly traceMask: () => bigint
}
