/** The text of `ckpt`, which ZooKeeper does not have. */
import type { Result } from '../base/result.ts'
import { asLines } from './connection-text.ts'

export interface CheckpointStatus {
  readonly zxid: number
  readonly znodeCount: number
  readonly sessionCount: number
  readonly sizeBytes: number
  readonly durationMs: number
}

/** Begins with `Checkpoint failed: ` if it did; zkts-cli recognises a failure by that. */
export function renderCheckpoint(outcome: Result<CheckpointStatus, string>): string {
  if (!outcome.ok) return asLines([`Checkpoint failed: ${outcome.error}`])
  const { zxid, znodeCount, sessionCount, sizeBytes, durationMs } = outcome.value
  return asLines([
    `Zxid: 0x${zxid.toString(16)}`,
    `Node count: ${znodeCount + 1}`, // as in srvr: the root of ZooKeeper has two keys, '' and '/'
    `Session count: ${sessionCount}`,
    `Size in bytes: ${sizeBytes}`,
    `Duration in ms: ${Math.round(durationMs)}`,
  ])
}
