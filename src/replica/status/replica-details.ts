/**
 * The sessions, ephemerals, watches and digests of a replica, for administration. Each part is computed when it is
 * read, at a cost proportional to its size. Watches are listed by session, since operators do not know connection ids.
 */
import type { ConnectionId, SessionId } from '../../base/ids.ts'
import type { ExpiryBucket } from '../../sessions/session-tracker.ts'
import type { WatchSummary } from '../../watches/watch-table.ts'
import type { DigestAt, ReplicatedState } from '../applying/replicated-state.ts'
import type { Clients } from '../clients/clients.ts'

/** Only the leader tracks sessions and knows when they expire. */
export type ReplicaSessions =
  | { readonly kind: 'expiring'; readonly buckets: readonly ExpiryBucket[] }
  | {
      readonly kind: 'known'
      readonly sessions: readonly { readonly sessionId: SessionId; readonly timeoutMs: number }[]
    }

export interface ReplicaDetails {
  sessions(): ReplicaSessions
  /** The sessions that exist only on this server; null if local sessions are disabled. */
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
