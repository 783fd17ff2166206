/**
 * The replicated tree of one server: committed changes in, encoded records and events out.
 * Owns what a change does to znodes and their Stats, and lastApplied. Knows no quorum, clock or socket: zxid and
 * time arrive with the change. Paths are strings; '' and '/' are the root.
 * Assumes that changes were validated by the leader against this very history, and come in zxid order. If an
 * assertion here fails, this server's history is not the leader's, and it must stop rather than answer.
 */
import { assert, assertNever } from '../base/assert.ts'
import { type SessionId, type Zxid, zeroZxid } from '../base/ids.ts'
import type { JuteWriter } from '../jute/jute-writer.ts'
import { statOffsets } from '../protocol/client/stat.ts'
import type { AclEntry, Change } from '../protocol/txn/txn.ts'
import { type ChildZnode, walkChildren } from './child-znode.ts'
import { freshZnodes, openAcl } from './fresh-tree.ts'
import type { NodeView, ZnodeImage } from './node-view.ts'
import { QuotaAccounts, type QuotaView } from './quota-accounts.ts'
import { type NamespaceQuota, namespaceQuotas } from './quota-totals.ts'
import type { TransientZnode } from './transient-znode.ts'
import type { TreeDigest } from './tree-digest.ts'
import type { TreeEvent } from './tree-event.ts'
import { verifyStore } from './verify-store.ts'
import { fillFromImage, imageOf, viewOf } from './znode-image.ts'
import { ZnodeOwners } from './znode-owners.ts'
import { rootSlot, ZnodeStore } from './znode-store.ts'
import { noSlot } from './znode-table.ts'

type CreateChange = Extract<Change, { kind: 'create' }>

const noEvents: readonly TreeEvent[] = []
const rootPathLength = 1

export class DataTree {
  readonly #store = new ZnodeStore(openAcl)
  readonly #owners = new ZnodeOwners(this.#store)
  readonly #quotas = new QuotaAccounts(this.#store)
  #lastApplied: Zxid = zeroZxid
  #newest: Zxid = zeroZxid // of the change applied last; invariant: lastApplied <= newest
  #pathLengthTotal = rootPathLength

  constructor() {
    const store = this.#store
    store.setData(rootSlot, empty)
    for (const { path, acl, aversion } of freshZnodes) {
      const slot = this.#insert(path, acl)
      store.setData(slot, empty)
      store.table.setStat32(slot, statOffsets.aversion, aversion)
    }
    for (const { path } of freshZnodes) store.seal(store.find(path))
    store.seal(rootSlot)
  }

  /**
   * A tree of exactly these znodes, which include the root and come parents first, as `iterate` gives them.
   * Their child counts are not believed but counted.
   */
  static restore(images: Iterable<ZnodeImage>, lastApplied: Zxid): DataTree {
    const tree = new DataTree()
    for (const { path } of freshZnodes.toReversed()) tree.#remove(path, tree.#store.find(path))
    for (const image of images) tree.#restoreZnode(image)
    tree.#forEachSlot((slot) => tree.#store.seal(slot))
    tree.#newest = lastApplied
    tree.#lastApplied = lastApplied
    return tree
  }

  get lastApplied(): Zxid {
    return this.#lastApplied
  }

  /** Znodes as ZooKeeper counts them: its root has two keys, '' and '/'. */
  get nodeCount(): number {
    return this.#store.count + 1
  }

  /** Path lengths in UTF-16 units plus data lengths in bytes (ZK: DataTree.approximateDataSize). */
  get approximateDataSizeBytes(): number {
    return this.#pathLengthTotal + this.#store.dataSizeBytes
  }

  get ephemeralsCount(): number {
    return this.#owners.ephemeralsCount
  }

  /** Memory held outside the JavaScript heap for znodes, names and data. */
  get slabSizeBytes(): number {
    return this.#store.slabSizeBytes
  }

