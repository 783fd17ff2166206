/**
 * The segments that a start did not read, because the checkpoint has all that is in them. They are read when a learner asks
 * for txns from them, and checked then as a start checks segments. Owns: that no reader gets txns of a segment that was not
 * checked. If the segments are damaged, the log begins after them for every reader, so learners get a copy of the state.
 * If unchecked segments were indexed, a learner could be sent a history with a hole, which it would refuse.
 */
import type { Result } from '../base/result.ts'
import type { Log } from '../ports/log.ts'
import type { LogIndex } from './log-index.ts'
import type { LogSegments } from './log-segments.ts'
import type { LogPoint } from './log-state.ts'

export interface LogParts {
  readonly index: LogIndex
  readonly segments: LogSegments
}

export interface UnreadFrontOptions {
  readonly parts: LogParts
  readonly log: Log
  readonly folder: string
  readonly endSequence: number // of the first segment that was read
  /** Reads the segments from this one on. The error says what is damaged. */
  readonly read: (firstSequence: number) => Promise<Result<LogParts, string>>
}

export class UnreadFront {
  readonly #options: UnreadFrontOptions
  #state: 'unread' | 'read' | 'damaged' = 'unread'
  #reading: Promise<void> | null = null

  constructor(options: UnreadFrontOptions) {
    this.#options = options
  }

  /** Where the part of the log begins that can be read at the moment. */
  get start(): LogPoint {
    const { parts, endSequence } = this.#options
    return this.#state === 'read' ? parts.segments.start : parts.segments.startFrom(endSequence)
  }

  get isDamaged(): boolean {
    return this.#state === 'damaged'
  }

  /** Resolves when `start` will not go further back. Rejects if the disk does not read; then a later call tries again. */
  read(): Promise<void> {
    if (this.#state !== 'unread') return Promise.resolve()
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null
    })
    return this.#reading
  }

  /** What is damaged in the segments, null if nothing is. For a log that nothing else reads or changes. */
  async check(): Promise<string | null> {
    const { parts, read } = this.#options
    const front = await read(parts.segments.firstSequence)
    return front.ok ? null : front.error
  }

  async #read(): Promise<void> {
    const { parts, log, folder, endSequence, read } = this.#options
    const { segments, index } = parts
    while (segments.firstSequence < endSequence) {
      const from = segments.firstSequence
      const front = await read(from)
      if (front.ok) {
        index.prepend(front.value.index)
        segments.correctStarts(front.value.segments)
        index.removeBefore(segments.firstSequence)
        break
      }
      // Segments that were removed meanwhile are not missing.
      if (segments.firstSequence !== from) continue
      const advice =
        'Learners that need it get a copy of the state instead, and the checkpoint has all that is in it, so nothing is ' +
        'lost. But this log can no longer replace a damaged checkpoint. Find out why the file changed: check the disk.'
      log.error('log-front-damaged', { folder, text: front.error, advice })
      this.#state = 'damaged'
      return
    }
    this.#state = 'read'
  }
}
