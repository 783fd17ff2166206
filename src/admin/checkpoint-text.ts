/** The text of `ckpt`, which ZooKeeper does not have. */
import type { Result } from '../base/result.ts'
import { asLines } from './connection-text.ts'

export interface CheckpointStatus {
  readonly zxid: number
  readonly znodeCount: number
  readonly sessionCount: number
  readonly sizeBytes: number
  readonly durationMs: number
  readonly log: LogAfterCheckpoint
}

/** What the checkpoint has let the server remove from its log. */
export interface LogAfterCheckpoint {
  readonly removedFileCount: number
  readonly removedSizeBytes: number
  readonly sizeBytes: number // of what is left
  readonly keptBecause: string
}

/** Begins with `Checkpoint failed: ` if it did; zkts-cli recognises a failure by that. */
export function renderCheckpoint(outcome: Result<CheckpointStatus, string>): string {
  if (!outcome.ok) return asLines([`Checkpoint failed: ${outcome.error}`])
  const { zxid, znodeCount, sessionCount, sizeBytes, durationMs, log } = outcome.value
  return asLines([
    `Zxid: 0x${zxid.toString(16)}`,
    `Znode count: ${znodeCount}`,
    `Session count: ${sessionCount}`,
    `Size in bytes: ${sizeBytes}`,
    `Duration in ms: ${Math.round(durationMs)}`,
    `Removed files of the log: ${log.removedFileCount}`,
    `Removed bytes of the log: ${log.removedSizeBytes}`,
    `Log size in bytes: ${log.sizeBytes}`,
    `The log is kept because: ${log.keptBecause}`,
  ])
}
