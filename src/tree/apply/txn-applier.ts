/**
 * What a txn does to znodes, their Stats, the usage of quotas, owners and sessions: the only place that decides it.
 * Owns lastApplied. Knows no quorum, clock or socket, and not how znodes are stored: zxid and time arrive with the txn,
 * and everything else comes from the store. Assumes that the leader validated each txn against this very history, and
 * that txns come in zxid order. If an assertion here fails, this server's history is not the leader's, and it must stop
 * rather than answer.
 */
import { assert, assertNever } from '../../base/assert.ts'
import type { SessionId, Zxid } from '../../base/ids.ts'
import { parentOf } from '../../protocol/client/path.ts'
import { statOffsets } from '../../protocol/client/stat.ts'
import type { AclEntry, Change, Txn } from '../../protocol/txn/txn.ts'
import { isOwnedBy, ownerKindOf, unsignedOwner } from '../owner-kind.ts'
import type { TreeEvent } from '../tree-event.ts'
import type { ApplySessions, ApplyStore } from './apply-store.ts'
import { QuotaAccounts } from './quota-accounts.ts'

type CreateChange = Extract<Change, { kind: 'create' }>

/** Without an origin it names no server to which a session is attached. */
type ApplicableTxn = Pick<Txn, 'timeMs' | 'changes'> & Partial<Pick<Txn, 'origin'>>

const noEvents: readonly TreeEvent[] = []

export class TxnApplier<Znode> {
  readonly quotas: QuotaAccounts<Znode>
  readonly #store: ApplyStore<Znode>
  readonly #sessions: ApplySessions
  #lastApplied: Zxid
  #newest: Zxid // of the txn begun last; invariant: lastApplied <= newest

  /**
   * The store holds the state after the txns up to `lastApplied`. The caller then calls `quotas.restored` for each
   * znode of the store that may belong to a quota.
   */
  constructor(store: ApplyStore<Znode>, sessions: ApplySessions, lastApplied: Zxid) {
    this.#store = store
    this.#sessions = sessions
    this.quotas = new QuotaAccounts(store)
    this.#lastApplied = lastApplied
    this.#newest = lastApplied
  }

  get lastApplied(): Zxid {
    return this.#lastApplied
  }

