/**
 * The tree's digest at every 128th zxid, the last 1024 of them (ZK: DataTree.logZxidDigest). Servers that agree
 * have equal lines for equal zxids, so an operator can compare them by the word `hash`.
 */
import type { Zxid } from '../base/ids.ts'
import type { TreeDigest } from '../tree/tree-digest.ts'

export interface DigestAt {
  readonly zxid: Zxid
  readonly digest: TreeDigest
}

const intervalZxids = 128 // a power of two
const keptCountMax = 1024

export class DigestHistory {
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
