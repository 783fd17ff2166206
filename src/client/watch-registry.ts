/**
 * The watches a client has set, by the list that setWatches2 would carry them in. An event takes out the one-shot
 * watchers it concerns (ZK: ZKWatchManager.materialize); persistent and recursive ones stay until they are removed.
 * Paths are the servers'. All outlive connections: after a reconnect they are sent again.
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

/** About how many bytes of paths one setWatches carries, to stay well below the frame limit (ZK: ClientCnxn). */
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

  /** True if nobody is left who watches that path in that way: the server need not any more either. */
  remove(list: WatchList, path: string, watcher: Watcher): boolean {
    const watchers = this.#lists[list].get(path)
    if (watchers?.delete(watcher) !== true || watchers.size > 0) return false
    return this.#lists[list].delete(path)
  }

  /** Whoever watches the path in that way. False if nobody did. */
  removeAll(kind: WatchKind, path: string): boolean {
    let isAnyGone = false
    for (const list of listsOfKind[kind]) isAnyGone = this.#lists[list].delete(path) || isAnyGone
    return isAnyGone
  }

  /** Calls the watchers of the event; each once, though it may stand in several lists. */
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

  /** All paths, in portions that each fit a request. Empty when nothing is watched. */
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
