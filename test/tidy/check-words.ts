/**
 * Counts the banned words, line by line, and holds the counts to words-left.json: what is still to be reworded, by
 * word and by top-level folder. A count may fall and may not rise; what the file does not list is zero.
 */
import type { BannedWord } from './banned-words.ts'
import type { ProjectFile, Violation } from './project-files.ts'

export interface WordPlace {
  readonly word: string
  /** The top-level folder, or the file itself at the top level. */
  readonly area: string
  readonly path: string
  readonly line: number
}

/** Counts by word and area. */
export type WordCounts = Readonly<Record<string, Readonly<Record<string, number>>>>

/** Null: not counted in that area yet, since the names that contain the word wait to be renamed. */
export type WordsLeft = Readonly<Record<string, Readonly<Record<string, number | null>>>>

/** Not counted: the table and its tests, which name the words, and files that the authors did not write. */
const notCounted =
  /^(LICENSE|package-lock\.json|test\/tidy\/(banned-words\.ts|words-left\.json|words-are-plain\.test\.ts)$)|\/fixtures\/|\.snap$/

export function wordPlaces(files: readonly ProjectFile[], words: readonly BannedWord[]): readonly WordPlace[] {
  return files
    .filter(({ path }) => !notCounted.test(path))
    .flatMap(({ path, text }) => {
      const area = path.split('/')[0]!
      const own = ownText(text)
      return words.flatMap(({ word, pattern }) =>
        [...own.matchAll(pattern)].map(({ index }) => ({
          word,
          area,
          path,
          line: own.slice(0, index).split('\n').length,
        })),
      )
    })
}

export function countWords(places: readonly WordPlace[]): WordCounts {
  const counts: Record<string, Record<string, number>> = {}
  for (const { word, area } of places) {
    counts[word] ??= {}
    counts[word][area] = (counts[word][area] ?? 0) + 1
  }
  return counts
}

/** One line for each word of an area that has become more frequent, with what to write and every place that has it. */
export function wordsAboveTheCount(
  places: readonly WordPlace[],
  words: readonly BannedWord[],
  left: WordsLeft,
): readonly Violation[] {
  return Object.entries(countWords(places)).flatMap(([word, areas]) =>
    Object.entries(areas).flatMap(([area, count]) => {
      const entry = left[word]?.[area]
      const allowed = entry ?? 0
      if (entry === null || count <= allowed) return []
      const { write, why } = words.find((row) => row.word === word)!
      const found = places.filter((one) => one.word === word && one.area === area)
      return [
        `"${word}" stands ${count} times in ${area}, allowed: ${allowed}. Write instead: ${write}. Why: ${why}. ` +
          `Look among the lines that you changed:\n${listed(found)}`,
      ]
    }),
  )
}

/** The counts that words-left.json may have now: never above what it had. */
export function loweredCounts(places: readonly WordPlace[], left: WordsLeft): WordsLeft {
  const counts = countWords(places)
  const lowered: Record<string, Record<string, number | null>> = {}
  for (const [word, areas] of Object.entries(left)) {
    for (const [area, allowed] of Object.entries(areas)) {
      const found = counts[word]?.[area] ?? 0
      const count = allowed === null ? null : Math.min(allowed, found)
      if (found === 0) continue
      lowered[word] ??= {}
      lowered[word][area] = count
    }
  }
  return lowered
}

/** One line for each file: its path and the numbers of its lines. */
function listed(places: readonly WordPlace[]): string {
  const linesByPath = new Map<string, number[]>()
  for (const { path, line } of places) linesByPath.set(path, [...(linesByPath.get(path) ?? []), line])
  return [...linesByPath].map(([path, lines]) => `  ${path}:${lines.join(',')}`).join('\n')
}

/** Without the lines that the authors did not write: what a document copies from code, and its examples of bad prose. */
function ownText(text: string): string {
  let isCopied = false
  const lines = text.split('\n').map((line) => {
    if (line.startsWith('<!-- from code: ')) isCopied = true
    if (line.startsWith('<!-- end -->')) isCopied = false
    return isCopied || /^\s*(> )?✗ /.test(line) ? '' : line
  })
  return lines.join('\n')
}
