/**
 * Golden traces: each .txt file in this folder has commands and all their effects. UPDATE_TRACES=1 records the effects
 * again; then review the difference like code.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { replayScenario } from './scenario-file.ts'

const folder = new URL('.', import.meta.url)
const names = readdirSync(folder).filter((name) => name.endsWith('.txt'))

test.each(names)('the scenario %s has the recorded effects', (name) => {
  const file = new URL(name, folder)
  const recorded = readFileSync(file, 'utf8')
  const replayed = replayScenario(recorded)
  if (process.env['UPDATE_TRACES'] === '1') writeFileSync(file, replayed)
  else expect(replayed).toBe(recorded)
})
