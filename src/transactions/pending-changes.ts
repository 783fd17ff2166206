/**
 * The state of znodes after the txns in flight: an overlay over the tree, on the leader (ZK:
 * ZooKeeperServer.outstandingChangesForPath). Requests are validated against it, so that pipelined writes see each
 * other although none is committed yet. A request stages its changes. `commitStage` gives them their zxid; `dropStage`
 * takes all of them back, sequence numbers included. `forget` drops the changes that the tree has applied. A change
 * that is forgotten too early, or never, makes the leader accept writes that contradict the history.
 */
import { assert } from '../base/assert.ts'
import { dropFirst } from '../base/drop-first.ts'
import { type SessionId, type Zxid, zeroZxid } from '../base/ids.ts'
import type { QuotaView } from '../tree/apply/quota-accounts.ts'
import type { DataTree } from '../tree/data-tree.ts'
import type { NodeFacts, NodeMoments } from '../tree/node-view.ts'
import { momentsAfter, momentsSet, noMoments } from './moments-in-flight.ts'
import { NamesByParent } from './names-by-parent.ts'
import { OwnedInFlight } from './owned-in-flight.ts'
import { PathTable } from './path-table.ts'

/** A placeholder for the zxid that the staged txn will get. NaN, so that it equals no zxid that a client can expect. */
const ownZxid = Number.NaN as Zxid

export type TreeReader = Pick<
  DataTree,
  'facts' | 'moments' | 'ephemeralsOf' | 'ephemeralPathUnitsOf' | 'children' | 'quotaOver'
>

/** Read for each access to the tree, since an installed snapshot replaces the tree. */
export interface TreeHolder {
  readonly tree: TreeReader
}

/** A znode that will be deleted: one object for each deletion, so that a later change of the path is another object. */
class Deletion {}

type Outcome = NodeFacts | Deletion

const noOwner = 0n as SessionId
/** How many names of applied and refused changes are kept before all names are dropped. */
const oldNamesKeptMax = 1000
/** Forgotten changes are cut off when there are this many. */
const cutCountMin = 64
/** Up to this number of staged changes, to compare the paths is quicker than to look them up. */
const comparedCountMax = 8

export class PendingChanges {
  readonly #holder: TreeHolder
  /** By path, what the last txn in flight that changes the znode makes of it. */
  readonly #inFlight = new PathTable<Outcome>()
  readonly #owned = new OwnedInFlight()
  // The changes of the txns in flight, in zxid order; the first `#changesForgotten` are no longer used.
  readonly #zxids: Zxid[] = []
  readonly #timesMs: number[] = []
  readonly #paths: string[] = []
  readonly #outcomes: Outcome[] = []
  readonly #moments: number[] = [] // bits of momentsSet
  #changesForgotten = 0
  // What the request being decided changes: each path once. Only the first `#stagedCount` places are in use; the arrays are
  // not shortened, since an empty array gives up its memory.
  #stagedPaths: string[] = []
  #stagedOutcomes: Outcome[] = []
  #stagedMoments: number[] = []
  #stagedCount = 0
  /** By path, above comparedCountMax. */
  readonly #stagedPlaces = new Map<string, number>()
  #lastStaged = zeroZxid
  #stagedPathUnits = 0
  // The names of staged and in-flight znodes, by parent. Null until `childNames` needs it: one walk serves all its
  // calls.
  #names: NamesByParent | null = null

  constructor(holder: TreeHolder) {
    this.#holder = holder
  }

  /** The znode as the next request will find it; null if it will not exist. */
  lookup(path: string): NodeFacts | null {
    const place = this.#stagedCount === 0 ? -1 : this.#placeOf(path)
    const outcome = place >= 0 ? this.#stagedOutcomes[place]! : this.#inFlight.get(path)
    if (outcome === null) return this.#holder.tree.facts(path)
    return outcome instanceof Deletion ? null : outcome
  }

