/**
 * Recounts a whole tree from its links alone and compares the result with everything that is kept incrementally: child
 * counts, index, ephemerals, ACL references, slots, blocks, digest. For the simulator and tests, since it walks the
 * tree.
 */
import { assert } from '../base/assert.ts'
import type { SessionId } from '../base/ids.ts'
import { ownerKindOf } from './owner-kind.ts'
import { makeTreeDigest } from './tree-digest.ts'
import { rootSlot, type ZnodeStore } from './znode-store.ts'
import { field, noSlot } from './znode-table.ts'

interface Recount {
  znodeCount: number
  pathLengthTotal: number // UTF-16 units
  dataSizeBytes: number
  blockCount: number
  ephemeralCount: number
  transientCount: number
  digestA: number
  digestB: number
}

export function verifyStore(store: ZnodeStore): void {
  const { owners } = store
  const recount: Recount = {
    znodeCount: 0,
    pathLengthTotal: 0,
    dataSizeBytes: 0,
    blockCount: 0,
    ephemeralCount: 0,
    transientCount: 0,
    digestA: 0,
    digestB: 0,
  }
  const referencesByAcl = new Map<number, { readonly slot: number; count: number }>()
  const sessions = new Set<SessionId>()
  const pending = [rootSlot]
  for (let slot = pending.pop(); slot !== undefined; slot = pending.pop()) {
    store.verifyZnode(slot)
    addZnode(store, slot, recount)
    const aclId = store.aclIdOf(slot)
    const references = referencesByAcl.get(aclId)
    if (references === undefined) referencesByAcl.set(aclId, { slot, count: 1 })
    else references.count += 1
    const owner = store.ownerOf(slot)
    const kind = ownerKindOf(owner)
    if (kind === 'session') {
      assert(owners.isEphemeralOf(owner, slot), 'an ephemeral znode is listed under its session', { owner, slot })
      sessions.add(owner)
      recount.ephemeralCount += 1
    } else if (kind !== 'none') {
      assert(owners.transients.has(slot), 'a container or TTL znode is listed', { slot, kind })
      recount.transientCount += 1
    }
    for (const child of childrenOf(store, slot)) pending.push(child)
  }
  for (const { slot, count } of referencesByAcl.values()) {
    assert(store.aclReferencesOf(slot) === count, 'ACL references add up', { slot, count })
  }
  assert(store.aclListCount === referencesByAcl.size, 'only referenced ACLs are kept', { kept: store.aclListCount })
  const { ephemeralsCount, sessionCount, transients } = owners
  assert(ephemeralsCount === recount.ephemeralCount, 'ephemerals add up', { listed: ephemeralsCount })
  assert(sessionCount === sessions.size, 'only sessions with ephemerals are listed', { owners: sessions.size })
  assert(transients.size === recount.transientCount, 'only containers and TTL znodes are listed', { ...recount })
  compareTotals(store, recount)
}

function addZnode(store: ZnodeStore, slot: number, recount: Recount): void {
  const dataLengthBytes = store.dataLengthBytesOf(slot)
  recount.znodeCount += 1
  recount.pathLengthTotal += store.pathOf(slot).length
  recount.dataSizeBytes += dataLengthBytes
  recount.blockCount += (slot === rootSlot ? 0 : 1) + (dataLengthBytes > 0 ? 1 : 0)
  recount.digestA = (recount.digestA + store.table.word(slot, field.imageHashA)) | 0
  recount.digestB = (recount.digestB + store.table.word(slot, field.imageHashB)) | 0
}

function childrenOf(store: ZnodeStore, slot: number): readonly number[] {
  const children: number[] = []
  let previous = noSlot
  for (let child = store.firstChildOf(slot); child !== noSlot; child = store.nextSiblingOf(child)) {
    assert(store.parentOf(child) === slot, 'a child knows its parent', { slot, child })
    assert(store.table.word(child, field.previousSibling) === previous, 'siblings are linked both ways', { child })
    children.push(child)
    previous = child
  }
  const kept = store.childCount(slot)
  assert(kept === children.length, 'the kept child count is right', { slot, kept, counted: children.length })
  return children
}

function compareTotals(store: ZnodeStore, recount: Recount): void {
  assert(store.count === recount.znodeCount, 'every used slot is in the tree', { used: store.count, ...recount })
  assert(store.blockCount === recount.blockCount, 'every used block is in the tree', {
    used: store.blockCount,
    ...recount,
  })
  assert(store.dataSizeBytes === recount.dataSizeBytes, 'data sizes add up', { kept: store.dataSizeBytes, ...recount })
  const { pathLengthTotal } = store
  assert(pathLengthTotal === recount.pathLengthTotal, 'path lengths add up', { kept: pathLengthTotal, ...recount })
  const digest = makeTreeDigest(recount.digestA, recount.digestB)
  assert(store.digest() === digest, 'the running digest is right', { kept: store.digest(), digest })
}
