/**
 * Seeded chaos over bare Zab objects: what the checks of cluster-checks.ts claim must hold for every seed, and
 * after the last fault the cluster has to work again. A failure names its seed; `runSeed` replays it.
 */
import { describe, expect, test } from 'vitest'
import { runSeed } from './random-faults.ts'

/** ZAB_SEEDS raises the number of seeds, ZAB_FIRST_SEED moves to others. */
const seedCount = Number(process.env['ZAB_SEEDS'] ?? 300)
const firstSeed = Number(process.env['ZAB_FIRST_SEED'] ?? 1)

describe('random faults', () => {
  test.each([
    [1, 0.2],
    [2, 0.4],
    [3, 1],
    [5, 0.6],
  ])('a cluster of %i voters keeps one history and recovers after any faults', (voterCount, share) => {
    let committed = 0
    let epochs = 0
    for (let seed = firstSeed; seed < firstSeed + seedCount * share; seed++) {
      const report = runSeed(seed, voterCount)
      committed += report.committedCount
      epochs += report.epochCount
    }
    // The chaos must leave room for work, or nothing was tested.
    expect(committed).toBeGreaterThan(seedCount * share)
    expect(epochs).toBeGreaterThan(seedCount * share)
  })
})
