// A file of its own, so that vitest runs it beside the other seeds.
import { describe, test } from 'vitest'
import { runSeeds } from './run-seeds.ts'

const timeoutMs = 180_000

describe('the servers under the faults of seeds 21 to 40', () => {
  test.each([21, 31])('no invariant breaks in the ten seeds from %i', { timeout: timeoutMs }, async (from) => {
    await runSeeds(from, 10)
  })
})
