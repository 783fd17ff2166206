/**
 * What all servers agree on: the tree and the sessions, equal at equal zxids. Changed by committed txns, in order,
 * each once; the log is replayed into it before the server starts. A checkpoint may take the place of the whole, so
 * whoever needs the tree or the sessions keeps this object and asks it each time. A tree that was kept would go on
 * being read after it stopped being the state.
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
 * The tree's digest at every 128th zxid, the last 1024 of them (ZK: DataTree.logZxidDigest). Servers that agree
 * have equal lines for equal zxids, so an operator can compare them by the word `hash`.
 */
class DigestHistory {
  readonly #kept: DigestAt[] = []

  /** Asked for every txn: a zxid counts txns in its low bits, which are looked at without a division. */
  static isDue(zxid: Zxid): boolean {
    return (zxid & (intervalZxids - 1)) === 0
  }

  note(zxid: Zxid, digest: TreeDigest): void {
    this.#kept.push({ zxid, digest })
    if (this.#kept.length > keptCountMax) this.#kept.shift()
  }

  /** Oldest first. */
  entries(): readonly DigestAt[] {
    return [...this.#kept]
  }
}

export interface StateContents {
  readonly tree: DataTree
  /** Those that the txns of this tree change. */
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
   * Takes `contents` for the state from now on and returns those that it had. Not for a leader: what it has in flight
   * was decided on its tree. Watches stay registered and do not fire: the caller owes their clients the events for what
   * differs between the two trees, and can tell from both.
   */
  install(contents: StateContents): StateContents {
    const before = { tree: this.#tree, sessions: this.#sessions, lastHash: this.lastHash }
    const [zxid, installed] = [this.lastApplied, contents.tree.lastApplied]
    assert(installed >= zxid, 'a state is replaced by one that is as new', { zxid, installed })
    this.#tree = contents.tree
    this.#sessions = contents.sessions
    this.lastHash = contents.lastHash
    return before
  }

  /** Applies a committed txn while nobody watches: at start, from the log. */
  restore(entry: TxnEntry): void {
    this.apply(entry, decodeTxn(entry.payload), null)
  }

  /** Calls `afterChange` behind each change with its index, while the tree shows exactly that much of the txn. */
  apply(entry: TxnEntry, txn: Txn, afterChange: ((index: number) => void) | null): readonly TreeEvent[] {
    const events = this.#tree.applier.apply(entry.zxid, txn, afterChange)
    this.lastHash = entry.hash
    if (DigestHistory.isDue(entry.zxid)) this.digests.note(entry.zxid, this.#tree.digest())
    return events
  }
}
