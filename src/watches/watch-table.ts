/**
 * The watches of the connections of one server, and what each change of the tree tells whom (ZK: DataTree,
 * WatchManager). Watches belong to connections and die with them; nothing here is replicated.
 * Assumes events in the order in which the tree made them. The caller sends what it gets before any reply that
 * shows the change; a watch that was not told of a change leaves its client with a stale cache forever.
 */
import { assertNever } from '../base/assert.ts'
import type { ConnectionId } from '../base/ids.ts'
import type { WatchEventType } from '../protocol/client/watch-event.ts'
import type { WatcherType } from '../protocol/client/watch-kinds.ts'
import type { AclEntry } from '../protocol/txn/txn.ts'
import { Registrations, type WatchMode } from './registrations.ts'

/** A change of one znode. `acl` is that of the znode at `path`: of a deleted one as it was. */
export interface ZnodeEvent {
  readonly kind: WatchEventType
  readonly path: string
  readonly acl: readonly AclEntry[]
}

export interface Notification {
  readonly connectionId: ConnectionId
  readonly type: WatchEventType
  readonly path: string
}

/** Asks for the ids that the connection has now, not for those it had when it set the watch. */
export type CanRead = (connectionId: ConnectionId, acl: readonly AclEntry[]) => boolean

/** Paths that a returning client still watches, as it lists them in setWatches and setWatches2. */
export interface WatchLists {
  readonly data: readonly string[]
  readonly exist: readonly string[]
  readonly child: readonly string[]
  readonly persistent: readonly string[]
  readonly recursive: readonly string[]
}

export interface ZnodeFacts {
  readonly mzxid: number
  readonly pzxid: number
}

export interface WatchSummary {
  readonly connectionCount: number
  readonly pathCount: number
  readonly watchCount: number
}

/** What a type of watch is in each of the two tables; null: that table has none of it. */
const modesOfType: Readonly<
  Record<WatcherType, { readonly data: WatchMode | 'any' | null; readonly child: WatchMode | 'any' | null }>
> = {
  children: { data: null, child: 'standard' },
  data: { data: 'standard', child: null },
  any: { data: 'any', child: 'any' },
  persistent: { data: 'persistent', child: 'persistent' },
  recursive: { data: 'recursive', child: null },
}

const nothing: readonly Notification[] = []

export class WatchTable {
  // Two tables, as in the original: getData, exists and the persistent modes watch the znode, getChildren its
  // list of children. Persistent watches are in both, recursive ones never see a list change.
  readonly #data = new Registrations()
  readonly #child = new Registrations()

  addData(connectionId: ConnectionId, path: string): void {
    this.#data.add(connectionId, path, 'standard')
  }

  /** The same watch as `addData`: what an absent znode can do is be created. */
  addExist(connectionId: ConnectionId, path: string): void {
    this.#data.add(connectionId, path, 'standard')
  }

  addChild(connectionId: ConnectionId, path: string): void {
    this.#child.add(connectionId, path, 'standard')
  }

  addPersistent(connectionId: ConnectionId, path: string): void {
    this.#child.add(connectionId, path, 'persistent')
    this.#data.add(connectionId, path, 'persistent')
  }

  addRecursive(connectionId: ConnectionId, path: string): void {
    this.#data.add(connectionId, path, 'recursive')
  }

  /** Whether `connectionId` has a watch of that type at exactly `path` (ZK: DataTree.containsWatcher). */
  has(connectionId: ConnectionId, path: string, type: WatcherType): boolean {
    const { data, child } = modesOfType[type]
    if (data !== null && this.#data.has(connectionId, path, data)) return true
    return child !== null && this.#child.has(connectionId, path, child)
  }

  /** Takes away the watches of that type at exactly `path`, and no others; false: there were none. Nobody is told. */
  remove(connectionId: ConnectionId, path: string, type: WatcherType): boolean {
    const { data, child } = modesOfType[type]
    const wasInData = data !== null && this.#data.remove(connectionId, path, data)
    const wasInChild = child !== null && this.#child.remove(connectionId, path, child)
    return wasInData || wasInChild
  }

  /**
   * Who must hear of `events`, in order. A standard watch is used up even when its connection may not read the
   * znode and so hears nothing (ZK: ServerCnxn.process).
   */
  trigger(events: readonly ZnodeEvent[], canRead: CanRead): readonly Notification[] {
    let notifications: Notification[] | null = null
    for (const event of events) {
      const told = this.#fire(event)
      for (const connectionId of told) {
        if (!canRead(connectionId, event.acl)) continue
        notifications ??= []
        notifications.push({ connectionId, type: event.kind, path: event.path })
      }
    }
    return notifications ?? nothing
  }

  /**
   * setWatches: what `connectionId` missed after `relativeZxid`, and a registration for each watch that missed
   * nothing. Neither permissions nor paths are checked, and a path listed twice may be told twice (ZK: DataTree.setWatches).
   */
  catchUp(
    connectionId: ConnectionId,
    relativeZxid: number,
    lists: WatchLists,
    factsOf: (path: string) => ZnodeFacts | null,
  ): readonly Notification[] {
    const missed: Notification[] = []
    const tell = (type: WatchEventType, path: string): unknown => missed.push({ connectionId, type, path })
    for (const path of lists.data) {
      const facts = factsOf(path)
      if (facts === null) tell('deleted', path)
      else if (facts.mzxid > relativeZxid) tell('data-changed', path)
      else this.addData(connectionId, path)
    }
    for (const path of lists.exist) {
      // It was absent when the watch was set, so that it is present now is news whatever the zxid.
      if (factsOf(path) !== null) tell('created', path)
      else this.addExist(connectionId, path)
    }
    for (const path of lists.child) {
      const facts = factsOf(path)
      if (facts === null) tell('deleted', path)
      else if (facts.pzxid > relativeZxid) tell('children-changed', path)
      else this.addChild(connectionId, path)
    }
    for (const path of lists.persistent) this.addPersistent(connectionId, path)
    for (const path of lists.recursive) this.addRecursive(connectionId, path)
    return missed
  }

  removeConnection(connectionId: ConnectionId): void {
    this.#data.removeConnection(connectionId)
    this.#child.removeConnection(connectionId)
  }

  /** Both tables, as the watch_count gauge counts. */
  get watchCount(): number {
    return this.#data.count + this.#child.count
  }

  /** wchs counts the data table only. */
  get summary(): WatchSummary {
    return {
      connectionCount: this.#data.connectionCount,
      pathCount: this.#data.pathCount,
      watchCount: this.#data.count,
    }
  }

  /** wchp: of the data table. */
  watchersByPath(): ReturnType<Registrations['byPath']> {
    return this.#data.byPath()
  }

  /** wchc: of the data table. */
  pathsByConnection(): ReturnType<Registrations['byConnection']> {
    return this.#data.byConnection()
  }

  #fire(event: ZnodeEvent): readonly ConnectionId[] {
    switch (event.kind) {
      case 'created':
      case 'data-changed':
        return this.#data.fire(event.path)
      case 'children-changed':
        return this.#child.fire(event.path)
      case 'deleted':
        return this.#fireDeleted(event.path)
      default:
        return assertNever(event.kind)
    }
  }

  /** Both tables hear of a deletion, but a connection hears of it once. */
  #fireDeleted(path: string): readonly ConnectionId[] {
    const fromData = this.#data.fire(path)
    const fromChild = this.#child.fire(path)
    if (fromChild.length === 0) return fromData
    return [...new Set([...fromData, ...fromChild])]
  }
}
