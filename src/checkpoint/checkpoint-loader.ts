/**
 * Makes the tree and the sessions of a server from the chunks of a copy, in bulk: znodes go from the bytes of a chunk
 * straight into the off-heap store. The digest of the tree must be the one in the meta record, so a server that starts
 * from a checkpoint has exactly the state that its history led to. It is synchronous, so that a caller can decode one
 * chunk while the next is being read (`loadCheckpoint`).
 */
import type { ChainHash } from '../base/chain-hash.ts'
import type { SessionId } from '../base/ids.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { CheckpointCopy, CheckpointFacts } from '../ports/checkpoints.ts'
import { quotaRoot } from '../protocol/client/quota-text.ts'
import { SessionTable } from '../sessions/session-table.ts'
import type { AclId } from '../tree/acl-table.ts'
import { DataTree } from '../tree/data-tree.ts'
import { openAcl } from '../tree/fresh-tree.ts'
import type { TreeDigest } from '../tree/tree-digest.ts'
import { type StoredZnode, ZnodeStore } from '../tree/znode-store.ts'
import { noSlot } from '../tree/znode-table.ts'
import { type CopyContent, CopyReader, type ZnodePlace } from './copy-reader.ts'
import { znodeKeyOf } from './store-keys.ts'
import { createCountOffset, ownerOffset, readAcl, type StoredSession, type ZnodeParts } from './store-values.ts'

/** What a replica installs as its state. */
export interface LoadedCheckpoint {
  readonly facts: CheckpointFacts
  readonly tree: DataTree
  /** The sessions that the txns of this tree change. */
  readonly sessions: SessionTable
  /** The running hash at the tree's lastApplied. */
  readonly lastHash: ChainHash
}

export class CheckpointLoader {
  readonly #content = new LoadedContent()
  readonly #reader = new CopyReader(this.#content)

  /** Chunks are added in order. Returns what is wrong with the copy, or null; after a problem the copy is useless. */
  add(chunk: Uint8Array): string | null {
    return this.#reader.add(chunk)
  }

  /** Znodes so far, for a line about progress. */
  get znodeCount(): number {
    return this.#content.znodeCount
  }

