/** The texts of wchs, wchc and wchp (ZK: WatchCommand, WatchManager.dumpWatches). */
import { hexOfSession } from '../base/ids.ts'
import type { AdminDetails } from './admin-details.ts'
import { asLines } from './connection-text.ts'

export function renderWatchCounts(details: AdminDetails): string {
  const { connectionCount, pathCount, watchCount } = details.watchCounts()
  return asLines([`${connectionCount} connections watching ${pathCount} paths`, `Total watches:${watchCount}`])
}

export function renderPathsByWatcher(details: AdminDetails): string {
  const sessions = details.pathsByWatcher()
  return asLines([
    ...sessions.flatMap(([sessionId, paths]) => [hexOfSession(sessionId), ...paths.map((path) => `\t${path}`)]),
    '',
  ])
}

export function renderWatchersByPath(details: AdminDetails): string {
  const watched = details.watchersByPath()
  return asLines([...watched.flatMap(([path, ids]) => [path, ...ids.map((id) => `\t${hexOfSession(id)}`)]), ''])
}
