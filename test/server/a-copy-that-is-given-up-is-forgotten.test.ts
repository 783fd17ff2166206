/** The order of the log and the checkpoint when a copy of the state is given up. */
import { expect, test } from 'vitest'
import { emptyChainHash } from '../../src/base/chain-hash.ts'
import { type Zxid, zeroZxid } from '../../src/base/ids.ts'
import { newMetrics } from '../../src/metrics/server-metrics.ts'
import type { ClusterId } from '../../src/protocol/disk/log-record.ts'
import type { ReplicaEvent } from '../../src/replica/contract.ts'
import { LogEffects } from '../../src/server/log-effects.ts'
import { Turn } from '../../src/server/turn.ts'
import type { LogStorage } from '../../src/storage/log-storage.ts'
import { openStorage, promptDisk, RecordingLog, VirtualTime } from '../storage/storage-rig.ts'

async function rig(discard: () => Promise<void> = async () => {}) {
  const time = new VirtualTime()
  const happened: string[] = []
  const { storage } = await openStorage(promptDisk())
  const clock = { monotonicMs: () => time.nowMs, wallMs: () => 0 }
  const turn = new Turn(clock, time.timers, 100, {
    handle: (event: ReplicaEvent) => {
      if (event.kind !== 'turn-ended') happened.push(event.kind)
      return []
    },
    perform: () => {},
    tick: () => {},
    readOn: () => {},
    flush: () => {},
  })
  turn.start(() => [])
  const recording = new Proxy(storage, {
    get: (target, name) => {
      if (name === 'append' || name === 'restartAt') happened.push(name)
      const value: unknown = target[name as keyof LogStorage]
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const effects = new LogEffects({
    storage: recording,
    turn,
    metrics: newMetrics(),
    log: new RecordingLog(),
    isAlone: false,
    send: () => {},
    noteEpoch: async () => {},
    discardCheckpoint: async () => {
      happened.push('discard')
      await discard()
    },
    copyIsQuicker: () => false,
    logRestarted: (zxid) => happened.push(`restarted at ${zxid}`),
  })
  return { time, happened, effects }
}

const hash = emptyChainHash
const tag = { incarnation: 1, step: 'txns', zxid: zeroZxid } as const
const clusterId = 0 as ClusterId

test('the checkpoint is forgotten after the log has restarted from nothing, and before it gets another record', async () => {
  const { time, happened, effects } = await rig()
  effects.run({ kind: 'restart-log', zxid: zeroZxid, hash, clusterId })
  effects.run({ kind: 'persist', records: [], tag, whenDurable: [] })
  await time.run()
  expect(happened).toEqual(['restartAt', 'discard', 'restarted at 0', 'log-restarted', 'append', 'persisted'])
})

test('a log that restarts at a copy keeps the checkpoint and is written to at once', async () => {
  const { time, happened, effects } = await rig()
  effects.run({ kind: 'restart-log', zxid: 40 as Zxid, hash, clusterId })
  effects.run({ kind: 'persist', records: [], tag, whenDurable: [] })
  await time.run()
  expect(happened).toEqual(['restartAt', 'append', 'restarted at 40', 'log-restarted', 'persisted'])
})

test('a checkpoint that cannot be forgotten stops the server', async () => {
  const { time, happened, effects } = await rig(async () => {
    throw Object.assign(new Error('the disk failed'), { code: 'EIO' })
  })
  effects.run({ kind: 'restart-log', zxid: zeroZxid, hash, clusterId })
  await time.run()
  expect(happened).toEqual(['restartAt', 'discard', 'persist-failed'])
})