  finish(): Result<LoadedCheckpoint, string> {
    const facts = this.#reader.finish()
    if (!facts.ok) return facts
    const { zxid, hash } = facts.value
    const sessions = this.#content.sessionTable()
    return ok({ facts: facts.value, tree: this.#content.tree(sessions, zxid), sessions, lastHash: hash })
  }
}

/** `onProgress` is called after each chunk with the znodes so far. The error says what is wrong with the copy. */
export async function loadCheckpoint(
  copy: CheckpointCopy,
  onProgress: (znodeCount: number) => void = () => {},
): Promise<Result<LoadedCheckpoint, string>> {
  const loader = new CheckpointLoader()
  let next = copy.chunk(0)
  for (let number = 0; ; number += 1) {
    const chunk = await next
    if (chunk === null) return loader.finish()
    next = copy.chunk(number + 1)
    next.catch(() => {}) // awaited in the next step, unless this chunk is wrong
    const problem = loader.add(chunk)
    if (problem !== null) return err(problem)
    onProgress(loader.znodeCount)
  }
}

interface KnownAcl {
  readonly id: AclId
  readonly bytes: Uint8Array
}

class LoadedContent implements CopyContent {
  readonly #store = new ZnodeStore(openAcl)
  readonly #slots: number[] = [] // by depth, of the znode loaded last and its ancestors
  readonly #pathUnits: number[] = [] // by depth; 0 for the root
  readonly #acls = new Map<string, KnownAcl>()
  #latestAcl: KnownAcl | null = null
  readonly #quotaPaths: string[] = []
  #quotaSlot = noSlot
  readonly #sessions: { readonly id: SessionId; readonly session: StoredSession }[] = []
  readonly #znode: StoredZnode = {
    bytes: nothing,
    view: new DataView(nothing.buffer),
    nameStart: 0,
    nameEnd: 0,
    statStart: 0,
    createCount: 0,
    ownerHigh: 0,
    ownerLow: 0,
    aclId: 0,
    dataStart: 0,
    isDataNull: true,
  }

  get znodeCount(): number {
    return this.#store.count
  }

  session(id: SessionId, session: StoredSession): void {
    this.#sessions.push({ id, session })
  }

  znode(place: ZnodePlace, parts: ZnodeParts): string | null {
    const { bytes, view, depth, valueStart } = place
    const aclId = this.#aclIdOf(bytes, view, parts.aclStart, parts.dataStart)
    if (aclId === null) return 'an ACL is not readable'
    const znode = this.#znode
    znode.bytes = bytes
    znode.view = view
    znode.nameStart = place.nameStart
    znode.nameEnd = place.pathEnd
    znode.statStart = valueStart
    znode.createCount = view.getInt32(valueStart + createCountOffset)
    znode.ownerHigh = view.getInt32(valueStart + ownerOffset)
    znode.ownerLow = view.getInt32(valueStart + ownerOffset + 4)
    znode.aclId = aclId
    znode.dataStart = parts.dataStart
    znode.isDataNull = parts.isDataNull
    const store = this.#store
    const parent = depth === 0 ? noSlot : this.#slots[depth - 1]!
    const unitsBefore = store.pathLengthTotal
    const parentUnits = depth === 0 ? 0 : this.#pathUnits[depth - 1]!
    const slot = store.load(parent, parentUnits, znode)
    this.#slots[depth] = slot
    this.#pathUnits[depth] = store.pathLengthTotal - unitsBefore
    if (depth === 2 && isSame(quotaPath, bytes, place.pathStart, place.pathEnd)) this.#quotaSlot = slot
    if (depth > 2 && this.#slots[2] === this.#quotaSlot) this.#quotaPaths.push(store.pathOf(slot))
    return null
  }

  digest(): TreeDigest {
    return this.#store.digest()
  }

  sessionTable(): SessionTable {
    const table = new SessionTable()
    const ordered = this.#sessions.sort(({ session: a }, { session: b }) => a.zxid - b.zxid || a.order - b.order)
    for (const { id, session } of ordered) table.put(id, session.timeoutMs)
    return table
  }

  tree(sessions: SessionTable, zxid: CheckpointFacts['zxid']): DataTree {
    for (const { id } of this.#acls.values()) this.#store.releaseAcl(id)
    const tree = new DataTree(sessions, zxid, this.#store)
    for (const path of this.#quotaPaths) tree.applier.quotas.restored(path)
    return tree
  }

  /** The id in the store's table. Most znodes have the ACL of the znode before. */
  #aclIdOf(bytes: Uint8Array, view: DataView, start: number, end: number): AclId | null {
    const latest = this.#latestAcl
    if (latest !== null && isSame(latest.bytes, bytes, start, end)) return latest.id
    const key = keyOfBytes(bytes, start, end)
    let known = this.#acls.get(key)
    if (known === undefined) {
      const entries = readAcl(bytes, view, start, end)
      if (entries === null) return null
      known = { id: this.#store.internAcl(entries), bytes: bytes.slice(start, end) }
      this.#acls.set(key, known)
    }
    this.#latestAcl = known
    return known.id
  }
}

function isSame(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (known.length !== end - start) return false
  for (let i = 0; i < known.length; i += 1) if (known[i] !== bytes[start + i]) return false
  return true
}

/** One UTF-16 unit for each byte. */
function keyOfBytes(bytes: Uint8Array, start: number, end: number): string {
  let key = ''
  for (let at = start; at < end; at += 1) key += String.fromCharCode(bytes[at]!)
  return key
}

const nothing = new Uint8Array(0)
const quotaPath = znodeKeyOf(quotaRoot).subarray(1)
