import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { traitsOfKey } from '../../src/config/keys.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import { parseConfigText } from '../../src/config/properties-text.ts'
import { renderConfigReference } from './config-reference.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const samples = readdirSync(`${root}conf`).filter((name) => name.endsWith('.cfg'))

test('docs/reference/config.md lists exactly the keys of the key table', async () => {
  await expect(renderConfigReference()).toMatchFileSnapshot(`${root}docs/reference/config.md`)
})

describe.each(samples)('the sample %s', (name) => {
  const text = readFileSync(`${root}conf/${name}`, 'utf8')

  test(`${name} starts a server without a single remark`, () => {
    const loaded = loadConfig({ text, dynamicText: null, myidText: name === 'ensemble.cfg' ? '2\n' : null })
    expect(loaded.ok && loaded.value.remarks).toEqual([])
  })

  test(`${name} says of no line that it is the default unless the line changes nothing`, () => {
    const of = (lines: string) => loadConfig({ text: lines, dynamicText: null, myidText: '2' })
    expect(of(text).ok).toBe(true)
    for (const [, line = ''] of text.matchAll(/^#.*the default\.?\n(.*)$/gm)) {
      expect(line).toMatch(/^[^#].*=/)
      expect(of(text.replace(line, '')), line).toEqual(of(text))
    }
  })

  test(`${name} uses documented keys only`, () => {
    const page = readFileSync(`${root}docs/reference/config.md`, 'utf8')
    for (const { key } of parseConfigText(text).entries) {
      expect(traitsOfKey(key)?.support.kind, key).toBe('used')
      expect(page).toContain(`\`${key.replace(/^server\.\d+$/, 'server.N')}\``)
    }
  })
})
