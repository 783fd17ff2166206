/** Small text files that are read or written once, when the server starts: zoo.cfg, its dynamic part, myid. */
import { constants, close as fsClose, fstat as fsFstat, open as fsOpen, readFile as fsReadFile } from 'node:fs'
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { Socket } from 'node:net'
import { dirname } from 'node:path'
import type { Readable } from 'node:stream'
import { isatty, ReadStream } from 'node:tty'
import { promisify } from 'node:util'
import { irregularError } from './regular-file.ts'

const openFd = promisify(fsOpen)
const closeFd = promisify(fsClose)
const fstat = promisify(fsFstat)
const readWhole = promisify(fsReadFile)

/**
 * The text, or null if there is no such file. Any other failure rejects with a code; for a socket, a device, and unless
 * `accepts` names pipes a FIFO, it is EFTYPE. The text of a pipe or a terminal is read until its end. The
 * event loop does that: a thread that waits for a writer would keep the process from ending at a signal.
 */
export async function readTextFile(
  path: string,
  accepts: 'file' | 'file-or-pipe' = 'file-or-pipe',
): Promise<string | null> {
  let fd: number
  try {
    fd = await openFd(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    if (code === 'ENXIO') throw irregularError(path, await stat(path))
    throw error
  }
  const found = await fstat(fd)
  if (accepts === 'file-or-pipe' && found.isFIFO()) return textOf(await readToEnd(new Socket({ fd, writable: false })))
  if (accepts === 'file-or-pipe' && isatty(fd)) return textOf(await readToEnd(new ReadStream(fd)))
  try {
    if (!found.isFile()) throw irregularError(path, found)
    return textOf(await readWhole(fd))
  } finally {
    await closeFd(fd)
  }
}

/** The stream closes its descriptor. */
async function readToEnd(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** UTF-8. Bytes that are not UTF-8 are read as Latin-1, as Java reads properties files. */
function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return bytes.toString('latin1')
  }
}

/** Creates the folder if it is missing, and replaces the file. */
export async function writeTextFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
}
