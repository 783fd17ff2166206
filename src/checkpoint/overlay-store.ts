/**
 * The znodes that a few txns touch, over a store on disk that is read beforehand. Txns are applied
 * synchronously although reading the store is not: `Folding` finds out what a stretch of txns can ask for, reads it and
 * notes it here. Owns the difference to the store: what has to be written, and how the digest and the counts change.
 *
 * All znodes below /zookeeper/quota are kept here permanently, since every change may ask for them. Asking for another
 * znode that was not noted is a bug and asserted: answering "no such znode" would make this checkpoint differ from the
 * tree of the server.
 */
import { assert } from '../base/assert.ts'
import type { SessionId } from '../base/ids.ts'
import type { KeyValue } from '../ports/key-values.ts'
import { parentOf } from '../protocol/client/path.ts'
import { parseQuotaText, quotaRoot, quotaZnodeOf, usagePathOf } from '../protocol/client/quota-text.ts'
import { statOffsets } from '../protocol/client/stat.ts'
import type { AclEntry } from '../protocol/txn/txn.ts'
import { type ApplyStore, cversionOf, type SubtreeSize } from '../tree/apply/apply-store.ts'
import { HashLanes } from '../tree/hash-lanes.ts'
import { hashData, hashImage } from '../tree/image-hash.ts'
import { ownerKindOf } from '../tree/owner-kind.ts'
import { pathHashA, pathHashB, rootPathHashA, rootPathHashB } from '../tree/path-hash.ts'
import { ByteSlabs } from './byte-slabs.ts'
import { BytesTable } from './bytes-table.ts'
import { viewOf } from './chunk.ts'
import {
  dataIn,
  inStore,
  isSameAcl,
  keptSizeBytesOf,
  noAcl,
  type OverlayZnode,
  type StoredAcl,
  storedAcl,
} from './overlay-znode.ts'
import { znodeKeyOf } from './store-keys.ts'
import {
  createCountOffset,
  encodeAcl,
  encodeZnode,
  ownerOffset,
  splitZnode,
  type ZnodeParts,
  znodeHeadSizeBytes,
} from './store-values.ts'
import { SubtreeSizes } from './subtree-sizes.ts'

/** What changed since the last `settle`. */
export interface OverlayChanges {
  readonly puts: KeyValue[]
  readonly removals: Uint8Array[]
  readonly znodeCountDifference: number
  readonly digestDifferenceA: number
  readonly digestDifferenceB: number
}

/** Longer data is not kept while it is unchanged. */
const keptDataSizeBytesMax = 1024
/** What a znode takes besides its path and data, with the copies that are made to write it: about 450 and 550. */
const znodeOverheadBytes = 1000
const aclCountMax = 10_000
const headsPerSlab = 512

export class OverlayStore implements ApplyStore<OverlayZnode | null> {
  readonly none = null
  readonly #znodes = new Map<string, OverlayZnode>()
  readonly #sizes = new SubtreeSizes()
  /** Paths with a usage text that cannot be parsed: the next change below them recounts it. */
  readonly #unreadableUsages = new Set<string>()
  readonly #acls = new BytesTable<StoredAcl>()
  #latestAcl: StoredAcl = noAcl // most znodes get the ACL of the znode before
  /** Of data, keys and values until they are written. */
  readonly #slabs = new ByteSlabs()
  /** Where `#hashOf` reads data: most data of one step lies in few slabs. */
  #dataView: DataView = noBytes
  /** The znode found last that has children: most txns in a row have the same parent. */
  #latestParent: OverlayZnode | null = null
  readonly #hash = new HashLanes()
  readonly #parts: ZnodeParts = { aclStart: 0, dataStart: 0, dataLengthBytes: 0, isDataNull: true }
  #slab = new Uint8Array(0)
  #slabView = new DataView(this.#slab.buffer)
  #slabUsedBytes = 0
  #sizeBytes = 0

  /** Of what is kept until it is written, about. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Quotas whose usage the next change may recount, by the path that has the quota; '' is the root. */
  get unreadableUsages(): ReadonlySet<string> {
    return this.#unreadableUsages
  }

  knows(path: string): boolean {
    return this.#znodes.has(path) || isQuotaPath(path)
  }

  /** Whether it knows the parent of the znode at the path. */
  knowsParentOf(path: string): boolean {
    return this.#isLatestParent(path, path.lastIndexOf('/')) || this.knows(parentOf(path))
  }

