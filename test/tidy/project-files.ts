/**
 * The text files of the project as they would be in a fresh clone: everything but what .gitignore names and binary
 * files. Reads the disk rather than asking git, so that it also works on an unpacked archive.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface ProjectFile {
  /** From the root of the project, with slashes. */
  readonly path: string
  readonly text: string
}

export const projectRoot = fileURLToPath(new URL('../..', import.meta.url))

/** A bad import or a word too many: where it is, and what to do about it. */
export type Violation = string

const ignoredNames: ReadonlySet<string> = new Set(['.git', ...ignoredByGit()])

export const projectFiles: readonly ProjectFile[] = filesUnder('')

export function filesIn(folder: string, extension: string): readonly ProjectFile[] {
  return projectFiles.filter(({ path }) => path.startsWith(`${folder}/`) && path.endsWith(extension))
}

export function projectFile(path: string): ProjectFile {
  const file = projectFiles.find((candidate) => candidate.path === path)
  if (file === undefined) throw new Error(`${path} is missing`)
  return file
}

function ignoredByGit(): readonly string[] {
  const lines = readFileSync(join(projectRoot, '.gitignore'), 'utf8').split('\n')
  // A name without a slash is that of a folder or of a link to one.
  return lines.filter((line) => line !== '' && !line.includes('*')).map((line) => line.replace(/\/$/, ''))
}

function filesUnder(folder: string): readonly ProjectFile[] {
  const entries = readdirSync(join(projectRoot, folder), { withFileTypes: true })
  return entries
    .filter((entry) => !ignoredNames.has(entry.name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory()) return filesUnder(path)
      const bytes = readFileSync(join(projectRoot, path))
      return entry.isFile() && !bytes.includes(0) ? [{ path, text: bytes.toString('utf8') }] : []
    })
}
