/**
 * A second store of znodes: those that a few txns touch, as images by path, over a base that is read beforehand only.
 * It keeps no more than a batch written to disk would need, and fails for a znode that was not fetched. So a txn is
 * applied synchronously although reading the base is not.
 */
import type { SessionId } from '../../../src/base/ids.ts'
import { parentOf } from '../../../src/protocol/client/path.ts'
import { limitsPathOf, quotaRoot, quotaZnodeOf, usagePathOf } from '../../../src/protocol/client/quota-text.ts'
import { statOffsets, statSizeBytes } from '../../../src/protocol/client/stat.ts'
import type { AclEntry, Change, Txn } from '../../../src/protocol/txn/txn.ts'
import { type ApplyStore, cversionOf, type SubtreeSize } from '../../../src/tree/apply/apply-store.ts'
import { ownerKindOf } from '../../../src/tree/owner-kind.ts'

export interface FoldedZnode {
  readonly path: string
  readonly stat: Uint8Array // as sent to clients
  createCount: number
  owner: SessionId
  acl: readonly AclEntry[]
  data: Uint8Array | null
}

/** All znodes, as the last fold wrote them. */
export type Base = Map<string, FoldedZnode>

export class OverlayStore implements ApplyStore<FoldedZnode | null> {
  readonly none = null
  readonly #fetched = new Map<string, FoldedZnode | null>()
  readonly #sizes = new Map<string, SubtreeSize>()
  readonly #znodes = new Map<string, FoldedZnode | null>() // null: it was removed
  readonly #touched = new Set<string>()

  /** Reads from the base all znodes that applying these txns can ask for. */
  constructor(base: Base, txns: readonly Pick<Txn, 'changes'>[]) {
    const paths = new Set(['/'])
    for (const path of base.keys()) if (path.startsWith(`${quotaRoot}/`)) paths.add(path)
    for (const { changes } of txns) for (const change of changes) for (const path of pathsOf(change)) paths.add(path)
    for (const path of [...paths]) {
      const quota = quotaZnodeOf(path)
      if (quota === null) continue
      for (const each of [limitsPathOf(quota.path), usagePathOf(quota.path), quota.path || '/']) paths.add(each)
      this.#sizes.set(quota.path || '/', sizeIn(base, quota.path))
    }
    for (const path of paths) {
      this.#fetched.set(path, base.get(path) ?? null)
      if (path !== '/') this.#fetched.set(parentOf(path), base.get(parentOf(path)) ?? null)
    }
  }

  /** The last state of each path that was touched; null: it was removed. */
  flush(base: Base): void {
    for (const path of this.#touched) {
      const znode = this.#znodes.get(path)!
      if (znode === null) base.delete(path)
      else base.set(path, znode)
    }
  }

  find(path: string, end: number = path.length): FoldedZnode | null {
    const key = end === 0 ? '/' : path.slice(0, end)
    const known = this.#znodes.get(key)
    if (known !== undefined) return known
    const stored = this.#fetched.get(key)
    if (stored === undefined) throw new Error(`${key} was not fetched`)
    const znode = stored === null ? null : { ...stored, stat: stored.stat.slice() }
    this.#znodes.set(key, znode)
    return znode
  }

  insert(parent: FoldedZnode, path: string, acl: readonly AclEntry[]): FoldedZnode {
    const stat = new Uint8Array(statSizeBytes)
    const znode = { path, stat, createCount: 0, owner: 0n as SessionId, acl, data: null }
    this.#znodes.set(path, znode)
    this.#addChildren(parent, 1)
    return znode
  }

  remove(znode: FoldedZnode, path: string): void {
    this.#addChildren(this.parentOf(znode), -1)
    this.#znodes.set(path, null)
    this.#touched.add(path)
  }

  parentOf(znode: FoldedZnode): FoldedZnode {
    return this.find(parentOf(znode.path))!
  }

  childCount(znode: FoldedZnode): number {
    return viewOf(znode).getInt32(statOffsets.numChildren)
  }

  aclOf(znode: FoldedZnode): readonly AclEntry[] {
    return znode.acl
  }

  ownerOf(znode: FoldedZnode): SessionId {
    return znode.owner
  }

  dataOf(znode: FoldedZnode): Uint8Array | null {
    return znode.data
  }

  dataLengthBytesOf(znode: FoldedZnode): number {
    return znode.data?.length ?? 0
  }

  /** The fetched znodes with the changes since. */
  measure(top: FoldedZnode): SubtreeSize {
    const size = this.#sizes.get(top.path)
    if (size === undefined) throw new Error(`the size of ${top.path} was not fetched`)
    let { znodeCount, dataSizeBytes } = size
    for (const [path, znode] of this.#znodes) {
      if (!isWithin(path, top.path === '/' ? '' : top.path)) continue
      const before = this.#fetched.get(path) ?? null
      znodeCount += (znode === null ? 0 : 1) - (before === null ? 0 : 1)
      dataSizeBytes += (znode?.data?.length ?? 0) - (before?.data?.length ?? 0)
    }
    return { znodeCount, dataSizeBytes }
  }

  setData(znode: FoldedZnode, data: Uint8Array | null): void {
    znode.data = data?.slice() ?? null
    this.setStat32(znode, statOffsets.dataLength, data?.length ?? 0)
  }

  setAcl(znode: FoldedZnode, acl: readonly AclEntry[]): void {
    znode.acl = acl
  }

  setOwner(znode: FoldedZnode, owner: SessionId): void {
    znode.owner = owner
    viewOf(znode).setBigUint64(statOffsets.ephemeralOwner, ownerKindOf(owner) === 'session' ? owner : 0n)
  }

  setCreateCount(znode: FoldedZnode, createCount: number): void {
    znode.createCount = createCount
    this.setStat32(znode, statOffsets.cversion, cversionOf(createCount, this.childCount(znode)))
  }

  setStat32(znode: FoldedZnode, at: number, value: number): void {
    viewOf(znode).setInt32(at, value)
  }

  setStat64(znode: FoldedZnode, at: number, value: number): void {
    viewOf(znode).setBigInt64(at, BigInt(value))
  }

  seal(znode: FoldedZnode): void {
    this.#touched.add(znode.path)
  }

  #addChildren(znode: FoldedZnode, difference: number): void {
    this.setStat32(znode, statOffsets.numChildren, this.childCount(znode) + difference)
    this.setCreateCount(znode, znode.createCount)
  }
}

/** The znodes that a change names. Their parents, and the znodes that quotas need, are fetched too. */
function pathsOf(change: Change): readonly string[] {
  if (change.kind === 'create-session' || change.kind === 'refusal') return []
  if (change.kind === 'close-session') return change.deletedPaths
  if (change.kind === 'bundle') return change.changes.map(({ path }) => path)
  return [change.path]
}

function sizeIn(base: Base, top: string): SubtreeSize {
  const within = [...base.values()].filter(({ path }) => isWithin(path, top))
  return {
    znodeCount: within.length,
    dataSizeBytes: within.reduce((sum, { data }) => sum + (data?.length ?? 0), 0),
  }
}

/** Whether a path is `top` or below it; '' is the root. */
function isWithin(path: string, top: string): boolean {
  return path === top || path.startsWith(`${top}/`)
}

function viewOf({ stat }: FoldedZnode): DataView {
  return new DataView(stat.buffer, stat.byteOffset, stat.length)
}
