/**
 * What a replica tells of its sessions, ephemerals, watches and digests, for whoever administers it. Each part is made
 * when it is asked for, and costs as much as there is of it. Watches are told by session: an operator knows no connections.
 */
import type { ConnectionId, SessionId } from '../../base/ids.ts'
import type { ExpiryBucket } from '../../sessions/session-tracker.ts'
import type { WatchSummary } from '../../watches/watch-table.ts'
import type { DigestAt, ReplicatedState } from '../applying/replicated-state.ts'
import type { Clients } from '../clients/clients.ts'

/** When sessions expire is known where they are tracked, on the leader. */
export type ReplicaSessions =
  | { readonly kind: 'expiring'; readonly buckets: readonly ExpiryBucket[] }
  | {
      readonly kind: 'known'
      readonly sessions: readonly { readonly sessionId: SessionId; readonly timeoutMs: number }[]
    }

export interface ReplicaDetails {
  sessions(): ReplicaSessions
  /** Those of this server alone; null where there can be none. */
  localExpiryBuckets(): readonly ExpiryBucket[] | null
  ephemerals(): readonly { readonly sessionId: SessionId; readonly paths: readonly string[] }[]
  watchCounts(): WatchSummary
  watchersByPath(): readonly (readonly [path: string, sessionIds: readonly SessionId[]])[]
  pathsByWatcher(): readonly (readonly [sessionId: SessionId, paths: readonly string[]])[]
  /** Oldest first. */
  digests(): readonly DigestAt[]
}

export interface DetailSources {
  readonly state: ReplicatedState
  readonly clients: Clients
  /** Null unless leading; times are monotonic. */
  readonly expiryBuckets: (() => readonly ExpiryBucket[]) | null
}

export function replicaDetails({ state, clients, expiryBuckets }: DetailSources): ReplicaDetails {
  const { watches } = clients
  const watcherOf = (connectionId: ConnectionId): SessionId => clients.sessionOf(connectionId) ?? (0n as SessionId)
  return {
    sessions() {
      if (expiryBuckets !== null) return { kind: 'expiring', buckets: expiryBuckets() }
      const known = [...state.sessions.entries()].map(([sessionId, timeoutMs]) => ({ sessionId, timeoutMs }))
      return { kind: 'known', sessions: known }
    },
    localExpiryBuckets: () => clients.sessions.localExpiryBuckets(),
    // The owner of an ephemeral is always a session of the table.
    ephemerals: () =>
      [...state.sessions.entries()]
        .map(([sessionId]) => ({ sessionId, paths: state.tree.ephemeralsOf(sessionId) }))
        .filter(({ paths }) => paths.length > 0),
    watchCounts: () => watches.summary,
    watchersByPath: () => watches.watchersByPath().map(([path, watchers]) => [path, watchers.map(watcherOf)]),
    pathsByWatcher: () => watches.pathsByConnection().map(([connectionId, paths]) => [watcherOf(connectionId), paths]),
    digests: () => state.digests.entries(),
  }
}
