/**
 * The lines that the process writes to a terminal, a pipe or a file, any of which may stop accepting bytes.
 * Owns: that the server never waits for a reader (design D16). Bytes that the sink does not take at once wait in memory
 * up to a limit. Lines beyond the limit are dropped and counted; when the output drains, `onLost` gets their number.
 * Assumes: `sink` never blocks, and calls back once for each write. If a write could block, a reader that stops would
 * stop the server, and with it every session.
 */
import { logBufferSizeBytesMax, outputRetryMs, outputRetryMsAfterError } from '../base/limits.ts'

/** Where the bytes go. */
export interface OutputSink {
  /** Takes as many of `bytes` as there is room for, which may be none, also when it fails. `done` may be called at once. Never blocks. */
  write(bytes: Uint8Array, done: (error: Error | null, takenCount: number) => void): void
  /**
   * The same, synchronously, for the last lines of a process that ends: the bytes that it takes have been written when
   * it returns. `started` is the argument of a `write` that has not called back; it may or may not have been written.
   * Negative: this output cannot be written synchronously.
   */
  writeNow(bytes: Uint8Array, started: Uint8Array | null): number
}

export interface BoundedOutputOptions {
  readonly sizeBytesMax?: number
  /** Called when there is room again after `lineCount` lines were dropped. May write a line that reports this. */
  readonly onLost?: (lineCount: number) => void
  /** Called with the first of several errors in a row. The lines are kept and the write is retried. */
  readonly onError?: (error: Error) => void
}

/** The maximum of one write to the sink. */
const chunkSizeBytes = 64 * 1024

export class BoundedOutput {
  readonly #sink: OutputSink
  readonly #sizeBytesMax: number
  readonly #onError: (error: Error) => void
  #onLost: (lineCount: number) => void
  #lines: Uint8Array[] = []
  /** Taken from `lines` to be written next. The part that the sink has taken is cut off. */
  #chunk: Uint8Array | null = null
  #queuedSizeBytes = 0
  #isWriting = false
  #hasFailed = false
  #retryTimer: NodeJS.Timeout | null = null
  /** Lines dropped since the last line that was accepted. */
  #droppedCount = 0
  #lostLineCount = 0
  #whenIdle: (() => void)[] = []

  constructor(sink: OutputSink, options: BoundedOutputOptions = {}) {
    this.#sink = sink
    this.#sizeBytesMax = options.sizeBytesMax ?? logBufferSizeBytesMax
    this.#onLost = options.onLost ?? (() => undefined)
    this.#onError = options.onError ?? (() => undefined)
  }

  /** Since the start of the process. */
  get lostLineCount(): number {
    return this.#lostLineCount
  }

  /** Can be set later than the constructor runs, since the log that reports lost lines writes to this output. */
  set onLost(report: (lineCount: number) => void) {
    this.#onLost = report
  }

  /** `text` consists of whole lines. */
  write(text: string): void {
    const bytes = Buffer.from(text)
    // The sink may have room again, and this line could then be accepted.
    if (this.#queuedSizeBytes > 0 && !this.#hasFailed) this.#pump()
    if (this.#droppedCount > 0) this.#reportLost()
    if (this.#droppedCount > 0 || this.#queuedSizeBytes + bytes.length > this.#sizeBytesMax) {
      this.#droppedCount++
      this.#lostLineCount++
      return
    }
    this.#lines.push(bytes)
    this.#queuedSizeBytes += bytes.length
    if (!this.#hasFailed) this.#pump()
  }

  /** Resolves when all lines are written, or after `withinMs`. */
  async whenWritten(withinMs: number): Promise<void> {
    if (this.#queuedSizeBytes === 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, withinMs)
      this.#whenIdle.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  /** For a process that is about to end: writes the waiting lines until `withinMs` has passed. */
  writeLastLines(withinMs: number): void {
    const untilMs = performance.now() + withinMs
    const started = this.#isWriting ? this.#chunk : null
    let bytes = Buffer.concat([...(this.#chunk === null ? [] : [this.#chunk]), ...this.#lines])
    if (started !== null) bytes = bytes.subarray(started.length)
    try {
      while (bytes.length > 0 || started !== null) {
        const takenCount = this.#sink.writeNow(bytes, started)
        if (takenCount < 0) return
        bytes = bytes.subarray(takenCount)
        if (bytes.length === 0 || performance.now() >= untilMs) return
        if (takenCount === 0) Atomics.wait(neverNotified, 0, 0, outputRetryMs)
      }
    } catch {
      // The reader is gone, or the disk is full. No output is left that could report it.
    }
  }

  #reportLost(): void {
    if (this.#queuedSizeBytes > this.#sizeBytesMax / 2) return // otherwise every second line could be a report
    const lineCount = this.#droppedCount
    this.#droppedCount = 0
    this.#onLost(lineCount)
  }

  #pump(): void {
    while (!this.#isWriting) {
      this.#chunk ??= this.#nextChunk()
      const chunk = this.#chunk
      if (chunk === null) return
      this.#isWriting = true
      let hasReturned = false
      let goesOn = true
      this.#sink.write(chunk, (error, takenCount) => {
        this.#isWriting = false
        goesOn = this.#written(chunk, error, takenCount)
        if (hasReturned && goesOn) this.#pump()
      })
      hasReturned = true
      if (!goesOn) return
    }
  }

  #nextChunk(): Uint8Array | null {
    const first = this.#lines[0]
    if (first === undefined) return null
    let count = 1
    let sizeBytes = first.length
    while (count < this.#lines.length && sizeBytes + this.#lines[count]!.length <= chunkSizeBytes) {
      sizeBytes += this.#lines[count++]!.length
    }
    const lines = this.#lines.splice(0, count)
    return count === 1 ? first : Buffer.concat(lines)
  }

  /** True if the next write may start at once. */
  #written(chunk: Uint8Array, error: Error | null, takenCount: number): boolean {
    if (error !== null) {
      if (!this.#hasFailed) this.#onError(error)
      this.#hasFailed = true
      this.#queuedSizeBytes -= takenCount
      this.#chunk = chunk.subarray(takenCount)
      this.#retryLater(outputRetryMsAfterError)
      return false
    }
    this.#hasFailed = false
    this.#queuedSizeBytes -= takenCount
    this.#chunk = takenCount < chunk.length ? chunk.subarray(takenCount) : null
    if (takenCount < chunk.length) {
      this.#retryLater(outputRetryMs)
      return false
    }
    if (this.#queuedSizeBytes === 0) {
      if (this.#droppedCount > 0) this.#reportLost()
      this.#notifyIdle()
    }
    return true
  }

  #retryLater(delayMs: number): void {
    if (this.#retryTimer !== null) return
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = null
      this.#pump()
    }, delayMs)
    this.#retryTimer.unref()
  }

  #notifyIdle(): void {
    const waiting = this.#whenIdle
    this.#whenIdle = []
    for (const notify of waiting) notify()
  }
}

/** To wait without the event loop, which no longer runs when the last lines of a process are written. */
const neverNotified = new Int32Array(new SharedArrayBuffer(4))
