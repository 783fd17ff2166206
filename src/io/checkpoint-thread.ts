/**
 * The checkpoints of a server, kept by a thread of their own: each call is a message to it (checkpoint-host.ts). The thread
 * starts with the first call. If it ends by itself (an error that was not expected, no memory), the calls under way
 * reject, the log says why, and the next call starts another thread, which first opens the checkpoint as before. The pause
 * before that grows while threads end without having folded anything. Copies, histories and receivers end with their thread.
 */
import type { Worker } from 'node:worker_threads'
import { foreignCode, lockedCode } from '../base/disk-failure.ts'
import { checkpointThreadCloseMs, checkpointThreadRestartMsMax, checkpointThreadRestartMsMin } from '../base/limits.ts'
import { ok, type Result } from '../base/result.ts'
import type {
  CheckpointCopy,
  CheckpointFacts,
  CheckpointFailure,
  CheckpointReceiver,
  Checkpoints,
  HistoryFailure,
  HistoryPoint,
  HistoryReader,
  OpenCheckpoints,
  VerifiedCheckpoint,
} from '../ports/checkpoints.ts'
import type { Log, LogFields } from '../ports/log.ts'
import type { CancelTimer, Timers } from '../ports/timers.ts'
import type { Answers, Call, CallKind, ThreadMessage, ThreadSettings } from './checkpoint-messages.ts'
import { errorOf, type PlainError } from './checkpoint-messages.ts'
import { takeCheckpointWorker } from './checkpoint-worker.ts'

export interface CheckpointThreadOptions {
  /** The file that the thread runs. It calls `hostCheckpoints`. */
  readonly entry: URL
  readonly log: Log
  readonly timers: Timers
  readonly requiresDirectorySync: boolean
}

export function checkpointThread(threadOptions: CheckpointThreadOptions): OpenCheckpoints {
  const { requiresDirectorySync } = threadOptions
  return (options) => new CheckpointThread(threadOptions, { options, requiresDirectorySync })
}

class CheckpointThread implements Checkpoints {
  readonly #options: CheckpointThreadOptions
  readonly #settings: ThreadSettings
  #thread: Promise<Thread> | null = null // null: none runs
  #wasOpened = false
  #pauseMs = 0 // before the next thread; 0: none has ended by itself since the last one folded
  #pause: Promise<void> = Promise.resolve()
  #endPause: () => void = () => undefined
  #isClosed = false

  constructor(options: CheckpointThreadOptions, settings: ThreadSettings) {
    this.#options = options
    this.#settings = settings
  }

  async open(): Promise<Result<CheckpointFacts | null, CheckpointFailure>> {
    const opened = await this.#call({ kind: 'open' })
    this.#wasOpened = true
    return opened
  }

  clean(): Promise<void> {
    return this.#call({ kind: 'clean' })
  }

  discard(store?: string): Promise<void> {
    return this.#call({ kind: 'discard', store })
  }

  async advance(through: CheckpointFacts['zxid']): Promise<CheckpointFacts> {
    const facts = await this.#call({ kind: 'advance', through })
    this.#pauseMs = 0
    return facts
  }

  verify(): Promise<Result<VerifiedCheckpoint | null, CheckpointFailure>> {
    return this.#call({ kind: 'verify' })
  }

  async copy(hasChecksums = true): Promise<CheckpointCopy> {
    const thread = await this.#running()
    const { copy, facts, chunkCount } = await thread.call({ kind: 'copy', hasChecksums })
    return {
      facts,
      chunkCount,
      hasChecksums,
      chunk: (number, room) => thread.call({ kind: 'copy-chunk', copy, number, room }),
      close: () => thread.callIfRunning({ kind: 'copy-close', copy }),
    }
  }

  async history(after: HistoryPoint, through: CheckpointFacts['zxid']): Promise<Result<HistoryReader, HistoryFailure>> {
    const thread = await this.#running()
    const opened = await thread.call({ kind: 'history', after, through })
    if (!opened.ok) return opened
    const history = opened.value
    return ok({
      next: () => thread.call({ kind: 'history-next', history }),
      close: () => thread.callIfRunning({ kind: 'history-close', history }),
    })
  }

  async receive(): Promise<CheckpointReceiver> {
    const thread = await this.#running()
    const receiver = await thread.call({ kind: 'receive' })
    return {
      // A clone, since the caller may still use its bytes, and those are often a part of a larger buffer.
      add: (number, chunk) => thread.call({ kind: 'receiver-add', receiver, number, chunk: chunk.slice() }),
      finish: (verified) => thread.call({ kind: 'receiver-finish', receiver, verified }),
      abort: () => thread.callIfRunning({ kind: 'receiver-abort', receiver }),
    }
  }

  sizeBytes(): Promise<number> {
    return this.#call({ kind: 'size' })
  }

