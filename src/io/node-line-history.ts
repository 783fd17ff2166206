/**
 * Lines in a file that only its owner can read. Shells that run side by side append to the same file, so none
 * undoes what another has added; loading drops what is more than `linesMax`.
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
    // The mode above is for a new file only.
    await file.chmod(ownerOnly)
    await file.write(lines.map((line) => `${line}\n`).join(''))
  } finally {
    await file.close()
  }
}
