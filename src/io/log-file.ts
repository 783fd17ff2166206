/**
 * Log lines in a file, which is rotated by size or age, or by another program (logrotate) that then sends SIGHUP.
 * Owns: that a file which cannot be written (disk full, folder removed) is opened again for the next attempt, so that
 * lines are written again when the fault is over; and that a part of a line, which a full disk or a process that was killed
 * has left, is ended by a newline. If this process wrote the part, the whole line follows, so it is not counted as lost.
 */
import { appendFileSync, closeSync, constants, fstatSync, mkdirSync, openSync, readSync, statSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { createStream, type Options, type RotatingFileStream } from 'rotating-file-stream'
import type { OutputSink } from './bounded-output.ts'
import { irregularError } from './regular-file.ts'

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

  constructor(options: LogFileOptions) {
    this.#options = options
  }

  /** Creates the file and its folder if missing. Why the file cannot be written, or null. */
  problem(): string | null {
    const { path } = this.#options
    try {
      makeFolder(dirname(resolve(path)))
      closeSync(openNow(path, constants.O_WRONLY))
      return null
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      return code === 'EFTYPE'
        ? `${message}; to write to a pipe, leave --log-file out and redirect standard output`
        : message
    }
  }

  /**
   * Releases the file once the write under way has ended. It is opened again, by its path, for the next line.
   */
  reopen(): void {
    if (this.#stream !== null) this.#close(this.#stream)
  }

  write(bytes: Uint8Array, done: (error: Error | null, takenCount: number) => void): void {
    if (this.#stream !== null) {
      this.#writeTo(this.#stream, bytes, bytes, done)
      return
    }
    // Without waiting for the disk, which may stall. The stream refuses a path that is no regular file.
    void tailOf(this.#options.path, 1).then((tail) => {
      this.#stream = this.#open()
      this.#writeTo(this.#stream, isFragment(tail) ? Buffer.concat([newline, bytes]) : bytes, bytes, done)
    })
  }

  #writeTo(
    stream: RotatingFileStream,
    written: Uint8Array,
    bytes: Uint8Array,
    done: (error: Error | null, takenCount: number) => void,
  ): void {
    stream.write(written, (error) => {
      if (!error) {
        done(null, bytes.length)
        return
      }
      this.#close(stream)
      // A disk that was filling up has taken a part. Its whole lines are not written twice.
      void tailOf(this.#options.path, bytes.length).then((tail) => done(error, wholeLinesAtTheEnd(tail, bytes)))
    })
  }

  writeNow(bytes: Uint8Array, started: Uint8Array | null): number {
    const { path } = this.#options
    const fd = openNow(path, constants.O_RDWR)
    try {
      const unwritten = started === null ? [] : [withoutWritten(fd, started)]
      const end = isFragment(tailNow(fd, 1)) ? [newline] : []
      appendFileSync(fd, Buffer.concat([...end, ...unwritten, bytes]))
    } finally {
      closeSync(fd)
    }
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
    writeEveryByte(stream)
    return stream
  }

  #close(stream: RotatingFileStream): void {
    if (this.#stream === stream) this.#stream = null
    if (!stream.destroyed) stream.end()
  }
}

/**
 * rotating-file-stream calls the `write` of the file once for each chunk and ignores how many bytes the system took. A
 * disk that is nearly full takes a part, and the rest would be lost. `appendFile` writes the rest, or fails. The field
 * `file` is private; without it the stream would work as before.
 */
function writeEveryByte(stream: RotatingFileStream): void {
  stream.on('open', () => {
    const { file } = stream as unknown as { readonly file?: FileHandle }
    if (file !== undefined) Object.assign(file, { write: (chunk: Uint8Array) => file.appendFile(chunk) })
  })
}

const newline = Buffer.from('\n')

/** `tail`: the last byte of the file, or nothing if it is empty. */
function isFragment(tail: Buffer): boolean {
  return tail.length > 0 && !tail.equals(newline)
}

/** How many bytes of the first lines of `bytes` stand at the end of the file, if its last write took only a part. */
function wholeLinesAtTheEnd(tail: Buffer, bytes: Uint8Array): number {
  for (let count = Math.min(tail.length, bytes.length - 1); count > 0; count--) {
    const start = bytes.subarray(0, count)
    if (tail.subarray(tail.length - count).equals(start)) return start.lastIndexOf(newline[0]!) + 1
  }
  return 0
}

/** The last bytes of the file; none if it cannot be read. */
async function tailOf(path: string, sizeBytesMax: number): Promise<Buffer> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const { size } = await file.stat()
      const lengthBytes = Math.min(size, sizeBytesMax)
      const { buffer, bytesRead } = await file.read(Buffer.alloc(lengthBytes), 0, lengthBytes, size - lengthBytes)
      return buffer.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  } catch {
    return Buffer.alloc(0)
  }
}

/** For appending; creates the file. Throws at once if the path is no regular file. */
function openNow(path: string, access: number): number {
  const { O_APPEND, O_CREAT, O_NONBLOCK } = constants
  const found = statSync(path, { throwIfNoEntry: false })
  if (found !== undefined && !found.isFile()) throw irregularError(path, found)
  return openSync(path, access | O_APPEND | O_CREAT | O_NONBLOCK, 0o666)
}

function tailNow(fileDescriptor: number, sizeBytesMax: number): Buffer {
  const { size } = fstatSync(fileDescriptor)
  const tail = Buffer.alloc(Math.min(size, sizeBytesMax))
  readSync(fileDescriptor, tail, 0, tail.length, size - tail.length)
  return tail
}

/** The lines of `bytes` that do not stand whole at the end of the file. */
function withoutWritten(fileDescriptor: number, bytes: Uint8Array): Uint8Array {
  const tail = tailNow(fileDescriptor, bytes.length)
  return bytes.subarray(tail.equals(bytes) ? bytes.length : wholeLinesAtTheEnd(tail, bytes))
}

/** One level at a time, since Node's recursive mkdir never returns if a parent exists but cannot have children (/proc). */
function makeFolder(path: string): void {
  if (makeOneFolder(path)) return
  makeFolder(dirname(path))
  if (!makeOneFolder(path)) throw new Error(`${path} cannot be created in ${dirname(path)}`)
}

/** False: the parent does not exist. */
function makeOneFolder(path: string): boolean {
  try {
    mkdirSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && dirname(path) !== path) return false
    if (code !== 'EEXIST' || !statSync(path).isDirectory()) throw error
  }
  return true
}
