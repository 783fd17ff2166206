/** What the storage tests share: virtual time, a disk that uses it, and a log storage on that disk. */
import { type ChainHash, emptyChainHash, nextChainHash } from '../../src/base/chain-hash.ts'
import type { ServerId, Zxid } from '../../src/base/ids.ts'
import type { Result } from '../../src/base/result.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { Log } from '../../src/ports/log.ts'
import type { Timers } from '../../src/ports/timers.ts'
import type { ClusterId, TxnEntry } from '../../src/protocol/disk/log-record.ts'
import type { LogStretch } from '../../src/storage/log-reader.ts'
import type { LogBase, LogPoint } from '../../src/storage/log-state.ts'
import { LogStorage, type LogStorageOptions, type RecoveredLog } from '../../src/storage/log-storage.ts'
import type { OpenFailure } from '../../src/storage/open-failure.ts'
import { SimDisk, type SimDiskOptions } from '../simulator/sim-disk.ts'
import { SimRandom } from '../simulator/sim-random.ts'

export const folder = '/data/wal'
export const serverId = 3 as ServerId

interface TimedCall {
  readonly atMs: number
  readonly sequence: number
  callback: (() => void) | null
}

export class VirtualTime {
  nowMs = 0
  #calls: TimedCall[] = []
  #sequence = 0

  readonly schedule = (delayMs: number, callback: () => void): (() => void) => {
    const call: TimedCall = { atMs: this.nowMs + delayMs, sequence: this.#sequence++, callback }
    this.#calls.push(call)
    return () => {
      call.callback = null
    }
  }

  readonly timers: Timers = {
    after: (delayMs, callback) => this.schedule(delayMs, callback),
    atTurnEnd: (callback) => {
      this.schedule(0, callback)
    },
  }

  /** Runs what is scheduled, in order, until `stop` returns true or nothing is left before `untilMs`. */
  async run(stop: () => boolean = () => false, untilMs = Number.POSITIVE_INFINITY): Promise<void> {
    for (;;) {
      await new Promise<void>((resolve) => setImmediate(resolve))
      if (stop()) return
      this.#calls.sort((a, b) => a.atMs - b.atMs || a.sequence - b.sequence)
      const next = this.#calls[0]
      if (next === undefined || next.atMs > untilMs) return
      this.#calls.shift()
      this.nowMs = Math.max(this.nowMs, next.atMs)
      next.callback?.()
    }
  }

  /** Runs until the promise settles. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const noted = promise.finally(() => {
      settled = true
    })
    noted.catch(() => {})
    await this.run(() => settled)
    return noted
  }
}

export class RecordingLog implements Log {
  readonly lines: { readonly level: string; readonly event: string }[] = []
  error(event: string): void {
    this.lines.push({ level: 'error', event })
  }
  warn(event: string): void {
    this.lines.push({ level: 'warn', event })
  }
  info(event: string): void {
    this.lines.push({ level: 'info', event })
  }
  debug(): void {}
  child(): Log {
    return this
  }
  count(event: string): number {
    return this.lines.filter((line) => line.event === event).length
  }
}

/** A disk that answers in the next microtask: for tests that do not depend on time. */
export function promptDisk(seed = 1, options: Partial<SimDiskOptions> = {}): SimDisk {
  return new SimDisk({ random: new SimRandom(seed), schedule: promptSchedule, ...options })
}

export function promptSchedule(_delayMs: number, callback: () => void): void {
  void Promise.resolve().then(callback)
}

/** It shows one time for ever; only a full disk is timed. */
export const stillClock: Clock = { monotonicMs: () => 0, wallMs: () => 0 }

/** Timers that never fire. */
export const stillTimers: Timers = {
  after: () => () => {},
  atTurnEnd: (callback) => void Promise.resolve().then(callback),
}

export interface Opened {
  readonly storage: LogStorage
  readonly result: Result<RecoveredLog, OpenFailure>
  readonly committed: readonly TxnEntry[]
  readonly log: RecordingLog
}

export async function openStorage(
  disk: SimDisk,
  { base = null, ...options }: Partial<LogStorageOptions> & { readonly base?: LogPoint | LogBase | null } = {},
  wait: <T>(promise: Promise<T>) => Promise<T> = (promise) => promise,
): Promise<Opened> {
  const log = new RecordingLog()
  const storage = new LogStorage({ disk, clock: stillClock, timers: stillTimers, log, folder, serverId, ...options })
  const committed: TxnEntry[] = []
  const result = await wait(storage.open((entry) => committed.push(entry), base === null ? null : baseOf(base)))
  return { storage, result, committed, log }
}

/** A bare point is that of a checkpoint that was folded from the log. */
function baseOf(base: LogPoint | LogBase): LogBase {
  return 'origin' in base ? base : { ...base, origin: 'folded', clusterId: 0, epoch: 0 }
}

export function restartAndWait(storage: LogStorage, point: LogPoint, clusterId: ClusterId): Promise<void> {
  return new Promise((done, failed) => {
    storage.restartAt(point, clusterId, (error) => (error === null ? done() : failed(error)))
  })
}

export function recovered(opened: Opened): RecoveredLog {
  if (!opened.result.ok) throw new Error(opened.result.error.message)
  return opened.result.value
}

export async function stretchAfter(storage: LogStorage, zxid: number, sizeBytesMax: number): Promise<LogStretch> {
  const reading = await storage.readAfter(zxid as Zxid, sizeBytesMax)
  if (reading.kind !== 'stretch') throw new Error(`the log begins after ${reading.oldest.zxid}`)
  return reading
}

export function appendAndWait(storage: LogStorage, records: Parameters<LogStorage['append']>[0]): Promise<void> {
  return new Promise((done, failed) => {
    storage.append(records, (error) => (error === null ? done() : failed(error)))
  })
}

export function truncateAndWait(storage: LogStorage, zxid: Zxid): Promise<void> {
  return new Promise((done, failed) => {
    storage.truncateAfter(zxid, (error) => (error === null ? done() : failed(error)))
  })
}

/** Makes txns that follow one another. */
export class History {
  entries: TxnEntry[] = []

  next(zxid: number, payload: Uint8Array): { readonly kind: 'txn' } & TxnEntry {
    const before: ChainHash = this.entries.at(-1)?.hash ?? emptyChainHash
    const entry = { zxid: zxid as Zxid, hash: nextChainHash(before, zxid as Zxid, payload), payload }
    this.entries.push(entry)
    return { kind: 'txn', ...entry }
  }

  truncateAfter(zxid: number): void {
    this.entries = this.entries.filter((entry) => entry.zxid <= zxid)
  }
}

export function payloadOf(random: SimRandom, sizeBytes: number): Uint8Array {
  // Many zeros, so that a lost sector may have the bytes of a written one.
  return Uint8Array.from({ length: sizeBytes }, () => (random.chance(0.5) ? 0 : random.below(256)))
}
