/**
 * Compares the words of a line with zkCli's own parser. A difference must be one of the rules of docs/reference/cli.md:
 * a quote that is not closed is refused, a blank line is no command, and quotes always come off.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { splitWords } from '../../../src/cli/split-words.ts'
import { SeededRandom } from '../../support/seeded-random.ts'
import { type Check, expectEqual, expectTrue } from '../checks.ts'
import { deliberateLines, randomLine, typicalLines } from './shell-lines.ts'

export interface ZkCliAnswer {
  readonly line: string
  readonly words: readonly string[]
  /** A word begins with a quote that is never closed. zkCli drops the quote, or adds the blank before it to the word. */
  readonly hasOpenQuote: boolean
}

const recordedSeed = 1
const recordedRandomCount = 250

/** The content of test/cli/fixtures/zkcli-words.json. */
export function recordWords(zkCli: readonly string[]): readonly ZkCliAnswer[] {
  return askZkCli(zkCli, [...typicalLines, ...randomLines(recordedSeed, recordedRandomCount)])
}

export function wordChecks(zkCli: readonly string[], seed: number, lineCount: number): readonly Check[] {
  return [
    {
      title: `${typicalLines.length} typical lines have the words that zkCli finds`,
      run: async () => compareAll(askZkCli(zkCli, typicalLines)),
    },
    {
      title: `${lineCount} random lines have the words that zkCli finds (seed ${seed})`,
      run: async () => compareAll(askZkCli(zkCli, randomLines(seed, lineCount))),
    },
    {
      title: `${deliberateLines.length} lines have other words than zkCli finds, on purpose`,
      async run() {
        const answers = askZkCli(
          zkCli,
          deliberateLines.map(({ line }) => line),
        )
        for (const [i, { line, ours }] of deliberateLines.entries()) {
          expectEqual(ownWords(line), ours, `words of ${JSON.stringify(line)}`)
          const { words, hasOpenQuote } = answers[i]!
          const isEqual = !hasOpenQuote && JSON.stringify(words) === JSON.stringify(ours)
          expectTrue(!isEqual || line === '', `zkCli finds the same words in ${JSON.stringify(line)}`)
        }
      },
    },
  ]
}

/** The words that zkts-cli should find where zkCli found these. */
export function expectedWords({ line, words, hasOpenQuote }: ZkCliAnswer): readonly string[] | 'refused' {
  if (/^[ \t]*$/.test(line)) return []
  return hasOpenQuote ? 'refused' : words
}

export function ownWords(line: string): readonly string[] | 'refused' {
  const words = splitWords(line)
  return words.ok ? words.value : 'refused'
}

function compareAll(answers: readonly ZkCliAnswer[]): void {
  const wrong = answers.filter(
    (answer) => JSON.stringify(ownWords(answer.line)) !== JSON.stringify(expectedWords(answer)),
  )
  const shown = wrong.slice(0, 5).map((each) => JSON.stringify({ ...each, ours: ownWords(each.line) }))
  expectTrue(wrong.length === 0, `${wrong.length} lines differ, such as ${shown.join(' ')}`)
}

function randomLines(seed: number, count: number): readonly string[] {
  const random = new SeededRandom(seed)
  return Array.from({ length: count }, () => randomLine(random))
}

function askZkCli(zkCli: readonly string[], lines: readonly string[]): readonly ZkCliAnswer[] {
  const folder = mkdtempSync(join(tmpdir(), 'zkts-words-'))
  try {
    const file = join(folder, 'lines.json')
    writeFileSync(file, JSON.stringify(lines))
    const printed = execFileSync(zkCli[0]!, [...zkCli.slice(1), file], { encoding: 'utf8', maxBuffer: 2 ** 26 })
    const answers = JSON.parse(printed) as Omit<ZkCliAnswer, 'line'>[]
    return lines.map((line, i) => ({ line, ...answers[i]! }))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
