/**
 * Reads the settings of the log and of the checkpoints. Those of ZooKeeper have its names and defaults.
 * Owns: their ranges. A value at which ZooKeeper only warns is no error here either.
 */
import { logSegmentSizeBytesMax } from '../base/limits.ts'
import type { Settings } from './settings.ts'
import type { StorageSettings } from './storage-settings.ts'

const intMax = 2 ** 31 - 1
const intMin = -(2 ** 31)
const longMax = Number.MAX_SAFE_INTEGER
const longMin = Number.MIN_SAFE_INTEGER
const hourMs = 3_600_000
const segmentSizeBytesDefault = 64 * 1024 * 1024
/** ZK: SyncRequestProcessor, ZooKeeperServer.getSnapCount. */
const snapCountMin = 2
/** ZK: QuorumPeerConfig.MIN_SNAP_RETAIN_COUNT. */
const retainCountMin = 3

export function readStorageSettings(settings: Settings): StorageSettings {
  return {
    segmentSizeBytes: readSegmentSize(settings),
    slowFlushMs: settings.integer('fsync.warningthresholdms', longMin, longMax) ?? 1000,
    checkpointTriggers: {
      txnCount: atLeast(settings, 'snapCount', snapCountMin, 100_000),
      logSizeBytes: aboveZero(settings.integer('snapSizeLimitInKb', longMin, longMax / 1024) ?? 4 * 1024 * 1024, 1024),
      intervalMs: aboveZero(settings.number('checkpointIntervalMs', 0, intMax) ?? 600_000, 1),
    },
    logRetention: {
      checkpointCount: atLeast(settings, 'autopurge.snapRetainCount', retainCountMin, retainCountMin),
      sizeBytes: unlessMinusOne(settings.number('logRetentionSizeInKb', -1, longMax / 1024) ?? 512 * 1024, 1024),
      durationMs: unlessMinusOne(settings.number('logRetentionHours', -1, intMax) ?? 0, hourMs),
    },
    // Below 0 it counts as 0 (ZK: DatadirCleanupManager.start).
    purgeIntervalMs: aboveZero(settings.number('autopurge.purgeInterval', intMin, intMax) ?? 0, hourMs),
  }
}

function readSegmentSize(settings: Settings): number {
  const sizeInKb = settings.integer('txnLogSizeLimitInKb', longMin, longMax) ?? -1
  if (sizeInKb <= 0) return segmentSizeBytesDefault // ZK: FileTxnLog.append
  return Math.min(sizeInKb * 1024, logSegmentSizeBytesMax)
}

/** A smaller value is raised, with a warning, as in ZooKeeper. */
function atLeast(settings: Settings, key: string, least: number, otherwise: number): number {
  const value = settings.integer(key, intMin, intMax) ?? otherwise
  if (value >= least) return value
  settings.warn(key, `less than ${least}, so ${least} counts`, `write ${least} or more`)
  return least
}

function aboveZero(value: number, unit: number): number | null {
  return value > 0 ? value * unit : null
}

function unlessMinusOne(value: number, unit: number): number | null {
  return value === -1 ? null : value * unit
}