  /** What the Stat of that znode will say beside it; `timeMs`: of the request being decided. Costs a walk over what is in flight. */
  momentsOf(path: string, timeMs: number): NodeMoments {
    let moments = this.#holder.tree.moments(path) ?? noMoments
    for (let i = this.#changesForgotten; i < this.#paths.length; i++) {
      if (this.#paths[i] === path) {
        moments = momentsAfter(moments, this.#moments[i]!, this.#zxids[i]!, this.#timesMs[i]!)
      }
    }
    const place = this.#placeOf(path)
    return place < 0 ? moments : momentsAfter(moments, this.#stagedMoments[place]!, ownZxid, timeMs)
  }

  /** From the tree alone: usage and limits ignore the changes in flight, as in ZooKeeper. */
  quotaOver(path: string): QuotaView | null {
    return this.#holder.tree.quotaOver(path)
  }

  /** Whether a txn in flight changes the znode itself or the list of its children. */
  isInFlight(path: string): boolean {
    return this.#inFlight.get(path) !== null
  }

  /**
   * The paths that the session will own, sorted: from the tree and from txns in flight, without those to be deleted.
   */
  ephemeralsOf(sessionId: SessionId): readonly string[] {
    const candidates = new Set(this.#holder.tree.ephemeralsOf(sessionId))
    for (const path of this.#owned.pathsOf(sessionId)) candidates.add(path)
    return [...candidates].filter((path) => this.lookup(path)?.ephemeralOwner === sessionId).sort()
  }

  /** An upper bound of their size, by `pathUnitsOf`: a path that is both in the tree and in flight is counted twice. */
  ephemeralPathUnitsOf(sessionId: SessionId): number {
    return this.#holder.tree.ephemeralPathUnitsOf(sessionId) + this.#owned.pathUnitsOf(sessionId)
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

  /** Keeps `node`, which must therefore be a new object. `moments`: what else changes, bits of momentsSet. */
  stage(path: string, node: NodeFacts, moments: number): void {
    this.#stage(path, node, moments)
  }

  stageDeletion(path: string): void {
    this.#stage(path, new Deletion(), momentsSet.deleted)
  }

  #stage(path: string, outcome: Outcome, moments: number): void {
    this.#stagedPathUnits += path.length
    if (this.#names !== null) this.#names.add(path)
    const place = this.#placeOf(path)
    if (place < 0) {
      const last = this.#stagedCount++
      this.#stagedPaths[last] = path
      this.#stagedOutcomes[last] = outcome
      this.#stagedMoments[last] = moments
      if (last >= comparedCountMax) this.#notePlaces()
      return
    }
    const isAnew = outcome instanceof Deletion || this.#stagedOutcomes[place] instanceof Deletion
    this.#stagedMoments[place] = isAnew ? moments : this.#stagedMoments[place]! | moments
    this.#stagedOutcomes[place] = outcome
  }

  /** Negative: the path is not staged. */
  #placeOf(path: string): number {
    const count = this.#stagedCount
    if (count > comparedCountMax) return this.#stagedPlaces.get(path) ?? -1
    for (let i = 0; i < count; i++) if (this.#stagedPaths[i] === path) return i
    return -1
  }

  #notePlaces(): void {
    const places = this.#stagedPlaces
    for (let i = places.size; i < this.#stagedCount; i++) places.set(this.#stagedPaths[i]!, i)
  }

  /** The staged changes were proposed as `zxid`, decided at `timeMs`. */
  commitStage(zxid: Zxid, timeMs: number): void {
    assert(zxid > this.#lastStaged, 'changes are proposed in zxid order', { zxid, lastStaged: this.#lastStaged })
    this.#lastStaged = zxid
    for (let i = 0; i < this.#stagedCount; i++) {
      const path = this.#stagedPaths[i]!
      const outcome = this.#stagedOutcomes[i]!
      this.#inFlight.set(path, outcome)
      this.#zxids.push(zxid)
      this.#timesMs.push(timeMs)
      this.#paths.push(path)
      this.#outcomes.push(outcome)
      this.#moments.push(this.#stagedMoments[i]!)
      const owner = ownerOf(outcome)
      if (owner !== noOwner) this.#owned.add(owner, path, zxid)
    }
    this.dropStage()
  }

  /** The request was refused: nothing of it remains. */
  dropStage(): void {
    if (this.#stagedPlaces.size > 0) this.#forgetLargeStage()
    this.#stagedCount = 0
    this.#stagedPathUnits = 0
    this.#dropOldNames()
  }

  /** Of a multi with many parts: a usual request needs less room. */
  #forgetLargeStage(): void {
    this.#stagedPlaces.clear()
    this.#stagedPaths = []
    this.#stagedOutcomes = []
    this.#stagedMoments = []
  }

  get isStageEmpty(): boolean {
    return this.#stagedCount === 0
  }

  get stagedCount(): number {
    return this.#stagedCount
  }

  /** At least the lengths of all staged paths together. */
  get stagedPathUnits(): number {
    return this.#stagedPathUnits
  }

  /** The tree has applied every txn up to `applied`. */
  forget(applied: Zxid): void {
    const paths = this.#paths
    let next = this.#changesForgotten
    for (; next < paths.length && this.#zxids[next]! <= applied; next++) {
      const path = paths[next]!
      const outcome = this.#outcomes[next]!
      if (this.#inFlight.get(path) === outcome) this.#inFlight.remove(path)
      const owner = ownerOf(outcome)
      if (owner !== noOwner) this.#owned.remove(owner, path, this.#zxids[next]!)
    }
    this.#changesForgotten = next
    this.#dropOldNames()
    // Amortised: the unused prefix is cut only when it is the larger half.
    if (next * 2 > paths.length && next >= cutCountMin) this.#cut(next)
  }

  #cut(count: number): void {
    for (const list of [this.#zxids, this.#timesMs, this.#paths, this.#outcomes, this.#moments]) dropFirst(list, count)
    this.#changesForgotten = 0
  }

  /** Znodes that differ from the tree. */
  get inFlightCount(): number {
    return this.#inFlight.count
  }

  #pendingNames(): NamesByParent {
    if (this.#names === null) {
      this.#names = new NamesByParent()
      for (const path of this.#inFlight.paths()) this.#names.add(path)
      for (let i = 0; i < this.#stagedCount; i++) this.#names.add(this.#stagedPaths[i]!)
    }
    return this.#names
  }

  /** Names of refused requests count as old, too. */
  #dropOldNames(): void {
    if (this.#names !== null && this.#names.count > 2 * this.#inFlight.count + oldNamesKeptMax) this.#names = null
  }
}

function ownerOf(outcome: Outcome): SessionId {
  return outcome instanceof Deletion ? noOwner : outcome.ephemeralOwner
}
