/**
 * Typed lines in a file that only its owner can read. Shells that run at the same time append to the same file, so none
 * overwrites the lines of another. Loading cuts the file to the newest `linesMax` lines.
 */
import { open, readFile, rename } from 'node:fs/promises'
import type { LineHistory } from '../ports/terminal.ts'

const ownerOnly = 0o600

export function nodeLineHistory(path: string, linesMax: number): LineHistory {
  return {
    async load() {
      const all = (await textOf(path)).split('\n').filter((line) => line !== '')
      const kept = all.slice(-linesMax)
      if (kept.length < all.length) {
        const fresh = `${path}.new`
        await write(fresh, 'w', kept)
        await rename(fresh, path)
      }
      return kept
    },
    append: (line) => write(path, 'a', [line]),
  }
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}

async function write(path: string, flags: 'a' | 'w', lines: readonly string[]): Promise<void> {
  const file = await open(path, flags, ownerOnly)
  try {
    // `open` applies the mode only to a new file.
    await file.chmod(ownerOnly)
    await file.write(lines.map((line) => `${line}\n`).join(''))
  } finally {
    await file.close()
  }
}
