/**
 * Converts a stored znode to a value and back, for validation, walks and restored trees. Knows where each field of a
 * znode is kept; owns nothing. A field that is forgotten here is missing in a tree rebuilt from images, and the digest
 * of that tree differs.
 */
import type { Zxid } from '../base/ids.ts'
import { statOffsets } from '../protocol/client/stat.ts'
import type { NodeFacts, NodeMoments, NodeView, ZnodeImage } from './node-view.ts'
import type { ZnodeStore } from './znode-store.ts'
import { field } from './znode-table.ts'

export function factsOf(store: ZnodeStore, slot: number): NodeFacts {
  const { table } = store
  return {
    version: table.stat32(slot, statOffsets.version),
    aversion: table.stat32(slot, statOffsets.aversion),
    createCount: table.word(slot, field.createCount),
    childCount: store.childCount(slot),
    ephemeralOwner: store.ownerOf(slot),
    acl: store.aclOf(slot),
    dataLengthBytes: table.stat32(slot, statOffsets.dataLength),
  }
}

export function momentsOf({ table }: ZnodeStore, slot: number): NodeMoments {
  return {
    czxid: table.stat64(slot, statOffsets.czxid) as Zxid,
    mzxid: table.stat64(slot, statOffsets.mzxid) as Zxid,
    pzxid: table.stat64(slot, statOffsets.pzxid) as Zxid,
    ctimeMs: table.stat64(slot, statOffsets.ctime),
    mtimeMs: table.stat64(slot, statOffsets.mtime),
  }
}

export function viewOf(store: ZnodeStore, slot: number): NodeView {
  return { ...factsOf(store, slot), ...momentsOf(store, slot) }
}

export function imageOf(store: ZnodeStore, slot: number): ZnodeImage {
  return {
    ...viewOf(store, slot),
    path: store.pathOf(slot),
    data: store.dataOf(slot),
  }
}

/** Sets all but the owner, which ZnodeOwners lists too, and the child count, which `insert` counts. */
export function fillFromImage(store: ZnodeStore, slot: number, image: ZnodeImage): void {
  const { table } = store
  store.setAcl(slot, image.acl)
  store.setData(slot, image.data)
  store.setCreateCount(slot, image.createCount)
  table.setStat64(slot, statOffsets.czxid, image.czxid)
  table.setStat64(slot, statOffsets.mzxid, image.mzxid)
  table.setStat64(slot, statOffsets.pzxid, image.pzxid)
  table.setStat64(slot, statOffsets.ctime, image.ctimeMs)
  table.setStat64(slot, statOffsets.mtime, image.mtimeMs)
  table.setStat32(slot, statOffsets.version, image.version)
  table.setStat32(slot, statOffsets.aversion, image.aversion)
}
