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
import { BytesTable, isSameStretch } from './bytes-table.ts'
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
  readonly #reader: CopyReader

  constructor(hasChecksums: boolean) {
    this.#reader = new CopyReader(this.#content, hasChecksums)
  }

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
  const loader = new CheckpointLoader(copy.hasChecksums)
  const chunks: Promise<Uint8Array | null>[] = [] // asked for, in order
  let askedCount = 0
  let room: Uint8Array | undefined // the chunk that was loaded last
  for (;;) {
    while (chunks.length < chunksAskedCount) {
      const chunk = copy.chunk(askedCount, room)
      room = undefined
      chunk.catch(() => {}) // awaited in a later step, unless a chunk before it is wrong
      chunks.push(chunk)
      askedCount += 1
    }
    const chunk = await chunks.shift()!
    if (chunk === null) return loader.finish()
    const problem = loader.add(chunk)
    if (problem !== null) return err(problem)
    onProgress(loader.znodeCount)
    room = chunk
  }
}

/** Chunks that are read while one is loaded: neither thread waits for the other if their paces vary. */
const chunksAskedCount = 3

class LoadedContent implements CopyContent {
  readonly #store = new ZnodeStore(openAcl)
  readonly #slots: number[] = [] // by depth, of the znode loaded last and its ancestors
  readonly #pathUnits: number[] = [] // by depth; 0 for the root
  readonly #acls = new BytesTable<AclId>()
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
    const aclId = this.#acls.find(bytes, parts.aclStart, parts.dataStart, (acl) => this.#intern(acl))
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
    if (depth === 2 && isSameStretch(quotaPath, bytes, place.pathStart, place.pathEnd)) this.#quotaSlot = slot
    if (depth > 2 && this.#slots[2] === this.#quotaSlot) this.#quotaPaths.push(store.pathOf(slot))
    return null
  }

  digest(): TreeDigest {
    return this.#store.digest()
  }

  sessionTable(): SessionTable {
    const table = new SessionTable()
    const ordered = this.#sessions.sort(({ session: a }, { session: b }) => a.zxid - b.zxid || a.order - b.order)
    for (const { id, session } of ordered) table.put(id, session.timeoutMs, session.attachedTo)
    return table
  }

  tree(sessions: SessionTable, zxid: CheckpointFacts['zxid']): DataTree {
    for (const id of this.#acls.values()) this.#store.releaseAcl(id)
    this.#store.endLoad()
    const tree = new DataTree(sessions, zxid, this.#store)
    for (const path of this.#quotaPaths) tree.applier.quotas.restored(path)
    return tree
  }

  #intern(bytes: Uint8Array): AclId | null {
    const entries = readAcl(bytes)
    return entries === null ? null : this.#store.internAcl(entries)
  }
}

const nothing = new Uint8Array(0)
const quotaPath = znodeKeyOf(quotaRoot).subarray(1)
