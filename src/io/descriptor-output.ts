/**
 * Standard output and standard error, written without waiting for their readers. Writes to a terminal (which Ctrl-S can
 * stop), a pipe or a socket do not block. Writes to a file go through Node's thread pool, since a disk can stall too.
 * A terminal or pipe is opened a second time for this: O_NONBLOCK belongs to the open file description, which other
 * processes share and which must not change for them. If it cannot be opened again (a socket, a pipe of another user),
 * the shared description is made non-blocking, as Node does for every pipe that it writes to.
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
    // Node makes a descriptor non-blocking when it wraps it in a Socket. The Socket is kept, because the descriptor
    // would be closed with it.
    wrapped.push(new Socket({ fd: fileDescriptor, readable: false, writable: true }).unref())
    return nonBlockingSink(fileDescriptor)
  }
  return threadedSink(fileDescriptor, false)
}

const wrapped: Socket[] = []

/** Null: the system has no /proc, or this user may not open the file. */
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
