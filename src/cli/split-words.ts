/**
 * A line of the shell as words, as zkCli splits it (ZK: ZooKeeperMain.MyCommandOptions.parseCommand): blanks separate,
 * and a word that begins with a quote goes on to the next quote of that kind. Everything else is literal: backslashes
 * everywhere, quotes inside a word, and blanks and the other kind of quote inside a quoted word.
 */
import { err, ok, type Result } from '../base/result.ts'

/** Java's \s. JavaScript's holds more, such as the no-break space, which may stand in a path. */
const blank = '[ \\t\\n\\v\\f\\r]'
const notBlank = '[^ \\t\\n\\v\\f\\r]'
const wordPattern = new RegExp(`"([^"]*)"|'([^']*)'|(?!["'])(${notBlank}+)`, 'y')
const blanksPattern = new RegExp(`${blank}*`, 'y')

/** Where zkCli drops a quote that is not closed, the line is refused: what was meant cannot be guessed. */
export function splitWords(line: string): Result<readonly string[], string> {
  const { words, openAt } = scan(line)
  if (openAt === null) return ok(words)
  const quote = line[openAt]
  return err(`a word begins with ${quote}, and no ${quote} closes it; a quote inside a word needs no closing`)
}

/** The word that is being typed at the end of a line, with its quotes; '' after a blank that separates. */
export function lastWordOf(line: string): string {
  const { lastAt, lastEnd, openAt } = scan(line)
  if (openAt !== null) return line.slice(openAt)
  return lastEnd === line.length ? line.slice(lastAt) : ''
}

/** The word as it has to be typed. Null: it holds blanks and both kinds of quotes, so it cannot be. */
export function quotedWord(word: string): string | null {
  if (/^[^"'\s]\S*$/.test(word)) return word
  if (!word.includes('"')) return `"${word}"`
  return word.includes("'") ? null : `'${word}'`
}

interface Scan {
  readonly words: readonly string[]
  readonly lastAt: number
  readonly lastEnd: number
  /** Where a word begins with a quote that nothing closes. */
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