  /** Resolves after at most twice `checkpointThreadCloseMs`. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#endPause()
    await (await this.#thread?.catch(() => null))?.close()
  }

  async #call<K extends CallKind>(call: Extract<Call, { readonly kind: K }>): Promise<Answers[K]> {
    return (await this.#running()).call(call)
  }

  #running(): Promise<Thread> {
    if (this.#isClosed) return Promise.reject(closedError())
    this.#thread ??= this.#start()
    return this.#thread
  }

  async #start(): Promise<Thread> {
    await this.#pause
    if (this.#isClosed) throw closedError()
    const thread = new Thread(this.#options, this.#settings, (reason) => this.#onEnded(reason))
    if (!this.#wasOpened) return thread
    const opened = await thread.call({ kind: 'open' })
    // Calls on a damaged checkpoint fail with code EDAMAGED, and `discard` removes it.
    if (opened.ok || opened.error.kind === 'damaged') return thread
    this.#thread = null
    await thread.close()
    const { kind, message } = opened.error
    throw Object.assign(new Error(message), { code: kind === 'locked' ? lockedCode : foreignCode })
  }

  #onEnded(reason: Error): void {
    this.#thread = null
    if (this.#isClosed) return
    this.#pauseMs = Math.min(Math.max(checkpointThreadRestartMsMin, 2 * this.#pauseMs), checkpointThreadRestartMsMax)
    this.#options.log.error('checkpoint-thread-ended', { err: reason, pauseMs: this.#pauseMs })
    this.#pause = new Promise((resolve) => {
      const cancel = this.#options.timers.after(this.#pauseMs, resolve)
      this.#endPause = () => {
        cancel()
        resolve()
      }
    })
  }
}

interface PendingCall {
  readonly resolve: (value: never) => void
  readonly reject: (error: Error) => void
}

/** One thread, from its start to its end. */
class Thread {
  readonly #worker: Worker
  readonly #timers: Timers
  readonly #pending = new Map<number, PendingCall>()
  readonly #ended: Promise<void>
  #lastId = 0
  #failure: Error | null = null // why the thread ended, or ends
  #isEnded = false
  #isClosing = false

  constructor(
    { entry, log, timers }: CheckpointThreadOptions,
    settings: ThreadSettings,
    onEnded: (reason: Error) => void,
  ) {
    this.#timers = timers
    this.#worker = takeCheckpointWorker(entry)
    this.#worker.postMessage(settings)
    this.#worker.on('message', (message: ThreadMessage) => this.#receive(message, log))
    this.#worker.on('error', (error) => {
      this.#failure ??= error instanceof Error ? error : new Error(String(error))
    })
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        this.#isEnded = true
        this.#failure ??= new Error(`it ended with the exit code ${code}`)
        this.#rejectAll(this.#failure)
        if (!this.#isClosing) onEnded(this.#failure)
        resolve()
      })
    })
  }

  call<K extends CallKind>(call: Extract<Call, { readonly kind: K }>): Promise<Answers[K]> {
    return new Promise((resolve, reject) => {
      if (this.#isEnded) return reject(endedError(this.#failure))
      const id = ++this.#lastId
      this.#pending.set(id, { resolve, reject })
      this.#worker.postMessage({ id, call }, transferredWith(call))
    })
  }

  /** For calls that give back what the thread holds. It holds nothing after its end. */
  async callIfRunning<K extends CallKind>(call: Extract<Call, { readonly kind: K }>): Promise<void> {
    if (!this.#isEnded) await this.call(call)
  }

  /** Asks the thread to close, and ends it if that takes too long. The process does not wait for it any longer. */
  async close(): Promise<void> {
    this.#isClosing = true
    await this.#atMost(this.call({ kind: 'close' }).catch(() => undefined))
    await this.#atMost(Promise.all([this.#worker.terminate(), this.#ended]))
    this.#rejectAll(closedError())
    this.#worker.unref()
  }

  async #atMost(done: Promise<unknown>): Promise<void> {
    let cancel: CancelTimer = () => undefined
    const late = new Promise<void>((resolve) => {
      cancel = this.#timers.after(checkpointThreadCloseMs, resolve)
    })
    await Promise.race([done, late])
    cancel()
  }

  #receive(message: ThreadMessage, log: Log): void {
    if (message.kind === 'log') {
      log[message.level](message.event, restored(message.fields))
      return
    }
    const call = this.#pending.get(message.id)
    this.#pending.delete(message.id)
    if (message.kind === 'answer') call?.resolve(message.value as never)
    else call?.reject(errorOf(message.error))
  }

  #rejectAll(reason: Error): void {
    for (const { reject } of this.#pending.values()) reject(endedError(reason))
    this.#pending.clear()
  }
}

function transferredWith(call: Call): ArrayBuffer[] {
  if (call.kind === 'receiver-add') return [call.chunk.buffer as ArrayBuffer]
  return call.kind === 'copy-chunk' && call.room !== undefined ? [call.room.buffer as ArrayBuffer] : []
}

function restored(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, isPlainError(value) ? errorOf(value) : value]),
  )
}

function isPlainError(value: unknown): value is PlainError {
  return typeof value === 'object' && value !== null && 'isPlainError' in value
}

function endedError(reason: Error | null): Error {
  const code = (reason as NodeJS.ErrnoException | null)?.code
  return Object.assign(new Error(`the checkpoint thread ended: ${reason?.message}`, { cause: reason }), { code })
}

function closedError(): Error {
  return Object.assign(new Error('the checkpoints were closed'), { code: 'ECLOSED' })
}
