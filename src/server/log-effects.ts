/**
 * The storage effects of a replica, run on its log; what became of them comes back as events.
 * Owns: that what waits for durability leaves when the flush has completed, before the replica hears of it, and that
 * after the first failure nothing more comes back: a log that failed once cannot be believed again.
 */
import { assertNever } from '../base/assert.ts'
import type { ServerId } from '../base/ids.ts'
import type { ServerMetrics } from '../metrics/server-metrics.ts'
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
}

export class LogEffects {
  readonly #options: LogEffectsOptions
  #hasFailed = false

  constructor(options: LogEffectsOptions) {
    this.#options = options
  }

  run(effect: LogEffect): void {
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
    storage.append(records, (error) => {
      if (turn.isStopped || this.#failed(error)) return
      metrics.sync_processor_queue_and_flush_time_ms.note(turn.now().monotonicMs - handedInAtMs)
      for (const { to, message } of whenDurable) send(to, message)
      turn.feed({ kind: 'persisted', tag })
    })
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
