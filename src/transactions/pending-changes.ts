/**
 * The state of znodes after the txns in flight: an overlay over the tree, on the leader (ZK:
 * ZooKeeperServer.outstandingChangesForPath). Requests are validated against it, so that pipelined writes see each
 * other although none is committed yet. A request stages its changes. `commitStage` gives them their zxid; `dropStage`
 * takes all of them back, sequence numbers included. `forget` drops the changes that the tree has applied. A change
 * that is forgotten too early, or never, makes the leader accept writes that contradict the history.
 */
import { assert } from '../base/assert.ts'
import { type SessionId, type Zxid, zeroZxid } from '../base/ids.ts'
import type { QuotaView } from '../tree/apply/quota-accounts.ts'
import type { DataTree } from '../tree/data-tree.ts'
import { pathUnitsOf } from '../tree/ephemeral-index.ts'
import type { NodeView } from '../tree/node-view.ts'
import { NamesByParent } from './names-by-parent.ts'

/** What validation needs to know of a znode. */
export interface PendingNode extends Omit<NodeView, 'czxid' | 'mzxid' | 'pzxid'> {
  // `ownZxid` where the txn that stages the znode sets it; `commitStage` fills that in.
  czxid: Zxid
  mzxid: Zxid
  pzxid: Zxid
}

/** A placeholder for the zxid that the staged txn will get. NaN, so that it equals no zxid that a client can expect. */
export const ownZxid = Number.NaN as Zxid

export type TreeReader = Pick<DataTree, 'view' | 'ephemeralsOf' | 'ephemeralPathUnitsOf' | 'children' | 'quotaOver'>

/** Read for each access to the tree, since an installed snapshot replaces the tree. */
export interface TreeHolder {
  readonly tree: TreeReader
}

interface InFlight {
  readonly node: PendingNode | null // null: will be deleted
  readonly zxid: Zxid // of the last txn in flight that changes it
}

interface Step {
  readonly zxid: Zxid
  readonly path: string
  readonly owner: SessionId
}

const noOwner = 0n as SessionId
/** How many names of applied and refused changes are kept before all names are dropped. */
const oldNamesKeptMax = 1000

export class PendingChanges {
  readonly #holder: TreeHolder
  readonly #inFlight = new Map<string, InFlight>()
  readonly #stage = new Map<string, PendingNode | null>()
  // By session, the paths that it will own and the zxid of the txn that creates them. May list paths deleted again
  // since.
  readonly #ownedInFlight = new Map<SessionId, Map<string, Zxid>>()
  readonly #unitsInFlight = new Map<SessionId, number>()
  #steps: Step[] = [] // in zxid order; the first `#stepsForgotten` are no longer used
  #stepsForgotten = 0
  #lastStaged = zeroZxid
  #stagedPathUnits = 0
  // The names of staged and in-flight znodes, by parent. Null until `childNames` needs it: one walk serves all its
  // calls.
  #names: NamesByParent | null = null

  constructor(holder: TreeHolder) {
    this.#holder = holder
  }

  /** The znode as the next request will find it; null if it will not exist. */
  lookup(path: string): PendingNode | null {
    const staged = this.#stage.get(path)
    if (staged !== undefined) return staged
    const inFlight = this.#inFlight.get(path)
    return inFlight === undefined ? this.#holder.tree.view(path) : inFlight.node
  }

  /** From the tree alone: usage and limits ignore the changes in flight, as in ZooKeeper. */
  quotaOver(path: string): QuotaView | null {
    return this.#holder.tree.quotaOver(path)
  }

  /** Whether a txn in flight changes the znode itself or the list of its children. */
  isInFlight(path: string): boolean {
    return this.#inFlight.has(path)
  }

