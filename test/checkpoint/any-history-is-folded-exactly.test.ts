/**
 * Goal: the checkpoint at a zxid is the state that a server has at that zxid, however the log was written and however far
 * each step went. Method: random histories go into a log in random pieces, with branches that are taken back; the keeper
 * follows to random points, is closed and opened again now and then, and its content is loaded and compared with a tree to
 * which the same txns were applied. CHECKPOINT_SEEDS=20 runs 20 seeds in addition to the usual ones.
 */
import { expect, test } from 'vitest'
import { openStorage, promptDisk, recovered } from '../storage/storage-rig.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { randomHistory } from '../tree/random-history.ts'
import { clusterId, describeState, ExpectedState, LogFiller, loadedFrom, openedKeeper } from './keeper-rig.ts'

const moreSeeds = Array.from({ length: Number(process.env['CHECKPOINT_SEEDS'] ?? 0) }, (_, i) => 100 + i)

test.each([1, 2, 3, ...moreSeeds])('random history %i is folded as a server applies it', async (seed) => {
  const random = new SeededRandom(seed)
  const history = randomHistory(random, 220)
  const disk = promptDisk(seed)
  const opened = await openStorage(disk, { segmentSizeBytes: 1024 * (4 + random.below(200)) })
  recovered(opened)
  const filler = new LogFiller(opened.storage, history, seed)
  const expected = new ExpectedState(history)
  // Small steps, so that one advance writes several batches; chunks of a few znodes.
  const options = { stepSizeBytesMax: 1000 * (1 + random.below(60)), chunkSizeBytesMax: 1000 + random.below(9000) }
  let { keeper, facts } = await openedKeeper(disk, options)
  expect(facts).toBe(null)
  let folded = 0
  while (!filler.isDone || folded < filler.lastZxid) {
    await filler.appendSome(25)
    const through = filler.isDone ? filler.lastZxid : filler.commitPoint()
    const reached = await keeper.advance(through)
    if (through > folded) folded = through
    expect(reached.zxid).toBe(folded)
    const { tree, sessions } = expected.at(folded)
    expect(reached).toMatchObject({
      hash: filler.hashAt(folded),
      origin: 'folded',
      clusterId,
      epoch: 7,
      digest: tree.digest(),
      znodeCount: tree.nodeCount - 1,
      sessionCount: sessions.count,
    })
    const loaded = await loadedFrom(keeper)
    expect(describeState(loaded)).toBe(describeState({ tree, sessions }))
    expect(loaded.lastHash).toBe(filler.hashAt(folded))
    if (random.chance(3)) {
      await keeper.close()
      ;({ keeper, facts } = await openedKeeper(disk, options))
      expect(facts).toEqual(reached)
      await keeper.clean()
    }
    if (random.chance(3)) await filler.removeThrough(expected.tree.lastApplied)
  }
  expect(filler.truncationCount).toBeGreaterThan(0)
  await keeper.close()
})
