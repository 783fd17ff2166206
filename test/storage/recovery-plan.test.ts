import { expect, test } from 'vitest'
import { planSegment, type SegmentFacts } from '../../src/storage/recovery-plan.ts'

const yesNo = [true, false]

function everyCombination(): readonly SegmentFacts[] {
  const all: SegmentFacts[] = []
  for (const header of ['valid', 'lost', 'damaged'] as const)
    for (const end of ['zeros', 'unfinished', 'damaged'] as const)
      for (const provenDurable of yesNo)
        for (const laterSegment of yesNo)
          for (const continues of yesNo) all.push({ header, end, provenDurable, laterSegment, continues })
  return all
}

test('every combination of facts has the one plan that loses nothing acknowledged and blocks on nothing else', () => {
  const plans = { clean: 0, 'cut-torn-tail': 0, 'drop-unused-segment': 0, corrupt: 0 }
  for (const facts of everyCombination()) {
    const { header, end, provenDurable, laterSegment, continues } = facts
    const rotten = header === 'damaged' || (header === 'valid' && (end === 'damaged' || !continues))
    const eaten = provenDurable || (laterSegment && (header === 'lost' || end === 'unfinished'))
    const sound = header === 'lost' ? 'drop-unused-segment' : end === 'zeros' ? 'clean' : 'cut-torn-tail'
    const expected = rotten || eaten ? 'corrupt' : sound
    const plan = planSegment(facts)
    expect(plan.kind, JSON.stringify(facts)).toBe(expected)
    plans[plan.kind]++
  }
  expect(plans).toEqual({ clean: 2, 'cut-torn-tail': 1, 'drop-unused-segment': 6, corrupt: 63 })
})