  /**
   * The paths that the session will own, sorted: from the tree and from txns in flight, without those to be deleted.
   */
  ephemeralsOf(sessionId: SessionId): readonly string[] {
    const candidates = new Set(this.#holder.tree.ephemeralsOf(sessionId))
    for (const path of this.#ownedInFlight.get(sessionId)?.keys() ?? []) candidates.add(path)
    return [...candidates].filter((path) => this.lookup(path)?.ephemeralOwner === sessionId).sort()
  }

  /** An upper bound of their size, by `pathUnitsOf`: a path that is both in the tree and in flight is counted twice. */
  ephemeralPathUnitsOf(sessionId: SessionId): number {
    return this.#holder.tree.ephemeralPathUnitsOf(sessionId) + (this.#unitsInFlight.get(sessionId) ?? 0)
  }

  /** The names of the children that the znode will have, in no particular order. */
  childNames(path: string): readonly string[] {
    const prefix = path === '/' ? path : `${path}/`
    const names: string[] = []
    for (const { name } of this.#holder.tree.children(path)) if (this.lookup(prefix + name) !== null) names.push(name)
    if (names.length === this.lookup(path)?.childCount) return names
    const all = new Set(names)
    for (const name of this.#pendingNames().of(path)) if (this.lookup(prefix + name) !== null) all.add(name)
    return [...all]
  }

  /** Keeps `node`, which must therefore be a new object. */
  stage(path: string, node: PendingNode | null): void {
    this.#stage.set(path, node)
    this.#stagedPathUnits += path.length
    if (this.#names !== null) this.#names.add(path)
  }

  /** The staged changes were proposed as `zxid`. */
  commitStage(zxid: Zxid): void {
    assert(zxid > this.#lastStaged, 'changes are proposed in zxid order', { zxid, lastStaged: this.#lastStaged })
    this.#lastStaged = zxid
    for (const [path, node] of this.#stage) {
      if (node !== null) settle(node, zxid)
      const owner = node?.ephemeralOwner ?? noOwner
      this.#inFlight.set(path, { node, zxid })
      this.#steps.push({ zxid, path, owner })
      if (owner !== noOwner) this.#own(owner, path, zxid)
    }
    this.dropStage()
  }

  /** The request was refused: nothing of it remains. */
  dropStage(): void {
    this.#stage.clear()
    this.#stagedPathUnits = 0
    this.#dropOldNames()
  }

  get isStageEmpty(): boolean {
    return this.#stage.size === 0
  }

  get stagedCount(): number {
    return this.#stage.size
  }

  /** At least the lengths of all staged paths together. */
  get stagedPathUnits(): number {
    return this.#stagedPathUnits
  }

  /** The tree has applied every txn up to `applied`. */
  forget(applied: Zxid): void {
    const steps = this.#steps
    let next = this.#stepsForgotten
    for (let step = steps[next]; step !== undefined && step.zxid <= applied; step = steps[++next]) {
      if (this.#inFlight.get(step.path)!.zxid === step.zxid) this.#inFlight.delete(step.path)
      if (step.owner !== noOwner) this.#disown(step)
    }
    this.#stepsForgotten = next
    this.#dropOldNames()
    // Amortised: the unused prefix is cut only when it is the larger half.
    if (next * 2 > steps.length) {
      this.#steps = steps.slice(next)
      this.#stepsForgotten = 0
    }
  }

  /** Znodes that differ from the tree. */
  get inFlightCount(): number {
    return this.#inFlight.size
  }

  #pendingNames(): NamesByParent {
    if (this.#names === null) {
      this.#names = new NamesByParent()
      for (const path of this.#inFlight.keys()) this.#names.add(path)
      for (const path of this.#stage.keys()) this.#names.add(path)
    }
    return this.#names
  }

  /** Names of refused requests count as old, too. */
  #dropOldNames(): void {
    if (this.#names !== null && this.#names.count > 2 * this.#inFlight.size + oldNamesKeptMax) this.#names = null
  }

  #own(owner: SessionId, path: string, zxid: Zxid): void {
    const paths = this.#ownedInFlight.get(owner)
    if (paths === undefined || !paths.has(path)) {
      this.#unitsInFlight.set(owner, (this.#unitsInFlight.get(owner) ?? 0) + pathUnitsOf(path))
    }
    if (paths === undefined) this.#ownedInFlight.set(owner, new Map([[path, zxid]]))
    else paths.set(path, zxid)
  }

  #disown(step: Step): void {
    const paths = this.#ownedInFlight.get(step.owner)
    if (paths?.get(step.path) !== step.zxid) return
    paths.delete(step.path)
    this.#unitsInFlight.set(step.owner, this.#unitsInFlight.get(step.owner)! - pathUnitsOf(step.path))
    if (paths.size > 0) return
    this.#ownedInFlight.delete(step.owner)
    this.#unitsInFlight.delete(step.owner)
  }
}

function settle(node: PendingNode, zxid: Zxid): void {
  if (Number.isNaN(node.czxid)) node.czxid = zxid
  if (Number.isNaN(node.mzxid)) node.mzxid = zxid
  if (Number.isNaN(node.pzxid)) node.pzxid = zxid
}
