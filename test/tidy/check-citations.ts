/** What a comment cites must exist: documents by their path or name, decisions and invariants by their number. */
import { posix } from 'node:path'
import type { ProjectFile, Violation } from './project-files.ts'

export function danglingCitations(
  sources: readonly ProjectFile[],
  documents: readonly ProjectFile[],
  architecture: string,
): readonly Violation[] {
  const known = new Set(documents.flatMap(({ path }) => [path, posix.basename(path)]))
  return sources.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => {
      const isComment = /^\s*(\/?\*|\/\/)|\s\/\/ /.test(line)
      const missing = isComment ? citationsIn(line).filter((citation) => !exists(citation, known, architecture)) : []
      return missing.map((citation) => `${path}:${index + 1} refers to ${citation}, which does not exist`)
    }),
  )
}

function citationsIn(line: string): readonly string[] {
  const found = line.matchAll(/\b[\w/-]+\.md\b|\bD\d+\b(?=\))|\bdesign D\d+|\binvariant \d+|\bhabit \d+/g)
  return [...found].map((match) => match[0])
}

function exists(citation: string, known: ReadonlySet<string>, architecture: string): boolean {
  if (citation.endsWith('.md')) return known.has(citation)
  const number = /\d+/.exec(citation)![0]
  if (citation.startsWith('invariant')) return new RegExp(`^${number}\\. `, 'm').test(architecture)
  return citation.includes('D') && architecture.includes(`**D${number},`)
}
