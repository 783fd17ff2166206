/**
 * Runs the storage effects of a replica on its log, and feeds their outcomes back as events.
 * Owns: that a copy of the state which is given up is forgotten before the log gets any other record (step S2); that
 * after the record of an epoch the identity of the data folder is written before any other record is written
 * or acknowledged (design D14); that the messages in `whenDurable` leave when the flush has completed, before the
 * replica gets `persisted`; and that after the first failure no outcome is fed back: a log that failed once is not
 * trusted again.
 */
import { assertNever } from '../base/assert.ts'
import { emptyChainHash } from '../base/chain-hash.ts'
import { type Epoch, type ServerId, type Zxid, zeroZxid } from '../base/ids.ts'
import type { ServerMetrics } from '../metrics/server-metrics.ts'
import type { Log } from '../ports/log.ts'
import type { ClusterId, LogRecord } from '../protocol/disk/log-record.ts'
import type { PeerMessage } from '../protocol/peer/peer-message.ts'
import type { Effect } from '../replica/contract.ts'
import type { LogStorage } from '../storage/log-storage.ts'
import type { Turn } from './turn.ts'

type LogEffectKind = 'persist' | 'truncate-log' | 'restart-log' | 'read-log'
export type LogEffect = Extract<Effect, { readonly kind: LogEffectKind }>

export interface LogEffectsOptions {
  readonly storage: LogStorage
  readonly turn: Turn
  readonly metrics: ServerMetrics
  readonly log: Log
  readonly isAlone: boolean // no other server has the data
  readonly send: (to: ServerId, message: PeerMessage) => void
  /** Writes an epoch that is durable in the log to the identity of the data folder, too; rejects with a disk fault. */
  readonly noteEpoch: (epoch: Epoch, clusterId: ClusterId) => Promise<void>
  /** Durable when it resolves; rejects with a disk fault. */
  readonly discardCheckpoint: () => Promise<void>
  /** A copy of the state brings up a learner with the history up to this zxid more quickly than the log. */
  readonly copyIsQuicker: (after: Zxid) => boolean
  /** The restart is durable, and a checkpoint that was given up is discarded. */
  readonly logRestarted: (zxid: Zxid) => void
}

const adviceToReadOut =
  'The disk has lost a part of the log, so this server serves what it has in memory, and could not start again. Do not stop it ' +
  'before its data was read out by a client. No checkpoint and no complete backup can be made. Find out why the file changed: ' +
  'check the disk.'

export class LogEffects {
  readonly #options: LogEffectsOptions
  #hasFailed = false
  #isDamageLogged = false
  /** Effects that arrived while the record of an epoch was being written, or a copy given up; null while none is. */
  #held: LogEffect[] | null = null

  constructor(options: LogEffectsOptions) {
    this.#options = options
  }

  /**
   * A reader finds that the log no longer reads back. A member of an ensemble stops, as after a read for a learner: what it has
   * acknowledged may be lost, and the others have it (invariant 8). A server that is alone has the data in its memory only,
   * and serves it, so that it can be read out: what it serves is no guess.
   */
  damaged(error: Error): void {
    const { turn, log, isAlone } = this.#options
    if (turn.isStopped) return
    if (!isAlone) this.#failed(error)
    else if (!this.#isDamageLogged) log.error('log-damaged', { err: error, advice: adviceToReadOut })
    this.#isDamageLogged = true
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
      case 'restart-log':
        this.#restart(effect)
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

  /** Once in an epoch. Clients wait meanwhile, so it is one flush (identity-file.ts). */
  async #noteEpoch(record: Extract<LogRecord, { readonly kind: 'current-epoch' }>, release: () => void): Promise<void> {
    await this.#releaseAfter(() => this.#options.noteEpoch(record.epoch, record.clusterId), release)
  }

  async #releaseAfter(write: () => Promise<void>, release: () => void): Promise<void> {
    const { turn } = this.#options
    try {
      await write()
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

  #restart({ zxid, hash, clusterId }: Extract<LogEffect, { readonly kind: 'restart-log' }>): void {
    const { storage, turn, discardCheckpoint, logRestarted } = this.#options
    const isGivenUp = zxid === 0
    if (isGivenUp) this.#held = []
    storage.restartAt({ zxid, hash }, clusterId, (error) => {
      if (turn.isStopped || this.#failed(error)) return
      const release = (): void => {
        logRestarted(zxid)
        turn.feed({ kind: 'log-restarted', zxid })
      }
      if (isGivenUp) void this.#releaseAfter(discardCheckpoint, release)
      else release()
    })
  }

  /** Not on the path of requests, so the cost of a promise does not matter. */
  async #read(effect: Extract<LogEffect, { readonly kind: 'read-log' }>): Promise<void> {
    const { storage, turn, copyIsQuicker } = this.#options
    const { ticket, after, sizeBytesMax, mayCopy } = effect
    if (mayCopy && copyIsQuicker(after)) {
      const oldest = { zxid: zeroZxid, hash: emptyChainHash } // nothing is known to be missing
      await null // as a read, which never answers within the turn that asked
      if (!turn.isStopped) turn.feed({ kind: 'log-read', ticket, start: null, oldest })
      return
    }
    try {
      const reading = await storage.readAfter(after, sizeBytesMax)
      if (turn.isStopped) return
      if (reading.kind === 'stretch') {
        turn.feed({ kind: 'log-read', ticket, start: reading.start, entries: reading.entries })
      } else turn.feed({ kind: 'log-read', ticket, start: null, oldest: reading.oldest })
    } catch (cause) {
      // Only an error that has a system's code is a fault of the disk; any other is a bug.
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
