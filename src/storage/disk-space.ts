/**
 * Whether the disk of a folder is full, as the writer of that folder finds out: full from the first write that finds no
 * space until one succeeds. Logs the first and the last of these, not the attempts in between, and keeps the time for
 * mntr. Assumes: the writer repeats a write that found no space, and makes no other meanwhile.
 */
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'

export class DiskSpace {
  readonly #folder: string
  readonly #clock: Clock
  readonly #log: Log
  #fullSinceMs: number | null = null

  constructor(folder: string, clock: Clock, log: Log) {
    this.#folder = folder
    this.#clock = clock
    this.#log = log
  }

  /** By the monotonic clock; null while the disk is not full. */
  get fullSinceMs(): number | null {
    return this.#fullSinceMs
  }

  noteFull(error: Error): void {
    if (this.#fullSinceMs !== null) return
    this.#fullSinceMs = this.#clock.monotonicMs()
    const advice =
      'Writes wait until space returns, and so do new sessions; clients that have a session go on reading. Free space on this ' +
      'file system; no restart is needed.'
    this.#log.error('disk-full', { path: this.#folder, err: error, advice })
  }

  noteWritten(): void {
    if (this.#fullSinceMs === null) return
    this.#fullSinceMs = null
    this.#log.info('disk-space-returned', { path: this.#folder })
  }
}

export function isDiskFull(error: unknown): error is Error & { readonly code: string } {
  const code = error instanceof Error && 'code' in error ? error.code : null
  return code === 'ENOSPC' || code === 'EDQUOT'
}
