/** A line of the shell as words: blanks separate, quotes hold together, a backslash takes the next character as it is. */
import { err, ok, type Result } from '../base/result.ts'

export function splitWords(line: string): Result<readonly string[], string> {
  const words: string[] = []
  let word: string | null = null
  let quote: string | null = null
  for (let i = 0; i < line.length; i++) {
    const character = line[i]!
    if (character === '\\' && quote !== "'" && i + 1 < line.length) {
      word = (word ?? '') + line[++i]
    } else if (quote !== null) {
      if (character === quote) quote = null
      else word += character
    } else if (character === '"' || character === "'") {
      quote = character
      word ??= '' // '' is a word of its own
    } else if (character === ' ' || character === '\t') {
      if (word !== null) words.push(word)
      word = null
    } else word = (word ?? '') + character
  }
  if (quote !== null) return err(`a ${quote} is not closed`)
  return ok(word === null ? words : [...words, word])
}
