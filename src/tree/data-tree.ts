/**
 * The replicated tree of one server: queries that answer with encoded records, walks, and the digest. Committed txns
 * change it through `applier`, which decides what a change means; the znodes themselves are in the store.
 * Paths are strings; '' and '/' are the root.
 */
import { assert } from '../base/assert.ts'
import { type SessionId, type Zxid, zeroZxid } from '../base/ids.ts'
import type { JuteWriter } from '../jute/jute-writer.ts'
import { quotaRoot } from '../protocol/client/quota-text.ts'
import { statOffsets } from '../protocol/client/stat.ts'
import type { AclEntry } from '../protocol/txn/txn.ts'
import type { ApplySessions } from './apply/apply-store.ts'
import type { QuotaView } from './apply/quota-accounts.ts'
import { TxnApplier } from './apply/txn-applier.ts'
import { type ChildZnode, walkChildren } from './child-znode.ts'
import { freshZnodes, openAcl } from './fresh-tree.ts'
import type { NodeFacts, NodeMoments, NodeView, ZnodeImage } from './node-view.ts'
import { unsignedOwner } from './owner-kind.ts'
import { type NamespaceQuota, namespaceQuotas } from './quota-totals.ts'
import { type TransientZnode, walkTransients } from './transient-znode.ts'
import type { TreeDigest } from './tree-digest.ts'
import { verifyStore } from './verify-store.ts'
import { factsOf, fillFromImage, imageOf, momentsOf, viewOf } from './znode-image.ts'
import { rootSlot, ZnodeStore } from './znode-store.ts'
import { noSlot } from './znode-table.ts'

export class DataTree {
  readonly applier: TxnApplier<number>
  readonly #store: ZnodeStore

  /**
   * A tree of the znodes that a server begins with, or of those in `store`, which are sealed. In that case the caller
   * then calls `applier.quotas.restored` for each znode below /zookeeper/quota. The txns that change the tree also
   * change `sessions`.
   */
  constructor(sessions: ApplySessions, lastApplied: Zxid = zeroZxid, store: ZnodeStore = freshStore()) {
    this.#store = store
    this.applier = new TxnApplier(store, sessions, lastApplied)
  }

  /**
   * A tree of exactly these znodes, which include the root and come parents first, as `iterate` yields them.
   * Child counts are counted again; those of the images are ignored.
   */
  static restore(images: Iterable<ZnodeImage>, sessions: ApplySessions, lastApplied: Zxid): DataTree {
    const tree = new DataTree(sessions, lastApplied)
    const store = tree.#store
    for (const { path } of freshZnodes.toReversed()) store.remove(store.find(path), path)
    for (const image of images) tree.#restoreZnode(image)
    for (let slot = rootSlot; slot !== noSlot; slot = store.nextOnWalk(rootSlot, slot)) store.seal(slot)
    return tree
  }

  get lastApplied(): Zxid {
    return this.applier.lastApplied
  }

  get znodeCount(): number {
    return this.#store.count
  }

  /** Znodes as ZooKeeper counts them: its root has two keys, '' and '/'. Only texts of ZooKeeper show this number. */
  get nodeCount(): number {
    return this.znodeCount + 1
  }

  /** Path lengths in UTF-16 units plus data lengths in bytes (ZK: DataTree.approximateDataSize). */
  get approximateDataSizeBytes(): number {
    return this.#store.pathLengthTotal + this.#store.dataSizeBytes
  }

  get ephemeralsCount(): number {
    return this.#store.owners.ephemeralsCount
  }

  /** Memory held outside the JavaScript heap for znodes, names and data. */
  get slabSizeBytes(): number {
    return this.#store.slabSizeBytes
  }

