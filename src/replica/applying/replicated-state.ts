/**
 * The state that all servers agree on: the tree and the sessions, equal at equal zxids. Committed txns change it, in
 * order, each once; the log is replayed into it before the server starts. A checkpoint may replace the whole state, so
 * callers keep this object and read `tree` and `sessions` from it each time. A caller that kept the tree would read
 * an outdated one.
 */
import { assert } from '../../base/assert.ts'
import { type ChainHash, emptyChainHash } from '../../base/chain-hash.ts'
import type { Zxid } from '../../base/ids.ts'
import type { TxnEntry } from '../../protocol/disk/log-record.ts'
import type { Txn } from '../../protocol/txn/txn.ts'
import { decodeTxn } from '../../protocol/txn/txn-codec.ts'
import { SessionTable } from '../../sessions/session-table.ts'
import { DataTree } from '../../tree/data-tree.ts'
import type { TreeDigest } from '../../tree/tree-digest.ts'
import type { TreeEvent } from '../../tree/tree-event.ts'

export interface DigestAt {
  readonly zxid: Zxid
  readonly digest: TreeDigest
}

const intervalZxids = 128 // a power of two
const keptCountMax = 1024

/**
 * The tree's digest at every 128th zxid, the last 1024 of them (ZK: DataTree.logZxidDigest). Servers with equal trees
 * have equal lines for equal zxids, so an operator can compare them by the word `hash`.
 */
class DigestHistory {
  readonly #kept: DigestAt[] = []

  /** Called for every txn, so it uses no division: the low bits of a zxid count txns. */
  static isDue(zxid: Zxid): boolean {
    return (zxid & (intervalZxids - 1)) === 0
  }

  note(zxid: Zxid, digest: TreeDigest): void {
    this.#kept.push({ zxid, digest })
    if (this.#kept.length > keptCountMax) this.#kept.shift()
  }

  /** Called when the state was given up: the entries are of a history that no longer leads to this state. */
  clear(): void {
    this.#kept.length = 0
  }

  /** Oldest first. */
  entries(): readonly DigestAt[] {
    return [...this.#kept]
  }
}

export interface StateContents {
  readonly tree: DataTree
  /** The sessions that the txns of this tree change. */
  readonly sessions: SessionTable
  /** The running hash at the tree's lastApplied. */
  readonly lastHash: ChainHash
}

export class ReplicatedState {
  #sessions = new SessionTable()
  #tree = new DataTree(this.#sessions)
  readonly digests = new DigestHistory()
  /** The running hash at lastApplied. */
  lastHash: ChainHash = emptyChainHash

  get tree(): DataTree {
    return this.#tree
  }

  get sessions(): SessionTable {
    return this.#sessions
  }

  get lastApplied(): Zxid {
    return this.#tree.lastApplied
  }

  /**
   * Replaces the state by `contents` and returns the previous contents. Never on a leader: its txns in flight were
   * decided on its tree. Watches stay registered and do not fire: the caller has to send the events for the differences
   * between the two trees.
   */
  install(contents: StateContents): StateContents {
    const before = { tree: this.#tree, sessions: this.#sessions, lastHash: this.lastHash }
    const [zxid, installed] = [this.lastApplied, contents.tree.lastApplied]
    assert(installed >= zxid, 'a state is replaced by one that is at least as new', { zxid, installed })
    this.#tree = contents.tree
    this.#sessions = contents.sessions
    this.lastHash = contents.lastHash
    return before
  }

  /**
   * Back to the empty state: a copy of the state is given up, which no txns have completed (ZabCore.dropUnfinishedSync).
   * No client was served from it.
   */
  giveUp(): void {
    this.#sessions = new SessionTable()
    this.#tree = new DataTree(this.#sessions)
    this.lastHash = emptyChainHash
    this.digests.clear()
  }

  /** Applies a committed txn from the log at start, when no client has a watch. */
  restore(entry: TxnEntry): void {
    this.apply(entry, decodeTxn(entry.payload), null)
  }

  /**
   * Calls `afterChange` after each change with its index: the tree then shows the txn up to and including that change.
   */
  apply(entry: TxnEntry, txn: Txn, afterChange: ((index: number) => void) | null): readonly TreeEvent[] {
    const events = this.#tree.applier.apply(entry.zxid, txn, afterChange)
    this.lastHash = entry.hash
    if (DigestHistory.isDue(entry.zxid)) this.digests.note(entry.zxid, this.#tree.digest())
    return events
  }
}
