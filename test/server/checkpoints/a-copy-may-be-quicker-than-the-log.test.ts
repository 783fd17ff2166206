/** When a learner that the log could bring up gets a copy of the state instead. */
import { describe, expect, test } from 'vitest'
import { type Zxid, zeroZxid } from '../../../src/base/ids.ts'
import { copyIsQuicker } from '../../../src/server/checkpoints/copy-choice.ts'

const mib = 2 ** 20
const segments = [100, 200, 300, 400].map((lastZxid) => ({ sizeBytes: 30 * mib, lastZxid: lastZxid as Zxid }))
const at = (zxid: number): Zxid => zxid as Zxid

describe('whole segments between the learner and the checkpoint count', () => {
  test.each([
    ['an empty learner', 0, 350, 90, true],
    ['a learner inside the first segment', 50, 350, 90, true],
    ['a learner that lacks one whole segment', 150, 350, 90, false],
    ['a checkpoint that covers one whole segment', 0, 150, 60, false],
    ['a checkpoint before the learner', 350, 300, 60, false],
    ['a checkpoint that is as large as the log', 0, 400, 120, true],
    ['a checkpoint that is much larger than the log', 0, 400, 400, false],
  ])('%s', (_what, after, zxid, sizeMib, isQuicker) => {
    expect(copyIsQuicker({ segments, checkpoint: { zxid: at(zxid), sizeBytes: sizeMib * mib } }, at(after))).toBe(
      isQuicker,
    )
  })

  test('without a checkpoint the log is sent, and so is a log without a whole segment', () => {
    expect(copyIsQuicker({ segments, checkpoint: null }, zeroZxid)).toBe(false)
    const checkpoint = { zxid: at(350), sizeBytes: mib }
    expect(copyIsQuicker({ segments: [], checkpoint }, zeroZxid)).toBe(false)
  })
})
