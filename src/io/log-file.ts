/**
 * Log lines in a file, which is rotated by size or age, or by another program (logrotate) that then sends SIGHUP.
 * Owns: that a file which cannot be written (disk full, folder removed) is opened again for the next attempt, so that
 * lines are written again when the fault is over.
 */
import { appendFileSync, closeSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs'
import { dirname } from 'node:path'
import { createStream, type Options, type RotatingFileStream } from 'rotating-file-stream'
import type { OutputSink } from './bounded-output.ts'

export interface LogFileOptions {
  readonly path: string
  /** Null: the size does not matter. */
  readonly rotateAtSizeBytes: number | null
  /** `12h`, `1d`: the file is rotated when the clock passes a multiple of it. Null: the age does not matter. */
  readonly rotateEvery: string | null
  /** How many rotated files are kept. `path.1` is the newest. */
  readonly rotatedCount: number
}

export class LogFile implements OutputSink {
  readonly #options: LogFileOptions
  #stream: RotatingFileStream | null = null
  #shouldReopen = false

  constructor(options: LogFileOptions) {
    this.#options = options
  }

  /** Creates the file and its folder if missing. Why the file cannot be written, or null. */
  problem(): string | null {
    const { path } = this.#options
    try {
      mkdirSync(dirname(path), { recursive: true })
      closeSync(openSync(path, 'a'))
      return null
    } catch (error) {
      return (error as Error).message
    }
  }

  /** The file is opened again, by its path, before the next line is written. */
  reopen(): void {
    this.#shouldReopen = true
  }

  write(bytes: Uint8Array, done: (error: Error | null, takenCount: number) => void): void {
    if (this.#shouldReopen) this.#close()
    this.#stream ??= this.#open()
    this.#stream.write(bytes, (error) => {
      if (error) this.#close()
      done(error ?? null, error ? 0 : bytes.length)
    })
  }

  writeNow(bytes: Uint8Array, started: Uint8Array | null): number {
    const { path } = this.#options
    if (started !== null && !endsWith(path, started)) appendFileSync(path, started)
    appendFileSync(path, bytes)
    return bytes.length
  }

  #open(): RotatingFileStream {
    const { path, rotateAtSizeBytes, rotateEvery, rotatedCount } = this.#options
    const rotates = rotateAtSizeBytes !== null || rotateEvery !== null
    const options: Options = {
      ...(rotateAtSizeBytes === null ? {} : { size: `${rotateAtSizeBytes}B` }),
      ...(rotateEvery === null ? {} : { interval: rotateEvery, initialRotation: true }),
      ...(rotates ? { rotate: rotatedCount } : {}),
    }
    const stream = createStream(path, options)
    stream.on('error', () => undefined) // the callback of the write gets it as well
    return stream
  }

  #close(): void {
    this.#shouldReopen = false
    const stream = this.#stream
    this.#stream = null
    if (stream?.destroyed === false) stream.end()
  }
}

function endsWith(path: string, bytes: Uint8Array): boolean {
  const file = openSync(path, 'a+')
  try {
    const position = fstatSync(file).size - bytes.length
    if (position < 0) return false
    const last = Buffer.alloc(bytes.length)
    readSync(file, last, 0, bytes.length, position)
    return last.equals(bytes)
  } finally {
    closeSync(file)
  }
}
