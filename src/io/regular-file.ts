/**
 * Opens files that must be regular. Opening a FIFO waits for its other side, and a device may do anything: the thread that
 * opens it can be blocked for ever, and with it the exit of the process, since Node.js waits for its thread pool.
 * O_NONBLOCK makes every such open return at once; it has no effect on regular files and on folders.
 */
import { constants, close as fsClose, fstat as fsFstat, open as fsOpen, type Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { promisify } from 'node:util'

const openFd = promisify(fsOpen)
const closeFd = promisify(fsClose)
const fstat = promisify(fsFstat)

/** Rejects with code EFTYPE if `path` is neither a regular file nor missing. */
export async function openRegular(path: string, flags: number, permissions = 0o644): Promise<number> {
  let fd: number
  try {
    fd = await openFd(path, flags | constants.O_NONBLOCK, permissions)
  } catch (error) {
    // A socket, or a FIFO without a reader.
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') throw irregularError(path, await stat(path))
    throw error
  }
  try {
    const found = await fstat(fd)
    if (!found.isFile()) throw irregularError(path, found)
    return fd
  } catch (error) {
    await closeFd(fd)
    throw error
  }
}

export function irregularError(path: string, found: Stats): Error {
  const message = `${path} is ${describeKind(found)}, and this server needs a regular file with this name`
  return Object.assign(new Error(message), { code: found.isDirectory() ? 'EISDIR' : 'EFTYPE' })
}

function describeKind(found: Stats): string {
  if (found.isFIFO()) return 'a named pipe (FIFO)'
  if (found.isSocket()) return 'a socket'
  if (found.isDirectory()) return 'a folder'
  return found.isFile() ? 'a regular file' : 'a device'
}
