/**
 * Lines on their way out of the process: to a terminal, a pipe or a file that may stop taking them at any time.
 * Owns: that a line never waits for its reader (design D16). What is not taken at once waits in memory up to a limit;
 * lines beyond it are dropped and counted, and when the output drains, the owner is asked to say how many.
 * Assumes: `sink` never blocks, and calls back once for each write. If a write could block, a reader that stops would
 * stop the server, and with it every session.
 */
import { logBufferSizeBytesMax, outputRetryMs, outputRetryMsAfterError } from '../base/limits.ts'

/** Where the bytes go. */
export interface OutputSink {
  /** Takes some of `bytes`, none if there is no room; `done` may be called at once. Never blocks. */
  write(bytes: Uint8Array, done: (error: Error | null, takenCount: number) => void): void
  /**
   * The same for the last lines of a process that ends: what is taken has left when this returns. `started` is what
   * an unfinished `write` was given, and may be written or not. Negative: this output takes nothing in this way.
   */
  writeNow(bytes: Uint8Array, started: Uint8Array | null): number
}

export interface BoundedOutputOptions {
  readonly sizeBytesMax?: number
  /** Called when there is room again after `lineCount` lines were dropped; may write a line that says so. */
  readonly onLost?: (lineCount: number) => void
  /** Called with the first error of a row; lines are kept and the write is tried again. */
  readonly onError?: (error: Error) => void
}

/** The most that is handed to the sink at once. */
const chunkSizeBytes = 64 * 1024

export class BoundedOutput {
  readonly #sink: OutputSink
  readonly #sizeBytesMax: number
  readonly #onError: (error: Error) => void
  #onLost: (lineCount: number) => void
  #lines: Uint8Array[] = []
  /** What was taken from `lines` to be written next; its beginning may have left. */
  #chunk: Uint8Array | null = null
  #queuedSizeBytes = 0
  #isWriting = false
  #hasFailed = false
  #retryTimer: NodeJS.Timeout | null = null
  /** Lines dropped since the last that was let in. */
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

  /** Who writes the line about lost lines may be made after the output. */
  set onLost(report: (lineCount: number) => void) {
    this.#onLost = report
  }

  /** A text of whole lines. */
  write(text: string): void {
    const bytes = Buffer.from(text)
    // There may be room by now, and then this line finds some.
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

  /** Resolves when nothing waits, or after `withinMs`. */
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

  /** The process is about to end: writes what waits, as far as it is taken within `withinMs`. */
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
      // The reader is gone, or the disk is full: there is no place left to say so.
    }
  }

  #reportLost(): void {
    if (this.#queuedSizeBytes > this.#sizeBytesMax / 2) return // otherwise every second line could be such a report
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

  /** True if the next write may follow at once. */
  #written(chunk: Uint8Array, error: Error | null, takenCount: number): boolean {
    if (error !== null) {
      if (!this.#hasFailed) this.#onError(error)
      this.#hasFailed = true
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
      this.#tellIdle()
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

  #tellIdle(): void {
    const waiting = this.#whenIdle
    this.#whenIdle = []
    for (const tell of waiting) tell()
  }
}

/** To wait without the event loop; the last lines of a process are written when it turns no more. */
const neverNotified = new Int32Array(new SharedArrayBuffer(4))
