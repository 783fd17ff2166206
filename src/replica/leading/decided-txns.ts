/**
 * The txns in flight that this leader has decided, as it prepared them: it applies them as they are, and does not decode
 * what it has encoded. Only txns of which the bytes say exactly the same are kept (usual-txn-encoder.ts), since all other
 * servers apply what the bytes say. For any other txn, and for those of earlier leaders, `take` returns null.
 */
import { assert } from '../../base/assert.ts'
import { dropFirst } from '../../base/drop-first.ts'
import type { Zxid } from '../../base/ids.ts'
import type { Txn } from '../../protocol/txn/txn.ts'

/** Taken entries are cut off when there are this many, and they are the larger half. */
const takenCountMin = 64

export class DecidedTxns {
  readonly #zxids: Zxid[] = [] // rising; those before #first are taken
  readonly #txns: (Txn | null)[] = [] // null: taken
  #first = 0

  add(zxid: Zxid, txn: Txn): void {
    const last = this.#zxids[this.#zxids.length - 1]
    assert(last === undefined || zxid > last, 'txns are decided in zxid order')
    this.#zxids.push(zxid)
    this.#txns.push(txn)
  }

  /** Called for each txn that is delivered, in zxid order. */
  take(zxid: Zxid): Txn | null {
    if (this.#zxids[this.#first] !== zxid) return null
    const txn = this.#txns[this.#first]!
    this.#txns[this.#first] = null
    this.#first++
    if (this.#first >= takenCountMin && this.#first * 2 >= this.#zxids.length) {
      dropFirst(this.#zxids, this.#first)
      dropFirst(this.#txns, this.#first)
      this.#first = 0
    }
    return txn
  }
}
