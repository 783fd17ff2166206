// A file of its own, so that vitest runs it beside the other seeds.
import { describe, test } from 'vitest'
import { runSeeds } from './run-seeds.ts'

const timeoutMs = 180_000

describe('the servers under the faults of seeds 101 to 220', () => {
  test.each([101, 121, 141, 161, 181, 201])(
    'no invariant breaks in the twenty seeds from %i',
    { timeout: timeoutMs },
    (from) => runSeeds(from, 20),
  )
})
