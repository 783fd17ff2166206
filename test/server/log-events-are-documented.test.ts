import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { closeReasons } from '../../src/connection/close-reason.ts'
import { logLevels } from '../../src/io/pino-log.ts'
import { linkCloseReasons } from '../../src/peers/link-close-reason.ts'
import { replicaCloseReasons } from '../../src/replica/contract.ts'
import { driverCloseReasons } from '../../src/server/clients/close-reasons.ts'
import { requestRefusals } from '../../src/server/clients/request-refusals.ts'
import { exitCodes } from '../../src/server/exit-codes.ts'

const root = join(import.meta.dirname, '..', '..')

/** The rows of each table below a heading, as cells without their backquotes. */
function tablesOf(file: string, heading: string): readonly (readonly string[])[] {
  const section = readFileSync(join(root, 'docs', 'reference', file), 'utf8').split(`\n## ${heading}\n`)[1]
  if (section === undefined) throw new Error(`${file} has no section ${heading}`)
  const lines = section.split('\n## ')[0]!.split('\n')
  return lines
    .filter((line, i) => line.startsWith('| ') && !lines[i + 1]?.startsWith('|---'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    )
}

/** `event level` of every log call in the source. */
function loggedEvents(): ReadonlySet<string> {
  const events = new Set<string>()
  for (const name of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue
    const text = readFileSync(join(root, 'src', name), 'utf8')
    for (const [, level, event] of text.matchAll(/\blog\??\.(error|warn|info|debug)\(\s*'([a-z0-9-]+)'/g)) {
      events.add(`${event} ${level}`)
    }
  }
  return events
}

const sentences = (table: Readonly<Record<string, string>>) => Object.entries(table).map(([name, text]) => [name, text])

describe('docs/reference/log-events.md', () => {
  test('the page lists the events that the source logs, at their levels, and no others', () => {
    const documented = tablesOf('log-events.md', 'Events').flatMap(([event, levels]) =>
      levels!.split(', ').map((level) => `${event} ${level}`),
    )
    expect([...documented].sort()).toEqual([...loggedEvents()].sort())
  })

  test('the page lists the numbers that JSON lines have for the levels', () => {
    const text = readFileSync(join(root, 'docs', 'reference', 'log-events.md'), 'utf8').split('\n## ')[0]!
    const rows = [...text.matchAll(/^\| `(\w+)` \| (\d+) \|$/gm)].map(([, word, number]) => [word, Number(number)])
    const words = logLevels.filter((level) => level !== 'silent')
    expect(rows).toEqual(words.map((word) => [word, pino.levels.values[word]]))
  })

  test('the page lists the reasons for refusing clients with their sentences', () => {
    expect(tablesOf('log-events.md', 'Why client connections are refused')).toEqual([
      ...sentences(closeReasons),
      ...sentences(driverCloseReasons),
    ])
  })

  test('the page lists the reasons for refusing single requests with their errors and sentences', () => {
    const rows = Object.entries(requestRefusals).map(([name, { error, why }]) => [name, error, why])
    expect(tablesOf('log-events.md', 'Why single requests are refused')).toEqual(rows)
  })

  test('the page lists the reasons for which the replica closes connections', () => {
    const names = tablesOf('log-events.md', 'Why the replica closes client connections').map(([name]) => name)
    expect(names).toEqual([...replicaCloseReasons])
  })

  test('the page lists the reasons for which links between servers end, with their sentences', () => {
    expect(tablesOf('log-events.md', 'Why links between servers end')).toEqual(sentences(linkCloseReasons))
  })
})

describe('docs/reference/zkts-server.md', () => {
  test('the page lists the exit codes of the server', () => {
    const rows = Object.values(exitCodes).map(({ code, meaning }) => [String(code), meaning])
    expect(tablesOf('zkts-server.md', 'Exit status')).toEqual(rows)
  })
})
