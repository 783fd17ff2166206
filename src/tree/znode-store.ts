/**
 * The znodes of one tree, by slot: links, names, data, ACLs, owners, and the running digest. Every mutation here keeps
 * the counts, the indexes and the derived Stat fields right; what a change means is decided by TxnApplier.
 * After the mutations of one change `seal` must be called for each changed znode. Otherwise the digest is stale, which
 * `verifyZnode` detects. Slots obtained from `find` are valid until the znode is removed.
 */
import { assert } from '../base/assert.ts'
import { copyBytes } from '../base/copy-bytes.ts'
import type { SessionId } from '../base/ids.ts'
import type { JuteWriter } from '../jute/jute-writer.ts'
import { statOffsets, statSizeBytes } from '../protocol/client/stat.ts'
import type { AclEntry } from '../protocol/txn/txn.ts'
import { type AclId, AclTable } from './acl-table.ts'
import { type ApplyStore, cversionOf, type SubtreeSize } from './apply/apply-store.ts'
import { ByteArena, offsetOf } from './byte-arena.ts'
import { HashLanes } from './hash-lanes.ts'
import { hashData, hashImage } from './image-hash.ts'
import { ownerKindOf } from './owner-kind.ts'
import { addStoredName, indexKeyOf, pathHashA, pathHashB, rootPathHashA, rootPathHashB } from './path-hash.ts'
import { PathIndex, type PathMatcher } from './path-index.ts'
import { makeTreeDigest, type TreeDigest } from './tree-digest.ts'
import { matchNameBackwards, nameLengthBytes, readName, writeName } from './znode-name.ts'
import { ZnodeOwners } from './znode-owners.ts'
import { emptyData, field, noData, noSlot, ZnodeTable } from './znode-table.ts'

const slash = 0x2f
export const rootSlot = 0
const noOwner = 0n as SessionId
const noBytes = new DataView(new ArrayBuffer(0))

/** A znode as views of the bytes that it was stored in. One object serves for any number of znodes, one after another. */
export interface StoredZnode {
  bytes: Uint8Array
  view: DataView // of the same bytes
  nameStart: number
  nameEnd: number // the name is encoded as in znode-name.ts
  statStart: number // final: with the children that are loaded afterwards
  createCount: number
  ownerHigh: number // raw
  ownerLow: number
  aclId: AclId
  dataStart: number // its length is in the Stat
  isDataNull: boolean
}

export class ZnodeStore implements PathMatcher, ApplyStore<number> {
  readonly none = noSlot
  readonly table = new ZnodeTable()
  readonly owners = new ZnodeOwners(this)
  readonly #arena = new ByteArena()
  readonly #acls = new AclTable()
  readonly #index = new PathIndex(this)
  readonly #hash = new HashLanes()
  readonly #ownerWords = new DataView(new ArrayBuffer(8))
  #digestA = 0
  #digestB = 0
  #dataSizeBytes = 0
  #pathLengthTotal = 1 // of the root

  constructor(rootAcl: readonly AclEntry[]) {
    const slot = this.table.allocate()
    assert(slot === rootSlot, 'the root has the first slot', { slot })
    this.table.setWord(slot, field.pathHashA, rootPathHashA)
    this.table.setWord(slot, field.pathHashB, rootPathHashB)
    this.#fillNew(slot, noSlot, rootAcl)
  }

  /** The number of znodes, the root included once. */
  get count(): number {
    return this.table.usedCount
  }

  /** Bytes of all data, null counted as empty. */
  get dataSizeBytes(): number {
    return this.#dataSizeBytes
  }

  /** UTF-16 units of the paths of all znodes. */
  get pathLengthTotal(): number {
    return this.#pathLengthTotal
  }

  /** Bytes held for znodes, names and data, without the index. */
  get slabSizeBytes(): number {
    return this.table.slabSizeBytes + this.#arena.slabSizeBytes
  }

  get blockCount(): number {
    return this.#arena.usedBlockCount
  }

  get aclListCount(): number {
    return this.#acls.listCount
  }