  /** `top` as in the quota: '' is the root. */
  knowsSize(top: string): boolean {
    return this.#sizes.sizeOf(top || '/') !== null
  }

  /** The value that the store has for the znode; null: it has none. Returns false if the value is no znode. */
  note(path: string, value: Uint8Array | null): boolean {
    const znode = this.#add(path)
    if (value === null) return true
    const view = viewOf(value)
    const parts = this.#parts
    if (!splitZnode(view, 0, value.length, parts)) return false
    const acl = this.#acls.find(value, parts.aclStart, parts.dataStart, storedAcl)
    if (acl === null) return false
    znode.bytes.set(value.subarray(0, znodeHeadSizeBytes), znode.at)
    znode.exists = true
    znode.acl = acl
    const { dataStart, dataLengthBytes } = parts
    const data = parts.isDataNull ? null : value.subarray(dataStart, dataStart + dataLengthBytes)
    znode.data = data
    this.#hashOf(znode)
    const { a: hashA, b: hashB } = this.#hash
    znode.stored = { hashA, hashB, dataLengthBytes }
    if (isQuotaPath(path)) {
      znode.data = data === null ? null : data.slice()
      this.#noteUsage(znode)
    } else if (dataLengthBytes > keptDataSizeBytesMax) {
      znode.data = inStore
    } else {
      this.#sizeBytes += dataLengthBytes
    }
    return true
  }

  /** `stored`: the size of the subtree in the store. */
  noteSize(top: string, stored: SubtreeSize): void {
    let { znodeCount, dataSizeBytes } = stored
    for (const znode of this.#znodes.values()) {
      if (top !== '' && znode.path !== top && !znode.path.startsWith(`${top}/`)) continue
      znodeCount += (znode.exists ? 1 : 0) - (znode.stored === null ? 0 : 1)
      dataSizeBytes += (znode.exists ? this.dataLengthBytesOf(znode) : 0) - (znode.stored?.dataLengthBytes ?? 0)
    }
    this.#sizes.note(top || '/', { znodeCount, dataSizeBytes })
  }

