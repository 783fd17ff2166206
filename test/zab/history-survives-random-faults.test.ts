/**
 * Seeded faults in a cluster of bare Zab objects: the checks of cluster-checks.ts must hold for every seed, and after
 * the last fault the cluster has to work again. A failure names its seed; `runSeed` replays it.
 */
import { describe, expect, test } from 'vitest'
import { runSeed } from './random-faults.ts'

/** ZAB_SEEDS raises the number of seeds, ZAB_FIRST_SEED moves to others. */
const seedCount = Number(process.env['ZAB_SEEDS'] ?? 300)
const firstSeed = Number(process.env['ZAB_FIRST_SEED'] ?? 1)

describe('random faults', () => {
  test.each([
    ['one voter', 0.2],
    ['two voters', 0.4],
    ['three voters', 1],
    ['five voters', 0.5],
    ['three voters and two learners', 0.3],
    ['one voter and a learner with a higher id', 0.2],
    ['three groups with weights', 0.2],
    ['two memberships of which both must agree', 0.2],
  ] as const)('a cluster of %s keeps one history and recovers after any faults', (shape, share) => {
    let committed = 0
    let epochs = 0
    let copies = 0
    let handOvers = 0
    let longestElectionMs = 0
    for (let seed = firstSeed; seed < firstSeed + seedCount * share; seed++) {
      const report = runSeed(seed, shape)
      committed += report.committedCount
      epochs += report.epochCount
      copies += report.copyCount
      handOvers += report.handOverCount
      longestElectionMs = Math.max(longestElectionMs, report.electionMs)
    }
    // The faults must leave time for commits, or nothing was tested.
    expect(committed).toBeGreaterThan(seedCount * share)
    expect(epochs).toBeGreaterThan(seedCount * share)
    if (shape.startsWith('one voter')) expect(handOvers).toBe(0)
    else expect(handOvers).toBeGreaterThan((seedCount * share) / 10)
    // `runSeed` compares each election with its bound.
    expect(longestElectionMs).toBeGreaterThan(0)
    // In the smaller shapes few servers can lag, since each is needed for a quorum.
    if (share >= 0.5) expect(copies).toBeGreaterThan((seedCount * share) / 10)
  })
})
