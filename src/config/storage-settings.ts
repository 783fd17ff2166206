/** The settings of the log and of the checkpoints. `readStorageSettings` makes them. */

/** When a checkpoint is made. */
export interface CheckpointTriggers {
  readonly txnCount: number
  readonly logSizeBytes: number | null // null: never for this reason
  readonly intervalMs: number | null // null: never for this reason
}

/** Which part of the log is kept although the checkpoint covers it. A part that one of these protects is kept. */
export interface LogRetentionSettings {
  readonly checkpointCount: number
  readonly sizeBytes: number | null // null: all of it
  readonly durationMs: number | null // null: without limit
}

export interface StorageSettings {
  readonly segmentSizeBytes: number
  readonly slowFlushMs: number
  readonly checkpointTriggers: CheckpointTriggers
  readonly logRetention: LogRetentionSettings
  readonly purgeIntervalMs: number | null // null: after each checkpoint
}
