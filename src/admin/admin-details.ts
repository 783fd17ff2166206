/**
 * What only some four-letter words print, and what costs time: connections, sessions, watches, metrics, questions to the
 * system. Each part is a function, so that a word computes only what it prints.
 * Assumes: the functions are called in the turn of the event loop in which the details were made.
 */
import type { SessionId, Zxid } from '../base/ids.ts'
import type { ConnectionStatus, FileDescriptorStatus, MemoryStatus } from './server-status.ts'

/** Sessions or connections that expire at the same tick. */
export interface ExpiryBucket<Member> {
  readonly expiresAtWallMs: number
  readonly members: readonly Member[]
}

/** Only the leader knows when a global session expires. Other servers know its id and timeout. */
export type GlobalSessions =
  | { readonly kind: 'expiring'; readonly buckets: readonly ExpiryBucket<SessionId>[] }
  | { readonly kind: 'known'; readonly sessions: readonly SessionTimeout[] }

export interface SessionTimeout {
  readonly sessionId: SessionId
  readonly timeoutMs: number
}

export interface SessionsStatus {
  /** Null if local sessions are off. A local session is known to its own server only. */
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
  readonly sessionId: SessionId | null // null: the connection has no session yet
}

/** Counts the watches of getData, exists and addWatch. As in ZooKeeper, those of getChildren are left out. */
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
  /** What `conf` shows beside ZooKeeper's own list: keys and values. */
  readonly furtherSettings: () => readonly (readonly [key: string, value: string])[]
  readonly connections: () => readonly ConnectionStatus[]
  /**
   * Further lines of `mntr`, counted by src/metrics. Keys are without `zk_`; those that begin with `avg_` are means.
   */
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
  readonly memory: () => MemoryStatus
  /** Null on a system without /proc. The system lists them all: 5 ms of 5,000 connections, on Linux. */
  readonly fileDescriptors: () => FileDescriptorStatus | null
}
