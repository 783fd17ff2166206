/**
 * Compares the words of a line with those of zkCli. test/compat/parsers recorded them (`--record`) from the class in
 * ZooKeeper's jar, and compares with that class on every run.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { quotedWord, splitWords } from '../../src/cli/split-words.ts'
import { deliberateLines } from '../compat/parsers/shell-lines.ts'
import { expectedWords, ownWords, type ZkCliAnswer } from '../compat/parsers/words.ts'
import { CliRig } from './cli-rig.ts'

const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, 'fixtures', 'zkcli-words.json'), 'utf8'),
) as readonly ZkCliAnswer[]

it('a line is split into the same words as by zkCli', () => {
  expect(recorded.length).toBeGreaterThan(300)
  expect(recorded.map(({ line }) => [line, ownWords(line)])).toEqual(
    recorded.map((answer) => [answer.line, expectedWords(answer)]),
  )
})

it.each(deliberateLines)('the line $line is split differently from zkCli on purpose', ({ line, ours }) => {
  expect(ownWords(line)).toEqual(ours)
})

it('a quote that is not closed is reported', () => {
  const words = splitWords('set /a "x y')
  expect(words.ok ? null : words.error).toBe(
    'a word begins with ", and no " closes it; a quote inside a word needs no closing',
  )
})

it.each([
  ['/a', '/a'],
  ["it's", "it's"],
  ['C:\\temp', 'C:\\temp'],
  ['', '""'],
  ['two words', '"two words"'],
  ['say "x y"', '\'say "x y"\''],
  ['"x"', '\'"x"\''],
])('the word %s can be typed as %s', (word, typed) => {
  expect(quotedWord(word)).toBe(typed)
  expect(ownWords(`set ${typed}`)).toEqual(['set', word])
})

it('a word with blanks and both kinds of quotes cannot be typed', () => {
  expect(quotedWord(`it's "x y"`)).toBeNull()
})

describe('the shell', () => {
  it('stores quotes and backslashes as they were typed', async () => {
    const rig = await CliRig.started()
    const { out, err } = await rig.shell([
      'create /a {"json":"x"}',
      'get /a',
      'set /a C:\\temp\\new',
      'get /a',
      "set /a it's",
      'get /a',
      `set /a '{"json": "two words"}'`,
      'get /a',
    ])
    expect(err).toBe('')
    expect(out).toBe('Created /a\n{"json":"x"}\nC:\\temp\\new\nit\'s\n{"json": "two words"}\n')
  })
})
