/**
 * Follows the records of a log from its first: checks the order of zxids and the chain of hashes, hands out
 * what is known to be committed, keeps the rest as the tail. A txn leaves the tail only by a commit mark or by
 * a truncation, and no truncation reaches below the mark; so what was handed out is never taken back.
 */
import { type ChainHash, emptyChainHash, nextChainHash } from '../base/chain-hash.ts'
import { hexOfZxid, type Zxid, zeroZxid } from '../base/ids.ts'
import type { TxnEntry } from '../protocol/disk/log-record.ts'
import { emptyLogState, followRecord, type LogState, type MutableLogState, type StoredRecord } from './log-state.ts'

export class LogReplay {
  readonly #state: MutableLogState = { ...emptyLogState }
  readonly #onCommitted: (entry: TxnEntry) => void
  #tail: TxnEntry[] = []
  #lastHandedOut: { readonly zxid: Zxid; readonly hash: ChainHash } = { zxid: zeroZxid, hash: emptyChainHash }

  constructor(onCommitted: (entry: TxnEntry) => void) {
    this.#onCommitted = onCommitted
  }

  get state(): LogState {
    return this.#state
  }

  get tail(): readonly TxnEntry[] {
    return this.#tail
  }

  get lastHandedOut(): { readonly zxid: Zxid; readonly hash: ChainHash } {
    return this.#lastHandedOut
  }

  /** Returns what is wrong with the record, or null. */
  follow(record: StoredRecord): string | null {
    const problem = this.#problemOf(record)
    if (problem !== null) return problem
    followRecord(this.#state, record)
    if (record.kind === 'txn') this.#tail.push(record)
    else if (record.kind === 'truncate') this.#dropAfter(record.zxid)
    else if (record.kind === 'committed') this.#handOut(record.zxid)
    return null
  }

  #problemOf(record: StoredRecord): string | null {
    const { lastZxid, lastHash, committed } = this.#state
    if (record.kind === 'txn') {
      if (record.zxid <= lastZxid) return `txn ${hexOfZxid(record.zxid)} follows ${hexOfZxid(lastZxid)}`
      const hash = nextChainHash(lastHash, record.zxid, record.payload)
      if (hash !== record.hash)
        return `the history before txn ${hexOfZxid(record.zxid)} is not the one it was written on`
    }
    if (record.kind === 'committed' && record.zxid > lastZxid) {
      return `${hexOfZxid(record.zxid)} is marked committed, the log ends at ${hexOfZxid(lastZxid)}`
    }
    if (record.kind === 'truncate') {
      if (record.zxid < committed) return `a truncation to ${hexOfZxid(record.zxid)} takes back committed txns`
      if (this.#hashAt(record.zxid) !== record.hash)
        return `a truncation to ${hexOfZxid(record.zxid)} finds another history`
    }
    return null
  }

  #hashAt(zxid: Zxid): ChainHash | null {
    if (zxid === this.#lastHandedOut.zxid) return this.#lastHandedOut.hash
    return this.#tail.findLast((entry) => entry.zxid === zxid)?.hash ?? null
  }

  #dropAfter(zxid: Zxid): void {
    while ((this.#tail.at(-1)?.zxid ?? zxid) > zxid) this.#tail.pop()
  }

  #handOut(zxid: Zxid): void {
    let count = 0
    for (const entry of this.#tail) {
      if (entry.zxid > zxid) break
      this.#onCommitted({ zxid: entry.zxid, hash: entry.hash, payload: entry.payload })
      this.#lastHandedOut = { zxid: entry.zxid, hash: entry.hash }
      count++
    }
    if (count > 0) this.#tail = this.#tail.slice(count)
  }
}
