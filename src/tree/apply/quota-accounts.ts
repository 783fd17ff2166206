/**
 * Usage of the subtrees that have a quota (ZK: DataTree.updateQuotaStat, updateQuotaForPath). Owns the lists of paths
 * that have a limits or a usage znode below /zookeeper/quota, and keeps the data of the usage znodes in step with the
 * tree.
 *
 * The usage text is part of the tree and cannot be recomputed: if a client overwrites it, counting continues from what
 * the client wrote, and of nested quotas only the deepest counts. So every step here must be a function of the changes
 * alone, or the digests of servers differ. The text changes without version, mzxid, mtime or event. Assumes that the
 * applier calls it for every change, in order, after the change. Without any quota a change costs one comparison.
 */
import { assert } from '../../base/assert.ts'
import {
  addToUsage,
  limitsPathOf,
  parseQuotaText,
  type QuotaFields,
  quotaZnodeOf,
  renderQuotaText,
  usagePathOf,
} from '../../protocol/client/quota-text.ts'
import type { ApplyStore, SubtreeSize } from './apply-store.ts'

/** The quota that a path falls under, as the leader checks it. */
export interface QuotaView {
  readonly path: string // of the znode that has the quota: the deepest of the path and its ancestors
  readonly limits: QuotaFields | null // null: the text cannot be parsed
  readonly usage: QuotaUsage
}

export type QuotaUsage =
  | { readonly kind: 'known'; readonly fields: QuotaFields }
  | { readonly kind: 'missing' } // a client has deleted the usage znode, or not created it yet
  | { readonly kind: 'unreadable' }

export class QuotaAccounts<Znode> {
  readonly #store: ApplyStore<Znode>
  readonly #limited = new Set<string>() // paths with limits; never '': the root has no quota
  readonly #metered = new Set<string>() // paths with a usage znode, '' for the root
  /** While a finished txn is replayed: the data of the usage znodes before, since all of the txn has been counted. */
  #kept: Map<string, Uint8Array | null> | null = null

  constructor(store: ApplyStore<Znode>) {
    this.#store = store
  }

