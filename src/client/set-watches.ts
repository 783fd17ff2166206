/**
 * The request that sets watches again after a reconnect; the server sends the events that they missed after
 * `lastZxidSeen`.
 */
import type { Zxid } from '../base/ids.ts'
import { encode } from '../jute/record.ts'
import type { OpName } from '../protocol/client/operations.ts'
import { SetWatches2Request, SetWatchesRequest } from '../protocol/client/requests.ts'
import type { WatchedPaths } from './watch-registry.ts'

/** setWatches without persistent watches, setWatches2 with them: servers before 3.6 know only the first. */
export function setWatchesRequest(
  { data, exist, child, persistent, recursive }: WatchedPaths,
  lastZxidSeen: Zxid,
): { readonly op: OpName; readonly body: Uint8Array } {
  const request = { relativeZxid: lastZxidSeen, dataWatches: data, existWatches: exist, childWatches: child }
  if (persistent.length + recursive.length === 0) {
    return { op: 'setWatches', body: encode(SetWatchesRequest, request) }
  }
  const more = { persistentWatches: persistent, persistentRecursiveWatches: recursive }
  return { op: 'setWatches2', body: encode(SetWatches2Request, { ...request, ...more }) }
}