  view(path: string): NodeView | null {
    const slot = this.#store.find(path)
    return slot === noSlot ? null : viewOf(this.#store, slot)
  }

  facts(path: string): NodeFacts | null {
    const slot = this.#store.find(path)
    return slot === noSlot ? null : factsOf(this.#store, slot)
  }

  moments(path: string): NodeMoments | null {
    const slot = this.#store.find(path)
    return slot === noSlot ? null : momentsOf(this.#store, slot)
  }

  /** Each query writes the body of its reply, or returns false and writes nothing if the znode does not exist. */
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
   * For '' the root's second key '/' counts as one more (ZK: DataTree.getAllChildrenNumber).
   */
  descendantCount(path: string): number {
    const store = this.#store
    if (path === '/') return store.count - 1
    if (path === '') return store.count
    const top = store.find(path)
    return top === noSlot ? 0 : store.measure(top).znodeCount - 1
  }

  /** The children of `path`, none if the znode does not exist. The tree must not change meanwhile. */
  children(path: string): IterableIterator<ChildZnode> {
    return walkChildren(this.#store, this.#store.find(path))
  }

  aclOf(path: string): readonly AclEntry[] | null {
    const slot = this.#store.find(path)
    return slot === noSlot ? null : this.#store.aclOf(slot)
  }

  /** The size of the paths of the session's ephemerals in the txn that closes it, by `pathUnitsOf`. */
  ephemeralPathUnitsOf(sessionId: SessionId): number {
    return this.#store.owners.ephemeralPathUnitsOf(sessionId)
  }

  /** Sorted by UTF-16 units. */
  ephemeralsOf(sessionId: SessionId): readonly string[] {
    return this.#store.owners.ephemeralPathsOf(sessionId).sort()
  }

  /**
   * Containers and TTL znodes, each once. Each step shows the tree as it is at that time: a walk may be spread over
   * many txns, skips what they delete and reaches what they create.
   */
  transients(): IterableIterator<TransientZnode> {
    return walkTransients(this.#store.owners.transients, this.#store)
  }

  /**
   * The quota that a write to `path` is checked against: that of the deepest of `path` and its ancestors with limits.
   */
  quotaOver(path: string): QuotaView | null {
    return this.applier.quotas.over(path)
  }

  /** Sorted by namespace. */
  namespaceQuotas(): readonly NamespaceQuota[] {
    return namespaceQuotas(this.applier.quotas)
  }

  /** Depends on the content alone: equal on all servers at the same zxid. */
  digest(): TreeDigest {
    return this.#store.digest()
  }

  /** Recounts everything that is kept incrementally. Costs a walk over the tree. */
  verify(): void {
    const store = this.#store
    verifyStore(store)
    const top = store.find(quotaRoot)
    const quotaPaths: string[] = []
    for (let slot = top; slot !== noSlot; slot = store.nextOnWalk(top, slot)) quotaPaths.push(store.pathOf(slot))
    this.applier.verify(quotaPaths)
  }

  /** Every znode once, parents before children, siblings in no particular order. The tree must not change meanwhile. */
  iterate(visit: (image: ZnodeImage) => void): void {
    const store = this.#store
    for (let slot = rootSlot; slot !== noSlot; slot = store.nextOnWalk(rootSlot, slot)) visit(imageOf(store, slot))
  }

  #insert(path: string, acl: readonly AclEntry[]): number {
    const store = this.#store
    const lastSlash = path.lastIndexOf('/')
    assert(lastSlash >= 0 && lastSlash < path.length - 1, 'a new znode has a name', { path })
    const parent = store.find(path, lastSlash)
    assert(parent !== noSlot, 'a new znode has a parent', { path })
    return store.insert(parent, path, acl)
  }

  #restoreZnode(image: ZnodeImage): void {
    const store = this.#store
    const slot = image.path === '/' ? rootSlot : this.#insert(image.path, image.acl)
    fillFromImage(store, slot, image)
    store.setOwner(slot, unsignedOwner(image.ephemeralOwner))
    this.applier.quotas.restored(image.path)
  }
}

const empty = new Uint8Array(0)

function freshStore(): ZnodeStore {
  const store = new ZnodeStore(openAcl)
  store.setData(rootSlot, empty)
  for (const { path, acl, aversion } of freshZnodes) {
    const slot = store.insert(store.find(path, path.lastIndexOf('/')), path, acl)
    store.setData(slot, empty)
    store.table.setStat32(slot, statOffsets.aversion, aversion)
  }
  for (const { path } of freshZnodes) store.seal(store.find(path))
  store.seal(rootSlot)
  return store
}