  /**
   * Applies all changes of a txn, which may have none. Changes are after-images: the txn that was applied last may be
   * applied again, whole, and changes nothing. Events come in ZooKeeper's order. `afterChange` is called after each
   * change with its index, when the store holds the txn up to that change.
   */
  apply(zxid: Zxid, txn: ApplicableTxn, afterChange: ((index: number) => void) | null): readonly TreeEvent[] {
    assert(zxid >= this.#newest, 'txns are applied in zxid order', { zxid, newest: this.#newest })
    this.#newest = zxid
    if (zxid === this.#lastApplied) this.quotas.replaying()
    const { changes } = txn
    let events = noEvents
    let gathered: TreeEvent[] | null = null // only for several changes
    for (let i = 0; i < changes.length; i++) {
      const caused = this.#apply(zxid, txn, changes[i]!)
      if (changes.length === 1) events = caused
      else if (caused.length > 0) {
        gathered ??= []
        for (const event of caused) gathered.push(event)
      }
      if (afterChange !== null) afterChange(i)
    }
    this.#lastApplied = zxid
    this.quotas.finishTxn()
    return gathered ?? events
  }

  /** Compares the lists of quotas with the store: `quotaPaths` are all znodes at and below /zookeeper/quota. */
  verify(quotaPaths: readonly string[]): void {
    assert(this.#lastApplied === this.#newest, 'no txn is half applied', { newest: this.#newest })
    this.quotas.verify(quotaPaths)
  }

  #apply(zxid: Zxid, txn: ApplicableTxn, change: Change): readonly TreeEvent[] {
    const { timeMs } = txn
    switch (change.kind) {
      case 'create':
        return this.#create(zxid, timeMs, change)
      case 'delete':
        return this.#delete(zxid, change.path)
      case 'set-data':
        return this.#setData(zxid, timeMs, change.path, change.data, change.version)
      case 'set-acl':
        return this.#setAcl(zxid, change.path, change.acl, change.aversion)
      case 'bundle':
        return change.changes.flatMap((bundled) => this.#apply(zxid, txn, bundled))
      case 'create-session':
        this.#sessions.put(change.sessionId, change.timeoutMs, txn.origin?.serverId ?? null)
        return noEvents
      case 'close-session':
        this.#sessions.remove(change.sessionId)
        return this.#deleteOwned(zxid, change.sessionId, change.deletedPaths)
      case 'check':
      case 'refusal':
        return noEvents
      default:
        return assertNever(change)
    }
  }

  #create(zxid: Zxid, timeMs: number, change: CreateChange): readonly TreeEvent[] {
    const store = this.#store
    const { path } = change
    const lastSlash = path.lastIndexOf('/')
    assert(lastSlash >= 0 && lastSlash < path.length - 1, 'a new znode has a name', { path })
    const parent = store.find(path, lastSlash)
    if (parent === store.none) return this.#skip(zxid, 'the parent of a created znode exists', path)
    if (ownerKindOf(store.ownerOf(parent)) === 'session') {
      this.#assertReplay(zxid, 'the parent of a created znode is not ephemeral', path)
    }
    let znode = store.find(path)
    if (znode === store.none) {
      znode = store.insert(parent, path, change.acl)
    } else {
      this.#assertReplay(zxid, 'a created znode did not exist', path)
      store.setAcl(znode, change.acl)
    }
    store.setStat64(znode, statOffsets.czxid, zxid)
    store.setStat64(znode, statOffsets.mzxid, zxid)
    store.setStat64(znode, statOffsets.pzxid, zxid)
    store.setStat64(znode, statOffsets.ctime, timeMs)
    store.setStat64(znode, statOffsets.mtime, timeMs)
    store.setStat32(znode, statOffsets.version, 0)
    store.setStat32(znode, statOffsets.aversion, 0)
    store.setOwner(znode, unsignedOwner(change.ephemeralOwner))
    store.setData(znode, change.data)
    store.seal(znode)
    store.setCreateCount(parent, change.parentCreateCount)
    store.setStat64(parent, statOffsets.pzxid, zxid)
    store.seal(parent)
    this.quotas.created(path, change.data === null ? 0 : change.data.length)
    return [
      { kind: 'created', path, acl: store.aclOf(znode) },
      { kind: 'children-changed', path: parentOf(path), acl: store.aclOf(parent) },
    ]
  }

  #delete(zxid: Zxid, path: string): readonly TreeEvent[] {
    const store = this.#store
    const znode = store.find(path)
    if (znode === store.none) return this.#skip(zxid, 'a deleted znode existed', path)
    if (store.childCount(znode) > 0) return this.#skip(zxid, 'a deleted znode had no children', path)
    const acl = store.aclOf(znode)
    const parent = store.parentOf(znode)
    const sizeBytes = store.dataLengthBytesOf(znode)
    store.remove(znode, path)
    store.setStat64(parent, statOffsets.pzxid, zxid)
    store.seal(parent)
    this.quotas.deleted(path, sizeBytes)
    return [
      { kind: 'deleted', path, acl },
      { kind: 'children-changed', path: parentOf(path), acl: store.aclOf(parent) },
    ]
  }

  #setData(zxid: Zxid, timeMs: number, path: string, data: Uint8Array | null, version: number): readonly TreeEvent[] {
    const store = this.#store
    const znode = store.find(path)
    if (znode === store.none) return this.#skip(zxid, 'a znode that gets data exists', path)
    const sizeBytesBefore = store.dataLengthBytesOf(znode)
    store.setData(znode, data)
    store.setStat32(znode, statOffsets.version, version)
    store.setStat64(znode, statOffsets.mzxid, zxid)
    store.setStat64(znode, statOffsets.mtime, timeMs)
    store.seal(znode)
    this.quotas.resized(path, (data === null ? 0 : data.length) - sizeBytesBefore)
    return [{ kind: 'data-changed', path, acl: store.aclOf(znode) }]
  }

  /** Only the ACL and its version: no mzxid, no mtime, no event. */
  #setAcl(zxid: Zxid, path: string, acl: readonly AclEntry[], aversion: number): readonly TreeEvent[] {
    const store = this.#store
    const znode = store.find(path)
    if (znode === store.none) return this.#skip(zxid, 'a znode that gets an ACL exists', path)
    store.setAcl(znode, acl)
    store.setStat32(znode, statOffsets.aversion, aversion)
    store.seal(znode)
    return noEvents
  }

  /** Skips a listed path whose znode no longer exists or belongs to another session by now. */
  #deleteOwned(zxid: Zxid, sessionId: SessionId, paths: readonly string[]): readonly TreeEvent[] {
    const store = this.#store
    const events: TreeEvent[] = []
    for (const path of paths) {
      const znode = store.find(path)
      if (znode !== store.none && isOwnedBy(store.ownerOf(znode), sessionId)) {
        for (const event of this.#delete(zxid, path)) events.push(event)
      }
    }
    return events
  }

  /**
   * A change that does not fit the tree is a bug, unless its whole txn is being replayed: then a later change of the
   * same txn has been applied already, as when a multi creates and deletes one znode.
   */
  #skip(zxid: Zxid, claim: string, path: string): readonly TreeEvent[] {
    this.#assertReplay(zxid, claim, path)
    return noEvents
  }

  #assertReplay(zxid: Zxid, claim: string, path: string): void {
    assert(zxid === this.#lastApplied, claim, { path, zxid, lastApplied: this.#lastApplied })
  }
}
