/**
 * Splits a line of the shell into words as zkCli does (ZK: ZooKeeperMain.MyCommandOptions.parseCommand). Blanks
 * separate words. A word that begins with a quote ends at the next quote of the same kind. Everything else is literal:
 * backslashes everywhere, quotes inside a word, and blanks and the other kind of quote inside a quoted word.
 */
import { err, ok, type Result } from '../base/result.ts'

/**
 * The class \s of Java. That of JavaScript has more characters, such as the no-break space, which a path may contain.
 */
const blank = '[ \\t\\n\\v\\f\\r]'
const notBlank = '[^ \\t\\n\\v\\f\\r]'
const wordPattern = new RegExp(`"([^"]*)"|'([^']*)'|(?!["'])(${notBlank}+)`, 'y')
const blanksPattern = new RegExp(`${blank}*`, 'y')

/**
 * Refuses a line with a quote that is not closed. zkCli drops the quote, and so may run a command that was not meant.
 */
export function splitWords(line: string): Result<readonly string[], string> {
  const { words, openAt } = scan(line)
  if (openAt === null) return ok(words)
  const quote = line[openAt]
  return err(`a word begins with ${quote}, and no ${quote} closes it; a quote inside a word needs no closing`)
}

/** The unfinished word at the end of a line, with its quotes; '' after a separating blank. */
export function lastWordOf(line: string): string {
  const { lastAt, lastEnd, openAt } = scan(line)
  if (openAt !== null) return line.slice(openAt)
  return lastEnd === line.length ? line.slice(lastAt) : ''
}

/** The word as it has to be typed. Null: the word contains blanks and both kinds of quotes, and cannot be typed. */
export function quotedWord(word: string): string | null {
  if (/^[^"'\s]\S*$/.test(word)) return word
  if (!word.includes('"')) return `"${word}"`
  return word.includes("'") ? null : `'${word}'`
}

interface Scan {
  readonly words: readonly string[]
  readonly lastAt: number
  readonly lastEnd: number
  /** The position of an opening quote that is not closed, or null. */
  readonly openAt: number | null
}

function scan(line: string): Scan {
  const words: string[] = []
  let [lastAt, lastEnd] = [0, 0]
  for (;;) {
    const at = endOf(blanksPattern, line, lastEnd)
    if (at === line.length) return { words, lastAt, lastEnd, openAt: null }
    wordPattern.lastIndex = at
    const match = wordPattern.exec(line)
    if (match === null) return { words, lastAt, lastEnd, openAt: at }
    words.push(match[1] ?? match[2] ?? match[3] ?? '')
    lastAt = at
    lastEnd = wordPattern.lastIndex
  }
}

function endOf(pattern: RegExp, line: string, at: number): number {
  pattern.lastIndex = at
  pattern.test(line)
  return pattern.lastIndex
}
