import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load-config.ts'
import type { StorageSettings } from '../../src/config/storage-settings.ts'

const kib = 1024
const mib = 1024 * kib
const hourMs = 3_600_000

function load(...lines: readonly string[]) {
  const text = ['dataDir=d', 'clientPort=1', ...lines].join('\n')
  return loadConfig({ text, dynamicText: null, myidText: null })
}

function storage(...lines: readonly string[]): StorageSettings {
  const loaded = load(...lines)
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error))
  return loaded.value.config.storage
}

function remarks(...lines: readonly string[]): readonly string[] {
  const loaded = load(...lines)
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error))
  return loaded.value.remarks.map(({ severity, key, wrong }) => `${severity} ${key}: ${wrong}`)
}

test('without a key the log and the checkpoints have the defaults of ZooKeeper, and those of zkts', () => {
  expect(storage()).toEqual({
    segmentSizeBytes: 64 * mib,
    slowFlushMs: 1000,
    checkpointTriggers: { txnCount: 100_000, logSizeBytes: 4096 * mib, intervalMs: 600_000 },
    logRetention: { checkpointCount: 3, sizeBytes: 512 * mib, durationMs: 0 },
    purgeIntervalMs: null,
  })
})

test('a value that switches something off is null', () => {
  expect(storage('snapSizeLimitInKb=0').checkpointTriggers.logSizeBytes).toBeNull()
  expect(storage('snapSizeLimitInKb=-5').checkpointTriggers.logSizeBytes).toBeNull()
  expect(storage('checkpointIntervalMs=0').checkpointTriggers.intervalMs).toBeNull()
  expect(storage('logRetentionSizeInKb=-1').logRetention.sizeBytes).toBeNull()
  expect(storage('logRetentionHours=-1').logRetention.durationMs).toBeNull()
  expect(storage('autopurge.purgeInterval=-1').purgeIntervalMs).toBeNull()
})

test('sizes and times become bytes and milliseconds', () => {
  expect(storage('snapSizeLimitInKb=100').checkpointTriggers.logSizeBytes).toBe(100 * kib)
  expect(storage('logRetentionSizeInKb=0', 'logRetentionHours=48').logRetention).toMatchObject({
    sizeBytes: 0,
    durationMs: 48 * hourMs,
  })
  expect(storage('autopurge.purgeInterval=2').purgeIntervalMs).toBe(2 * hourMs)
  expect(storage('txnLogSizeLimitInKb=256').segmentSizeBytes).toBe(256 * kib)
  expect(storage('txnLogSizeLimitInKb=0').segmentSizeBytes).toBe(64 * mib)
  expect(storage('txnLogSizeLimitInKb=9000000').segmentSizeBytes).toBe(1024 * mib)
})

test('a value below the least of ZooKeeper is raised with a warning', () => {
  expect(storage('snapCount=1').checkpointTriggers.txnCount).toBe(2)
  expect(storage('autopurge.snapRetainCount=1').logRetention.checkpointCount).toBe(3)
  expect(remarks('snapCount=1', 'autopurge.snapRetainCount=1')).toEqual([
    'warning snapCount: less than 2, so 2 counts',
    'warning autopurge.snapRetainCount: less than 3, so 3 counts',
  ])
})

test('a value that is no number in range is an error that names its key', () => {
  for (const line of [
    'snapCount=many',
    'logRetentionSizeInKb=-2',
    'logRetentionHours=1.5',
    'checkpointIntervalMs=-1',
  ]) {
    const loaded = load(line)
    expect(loaded.ok ? null : loaded.error.map(({ key }) => key)).toEqual([line.split('=')[0]])
  }
})