  /**
   * Applies one change of the txn `zxid`. Changes are after-images: a txn that was finished already may come again
   * as the last one, whole, and changes nothing. Events come in ZooKeeper's order.
   */
  apply(zxid: Zxid, timeMs: number, change: Change): readonly TreeEvent[] {
    assert(zxid >= this.#newest, 'changes are applied in zxid order', { zxid, newest: this.#newest })
    this.#newest = zxid
    if (zxid === this.#lastApplied) this.#quotas.replaying()
    switch (change.kind) {
      case 'create':
        return this.#create(zxid, timeMs, change)
      case 'delete':
        return this.#delete(zxid, change.path)
      case 'set-data':
        return this.#setData(zxid, timeMs, change.path, change.data, change.version)
      case 'set-acl':
        return this.#setAcl(zxid, change.path, change.acl, change.aversion)
      case 'bundle':
        return change.changes.flatMap((bundled) => this.apply(zxid, timeMs, bundled))
      case 'close-session':
        return this.#closeSession(zxid, change.sessionId, change.deletedPaths)
      case 'check':
      case 'create-session':
        return noEvents
      default:
        return assertNever(change)
    }
  }

  /** All changes of the txn were applied; a txn may have none. */
  finishTxn(zxid: Zxid): void {
    assert(zxid >= this.#newest, 'txns are finished in zxid order', { zxid, newest: this.#newest })
    this.#newest = zxid
    this.#lastApplied = zxid
    this.#quotas.finishTxn()
  }

  view(path: string): NodeView | null {
    const slot = this.#store.find(path)
    return slot === noSlot ? null : viewOf(this.#store, slot)
  }

  /** Queries write the body of their reply, or return false and write nothing if there is no such znode. */
  writeStat(path: string, writer: JuteWriter): boolean {
    const slot = this.#store.find(path)
    if (slot === noSlot) return false
    this.#store.table.writeStat(slot, writer)
    return true
  }

  writeDataAndStat(path: string, writer: JuteWriter): boolean {
    const slot = this.#store.find(path)
    if (slot === noSlot) return false
    this.#store.writeData(slot, writer)
    this.#store.table.writeStat(slot, writer)
    return true
  }

  /** Names in no particular order, as in ZooKeeper. */
  writeChildren(path: string, writer: JuteWriter): boolean {
    const slot = this.#store.find(path)
    if (slot === noSlot) return false
    this.#store.writeChildNames(slot, writer)
    return true
  }

  writeChildrenAndStat(path: string, writer: JuteWriter): boolean {
    const slot = this.#store.find(path)
    if (slot === noSlot) return false
    this.#store.writeChildNames(slot, writer)
    this.#store.table.writeStat(slot, writer)
    return true
  }

  /**
   * All znodes below `path`, at every depth; 0 if there is no such znode. Costs a walk over them, except for the root.
   * Of '' the root's own second key '/' counts as one more (ZK: DataTree.getAllChildrenNumber).
   */
  descendantCount(path: string): number {
    const store = this.#store
    if (path === '/') return store.count - 1
    if (path === '') return store.count
    const top = store.find(path)
    return top === noSlot ? 0 : store.countBelow(top)
  }

  /** The children of `path` one after the other, none if there is no such znode; the tree must not change meanwhile. */
  children(path: string): IterableIterator<ChildZnode> {
    return walkChildren(this.#store, this.#store.find(path))
  }

  aclOf(path: string): readonly AclEntry[] | null {
    const slot = this.#store.find(path)
    return slot === noSlot ? null : this.#store.aclOf(slot)
  }

  /** What the paths of its ephemeral znodes weigh in the txn that closes the session. */
  ephemeralPathUnitsOf(sessionId: SessionId): number {
    return this.#owners.ephemeralPathUnitsOf(sessionId)
  }

  /** Sorted by UTF-16 units. */
  ephemeralsOf(sessionId: SessionId): readonly string[] {
    return this.#owners.ephemeralPathsOf(sessionId).sort()
  }

  /**
   * Containers and TTL znodes, each once. What is taken shows the tree as it is then: a walk may be spread over
   * many txns, skips what they delete and comes to what they create.
   */
  transients(): IterableIterator<TransientZnode> {
    return this.#owners.transients()
  }

  /** The quota that a write to `path` must heed: of the deepest ancestor, or itself, that has limits. */
  quotaOver(path: string): QuotaView | null {
    return this.#quotas.over(path)
  }

  /** Sorted by namespace. */
  namespaceQuotas(): readonly NamespaceQuota[] {
    return namespaceQuotas(this.#quotas)
  }

  /** Of the content alone: equal on all servers at the same zxid. */
  digest(): TreeDigest {
    return this.#store.digest()
  }

  /** Recounts everything that is kept incrementally. Costs a walk over the tree. */
  verify(): void {
    assert(this.#lastApplied <= this.#newest, 'lastApplied is not ahead', { newest: this.#newest })
    const recounted = verifyStore(this.#store, this.#owners)
    assert(recounted.pathLengthTotal === this.#pathLengthTotal, 'path lengths add up', { ...recounted })
    this.#quotas.verify()
  }

  /** Every znode once, parents before children, siblings in no particular order. The tree must not change meanwhile. */
  iterate(visit: (image: ZnodeImage) => void): void {
    this.#forEachSlot((slot) => visit(imageOf(this.#store, slot)))
  }

  #forEachSlot(visit: (slot: number) => void): void {
    const store = this.#store
    const pending = [rootSlot]
    for (let slot = pending.pop(); slot !== undefined; slot = pending.pop()) {
      visit(slot)
      for (let child = store.firstChildOf(slot); child !== noSlot; child = store.nextSiblingOf(child))
        pending.push(child)
    }
  }

  #create(zxid: Zxid, timeMs: number, change: CreateChange): readonly TreeEvent[] {
    const store = this.#store
    const { path } = change
    const parent = store.find(path, path.lastIndexOf('/'))
    if (parent === noSlot) return this.#skip(zxid, 'the parent of a created znode exists', path)
    let slot = store.find(path)
    if (slot === noSlot) {
      slot = this.#insert(path, change.acl)
    } else {
      this.#assertReplay(zxid, 'a created znode did not exist', path)
      this.#owners.disown(slot)
      store.setAcl(slot, change.acl)
    }
    const { table } = store
    table.setStat64(slot, statOffsets.czxid, zxid)
    table.setStat64(slot, statOffsets.mzxid, zxid)
    table.setStat64(slot, statOffsets.pzxid, zxid)
    table.setStat64(slot, statOffsets.ctime, timeMs)
    table.setStat64(slot, statOffsets.mtime, timeMs)
    table.setStat32(slot, statOffsets.version, 0)
    table.setStat32(slot, statOffsets.aversion, 0)
    this.#owners.own(slot, change.ephemeralOwner)
    store.setData(slot, change.data)
    store.seal(slot)
    store.setCreateCount(parent, change.parentCreateCount)
    table.setStat64(parent, statOffsets.pzxid, zxid)
    store.seal(parent)
    this.#quotas.created(path, change.data?.length ?? 0)
    return [
      { kind: 'created', path, acl: store.aclOf(slot) },
      { kind: 'children-changed', path: parentPathOf(path), acl: store.aclOf(parent) },
    ]
  }

  #delete(zxid: Zxid, path: string): readonly TreeEvent[] {
    const store = this.#store
    const slot = store.find(path)
    if (slot === noSlot) return this.#skip(zxid, 'a deleted znode existed', path)
    if (store.childCount(slot) > 0) return this.#skip(zxid, 'a deleted znode had no children', path)
    const acl = store.aclOf(slot)
    const parent = store.parentOf(slot)
    const sizeBytes = store.dataLengthBytesOf(slot)
    this.#remove(path, slot)
    store.table.setStat64(parent, statOffsets.pzxid, zxid)
    store.seal(parent)
    this.#quotas.deleted(path, sizeBytes)
    return [
      { kind: 'deleted', path, acl },
      { kind: 'children-changed', path: parentPathOf(path), acl: store.aclOf(parent) },
    ]
  }

  #setData(zxid: Zxid, timeMs: number, path: string, data: Uint8Array | null, version: number): readonly TreeEvent[] {
    const store = this.#store
    const slot = store.find(path)
    if (slot === noSlot) return this.#skip(zxid, 'a znode that gets data exists', path)
    const sizeBytesBefore = store.dataLengthBytesOf(slot)
    store.setData(slot, data)
    store.table.setStat32(slot, statOffsets.version, version)
    store.table.setStat64(slot, statOffsets.mzxid, zxid)
    store.table.setStat64(slot, statOffsets.mtime, timeMs)
    store.seal(slot)
    this.#quotas.resized(path, (data?.length ?? 0) - sizeBytesBefore)
    return [{ kind: 'data-changed', path, acl: store.aclOf(slot) }]
  }

  /** Only the ACL and its version: no mzxid, no mtime, no event. */
  #setAcl(zxid: Zxid, path: string, acl: readonly AclEntry[], aversion: number): readonly TreeEvent[] {
    const store = this.#store
    const slot = store.find(path)
    if (slot === noSlot) return this.#skip(zxid, 'a znode that gets an ACL exists', path)
    store.setAcl(slot, acl)
    store.table.setStat32(slot, statOffsets.aversion, aversion)
    store.seal(slot)
    return noEvents
  }

  /** A listed path that is gone, or belongs to another session by now, is passed over. */
  #closeSession(zxid: Zxid, sessionId: SessionId, paths: readonly string[]): readonly TreeEvent[] {
    const events: TreeEvent[] = []
    for (const path of paths) {
      const slot = this.#store.find(path)
      if (slot !== noSlot && this.#owners.isOwnedBy(slot, sessionId)) events.push(...this.#delete(zxid, path))
    }
    return events
  }

  #insert(path: string, acl: readonly AclEntry[]): number {
    const store = this.#store
    const lastSlash = path.lastIndexOf('/')
    assert(lastSlash >= 0 && lastSlash < path.length - 1, 'a new znode has a name', { path })
    const parent = store.find(path, lastSlash)
    assert(parent !== noSlot, 'a new znode has a parent', { path })
    this.#pathLengthTotal += path.length
    return store.insert(parent, path, acl)
  }

  #remove(path: string, slot: number): void {
    this.#owners.disown(slot)
    this.#store.remove(slot)
    this.#pathLengthTotal -= path.length
  }

  #restoreZnode(image: ZnodeImage): void {
    const store = this.#store
    const slot = image.path === '/' ? rootSlot : this.#insert(image.path, image.acl)
    fillFromImage(store, slot, image)
    this.#quotas.restored(image.path)
    this.#owners.own(slot, image.ephemeralOwner)
  }

  /**
   * A change that does not fit the tree is a bug, unless its whole txn is being replayed: then a later change of
   * the same txn has overtaken it, as when a multi creates and deletes one znode.
   */
  #skip(zxid: Zxid, claim: string, path: string): readonly TreeEvent[] {
    this.#assertReplay(zxid, claim, path)
    return noEvents
  }

  #assertReplay(zxid: Zxid, claim: string, path: string): void {
    assert(zxid === this.#lastApplied, claim, { path, zxid, lastApplied: this.#lastApplied })
  }
}

const empty = new Uint8Array(0)

function parentPathOf(path: string): string {
  const lastSlash = path.lastIndexOf('/')
  return lastSlash === 0 ? '/' : path.slice(0, lastSlash)
}
