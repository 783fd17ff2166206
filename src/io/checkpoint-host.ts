/**
 * The end of the checkpoint thread that runs in the thread: carries out calls that arrive as messages, on the one
 * `Checkpoints` of the thread. Calls run as they arrive and may overlap, as calls of that port may. A violated invariant
 * is not an answer: it ends the thread, and the server starts another one with the state that is on the disk.
 */
import { setPriority } from 'node:os'
import { type MessagePort, parentPort } from 'node:worker_threads'
import { InvariantViolation } from '../base/assert.ts'
import { checkpointThreadIdleMs } from '../base/limits.ts'
import { LineLimiter } from '../base/line-limiter.ts'
import { ok } from '../base/result.ts'
import type {
  CheckpointCopy,
  CheckpointFacts,
  CheckpointReceiver,
  Checkpoints,
  HistoryReader,
  OpenCheckpoints,
} from '../ports/checkpoints.ts'
import type { Log, LogFields } from '../ports/log.ts'
import type {
  Answers,
  Call,
  CallKind,
  CallMessage,
  LogLevelName,
  ThreadMessage,
  ThreadSettings,
} from './checkpoint-messages.ts'
import { plainError } from './checkpoint-messages.ts'
import { collectGarbage } from './collect-garbage.ts'

export interface ThreadPorts {
  readonly log: Log
  readonly requiresDirectorySync: boolean
}

/** Called once, by the entry file of the thread. `idleMs` is for tests. */
export function hostCheckpoints(
  make: (ports: ThreadPorts) => OpenCheckpoints,
  idleMs: number = checkpointThreadIdleMs,
): void {
  const port = parentPort
  if (port === null) throw new Error('this file is the entry of a thread; start zkts-server instead')
  const log = threadLog(port, new LineLimiter(() => performance.now()))
  // Node itself would print warnings to standard error.
  process.removeAllListeners('warning')
  process.on('warning', (warning) => log.warn('node-warning', { name: warning.name, text: warning.message }))
  // The thread may have been started before its settings were known: they are its first message, and the rest are calls.
  port.once('message', ({ options, requiresDirectorySync }: ThreadSettings) => {
    const host = new CheckpointHost(port, make({ log, requiresDirectorySync })(options), idleMs)
    port.on('message', (message: CallMessage) => void host.receive(message))
  })
}

class CheckpointHost {
  readonly #port: MessagePort
  readonly #checkpoints: Checkpoints
  readonly #copies = new Map<number, CheckpointCopy>()
  readonly #histories = new Map<number, HistoryReader>()
  readonly #receivers = new Map<number, CheckpointReceiver>()
  readonly #idleMs: number
  #lastHandle = 0
  #hasLowPriority = false
  #callCount = 0 // under way
  #idleTimer: NodeJS.Timeout | undefined

  constructor(port: MessagePort, checkpoints: Checkpoints, idleMs: number) {
    this.#port = port
    this.#checkpoints = checkpoints
    this.#idleMs = idleMs
  }

