/**
 * One table of watches: which connections watch which path, and how (ZK: WatchManager, WatchStats).
 * Owns both directions, path to connections and connection to paths, and keeps them equal: a watch in only one of
 * them would never fire or never be removed. A watch that has fired or been removed leaves no memory in use.
 */

import { assert } from '../base/assert.ts'
import type { ConnectionId } from '../base/ids.ts'
import { parentAbove } from '../protocol/client/path.ts'

/** One connection may watch one path in several modes; each mode is registered and removed on its own. */
const watchModes = {
  standard: 1, // fires once
  persistent: 2, // fires until removed
  recursive: 4, // fires until removed, also for everything below its path
} as const
export type WatchMode = keyof typeof watchModes

const none: readonly ConnectionId[] = []

export class Registrations {
  readonly #modesByPath = new Map<string, Map<ConnectionId, number>>()
  readonly #pathsByConnection = new Map<ConnectionId, Set<string>>()
  #count = 0
  #recursiveCount = 0 // invariant: pairs that have the recursive bit; while 0 ancestors are not searched

  /** Registering the same watch again changes nothing. */
  add(connectionId: ConnectionId, path: string, mode: WatchMode): void {
    let watchers = this.#modesByPath.get(path)
    if (watchers === undefined) {
      watchers = new Map()
      this.#modesByPath.set(path, watchers)
    }
    const before = watchers.get(connectionId)
    const after = (before ?? 0) | watchModes[mode]
    if (after === before) return
    watchers.set(connectionId, after)
    if (mode === 'recursive') this.#recursiveCount++
    if (before !== undefined) return
    this.#count++
    const paths = this.#pathsByConnection.get(connectionId)
    if (paths === undefined) this.#pathsByConnection.set(connectionId, new Set([path]))
    else paths.add(path)
  }

  /** The connections that watch a change at `path`, each once. Their standard watches at `path` are removed. */
  fire(path: string): readonly ConnectionId[] {
    const watchers = this.#modesByPath.get(path)
    if (watchers === undefined) return this.#recursiveCount === 0 ? none : this.#recursiveAbove(path, none)
    const fired = [...watchers.keys()]
    for (const connectionId of fired) {
      const left = watchers.get(connectionId)! & ~watchModes.standard
      if (left === 0) this.#forget(connectionId, path, watchers)
      else watchers.set(connectionId, left)
    }
    return this.#recursiveCount === 0 ? fired : this.#recursiveAbove(path, fired)
  }

  /** Whether the connection had such a watch. */
  remove(connectionId: ConnectionId, path: string, mode: WatchMode | 'any'): boolean {
    const watchers = this.#modesByPath.get(path)
    const before = watchers?.get(connectionId)
    if (watchers === undefined || before === undefined) return false
    const left = before & ~bitsOf(mode)
    if (left === before) return false
    if (left === 0) {
      this.#forget(connectionId, path, watchers)
    } else {
      watchers.set(connectionId, left)
      if (mode === 'recursive') this.#recursiveCount--
    }
    return true
  }

  removeConnection(connectionId: ConnectionId): void {
    const paths = this.#pathsByConnection.get(connectionId)
    if (paths === undefined) return
    for (const path of [...paths]) {
      const watchers = this.#modesByPath.get(path)
      assert(watchers !== undefined, 'a watched path has watchers', { path, connectionId })
      this.#forget(connectionId, path, watchers)
    }
  }

  has(connectionId: ConnectionId, path: string, mode: WatchMode | 'any'): boolean {
    return ((this.#modesByPath.get(path)?.get(connectionId) ?? 0) & bitsOf(mode)) !== 0
  }

  /** Whether the connection has a watch that fires until it is removed. */
  hasLasting(connectionId: ConnectionId): boolean {
    for (const path of this.#pathsByConnection.get(connectionId) ?? []) {
      if ((this.#modesByPath.get(path)!.get(connectionId)! & ~watchModes.standard) !== 0) return true
    }
    return false
  }

  paths(): Iterable<string> {
    return this.#modesByPath.keys()
  }

  /** Pairs of connection and path, whatever their modes (ZK: WatchManager.size). */
  get count(): number {
    return this.#count
  }

  get pathCount(): number {
    return this.#modesByPath.size
  }

  get connectionCount(): number {
    return this.#pathsByConnection.size
  }

  byPath(): readonly (readonly [path: string, connections: readonly ConnectionId[]])[] {
    return [...this.#modesByPath].map(([path, watchers]) => [path, [...watchers.keys()]] as const)
  }

  byConnection(): readonly (readonly [connectionId: ConnectionId, paths: readonly string[]])[] {
    return [...this.#pathsByConnection].map(([connectionId, paths]) => [connectionId, [...paths]] as const)
  }

  #recursiveAbove(path: string, fired: readonly ConnectionId[]): readonly ConnectionId[] {
    const all = new Set(fired)
    for (let above = parentAbove(path); above !== null; above = parentAbove(above)) {
      for (const [connectionId, modes] of this.#modesByPath.get(above) ?? []) {
        if ((modes & watchModes.recursive) !== 0) all.add(connectionId)
      }
    }
    return all.size === fired.length ? fired : [...all]
  }

  #forget(connectionId: ConnectionId, path: string, watchers: Map<ConnectionId, number>): void {
    if ((watchers.get(connectionId)! & watchModes.recursive) !== 0) this.#recursiveCount--
    this.#count--
    watchers.delete(connectionId)
    if (watchers.size === 0) this.#modesByPath.delete(path)
    const paths = this.#pathsByConnection.get(connectionId)
    assert(paths?.delete(path) === true, 'a watcher knows its path', { path, connectionId })
    if (paths.size === 0) this.#pathsByConnection.delete(connectionId)
  }
}

function bitsOf(mode: WatchMode | 'any'): number {
  return mode === 'any' ? watchModes.standard | watchModes.persistent | watchModes.recursive : watchModes[mode]
}
