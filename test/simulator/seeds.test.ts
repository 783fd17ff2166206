/**
 * The first seeds of the simulator, so that `npm test` finds what breaks often within seconds. .ci/run plays 600 seeds,
 * these among them.
 */
import { describe, expect, test } from 'vitest'
import { runSeeds } from './run-seeds.ts'
import { chaosMsDefault, simulateSeed } from './simulate.ts'

const timeoutMs = 180_000

describe('the servers under the faults of seeds 1 to 6', () => {
  test('two runs of one seed are equal in every event', { timeout: timeoutMs }, async () => {
    for (const seed of [1, 3]) {
      const first = await simulateSeed(seed, { chaosMs: chaosMsDefault })
      const second = await simulateSeed(seed, { chaosMs: chaosMsDefault })
      expect(second.hash).toBe(first.hash)
      expect(second.counts).toEqual(first.counts)
    }
  })

  test.each([1])('every invariant holds in the six seeds from %i', { timeout: timeoutMs }, async (from) => {
    const { copiesInstalled, backupsComplete } = await runSeeds(from, 6)
    expect(copiesInstalled).toBeGreaterThan(0)
    expect(backupsComplete).toBeGreaterThan(10)
  })
})