  digest(): TreeDigest {
    return makeTreeDigest(this.#digestA, this.#digestB)
  }

  /** The slot of the path in the first `end` units of `path`, or `noSlot`. Both '' and '/' are the root. */
  find(path: string, end: number = path.length): number {
    if (end === 0 || (end === 1 && path.charCodeAt(0) === slash)) return rootSlot
    return this.#index.find(indexKeyOf(pathHashA(rootPathHashA, path, 0, end)), path, end)
  }

  matches(slot: number, path: string, end: number): boolean {
    let node = slot
    let at = end
    while (node !== rootSlot) {
      const nameRef = this.table.word(node, field.nameRef)
      const lengthBytes = this.table.word(node, field.nameLengthBytes)
      at = matchNameBackwards(path, at, this.#arena.bytesOf(nameRef), offsetOf(nameRef), lengthBytes)
      if (at < 0) return false
      node = this.table.word(node, field.parent)
    }
    return at === 0
  }

  /** A new znode under `parent`, all Stat fields zero, data null. The parent's child count grows. */
  insert(parent: number, path: string, acl: readonly AclEntry[]): number {
    const { table } = this
    const slot = table.allocate()
    const nameStart = path.lastIndexOf('/') + 1
    const lengthBytes = nameLengthBytes(path, nameStart, path.length)
    const nameRef = this.#arena.allocate(lengthBytes)
    writeName(path, nameStart, path.length, this.#arena.bytesOf(nameRef), offsetOf(nameRef))
    table.setWord(slot, field.nameRef, nameRef)
    table.setWord(slot, field.nameLengthBytes, lengthBytes)
    const hashA = pathHashA(table.word(parent, field.pathHashA), path, nameStart - 1, path.length)
    table.setWord(slot, field.pathHashA, hashA)
    table.setWord(
      slot,
      field.pathHashB,
      pathHashB(table.word(parent, field.pathHashB), path, nameStart - 1, path.length),
    )
    this.#fillNew(slot, parent, acl)
    this.#index.insert(indexKeyOf(hashA), slot)
    this.#link(slot, parent)
    this.#addChildren(parent, 1)
    this.#pathLengthTotal += path.length
    return slot
  }

  /**
   * Adds a sealed znode to a store that is being loaded; its parent comes before it. Without a parent (`noSlot`) it is the
   * root. `pathUnits` are the UTF-16 units of the parent's path, 0 for the root. Returns the slot. The child count of the
   * parent stays as it was loaded: the caller checks that the loaded children are as many. Nothing is looked up, and no path
   * and no object is made: with decoding and all checks a znode takes half the time of the txn that creates it.
   */
  load(parent: number, parentPathUnits: number, znode: StoredZnode): number {
    const { table } = this
    const { view, statStart, aclId } = znode
    const isRoot = parent === noSlot
    const slot = isRoot ? rootSlot : table.allocate()
    const words = table.wordsOf(slot)
    const at = table.wordOffsetOf(slot)
    copyBytes(view, statStart, statSizeBytes, table.statViewOf(slot), table.statOffsetOf(slot))
    if (isRoot) this.#acls.release(table.word(slot, field.aclId))
    else this.#loadName(slot, parent, parentPathUnits, znode)
    words[at + field.aclId] = aclId
    this.#acls.acquireAgain(aclId)
    words[at + field.createCount] = znode.createCount
    words[at + field.ownerHigh] = znode.ownerHigh
    words[at + field.ownerLow] = znode.ownerLow
    if (znode.ownerHigh !== 0 || znode.ownerLow !== 0) this.owners.add(slot, this.ownerOf(slot))
    const lengthBytes = table.stat32(slot, statOffsets.dataLength)
    let ref = znode.isDataNull ? noData : emptyData
    if (lengthBytes > 0) {
      ref = this.#arena.allocate(lengthBytes)
      copyBytes(view, znode.dataStart, lengthBytes, this.#arena.viewOf(ref), offsetOf(ref))
    }
    words[at + field.dataRef] = ref
    this.#dataSizeBytes += lengthBytes
    const hash = this.#hash
    hashData(hash, znode.isDataNull, view, znode.dataStart, lengthBytes)
    words[at + field.dataHashA] = hash.a
    words[at + field.dataHashB] = hash.b
    this.seal(slot)
    return slot
  }

  /** After the last `load`: until then no path is found. */
  endLoad(): void {
    const { table } = this
    const first = rootSlot + 1
    this.#index.fill(first, this.count - first, (slot) => indexKeyOf(table.word(slot, field.pathHashA)))
  }

  /** For znodes that are loaded: a list stays in the table while a znode has it. */
  internAcl(acl: readonly AclEntry[]): AclId {
    return this.#acls.acquire(acl)
  }

  releaseAcl(id: AclId): void {
    this.#acls.release(id)
  }

  /** Removes a znode without children; its parent's child count shrinks. */
  remove(slot: number, path: string): void {
    const { table } = this
    assert(slot !== rootSlot, 'the root stays', {})
    assert(this.childCount(slot) === 0, 'a removed znode has no children', { path })
    this.owners.remove(slot, this.ownerOf(slot))
    this.#pathLengthTotal -= path.length
    const parent = table.word(slot, field.parent)
    const next = table.word(slot, field.nextSibling)
    const previous = table.word(slot, field.previousSibling)
    if (next !== noSlot) table.setWord(next, field.previousSibling, previous)
    if (previous !== noSlot) table.setWord(previous, field.nextSibling, next)
    else table.setWord(parent, field.firstChild, next)
    this.#addChildren(parent, -1)
    this.#index.remove(indexKeyOf(table.word(slot, field.pathHashA)), slot)
    this.#digestA = (this.#digestA - table.word(slot, field.imageHashA)) | 0
    this.#digestB = (this.#digestB - table.word(slot, field.imageHashB)) | 0
    this.setData(slot, null)
    this.#arena.free(table.word(slot, field.nameRef))
    this.#acls.release(table.word(slot, field.aclId))
    table.free(slot)
  }

  setData(slot: number, data: Uint8Array | null): void {
    const { table } = this
    const before = table.word(slot, field.dataRef)
    const lengthBefore = table.stat32(slot, statOffsets.dataLength)
    const length = data === null ? 0 : data.length
    let ref = data === null ? noData : emptyData
    if (length > 0) {
      const isReused = lengthBefore > 0 && this.#arena.isSameClass(lengthBefore, length)
      if (lengthBefore > 0 && !isReused) this.#arena.free(before)
      ref = isReused ? before : this.#arena.allocate(length)
      this.#arena.bytesOf(ref).set(data!, offsetOf(ref))
    } else if (lengthBefore > 0) {
      this.#arena.free(before)
    }
    table.setWord(slot, field.dataRef, ref)
    table.setStat32(slot, statOffsets.dataLength, length)
    this.#dataSizeBytes += length - lengthBefore
    this.#hashData(slot)
    table.setWord(slot, field.dataHashA, this.#hash.a)
    table.setWord(slot, field.dataHashB, this.#hash.b)
  }

  setAcl(slot: number, acl: readonly AclEntry[]): void {
    const before = this.table.word(slot, field.aclId)
    this.table.setWord(slot, field.aclId, this.#acls.acquire(acl))
    this.#acls.release(before)
  }

  setOwner(slot: number, owner: SessionId): void {
    this.owners.remove(slot, this.ownerOf(slot))
    const words = this.#ownerWords
    words.setBigUint64(0, owner)
    const high = words.getInt32(0)
    const low = words.getInt32(4)
    this.table.setWord(slot, field.ownerHigh, high)
    this.table.setWord(slot, field.ownerLow, low)
    const isShown = ownerKindOf(owner) === 'session'
    this.table.setStat32(slot, statOffsets.ephemeralOwner, isShown ? high : 0)
    this.table.setStat32(slot, statOffsets.ephemeralOwner + 4, isShown ? low : 0)
    this.owners.add(slot, owner)
  }

  setCreateCount(slot: number, createCount: number): void {
    this.table.setWord(slot, field.createCount, createCount)
    this.#deriveCversion(slot)
  }

  setStat32(slot: number, at: number, value: number): void {
    this.table.setStat32(slot, at, value)
  }

  setStat64(slot: number, at: number, value: number): void {
    this.table.setStat64(slot, at, value)
  }

  /** Brings the digest up to date with the present image of the znode. */
  seal(slot: number): void {
    const { table } = this
    this.#hashImage(slot)
    const { a, b } = this.#hash
    this.#digestA = (this.#digestA - table.word(slot, field.imageHashA) + a) | 0
    this.#digestB = (this.#digestB - table.word(slot, field.imageHashB) + b) | 0
    table.setWord(slot, field.imageHashA, a)
    table.setWord(slot, field.imageHashB, b)
  }

  parentOf(slot: number): number {
    return this.table.word(slot, field.parent)
  }

  firstChildOf(slot: number): number {
    return this.table.word(slot, field.firstChild)
  }

  nextSiblingOf(slot: number): number {
    return this.table.word(slot, field.nextSibling)
  }

  /**
   * The next slot after `slot` on a walk over `top` and all below it, parents before children; `noSlot` at the end.
   * It follows the links between znodes, so that a walk over millions allocates nothing.
   */
  nextOnWalk(top: number, slot: number): number {
    let next = this.firstChildOf(slot)
    let node = slot
    while (next === noSlot && node !== top) {
      next = this.nextSiblingOf(node)
      if (next === noSlot) node = this.parentOf(node)
    }
    return next
  }

  measure(top: number): SubtreeSize {
    let znodeCount = 0
    let dataSizeBytes = 0
    for (let slot = top; slot !== noSlot; slot = this.nextOnWalk(top, slot)) {
      znodeCount += 1
      dataSizeBytes += this.dataLengthBytesOf(slot)
    }
    return { znodeCount, dataSizeBytes }
  }

  childCount(slot: number): number {
    return this.table.stat32(slot, statOffsets.numChildren)
  }

  ownerOf(slot: number): SessionId {
    const high = this.table.word(slot, field.ownerHigh)
    const low = this.table.word(slot, field.ownerLow)
    if (high === 0 && low === 0) return noOwner
    const words = this.#ownerWords
    words.setInt32(0, high)
    words.setInt32(4, low)
    return words.getBigUint64(0) as SessionId
  }

  aclOf(slot: number): readonly AclEntry[] {
    return this.#acls.entriesOf(this.table.word(slot, field.aclId))
  }

  aclIdOf(slot: number): number {
    return this.table.word(slot, field.aclId)
  }

  aclReferencesOf(slot: number): number {
    return this.#acls.referencesOf(this.aclIdOf(slot))
  }

  dataLengthBytesOf(slot: number): number {
    return this.table.stat32(slot, statOffsets.dataLength)
  }

  /** A copy. */
  dataOf(slot: number): Uint8Array | null {
    const ref = this.table.word(slot, field.dataRef)
    if (ref === noData) return null
    if (ref === emptyData) return new Uint8Array(0)
    const offset = offsetOf(ref)
    return this.#arena.bytesOf(ref).slice(offset, offset + this.dataLengthBytesOf(slot))
  }

  /** As a jute buffer: null and empty are different values. */
  writeData(slot: number, writer: JuteWriter): void {
    const ref = this.table.word(slot, field.dataRef)
    const lengthBytes = this.dataLengthBytesOf(slot)
    writer.writeInt(ref === noData ? -1 : lengthBytes)
    if (lengthBytes === 0) return
    const offset = offsetOf(ref)
    writer.writeBytesOf(this.#arena.bytesOf(ref), offset, offset + lengthBytes)
  }

  /** As a jute vector of ustrings, in no particular order. */
  writeChildNames(slot: number, writer: JuteWriter): void {
    const { table } = this
    writer.writeInt(this.childCount(slot))
    for (
      let child = table.word(slot, field.firstChild);
      child !== noSlot;
      child = table.word(child, field.nextSibling)
    ) {
      const ref = table.word(child, field.nameRef)
      const offset = offsetOf(ref)
      const lengthBytes = table.word(child, field.nameLengthBytes)
      writer.writeInt(lengthBytes)
      writer.writeBytesOf(this.#arena.bytesOf(ref), offset, offset + lengthBytes)
    }
  }

  pathOf(slot: number): string {
    if (slot === rootSlot) return '/'
    let path = ''
    for (let node = slot; node !== rootSlot; node = this.parentOf(node)) path = `/${this.nameOf(node)}${path}`
    return path
  }

  nameOf(slot: number): string {
    const ref = this.table.word(slot, field.nameRef)
    return readName(this.#arena.bytesOf(ref), offsetOf(ref), this.table.word(slot, field.nameLengthBytes))
  }

  /** Recomputes the derived fields of one znode and compares. */
  verifyZnode(slot: number): void {
    const { table } = this
    this.#hashData(slot)
    const { a: dataA, b: dataB } = this.#hash
    assert(table.word(slot, field.dataHashA) === dataA, 'the kept data hash is right', { slot })
    assert(table.word(slot, field.dataHashB) === dataB, 'the kept data hash is right', { slot })
    this.#hashImage(slot)
    assert(table.word(slot, field.imageHashA) === this.#hash.a, 'the kept image hash is right', { slot })
    assert(table.word(slot, field.imageHashB) === this.#hash.b, 'the kept image hash is right', { slot })
    const path = this.pathOf(slot)
    assert(this.find(path) === slot, 'the index leads to the znode', { slot, path })
    const cversion = cversionOf(table.word(slot, field.createCount), this.childCount(slot))
    assert(table.stat32(slot, statOffsets.cversion) === cversion, 'cversion follows from the counts', {
      path,
      cversion,
    })
    if (slot !== rootSlot) return
    assert(this.#index.count === this.count - 1, 'all but the root are indexed', { indexed: this.#index.count })
  }

  /** Name, hashes of the path, and links. */
  #loadName(slot: number, parent: number, parentPathUnits: number, znode: StoredZnode): void {
    const { table } = this
    const { bytes, view, nameStart, nameEnd } = znode
    const lengthBytes = nameEnd - nameStart
    const nameRef = this.#arena.allocate(lengthBytes)
    copyBytes(view, nameStart, lengthBytes, this.#arena.viewOf(nameRef), offsetOf(nameRef))
    const words = table.wordsOf(slot)
    const at = table.wordOffsetOf(slot)
    words[at + field.nameRef] = nameRef
    words[at + field.nameLengthBytes] = lengthBytes
    const hash = this.#hash
    hash.start(table.word(parent, field.pathHashA), table.word(parent, field.pathHashB))
    this.#pathLengthTotal += parentPathUnits + 1 + addStoredName(hash, bytes, nameStart, nameEnd)
    words[at + field.pathHashA] = hash.a
    words[at + field.pathHashB] = hash.b
    words[at + field.parent] = parent
    words[at + field.firstChild] = noSlot
    this.#link(slot, parent)
  }

  /** As the first child. */
  #link(slot: number, parent: number): void {
    const { table } = this
    const next = table.word(parent, field.firstChild)
    table.setWord(slot, field.previousSibling, noSlot)
    table.setWord(slot, field.nextSibling, next)
    if (next !== noSlot) table.setWord(next, field.previousSibling, slot)
    table.setWord(parent, field.firstChild, slot)
  }

  #fillNew(slot: number, parent: number, acl: readonly AclEntry[]): void {
    const { table } = this
    table.setWord(slot, field.parent, parent)
    table.setWord(slot, field.firstChild, noSlot)
    table.setWord(slot, field.nextSibling, noSlot)
    table.setWord(slot, field.previousSibling, noSlot)
    table.setWord(slot, field.aclId, this.#acls.acquire(acl))
    this.setData(slot, null)
  }

  #addChildren(slot: number, difference: number): void {
    this.table.setStat32(slot, statOffsets.numChildren, this.childCount(slot) + difference)
    this.#deriveCversion(slot)
  }

  #deriveCversion(slot: number): void {
    const cversion = cversionOf(this.table.word(slot, field.createCount), this.childCount(slot))
    this.table.setStat32(slot, statOffsets.cversion, cversion)
  }

  #hashData(slot: number): void {
    const { table } = this
    const ref = table.word(slot, field.dataRef)
    const lengthBytes = table.stat32(slot, statOffsets.dataLength)
    const bytes = lengthBytes > 0 ? this.#arena.viewOf(ref) : noBytes
    hashData(this.#hash, ref === noData, bytes, offsetOf(ref), lengthBytes)
  }

  #hashImage(slot: number): void {
    const { table } = this
    const words = table.wordsOf(slot)
    const at = table.wordOffsetOf(slot)
    const aclId = words[at + field.aclId]!
    this.#hash.start(words[at + field.pathHashA]!, words[at + field.pathHashB]!)
    hashImage(
      this.#hash,
      table.statViewOf(slot),
      table.statOffsetOf(slot),
      words[at + field.createCount]!,
      words[at + field.ownerHigh]!,
      words[at + field.ownerLow]!,
      words[at + field.dataHashA]!,
      words[at + field.dataHashB]!,
      this.#acls.hashAOf(aclId),
      this.#acls.hashBOf(aclId),
    )
  }
}
