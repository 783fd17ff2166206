/**
 * The watches of a client, grouped by the lists of setWatches2. An event removes the one-shot watchers that it fires
 * (ZK: ZKWatchManager.materialize); persistent and recursive watchers stay until they are removed.
 * Paths are those on the servers. Watches outlive connections: the client sends them again after a reconnect.
 */
import { parentAbove } from '../protocol/client/path.ts'
import type { WatchEventType } from '../protocol/client/watch-event.ts'
import type { WatchEvent, Watcher, WatchKind } from './types.ts'

const watchLists = ['data', 'exist', 'child', 'persistent', 'recursive'] as const
export type WatchList = (typeof watchLists)[number]

const concerned: Readonly<Record<WatchEventType, readonly WatchList[]>> = {
  created: ['data', 'exist'],
  deleted: ['data', 'exist', 'child'],
  'data-changed': ['data', 'exist'],
  'children-changed': ['child'],
}

/** ZK: ZKWatchManager.removeWatcher. */
const listsOfKind: Readonly<Record<WatchKind, readonly WatchList[]>> = {
  children: ['child'],
  data: ['data', 'exist'],
  persistent: ['persistent'],
  recursive: ['recursive'],
  any: watchLists,
}

export type WatchedPaths = Readonly<Record<WatchList, readonly string[]>>

/** One setWatches contains about this many bytes of paths, which is well below the frame limit (ZK: ClientCnxn). */
const batchSizeBytesMax = 128 * 1024

export class WatchRegistry {
  readonly #lists: Readonly<Record<WatchList, Map<string, Set<Watcher>>>> = {
    data: new Map(),
    exist: new Map(),
    child: new Map(),
    persistent: new Map(),
    recursive: new Map(),
  }

  add(list: WatchList, path: string, watcher: Watcher): void {
    const watchers = this.#lists[list].get(path)
    if (watchers === undefined) this.#lists[list].set(path, new Set([watcher]))
    else watchers.add(watcher)
  }

  /** True if this was the last watcher of the list on this path, so that the server can remove its watch too. */
  remove(list: WatchList, path: string, watcher: Watcher): boolean {
    const watchers = this.#lists[list].get(path)
    if (watchers?.delete(watcher) !== true || watchers.size > 0) return false
    return this.#lists[list].delete(path)
  }

  /** Removes all watchers of this kind on the path. False if there were none. */
  removeAll(kind: WatchKind, path: string): boolean {
    let isAnyGone = false
    for (const list of listsOfKind[kind]) isAnyGone = this.#lists[list].delete(path) || isAnyGone
    return isAnyGone
  }

  /** Calls each watcher of the event once, even if it is in several lists. */
  deliver(serverPath: string, event: WatchEvent): void {
    const called = new Set<Watcher>()
    const gather = (list: WatchList, path: string): void => {
      for (const watcher of this.#lists[list].get(path) ?? []) called.add(watcher)
    }
    for (const list of concerned[event.kind]) {
      gather(list, serverPath)
      this.#lists[list].delete(serverPath)
    }
    gather('persistent', serverPath)
    if (event.kind !== 'children-changed' && this.#lists.recursive.size > 0) {
      for (let path: string | null = serverPath; path !== null; path = parentAbove(path)) gather('recursive', path)
    }
    for (const watcher of called) watcher(event)
  }

  /** All watched paths, in batches that each fit into one request. Empty without watches. */
  batches(): readonly WatchedPaths[] {
    const result: WatchedPaths[] = []
    let batch = emptyBatch()
    let sizeBytes = 0
    for (const list of watchLists) {
      for (const path of this.#lists[list].keys()) {
        if (sizeBytes > batchSizeBytesMax) {
          result.push(batch)
          batch = emptyBatch()
          sizeBytes = 0
        }
        batch[list].push(path)
        sizeBytes += 4 + path.length * 3
      }
    }
    return sizeBytes === 0 ? result : [...result, batch]
  }

  clear(): void {
    for (const list of Object.values(this.#lists)) list.clear()
  }
}

function emptyBatch(): Record<WatchList, string[]> {
  return { data: [], exist: [], child: [], persistent: [], recursive: [] }
}
