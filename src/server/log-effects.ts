/**
 * The storage effects of a replica, run on its log; what became of them comes back as events.
 * Owns: that the record of an epoch is followed by the identity of the data folder before anything else is written or
 * acknowledged (design D14); that what waits for durability leaves when the flush has completed, before the replica hears of it, and that
 * after the first failure nothing more comes back: a log that failed once cannot be believed again.
 */
import { assertNever } from '../base/assert.ts'
import type { Epoch, ServerId } from '../base/ids.ts'
import type { ServerMetrics } from '../metrics/server-metrics.ts'
import type { ClusterId, LogRecord } from '../protocol/disk/log-record.ts'
import type { PeerMessage } from '../protocol/peer/peer-message.ts'
import type { Effect } from '../replica/contract.ts'
import type { LogStorage } from '../storage/log-storage.ts'
import type { Turn } from './turn.ts'

export type LogEffect = Extract<Effect, { readonly kind: 'persist' | 'truncate-log' | 'read-log' }>

export interface LogEffectsOptions {
  readonly storage: LogStorage
  readonly turn: Turn
  readonly metrics: ServerMetrics
  readonly send: (to: ServerId, message: PeerMessage) => void
  /** Keeps an epoch that is durable in the log in the identity of the data folder, too; rejects with a fault of the disk. */
  readonly noteEpoch: (epoch: Epoch, clusterId: ClusterId) => Promise<void>
}

export class LogEffects {
  readonly #options: LogEffectsOptions
  #hasFailed = false
  /** What was asked for while the record of an epoch was under way. */
  #held: LogEffect[] | null = null

  constructor(options: LogEffectsOptions) {
    this.#options = options
  }

  run(effect: LogEffect): void {
    if (this.#held !== null) this.#held.push(effect)
    else this.#start(effect)
  }

  #start(effect: LogEffect): void {
    switch (effect.kind) {
      case 'persist':
        this.#persist(effect)
        return
      case 'truncate-log':
        this.#truncate(effect)
        return
      case 'read-log':
        void this.#read(effect)
        return
      default:
        assertNever(effect)
    }
  }

  #persist({ records, tag, whenDurable }: Extract<LogEffect, { readonly kind: 'persist' }>): void {
    const { storage, turn, metrics, send } = this.#options
    const handedInAtMs = turn.now().monotonicMs
    metrics.sync_processor_request_queued.add(records.length)
    const epochRecord = records.findLast((record) => record.kind === 'current-epoch')
    if (epochRecord !== undefined) this.#held = []
    storage.append(records, (error) => {
      if (turn.isStopped || this.#failed(error)) return
      metrics.sync_processor_queue_and_flush_time_ms.note(turn.now().monotonicMs - handedInAtMs)
      const release = (): void => {
        for (const { to, message } of whenDurable) send(to, message)
        turn.feed({ kind: 'persisted', tag })
      }
      if (epochRecord === undefined) release()
      else void this.#noteEpoch(epochRecord, release)
    })
  }

  /** Once in an epoch, so its few flushes cost nothing that counts. */
  async #noteEpoch(record: Extract<LogRecord, { readonly kind: 'current-epoch' }>, release: () => void): Promise<void> {
    const { turn, noteEpoch } = this.#options
    try {
      await noteEpoch(record.epoch, record.clusterId)
    } catch (cause) {
      if (!(cause instanceof Error && 'code' in cause)) throw cause
      if (!turn.isStopped) this.#failed(cause)
      return
    }
    if (turn.isStopped) return
    const held = this.#held ?? []
    this.#held = null
    release()
    for (const effect of held) this.run(effect)
  }

  #truncate({ zxid }: Extract<LogEffect, { readonly kind: 'truncate-log' }>): void {
    const { storage, turn } = this.#options
    storage.truncateAfter(zxid, (error) => {
      if (!turn.isStopped && !this.#failed(error)) turn.feed({ kind: 'log-truncated', zxid })
    })
  }

  /** Off the path of requests, so a promise costs nothing that counts. */
  async #read({ ticket, after, sizeBytesMax }: Extract<LogEffect, { readonly kind: 'read-log' }>): Promise<void> {
    const { storage, turn } = this.#options
    try {
      const reading = await storage.readAfter(after, sizeBytesMax)
      if (turn.isStopped) return
      if (reading.kind === 'stretch') {
        turn.feed({ kind: 'log-read', ticket, start: reading.start, entries: reading.entries })
      } else turn.feed({ kind: 'log-read', ticket, start: null, oldest: reading.oldest })
    } catch (cause) {
      // A bug is not a disk fault: only errors that carry a system's code are.
      if (!(cause instanceof Error && 'code' in cause)) throw cause
      if (!turn.isStopped) this.#failed(cause)
    }
  }

  #failed(error: Error | null): boolean {
    if (error === null) return this.#hasFailed
    if (!this.#hasFailed) {
      this.#hasFailed = true
      this.#options.turn.feed({ kind: 'persist-failed', cause: `the log failed: ${error.message}` })
    }
    return true
  }
}
