/** The fields of the commands about sessions, watches and digests. Ids are the signed numbers of Java. */
import type { SessionId } from '../../base/ids.ts'
import type { AdminDetails } from '../admin-details.ts'
import type { CommandFields, CommandSources } from './admin-command.ts'
import type { JsonValue } from './json-text.ts'

/** ZooKeeper writes the digest of its tree in version 2; that of zkts is computed in its own way. */
const digestVersion = 0

/** Only the leader knows when global sessions expire; on other servers the first map has local sessions alone, as in ZooKeeper. */
export function dumpFields({ details }: CommandSources): CommandFields {
  const { local, global } = details.sessions()
  const buckets = [...(local ?? []), ...(global.kind === 'expiring' ? global.buckets : [])]
  const byTime = new Map<string, JsonValue[]>()
  for (const { expiresAtWallMs, members } of buckets) {
    const key = String(Math.trunc(expiresAtWallMs))
    byTime.set(key, [...(byTime.get(key) ?? []), ...members.map(javaLong)])
  }
  const ephemerals = details.ephemerals().map(({ sessionId, paths }) => [String(javaLong(sessionId)), paths] as const)
  return new Map<string, JsonValue>([
    ['expiry_time_to_session_ids', byTime],
    ['session_id_to_ephemeral_paths', new Map(ephemerals)],
  ])
}

export function pathsByWatcherFields({ details }: CommandSources): CommandFields {
  const paths = details.pathsByWatcher().map(([sessionId, each]) => [String(javaLong(sessionId)), each] as const)
  return new Map([['session_id_to_watched_paths', new Map<string, JsonValue>(paths)]])
}

export function watchersByPathFields({ details }: CommandSources): CommandFields {
  const watched = details.watchersByPath().map(([path, ids]) => [path, ids.map(javaLong)] as const)
  return new Map([['path_to_session_ids', new Map<string, JsonValue>(watched)]])
}

export function watchSummaryFields({ details }: CommandSources): CommandFields {
  const { connectionCount, pathCount, watchCount } = details.watchCounts()
  return new Map([
    ['num_connections', connectionCount],
    ['num_paths', pathCount],
    ['num_total_watches', watchCount],
  ])
}

export function digestFields({ details }: { readonly details: Pick<AdminDetails, 'digests'> }): CommandFields {
  const digests = details.digests().map(({ zxid, digest }) => ({ digest_version: digestVersion, zxid, digest }))
  return new Map([['digests', digests]])
}

function javaLong(sessionId: SessionId): bigint {
  return BigInt.asIntN(64, sessionId)
}
