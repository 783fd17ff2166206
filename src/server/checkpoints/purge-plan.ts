/**
 * Decides how much of the front of the log is removed. A segment goes when nothing after the newest checkpoint that
 * may be needed is in it, no reader is on its way through it, and it is beyond the size and the age that the operator
 * wants to keep. The log is removed from the front only, so the first segment that stays keeps all later ones.
 */
import type { Zxid } from '../../base/ids.ts'
import type { LogRetentionSettings } from '../../config/storage-settings.ts'

export interface PurgeFacts {
  /** Oldest first, without the one that is being written to. */
  readonly segments: readonly {
    readonly sizeBytes: number
    readonly lastZxid: Zxid
    readonly ageMs: number // since its last write
  }[]
  readonly logSizeBytes: number // of all segments
  /** The last txn that may be removed: of a checkpoint, or where a reader stands. Null: none may be removed. */
  readonly floor: Zxid | null
}

export interface PurgePlan {
  readonly through: Zxid
  readonly segmentCount: number
  readonly sizeBytes: number
}

/** Null: nothing is removed. */
export function planPurge(
  { segments, logSizeBytes, floor }: PurgeFacts,
  { sizeBytes: keptSizeBytes, durationMs: keptMs }: Pick<LogRetentionSettings, 'sizeBytes' | 'durationMs'>,
): PurgePlan | null {
  if (floor === null || keptSizeBytes === null || keptMs === null) return null
  let plan: PurgePlan | null = null
  let [segmentCount, removedSizeBytes] = [0, 0]
  for (const { sizeBytes, lastZxid, ageMs } of segments) {
    segmentCount++
    removedSizeBytes += sizeBytes
    if (lastZxid > floor || ageMs < keptMs || logSizeBytes - removedSizeBytes < keptSizeBytes) break
    plan = { through: lastZxid, segmentCount, sizeBytes: removedSizeBytes }
  }
  return plan
}

/** Why the front of the log stays; after a removal, of what is left. */
export type KeptReason = 'all-is-kept' | 'too-few-checkpoints' | 'one-file' | 'still-needed' | 'young' | 'small'

export function whyKept(
  { segments, floor }: Pick<PurgeFacts, 'segments' | 'floor'>,
  { sizeBytes, durationMs }: Pick<LogRetentionSettings, 'sizeBytes' | 'durationMs'>,
): KeptReason {
  if (sizeBytes === null || durationMs === null) return 'all-is-kept'
  if (floor === null) return 'too-few-checkpoints'
  const [oldest] = segments
  if (oldest === undefined) return 'one-file'
  if (oldest.lastZxid > floor) return 'still-needed'
  return oldest.ageMs < durationMs ? 'young' : 'small'
}
