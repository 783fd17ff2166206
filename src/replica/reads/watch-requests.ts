/**
 * Requests about the watches of the connection that sends them. None requires a permission or an existing znode: events
 * of znodes that the client may not read are dropped at delivery. An unknown number of a mode or type is refused like a
 * body that cannot be decoded (ZK: FinalRequestProcessor).
 */
import { err, ok, type Result } from '../../base/result.ts'
import { decode, encode } from '../../jute/record.ts'
import { ops } from '../../protocol/client/operations.ts'
import { AddWatchReply } from '../../protocol/client/replies.ts'
import {
  AddWatchRequest,
  type SetWatches2Request,
  type SetWatchesRequest,
  WatcherTypeRequest,
} from '../../protocol/client/requests.ts'
import { addWatchModeOf, watcherTypeOf } from '../../protocol/client/watch-kinds.ts'
import type { WatchLists } from '../../watches/watch-table.ts'
import type { Client, PendingRequest } from '../clients/client.ts'
import { type Body, nothingMissed, type ReadAnswer, type ReadContext, refusal } from './read-answer.ts'

export function addWatch({ request, client }: PendingRequest, { watches, watchesNullPaths }: ReadContext): Body {
  const wanted = decode(AddWatchRequest, request.body)
  if (!wanted.ok) return wanted
  const path = watchedPath(wanted.value.path, watchesNullPaths)
  const mode = addWatchModeOf(wanted.value.mode)
  if (mode === null || path === null) return err('marshalling-error')
  if (mode === 'persistent') watches.addPersistent(client.connectionId, path)
  else watches.addRecursive(client.connectionId, path)
  return ok(addWatchDone)
}

/**
 * Both fail if the connection has no such watch at exactly that path. Removal sends no event; clients create their own.
 */
export function checkOrRemoveWatches(
  { request, client }: PendingRequest,
  { watches, watchesNullPaths }: ReadContext,
): ReadAnswer {
  const wanted = decode(WatcherTypeRequest, request.body)
  const type = wanted.ok ? watcherTypeOf(wanted.value.type) : null
  const path = wanted.ok ? watchedPath(wanted.value.path, watchesNullPaths) : null
  if (type === null || path === null) return refusal('marshalling-error')
  const { connectionId } = client
  const found =
    request.op === ops.removeWatches ? watches.remove(connectionId, path, type) : watches.has(connectionId, path, type)
  return found ? done : refusal('no-watcher')
}

/**
 * Neither permissions nor paths are checked (ZK: DataTree.setWatches). The lists are processed in order. A null
 * list or a null path ends them with an error: the watches before it stay registered and their missed events are sent.
 */
export function setWatches(
  decoded: Result<SetWatchesRequest | SetWatches2Request, 'marshalling-error'>,
  client: Client,
  { tree, watches, keeper, watchesNullPaths }: ReadContext,
): ReadAnswer {
  if (!decoded.ok) return refusal('marshalling-error')
  const { lists, isWhole } = watchListsOf(decoded.value, watchesNullPaths)
  const missed = watches.catchUp(
    client.connectionId,
    decoded.value.relativeZxid,
    lists,
    (path) => tree.view(path) ?? keeper?.find(path, tree)?.view ?? null,
  )
  return { error: isWhole ? null : 'marshalling-error', body: null, missed }
}

interface WantedWatches {
  readonly lists: WatchLists
  readonly isWhole: boolean
}

function watchListsOf(request: SetWatchesRequest | SetWatches2Request, watchesNullPaths: boolean): WantedWatches {
  let isWhole = true
  const upToNull = (list: readonly (string | null)[] | null): readonly string[] => {
    const end = list === null || !isWhole ? 0 : list.indexOf(null)
    if (end === -1) return list as readonly string[]
    isWhole = false
    return list === null ? [] : (list.slice(0, end) as readonly string[])
  }
  const data = upToNull(request.dataWatches)
  const exist = upToNull(request.existWatches)
  const child = upToNull(request.childWatches)
  if (!('persistentWatches' in request))
    return { lists: { data, exist, child, persistent: [], recursive: [] }, isWhole }
  const persistent = upToNull(withoutNulls(request.persistentWatches, watchesNullPaths))
  const recursive = upToNull(withoutNulls(request.persistentRecursiveWatches, watchesNullPaths))
  return { lists: { data, exist, child, persistent, recursive }, isWhole }
}

/** ZooKeeper looks up no path of these lists and accepts null paths in them; such a watch never fires. */
function withoutNulls(
  list: readonly (string | null)[] | null,
  watchesNullPaths: boolean,
): readonly (string | null)[] | null {
  if (list === null || !list.includes(null)) return list
  return watchesNullPaths ? list.map((path) => path ?? nullPath) : list.filter((path) => path !== null)
}

/** Null: the path is null, and null paths are not watched. */
function watchedPath(path: string | null, watchesNullPaths: boolean): string | null {
  return path ?? (watchesNullPaths ? nullPath : null)
}

/** Stands for a null path among the watched ones. It is half of a surrogate pair, and no text of a client decodes to it. */
const nullPath = '\ud800'

const addWatchDone = encode(AddWatchReply, { error: 0 })
const done: ReadAnswer = { error: null, body: null, missed: nothingMissed }
