/**
 * The one sequence of committed transactions: at each place, what a server applied first. It is no check itself: where two
 * servers disagree it keeps the first, and `committed-prefix` reports the other.
 */
import type { Zxid } from '../../../src/base/ids.ts'
import type { Txn } from '../../../src/protocol/txn/txn.ts'
import type { TraceEntry } from '../sim-event.ts'

export interface CommittedTxn {
  readonly zxid: Zxid
  readonly txn: Txn
  readonly digest: string
  readonly appliedAtUs: number // first, on any server
}

export class CommittedHistory {
  readonly txns: CommittedTxn[] = []
  readonly #indexByZxid = new Map<Zxid, number>()

  observe({ atUs, event }: TraceEntry): void {
    if (event.kind !== 'server' || event.event.kind !== 'applied') return
    const { zxid, txn, digest } = event.event
    if (this.txns.length > 0 && zxid <= this.lastZxid) return
    this.#indexByZxid.set(zxid, this.txns.length)
    this.txns.push({ zxid, txn, digest, appliedAtUs: atUs })
  }

  get lastZxid(): Zxid {
    return this.txns.length === 0 ? (0 as Zxid) : this.txns[this.txns.length - 1]!.zxid
  }

  /** -1: no server applied this txn, or none at this place. */
  indexOf(zxid: Zxid): number {
    return this.#indexByZxid.get(zxid) ?? -1
  }

  at(zxid: Zxid): CommittedTxn | null {
    return this.txns[this.indexOf(zxid)] ?? null
  }
}
