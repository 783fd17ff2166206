/** Runs a range of seeds inside a test; the first failure is the whole message, replay command included. */
import { expect } from 'vitest'
import { describeFailure } from './seed-report.ts'
import { chaosMsDefault, simulateSeed } from './simulate.ts'

export interface Done {
  readonly copiesInstalled: number
  readonly backupsComplete: number
}

export async function runSeeds(from: number, count: number): Promise<Done> {
  let [acknowledgedCount, frontsRemoved, copiesInstalled, backupsComplete, connectionsKept] = [0, 0, 0, 0, 0]
  for (let seed = from; seed < from + count; seed++) {
    const result = await simulateSeed(seed, { chaosMs: chaosMsDefault })
    if (result.trace.violations.length > 0) expect.fail(describeFailure(result))
    acknowledgedCount += result.counts.requestsAcknowledged
    frontsRemoved += result.counts.checkpoints.frontsRemoved
    copiesInstalled += result.counts.checkpoints.copiesInstalled
    connectionsKept += result.counts.connections.kept
    backupsComplete += result.counts.backups.complete
  }
  // A simulation in which nothing happens would pass every check.
  expect(acknowledgedCount).toBeGreaterThan(count * 100)
  expect(frontsRemoved).toBeGreaterThan(count)
  expect(connectionsKept).toBeGreaterThan(count)
  return { copiesInstalled, backupsComplete }
}