  /** Znodes that have to be written with data that is only in the store. */
  pathsWithDataInStore(): readonly string[] {
    const paths: string[] = []
    for (const { path, exists, isChanged, data } of this.#znodes.values())
      if (exists && isChanged && data === inStore) paths.push(path)
    return paths
  }

  /** `value`: what the store has for the znode. */
  noteData(path: string, value: Uint8Array): void {
    const znode = this.#znodes.get(path)
    const isRead = splitZnode(viewOf(value), 0, value.length, this.#parts)
    assert(znode?.data === inStore && isRead, 'only data that is in the store is read again', { path })
    znode.data = value.subarray(this.#parts.dataStart)
  }

  changes(): OverlayChanges {
    const sum = {
      puts: [] as KeyValue[],
      removals: [] as Uint8Array[],
      znodeCountDifference: 0,
      digestDifferenceA: 0,
      digestDifferenceB: 0,
    }
    for (const znode of this.#znodes.values()) {
      if (!znode.isChanged) continue
      const { exists, stored } = znode
      sum.znodeCountDifference += (exists ? 1 : 0) - (stored === null ? 0 : 1)
      if (stored !== null) {
        sum.digestDifferenceA -= stored.hashA
        sum.digestDifferenceB -= stored.hashB
        if (!exists) sum.removals.push(znodeKeyOf(znode.path))
      }
      if (!exists) continue
      this.#hashOf(znode)
      sum.digestDifferenceA += this.#hash.a
      sum.digestDifferenceB += this.#hash.b
      assert(znode.data !== inStore, 'data was read before it is written', { path: znode.path })
      const value = encodeZnode(znode.bytes, znode.at, znode.acl.bytes, znode.data, this.#slabs)
      sum.puts.push({ key: znodeKeyOf(znode.path, this.#slabs), value })
    }
    sum.digestDifferenceA |= 0
    sum.digestDifferenceB |= 0
    return sum
  }

  /** The changes are durable: forgets everything but the quotas. */
  settle(): void {
    const kept = [...this.#znodes.values()].filter(({ path, exists }) => exists && isQuotaPath(path))
    this.#znodes.clear()
    this.#latestParent = null
    this.#slabs.forget()
    if (this.#acls.size > aclCountMax) this.#acls.clear()
    this.#sizeBytes = 0
    this.#slabUsedBytes = this.#slab.length
    for (const znode of kept) {
      // The heads are copied, so that no large slab is kept for a few znodes.
      const value = encodeZnode(znode.bytes, znode.at, znode.acl.bytes, dataIn(znode))
      const isRead = this.note(znode.path, value)
      assert(isRead, 'a znode that was written can be read', { path: znode.path })
    }
    this.#sizeBytes = 0
    this.#sizes.forgetUnless((top) => this.#znodes.has(usagePathOf(top === '/' ? '' : top)))
  }

  find(path: string, end: number = path.length): OverlayZnode | null {
    if (end < path.length && this.#isLatestParent(path, end)) return this.#latestParent
    const key = end === 0 ? '/' : end === path.length ? path : path.slice(0, end)
    const znode = this.#znodes.get(key)
    if (znode === undefined) {
      assert(isQuotaPath(key), 'what a txn touches was read beforehand', { path: key })
      return null
    }
    if (!znode.exists) return null
    if (end < path.length) this.#latestParent = znode
    return znode
  }

  insert(parent: OverlayZnode, path: string, acl: readonly AclEntry[]): OverlayZnode {
    const znode = this.#znodes.get(path) ?? this.#add(path)
    assert(!znode.exists, 'an inserted znode did not exist', { path })
    znode.bytes.fill(0, znode.at, znode.at + znodeHeadSizeBytes)
    znode.exists = true
    znode.isChanged = true
    znode.data = null
    znode.dataHash = null
    this.setAcl(znode, acl)
    this.#addChildren(parent, 1)
    this.#sizes.resize(path, 1, 0)
    return znode
  }

  /** The first znode of a new tree. */
  insertRoot(acl: readonly AclEntry[]): OverlayZnode {
    const znode = this.#add('/')
    znode.exists = true
    znode.isChanged = true
    this.setAcl(znode, acl)
    return znode
  }

  remove(znode: OverlayZnode, path: string): void {
    assert(path !== '/' && this.childCount(znode) === 0, 'a removed znode has no children', { path })
    this.#addChildren(this.parentOf(znode), -1)
    this.#sizes.resize(path, -1, -this.dataLengthBytesOf(znode))
    this.#sizeBytes -= keptSizeBytesOf(znode)
    znode.exists = false
    znode.isChanged = true
    znode.data = null
    this.#noteUsage(znode)
  }

  parentOf(znode: OverlayZnode): OverlayZnode {
    const parent = this.find(parentOf(znode.path))
    assert(parent !== null, 'a znode has a parent', { path: znode.path })
    return parent
  }

  childCount({ view, at }: OverlayZnode): number {
    return view.getInt32(at + statOffsets.numChildren)
  }

  aclOf(znode: OverlayZnode): readonly AclEntry[] {
    return znode.acl.entries
  }

  ownerOf({ view, at }: OverlayZnode): SessionId {
    return view.getBigUint64(at + ownerOffset) as SessionId
  }

  dataOf(znode: OverlayZnode): Uint8Array | null {
    return dataIn(znode)
  }

  dataLengthBytesOf({ view, at }: OverlayZnode): number {
    return view.getInt32(at + statOffsets.dataLength)
  }

  measure(top: OverlayZnode): SubtreeSize {
    const size = this.#sizes.sizeOf(top.path)
    assert(size !== null, 'the size of a subtree with a quota was read beforehand', { path: top.path })
    return size
  }

  setData(znode: OverlayZnode, data: Uint8Array | null): void {
    const lengthBytes = data?.length ?? 0
    this.#sizes.resize(znode.path, 0, lengthBytes - this.dataLengthBytesOf(znode))
    this.#sizeBytes += lengthBytes - keptSizeBytesOf(znode)
    znode.data = data === null ? null : this.#copyOf(data)
    znode.dataHash = null
    this.setStat32(znode, statOffsets.dataLength, lengthBytes)
    this.#noteUsage(znode)
  }

  setAcl(znode: OverlayZnode, acl: readonly AclEntry[]): void {
    if (!isSameAcl(this.#latestAcl.entries, acl)) {
      const bytes = encodeAcl(acl)
      const stored = this.#acls.find(bytes, 0, bytes.length, storedAcl)
      assert(stored !== null, 'an ACL that was encoded can be read', { path: znode.path })
      this.#latestAcl = stored
    }
    znode.acl = this.#latestAcl
  }

  setOwner(znode: OverlayZnode, owner: SessionId): void {
    znode.view.setBigUint64(znode.at + ownerOffset, owner)
    const shown = ownerKindOf(owner) === 'session' ? owner : 0n
    znode.view.setBigUint64(znode.at + statOffsets.ephemeralOwner, shown)
  }

  setCreateCount(znode: OverlayZnode, createCount: number): void {
    znode.view.setInt32(znode.at + createCountOffset, createCount)
    this.#deriveCversion(znode)
  }

  setStat32({ view, at: head }: OverlayZnode, at: number, value: number): void {
    view.setInt32(head + at, value)
  }

  setStat64({ view, at: head }: OverlayZnode, at: number, value: number): void {
    view.setInt32(head + at, Math.floor(value / 2 ** 32))
    view.setInt32(head + at + 4, value)
  }

  seal(znode: OverlayZnode): void {
    // Data that is only in the store is read for the batch: it counts from now on.
    if (!znode.isChanged && znode.data === inStore) this.#sizeBytes += this.dataLengthBytesOf(znode)
    znode.isChanged = true
  }

  #add(path: string): OverlayZnode {
    if (this.#slabUsedBytes + znodeHeadSizeBytes > this.#slab.length) {
      this.#slab = new Uint8Array(headsPerSlab * znodeHeadSizeBytes)
      this.#slabView = new DataView(this.#slab.buffer)
      this.#slabUsedBytes = 0
    }
    const znode: OverlayZnode = {
      path,
      exists: false,
      isChanged: false,
      bytes: this.#slab,
      view: this.#slabView,
      at: this.#slabUsedBytes,
      acl: noAcl,
      data: null,
      dataHash: null,
      stored: null,
    }
    this.#slabUsedBytes += znodeHeadSizeBytes
    this.#sizeBytes += znodeOverheadBytes + 2 * path.length
    this.#znodes.set(path, znode)
    return znode
  }

  /** The path of the latest parent is that of [0, end) of `path`, and it still exists. */
  #isLatestParent(path: string, end: number): boolean {
    const latest = this.#latestParent
    return latest?.exists === true && latest.path.length === end && path.startsWith(latest.path)
  }

  #copyOf(data: Uint8Array): Uint8Array {
    const copy = this.#slabs.allocate(data.length)
    copy.set(data)
    return copy
  }

  #viewOf(data: Uint8Array): DataView {
    if (this.#dataView.buffer !== data.buffer) this.#dataView = new DataView(data.buffer)
    return this.#dataView
  }

  #addChildren(znode: OverlayZnode, difference: number): void {
    this.setStat32(znode, statOffsets.numChildren, this.childCount(znode) + difference)
    this.#deriveCversion(znode)
  }

  #deriveCversion(znode: OverlayZnode): void {
    const createCount = znode.view.getInt32(znode.at + createCountOffset)
    this.setStat32(znode, statOffsets.cversion, cversionOf(createCount, this.childCount(znode)))
  }

  #noteUsage(znode: OverlayZnode): void {
    const quota = quotaZnodeOf(znode.path)
    if (quota?.kind !== 'usage') return
    const isUnreadable = znode.exists && parseQuotaText(dataIn(znode)) === null
    if (isUnreadable) this.#unreadableUsages.add(quota.path)
    else this.#unreadableUsages.delete(quota.path)
  }

  /** What the znode adds to the digest, into #hash. */
  #hashOf(znode: OverlayZnode): void {
    const hash = this.#hash
    const { path, view, at, acl } = znode
    let { dataHash } = znode
    if (dataHash === null) {
      const data = dataIn(znode)
      if (data === null) hashData(hash, true, noBytes, 0, 0)
      else hashData(hash, false, this.#viewOf(data), data.byteOffset, data.length)
      dataHash = { a: hash.a, b: hash.b }
      znode.dataHash = dataHash
    }
    const end = path === '/' ? 0 : path.length // the hash of the root is that of the empty path
    hash.start(pathHashA(rootPathHashA, path, 0, end), pathHashB(rootPathHashB, path, 0, end))
    const createCount = view.getInt32(at + createCountOffset)
    const ownerHigh = view.getInt32(at + ownerOffset)
    const ownerLow = view.getInt32(at + ownerOffset + 4)
    hashImage(hash, view, at, createCount, ownerHigh, ownerLow, dataHash.a, dataHash.b, acl.hashA, acl.hashB)
  }
}

function isQuotaPath(path: string): boolean {
  return path.startsWith(quotaRoot) && (path.length === quotaRoot.length || path[quotaRoot.length] === '/')
}

const noBytes: DataView = new DataView(new ArrayBuffer(0))
