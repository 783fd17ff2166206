/**
 * Standard output and standard error without waiting for their readers. A terminal (Ctrl-S), a pipe or a socket is
 * written without blocking; a file through Node's thread pool, since a disk can stall, too.
 * A terminal or pipe is opened once more for that: to be non-blocking belongs to what was opened, which other
 * processes share, and theirs must stay as it is. Where it cannot be opened again (a socket, a pipe of another user),
 * the shared one is made non-blocking, as Node does for every pipe that it writes to.
 */
import { constants, fstatSync, openSync, write, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { isatty } from 'node:tty'
import { BoundedOutput, type BoundedOutputOptions, type OutputSink } from './bounded-output.ts'

/** 1 = standard output, 2 = standard error. */
export function descriptorOutput(fileDescriptor: number, options: BoundedOutputOptions = {}): BoundedOutput {
  return new BoundedOutput(descriptorSink(fileDescriptor), options)
}

export function isTerminal(fileDescriptor: number): boolean {
  return isatty(fileDescriptor)
}

function descriptorSink(fileDescriptor: number): OutputSink {
  const stat = fstatSync(fileDescriptor)
  if (stat.isFile()) return threadedSink(fileDescriptor, true)
  const own = stat.isSocket() ? null : reopened(fileDescriptor)
  if (own !== null) return nonBlockingSink(own)
  if (stat.isFIFO() || stat.isSocket()) {
    // Node makes what it wraps non-blocking. Kept, since the descriptor is closed with it.
    wrapped.push(new Socket({ fd: fileDescriptor, readable: false, writable: true }).unref())
    return nonBlockingSink(fileDescriptor)
  }
  return threadedSink(fileDescriptor, false)
}

const wrapped: Socket[] = []

/** Null where the system does not offer it, or does not let this user. */
function reopened(fileDescriptor: number): number | null {
  try {
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants
    return openSync(`/proc/self/fd/${fileDescriptor}`, O_WRONLY | O_NONBLOCK | O_NOCTTY)
  } catch {
    return null
  }
}

function nonBlockingSink(fileDescriptor: number): OutputSink {
  return {
    write(bytes, done) {
      let takenCount = 0
      try {
        takenCount = takenNow(fileDescriptor, bytes)
      } catch (error) {
        done(error as Error, 0)
        return
      }
      done(null, takenCount)
    },
    writeNow: (bytes) => takenNow(fileDescriptor, bytes),
  }
}

function takenNow(fileDescriptor: number, bytes: Uint8Array): number {
  try {
    return writeSync(fileDescriptor, bytes)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return 0
    throw error
  }
}

/** A write that is under way when the process ends is completed by the thread pool. */
function threadedSink(fileDescriptor: number, isFile: boolean): OutputSink {
  return {
    write: (bytes, done) => write(fileDescriptor, bytes, (error, takenCount) => done(error, takenCount)),
    writeNow: (bytes) => (isFile ? writeSync(fileDescriptor, bytes) : -1),
  }
}
