/**
 * Golden traces: each .txt file here is a story of commands and of everything they bring about. Set UPDATE_TRACES=1 to
 * record them anew, then read the difference like code.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { replayScenario } from './scenario-file.ts'

const folder = new URL('.', import.meta.url)
const names = readdirSync(folder).filter((name) => name.endsWith('.txt'))

test.each(names)('the story %s goes as it is written', (name) => {
  const file = new URL(name, folder)
  const recorded = readFileSync(file, 'utf8')
  const replayed = replayScenario(recorded)
  if (process.env['UPDATE_TRACES'] === '1') writeFileSync(file, replayed)
  else expect(replayed).toBe(recorded)
})