  /** A znode was created; in a replay it existed already. */
  created(path: string, sizeBytes: number): void {
    const quota = quotaZnodeOf(path)
    if (quota !== null) {
      this.#enter(quota)
      if (quota.kind === 'usage' && this.#kept === null) this.#recount(quota.path)
    }
    // A new limits znode counts for the quota that it makes itself, for example one on /zookeeper, as in ZooKeeper.
    if (this.#limited.size > 0) this.#add(path, 1, sizeBytes)
  }

  deleted(path: string, sizeBytes: number): void {
    if (this.#limited.size === 0 && this.#metered.size === 0) return
    const quota = quotaZnodeOf(path)
    if (quota?.kind === 'limits') this.#limited.delete(quota.path)
    if (quota?.kind === 'usage') this.#metered.delete(quota.path)
    this.#add(path, -1, -sizeBytes)
  }

  resized(path: string, differenceBytes: number): void {
    // Also if the size stays the same: the text is then rewritten in its canonical form.
    if (this.#limited.size > 0) this.#add(path, 0, differenceBytes)
  }

  /** A restored tree contains this znode, with its data; nothing is counted. */
  restored(path: string): void {
    const quota = quotaZnodeOf(path)
    if (quota !== null) this.#enter(quota)
  }

  /** A txn that was finished is applied again: until `finishTxn` nothing is counted. */
  replaying(): void {
    if (this.#kept !== null || this.#metered.size === 0) return
    this.#kept = new Map()
    for (const path of this.#metered) {
      this.#kept.set(path, this.#store.dataOf(this.#store.find(usagePathOf(path))))
    }
  }

  /** A txn is finished. If it was a replay, the usage znodes get back the data that they had before it. */
  finishTxn(): void {
    if (this.#kept === null) return
    for (const [path, data] of this.#kept) {
      const slot = this.#store.find(usagePathOf(path))
      if (slot !== this.#store.none) this.#write(slot, data)
    }
    this.#kept = null
  }

  /** The quota that a write to `path` is checked against; null: none. */
  over(path: string): QuotaView | null {
    const quotaPath = this.#deepest(path)
    if (quotaPath === null) return null
    const store = this.#store
    const usage = store.find(usagePathOf(quotaPath))
    const fields = usage === store.none ? null : parseQuotaText(store.dataOf(usage))
    return {
      path: quotaPath,
      limits: parseQuotaText(store.dataOf(store.find(limitsPathOf(quotaPath)))),
      usage: fields !== null ? { kind: 'known', fields } : { kind: usage === store.none ? 'missing' : 'unreadable' },
    }
  }

  /** All limits and usages that can be parsed. The root's usage belongs to no namespace and is left out. */
  forEach(visit: (kind: 'limits' | 'usage', path: string, fields: QuotaFields) => void): void {
    for (const path of this.#limited) this.#visit('limits', path, limitsPathOf(path), visit)
    for (const path of this.#metered) if (path !== '') this.#visit('usage', path, usagePathOf(path), visit)
  }

  /** Compares the lists with the paths of all znodes at and below /zookeeper/quota. */
  verify(quotaPaths: readonly string[]): void {
    assert(this.#kept === null, 'no replay is under way', {})
    let limitedCount = 0
    let meteredCount = 0
    for (const path of quotaPaths) {
      const quota = quotaZnodeOf(path)
      if (quota === null || (quota.kind === 'limits' && quota.path === '')) continue
      const list = quota.kind === 'limits' ? this.#limited : this.#metered
      assert(list.has(quota.path), 'every limits and usage znode is listed', { ...quota })
      if (quota.kind === 'limits') limitedCount += 1
      else meteredCount += 1
    }
    assert(limitedCount === this.#limited.size, 'only paths with limits are listed', { limitedCount })
    assert(meteredCount === this.#metered.size, 'only paths with usage are listed', { meteredCount })
  }

  #enter(quota: { readonly kind: 'limits' | 'usage'; readonly path: string }): void {
    if (quota.kind === 'usage') this.#metered.add(quota.path)
    else if (quota.path !== '') this.#limited.add(quota.path)
  }

  #deepest(path: string): string | null {
    if (this.#limited.size === 0) return null
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
      const ancestor = path.slice(0, end)
      if (this.#limited.has(ancestor)) return ancestor
    }
    return null
  }

  #add(path: string, countDifference: number, bytesDifference: number): void {
    if (this.#kept !== null) return
    const quotaPath = this.#deepest(path)
    if (quotaPath === null) return
    const slot = this.#store.find(usagePathOf(quotaPath))
    if (slot === this.#store.none) return
    const usage = parseQuotaText(this.#store.dataOf(slot))
    // A server of ZooKeeper that cannot parse this text stops. A recount repairs the text that the client broke.
    if (usage === null) this.#recount(quotaPath)
    else this.#write(slot, bytesOf(addToUsage(usage, countDifference, bytesDifference)))
  }

  /** Counts the znode and everything below it, as the tree is now (ZK: DataTree.getCounts). */
  #recount(quotaPath: string): void {
    const store = this.#store
    const top = store.find(quotaPath)
    const size = top === store.none ? nothing : store.measure(top)
    const fields = new Map([
      ['count', BigInt(size.znodeCount)],
      ['bytes', BigInt(size.dataSizeBytes)],
    ])
    this.#write(store.find(usagePathOf(quotaPath)), bytesOf(fields))
  }

  #write(znode: Znode, data: Uint8Array | null): void {
    const store = this.#store
    assert(znode !== store.none && znode !== store.find('/'), 'usage is kept in a znode of its own', {})
    store.setData(znode, data)
    store.seal(znode)
  }

  #visit(
    kind: 'limits' | 'usage',
    path: string,
    znodePath: string,
    visit: (kind: 'limits' | 'usage', path: string, fields: QuotaFields) => void,
  ): void {
    const fields = parseQuotaText(this.#store.dataOf(this.#store.find(znodePath)))
    if (fields !== null) visit(kind, path, fields)
  }
}

const nothing: SubtreeSize = { znodeCount: 0, dataSizeBytes: 0 }
const encoder = new TextEncoder()

function bytesOf(fields: QuotaFields): Uint8Array {
  return encoder.encode(renderQuotaText(fields))
}
