/** Small text files that are read or written once, when the server starts: zoo.cfg, its dynamic part, myid. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** The text, or null if there is no such file. Any other failure rejects with the system's code. */
export async function readTextFile(path: string): Promise<string | null> {
  try {
    return textOf(await readFile(path))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
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
