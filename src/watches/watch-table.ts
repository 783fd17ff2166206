/**
 * The watches of the connections of one server, and which connections each change of the tree notifies (ZK: DataTree,
 * WatchManager). A watch belongs to one connection and ends with it. Watches are not replicated.
 * Assumes events in the order in which the tree made them. The caller sends the notifications before any reply that
 * shows the change. A client that misses a notification keeps a stale cache permanently.
 */
import { assertNever } from '../base/assert.ts'
import type { ConnectionId } from '../base/ids.ts'
import type { WatchEventType } from '../protocol/client/watch-event.ts'
import type { WatcherType } from '../protocol/client/watch-kinds.ts'
import type { AclEntry } from '../protocol/txn/txn.ts'
import { Registrations, type WatchMode } from './registrations.ts'

/** A change of one znode. `acl` is that of the znode at `path`; of a deleted znode, its last one. */
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

/** Judges by the ids that the connection has now, not by those it had when it set the watch. */
export type CanRead = (connectionId: ConnectionId, acl: readonly AclEntry[]) => boolean

/** Paths that a reconnecting client still watches, as it lists them in setWatches and setWatches2. */
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

/** A state of the tree, as far as watches need it. */
export interface WatchedState {
  readonly lastApplied: number
  view(path: string): (ZnodeFacts & { readonly acl: readonly AclEntry[] }) | null
}

export interface WatchSummary {
  readonly connectionCount: number
  readonly pathCount: number
  readonly watchCount: number
}

/** The mode of a type of watch in each of the two tables; null: that table never has it. */
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
  // Two tables, as in ZooKeeper: getData, exists and the persistent modes watch the znode, getChildren its
  // list of children. Persistent watches are in both. Recursive watches get no event for a list of children.
  readonly #data = new Registrations()
  readonly #child = new Registrations()

  addData(connectionId: ConnectionId, path: string): void {
    this.#data.add(connectionId, path, 'standard')
  }

  /** The same watch as `addData`: the only possible event of an absent znode is its creation. */
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

  /** Whether `connection` has a watch of that type at exactly `path` (ZK: DataTree.containsWatcher). */
  has(connectionId: ConnectionId, path: string, type: WatcherType): boolean {
    const { data, child } = modesOfType[type]
    if (data !== null && this.#data.has(connectionId, path, data)) return true
    return child !== null && this.#child.has(connectionId, path, child)
  }

  /** Removes the watches of that type at exactly `path`. False: none existed. No client is notified. */
  remove(connectionId: ConnectionId, path: string, type: WatcherType): boolean {
    const { data, child } = modesOfType[type]
    const wasInData = data !== null && this.#data.remove(connectionId, path, data)
    const wasInChild = child !== null && this.#child.remove(connectionId, path, child)
    return wasInData || wasInChild
  }

  /**
   * The notifications for `events`, in order. A standard watch is removed even when its connection may not read the
   * znode and therefore gets no notification (ZK: ServerCnxn.process).
   */
  trigger(events: readonly ZnodeEvent[], canRead: CanRead): readonly Notification[] {
    let notifications: Notification[] | null = null
    for (const event of events) {
      const watchers = this.#fire(event)
      for (const connectionId of watchers) {
        if (!canRead(connectionId, event.acl)) continue
        notifications ??= []
        notifications.push({ connectionId, type: event.kind, path: event.path })
      }
    }
    return notifications ?? nothing
  }

  /**
   * setWatches: the events that the connection missed after `relativeZxid`, and a registration for each watch that missed
   * none. Permissions and paths are not checked, and a path listed twice may give two events (ZK: DataTree.setWatches).
   */
  catchUp(
    connectionId: ConnectionId,
    relativeZxid: number,
    lists: WatchLists,
    factsOf: (path: string) => ZnodeFacts | null,
  ): readonly Notification[] {
    const missed: Notification[] = []
    const add = (type: WatchEventType, path: string): unknown => missed.push({ connectionId, type, path })
    for (const path of lists.data) {
      const facts = factsOf(path)
      if (facts === null) add('deleted', path)
      else if (facts.mzxid > relativeZxid) add('data-changed', path)
      else this.addData(connectionId, path)
    }
    for (const path of lists.exist) {
      // The znode was absent when the watch was set. It exists now, so the client missed its creation at any zxid.
      if (factsOf(path) !== null) add('created', path)
      else this.addExist(connectionId, path)
    }
    for (const path of lists.child) {
      const facts = factsOf(path)
      if (facts === null) add('deleted', path)
      else if (facts.pzxid > relativeZxid) add('children-changed', path)
      else this.addChild(connectionId, path)
    }
    for (const path of lists.persistent) this.addPersistent(connectionId, path)
    for (const path of lists.recursive) this.addRecursive(connectionId, path)
    return missed
  }

  /** Whether the connection has a persistent or a recursive watch. */
  hasLasting(connectionId: ConnectionId): boolean {
    return this.#data.hasLasting(connectionId) || this.#child.hasLasting(connectionId)
  }

  /**
   * The events at watched paths that make `after` of `before`, as setWatches finds them: a znode that was deleted and
   * created again has changed, and one that was created and deleted again gives no event. Lasting watches would need every
   * change between the two.
   */
  differences(before: WatchedState, after: WatchedState): readonly ZnodeEvent[] {
    const events: ZnodeEvent[] = []
    const deleted = new Set<string>()
    const compare = (path: string, changed: (was: boolean, is: ZnodeFacts) => WatchEventType | null): void => {
      const [was, is] = [before.view(path), after.view(path)]
      if (is !== null) {
        const kind = changed(was !== null, is)
        if (kind !== null) events.push({ kind, path, acl: is.acl })
      } else if (was !== null && !deleted.has(path)) {
        deleted.add(path)
        events.push({ kind: 'deleted', path, acl: was.acl }) // fires both tables
      }
    }
    const since = before.lastApplied
    for (const path of this.#data.paths()) {
      compare(path, (was, { mzxid }) => (!was ? 'created' : mzxid > since ? 'data-changed' : null))
    }
    for (const path of this.#child.paths()) compare(path, (_, { pzxid }) => (pzxid > since ? 'children-changed' : null))
    return events
  }

  removeConnection(connectionId: ConnectionId): void {
    this.#data.removeConnection(connectionId)
    this.#child.removeConnection(connectionId)
  }

  /** Of both tables, as the watch_count gauge counts. */
  get watchCount(): number {
    return this.#data.count + this.#child.count
  }

  /** Of the data table only, as wchs counts. */
  get summary(): WatchSummary {
    return {
      connectionCount: this.#data.connectionCount,
      pathCount: this.#data.pathCount,
      watchCount: this.#data.count,
    }
  }

  /** For wchp: the data table. */
  watchersByPath(): ReturnType<Registrations['byPath']> {
    return this.#data.byPath()
  }

  /** For wchc: the data table. */
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

  /** A deletion fires both tables; a connection with a watch in both gets one event. */
  #fireDeleted(path: string): readonly ConnectionId[] {
    const fromData = this.#data.fire(path)
    const fromChild = this.#child.fire(path)
    if (fromChild.length === 0) return fromData
    return [...new Set([...fromData, ...fromChild])]
  }
}