  async receive(message: CallMessage): Promise<void> {
    clearTimeout(this.#idleTimer)
    this.#callCount++
    await this.#carryOut(message)
    this.#callCount--
    if (this.#callCount === 0) this.#idleTimer = setTimeout(collectGarbage, this.#idleMs).unref()
  }

  async #carryOut({ id, call }: CallMessage): Promise<void> {
    try {
      this.#answer(id, await this.#answerTo(call))
    } catch (error) {
      if (error instanceof InvariantViolation) {
        // Outside of this promise, so that it ends the thread.
        setImmediate(() => {
          throw error
        })
      } else this.#send({ kind: 'failure', id, error: plainError(error) })
    }
  }

  async #answerTo(call: Call): Promise<Answers[CallKind]> {
    const checkpoints = this.#checkpoints
    switch (call.kind) {
      case 'open':
        return checkpoints.open()
      case 'clean':
        return nothing(checkpoints.clean())
      case 'discard':
        return nothing(checkpoints.discard(call.store))
      case 'advance':
        this.#lowerPriority()
        return checkpoints.advance(call.through)
      case 'verify':
        return checkpoints.verify()
      case 'copy': {
        if (call.hasChecksums) this.#lowerPriority() // for a learner or a backup
        const copy = await checkpoints.copy(call.hasChecksums)
        return { copy: this.#keep(this.#copies, copy), facts: copy.facts, chunkCount: copy.chunkCount }
      }
      case 'copy-chunk':
        return kept(this.#copies, call.copy).chunk(call.number, call.room)
      case 'copy-close':
        return nothing(taken(this.#copies, call.copy).close())
      case 'history': {
        this.#lowerPriority()
        const opened = await checkpoints.history(call.after, call.through)
        return opened.ok ? ok(this.#keep(this.#histories, opened.value)) : opened
      }
      case 'history-next':
        return kept(this.#histories, call.history).next()
      case 'history-close':
        return nothing(taken(this.#histories, call.history).close())
      case 'receive':
        this.#lowerPriority()
        return this.#keep(this.#receivers, await checkpoints.receive())
      case 'receiver-add':
        return kept(this.#receivers, call.receiver).add(call.number, call.chunk)
      case 'receiver-finish':
        return this.#finish(call.receiver, call.verified)
      case 'receiver-abort':
        return nothing(taken(this.#receivers, call.receiver).abort())
      case 'size':
        return checkpoints.sizeBytes()
      case 'close':
        return nothing(checkpoints.close())
    }
  }

  /** After a failure the receiver is kept: on a full disk the caller tries again. */
  async #finish(receiver: number, verified: CheckpointFacts): Promise<CheckpointFacts> {
    const facts = await kept(this.#receivers, receiver).finish(verified)
    this.#receivers.delete(receiver)
    return facts
  }

  /**
   * Folding must not slow the server, nor a copy that leaves or reaches it, so they run at a low priority. Loading at the
   * start, which the server waits for, comes earlier and does not. On Linux a priority belongs to a thread (setpriority(2), "C library/kernel differences");
   * on other systems it would be that of the server.
   */
  #lowerPriority(): void {
    if (this.#hasLowPriority || process.platform !== 'linux') return
    this.#hasLowPriority = true
    try {
      setPriority(lowPriority)
    } catch {
      // A container may forbid it; folding then competes with the server as any thread does.
    }
  }

  #keep<T>(map: Map<number, T>, value: T): number {
    this.#lastHandle++
    map.set(this.#lastHandle, value)
    return this.#lastHandle
  }

  /** The bytes of chunks and of parts of the history are transferred. */
  #answer(id: number, value: Answers[CallKind]): void {
    if (value instanceof Uint8Array) {
      const bytes = transferable(value)
      this.#send({ kind: 'answer', id, value: bytes }, bytes)
    } else if (typeof value === 'object' && value !== null && 'bytes' in value) {
      const bytes = transferable(value.bytes)
      this.#send({ kind: 'answer', id, value: { ...value, bytes } }, bytes)
    } else this.#send({ kind: 'answer', id, value })
  }

  #send(message: ThreadMessage, transferred: Uint8Array | null = null): void {
    this.#port.postMessage(message, transferred === null ? [] : [transferred.buffer as ArrayBuffer])
  }
}

/** The nice value. The scheduler gives such a thread about a tenth of the time that the others of a busy machine get. */
const lowPriority = 10

/** The same bytes in a buffer of their own. */
function transferable(bytes: Uint8Array): Uint8Array {
  // To copy a chunk takes longer than the few bytes after it are worth.
  const isMost = bytes.byteLength >= (15 / 16) * bytes.buffer.byteLength
  return isMost ? bytes : bytes.slice()
}

async function nothing(done: Promise<void>): Promise<undefined> {
  await done
}

function kept<T>(map: ReadonlyMap<number, T>, handle: number): T {
  const value = map.get(handle)
  if (value === undefined) throw Object.assign(new Error('it was closed'), { code: 'ECLOSED' })
  return value
}

function taken<T>(map: Map<number, T>, handle: number): T {
  const value = kept(map, handle)
  map.delete(handle)
  return value
}

/** Writes by the log of the server. The lines of one event are limited, so that a busy main thread gets no long queue. */
function threadLog(port: MessagePort, limiter: LineLimiter, own: LogFields = {}): Log {
  const writer =
    (level: LogLevelName) =>
    (event: string, fields: LogFields = {}): void => {
      const suppressed = limiter.admit(event)
      if (suppressed === null) return
      port.postMessage({ kind: 'log', level, event, fields: plainFields({ ...own, ...fields, ...suppressed }) })
    }
  return {
    error: writer('error'),
    warn: writer('warn'),
    info: writer('info'),
    debug: writer('debug'),
    child: (fields) => threadLog(port, limiter, { ...own, ...fields }),
  }
}

function plainFields(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, value instanceof Error ? plainError(value) : value]),
  )
}
