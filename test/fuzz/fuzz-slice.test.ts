import { expect, test } from 'vitest'
import { runBatch } from './campaign.ts'

test('a server survives right, wrong and absurd requests, and its log replays to the same tree', async () => {
  const { counts, violation } = await runBatch(1, 3000)
  expect(violation).toBeNull()
  expect(counts.inputs).toBeGreaterThanOrEqual(3000)
  expect(counts.byOp.get('create')!.succeeded).toBeGreaterThan(20)
  expect(counts.byError.get('marshalling-error')).toBeGreaterThan(20)
  expect(counts.restarts).toBeGreaterThan(0)
})
