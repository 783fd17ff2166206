/**
 * The sizes of subtrees with a quota, by the path of their top znode, kept up to date with every change to the overlay. A txn
 * may ask for one when it recounts a usage; counting then would need all znodes of the subtree.
 */
import { parentOf } from '../protocol/client/path.ts'
import type { SubtreeSize } from '../tree/apply/apply-store.ts'

export class SubtreeSizes {
  readonly #sizes = new Map<string, { znodeCount: number; dataSizeBytes: number }>()

  /** Null: the subtree was not measured. */
  sizeOf(top: string): SubtreeSize | null {
    return this.#sizes.get(top) ?? null
  }

  note(top: string, size: SubtreeSize): void {
    this.#sizes.set(top, { ...size })
  }

  /** The measured subtrees that contain the path change. */
  resize(path: string, countDifference: number, bytesDifference: number): void {
    if (this.#sizes.size === 0) return
    for (let top = path; ; top = parentOf(top)) {
      const size = this.#sizes.get(top)
      if (size !== undefined) {
        size.znodeCount += countDifference
        size.dataSizeBytes += bytesDifference
      }
      if (top === '/') return
    }
  }

  forgetUnless(isKept: (top: string) => boolean): void {
    for (const top of this.#sizes.keys()) if (!isKept(top)) this.#sizes.delete(top)
  }
}
