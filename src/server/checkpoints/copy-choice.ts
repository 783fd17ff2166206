/**
 * Decides whether a learner that the log could bring up gets a copy of the state all the same: each txn of the log costs
 * both servers more than an entry of a copy, and the log may hold many txns of one znode. ZooKeeper decides alike
 * (snapshotSizeFactor: ZKDatabase.calculateTxnLogSizeLimit). Only whole segments count, so a short way never does.
 */
import type { Zxid } from '../../base/ids.ts'
import { copyInsteadOfLogSizeBytesMin } from '../../base/limits.ts'

export interface CopyChoiceFacts {
  /** Of the log, oldest first, without the one that is being written to. */
  readonly segments: readonly { readonly sizeBytes: number; readonly lastZxid: Zxid }[]
  readonly checkpoint: { readonly zxid: Zxid; readonly sizeBytes: number } | null
}

/** The part of the size of a checkpoint that the log may have before the copy is chosen. As in ZooKeeper. */
const logShareMax = 0.33

export function copyIsQuicker({ segments, checkpoint }: CopyChoiceFacts, after: Zxid): boolean {
  if (checkpoint === null) return false
  let savedSizeBytes = 0
  for (const [i, { sizeBytes, lastZxid }] of segments.entries()) {
    const begins = segments[i - 1]?.lastZxid ?? 0
    if (begins >= after && lastZxid <= checkpoint.zxid) savedSizeBytes += sizeBytes
  }
  return savedSizeBytes >= Math.max(copyInsteadOfLogSizeBytesMin, logShareMax * checkpoint.sizeBytes)
}
