import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import * as limits from '../../src/base/limits.ts'
import { danglingCitations } from './check-citations.ts'
import { amountText, documentedTables } from './documented-tables.ts'
import { blockOf, brokenLinks, mentionedCommands, shownCommands, withBlock } from './markdown.ts'
import { projectFile, projectFiles, projectRoot } from './project-files.ts'
import { shownCommandRows } from './shown-commands.ts'

const documents = projectFiles.filter(({ path }) => path.endsWith('.md'))
const commands = [...shownCommands(documents), ...mentionedCommands(documents)]
const isUpdating = process.env['UPDATE_DOCS'] !== undefined

describe('tables that come from code', () => {
  for (const { document, block, render } of documentedTables) {
    it(`${document} shows its ${block} as the code has them`, () => {
      const expected = render()
      if (isUpdating) {
        const path = join(projectRoot, document)
        writeFileSync(path, withBlock(readFileSync(path, 'utf8'), block, expected))
      } else expect(blockOf(projectFile(document).text, block), 'UPDATE_DOCS=1 rewrites it').toBe(expected)
    })
  }
})

it('every limit is shown with its unit, wherever its name has it', () => {
  const names = Object.keys(limits)
  const values = limits as Readonly<Record<string, number>>
  expect(names.filter((name) => amountText(name, values[name]!) === null)).toEqual([])
  expect(amountText('closingAnswersMsMax', 3000)).toBe('3 000 ms')
  expect(amountText('outputRetryMsAfterError', 1000)).toBe('1 000 ms')
  expect(amountText('retainedTxnSizeBytesMax', 2 ** 20)).toBe('1 MiB')
  expect(amountText('somethingMax', 7)).toBe(null)
})

it('every relative link in a document leads somewhere', () => {
  expect(brokenLinks(documents, projectFiles)).toEqual([])
})

it('a link to a missing file or heading is reported', () => {
  const page = { path: 'docs/a.md', text: '# One thing\n[x](b.md) [y](#one-thing) [z](#two) [w](../README.md)\n' }
  expect(brokenLinks([page], [page, { path: 'README.md', text: '' }])).toEqual([
    'docs/a.md links to b.md, which does not exist',
    'docs/a.md links to #two, but docs/a.md has no such heading',
  ])
})

it('every document, decision and invariant that a comment cites exists', () => {
  const sources = projectFiles.filter(({ path }) => /^(src|test|bin)\/.*\.(ts|js)$/.test(path))
  const architecture = projectFile('docs/architecture.md').text
  expect(danglingCitations(sources, documents, architecture)).toEqual([])
  const bad = {
    path: 'a.ts',
    text: '// see gone.md, design D5\n/** (design D99), invariant 99. */\nconst x = "y.md"\n',
  }
  expect(danglingCitations([bad], documents, architecture)).toHaveLength(3)
})

it('every command that a document shows is run by a test or a script', () => {
  const known = new Set(shownCommandRows.map(({ command }) => command))
  const unknown = commands.filter(({ text }) => !known.has(text))
  expect(
    unknown.map(({ text, place }) => `${place} shows "${text}": add where it is run to shown-commands.ts`),
  ).toEqual([])
})

it('every row of shown commands is still shown, and its evidence is still found', () => {
  const shown = new Set(commands.map(({ text }) => text))
  expect(shownCommandRows.filter(({ command }) => !shown.has(command))).toEqual([])
  const without = shownCommandRows.filter(({ ranBy, evidence }) => !projectFile(ranBy).text.includes(evidence))
  expect(without).toEqual([])
})

it('only the lines of shell blocks are taken for commands', () => {
  const text = 'ls\n```sh\n# first\nnpm ci && npm test   # all of it\n```\n```text\nls\n```\n'
  expect(shownCommands([{ path: 'a.md', text }])).toEqual([{ text: 'npm ci && npm test', place: 'a.md:4' }])
})

it('commands of ours in other blocks are found too, without their explanation', () => {
  const text = 'npm ci\n```text\nnpm run sim -- --seed 1   one seed\ndataDir=/data\n```\n```sh\nnpm test\n```\n'
  expect(mentionedCommands([{ path: 'a.md', text }])).toEqual([{ text: 'npm run sim -- --seed 1', place: 'a.md:3' }])
})

it('a block is filled without touching its neighbours', () => {
  const empty = (name: string) => `<!-- from code: ${name} -->\n<!-- end -->\n`
  const page = `${empty('a')}between\n${empty('b')}`
  const filled = withBlock(withBlock(page, 'a', 'one'), 'b', 'two\nlines')
  expect([blockOf(filled, 'a'), blockOf(filled, 'b'), blockOf(filled, 'c')]).toEqual(['one', 'two\nlines', null])
  expect(withBlock(withBlock(filled, 'a', ''), 'a', 'one')).toBe(filled)
  expect(filled).toContain('\nbetween\n')
})
