import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { adminWordsByDefault } from '../../src/base/admin-words.ts'
import { asZkts, asZooKeeper, choices } from '../../src/config/compatibility.ts'
import type { Config } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import { filesIn } from '../tidy/project-files.ts'

const definedIn = 'src/config/compatibility.ts'
const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'reference', 'differences.md'), 'utf8')
const rows = page.split('\n').filter((line) => line.startsWith('| '))
const ended = Object.values(choices).map(({ ends }) => ends)

function load(lines: readonly string[]): ReturnType<typeof loadConfig> {
  const text = ['dataDir=/data', 'clientPort=2181', ...lines].join('\n')
  return loadConfig({ text, dynamicText: null, myidText: null })
}

function configOf(lines: readonly string[]): Config {
  const loaded = load(lines)
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error))
  return loaded.value.config
}

describe('the choices', () => {
  test.each(ended)('the difference "%s" is documented as one that compatibility=strict ends', (ends) => {
    const named = rows.filter((row) => row.startsWith(`| ${ends} |`) || row.includes(`| \`${ends}\` |`))
    expect(named).toHaveLength(1)
    expect(named[0]).toContain('as ZooKeeper')
  })

  test.each(Object.keys(choices))('%s decides something outside the file that names it', (choice) => {
    const readers = filesIn('src', '.ts').filter(({ path, text }) => text.includes(choice) && path !== definedIn)
    expect(readers.length).toBeGreaterThan(0)
  })

  test('no difference is documented as ended without a choice that ends it', () => {
    const documented = rows.filter((row) => row.endsWith('| as ZooKeeper |'))
    const unfounded = documented.filter((row) => !ended.some((ends) => row.includes(ends)))
    expect([documented.length > 0, unfounded]).toEqual([true, []])
  })
})

describe('the key compatibility', () => {
  test.each([
    [[], asZkts],
    [['compatibility=zkts'], asZkts],
    [['compatibility=strict'], asZooKeeper],
  ])('%j makes the choices of its value', (lines, expected) => {
    expect(configOf(lines).compatibility).toBe(expected)
  })

  test('another value is refused', () => {
    expect(load(['compatibility=Strict'])).toMatchObject({
      error: [{ key: 'compatibility', value: 'Strict', write: 'write strict or zkts' }],
    })
  })

  test('strict has the defaults of ZooKeeper for TTL znodes, the dialect of Keeper and the words', () => {
    const relevant = ({ extendedTypesEnabled, keeperCompatibility, fourLetterWords }: Config): unknown => [
      extendedTypesEnabled,
      keeperCompatibility,
      fourLetterWords,
    ]
    expect(relevant(configOf([]))).toEqual([true, true, adminWordsByDefault])
    expect(relevant(configOf(['compatibility=strict']))).toEqual([false, false, ['srvr']])
    const set = ['extendedTypesEnabled=true', 'keeper.compatibility=true', '4lw.commands.whitelist=ruok']
    expect(relevant(configOf(['compatibility=strict', ...set]))).toEqual([true, true, ['ruok', 'srvr']])
  })
})
