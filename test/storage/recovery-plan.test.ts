import { expect, test } from 'vitest'
import {
  type EndFacts,
  planEnd,
  planSegment,
  planStart,
  type SegmentFacts,
  type StartFacts,
} from '../../src/storage/recovery-plan.ts'

const yesNo = [true, false]

function everyCombination(): readonly SegmentFacts[] {
  const all: SegmentFacts[] = []
  for (const header of ['valid', 'lost', 'damaged'] as const)
    for (const end of ['zeros', 'unfinished', 'damaged'] as const)
      for (const provenDurable of yesNo)
        for (const laterSegment of yesNo)
          for (const continues of yesNo)
            for (const followsRemoved of yesNo)
              all.push({ header, end, provenDurable, laterSegment, continues, followsRemoved })
  return all
}

test('every combination of facts has the plan that loses nothing acknowledged and refuses nothing else', () => {
  const plans = { clean: 0, 'cut-torn-tail': 0, 'drop-unused-segment': 0, corrupt: 0 }
  for (const facts of everyCombination()) {
    const { header, end, provenDurable, laterSegment, continues, followsRemoved } = facts
    const rotten = header === 'damaged' || (header === 'valid' && (end === 'damaged' || !continues))
    const eaten =
      provenDurable ||
      (laterSegment && (header === 'lost' || end === 'unfinished')) ||
      (followsRemoved && header === 'lost')
    const sound = header === 'lost' ? 'drop-unused-segment' : end === 'zeros' ? 'clean' : 'cut-torn-tail'
    const expected = rotten || eaten ? 'corrupt' : sound
    const plan = planSegment(facts)
    expect(plan.kind, JSON.stringify(facts)).toBe(expected)
    plans[plan.kind]++
  }
  expect(plans).toEqual({ clean: 4, 'cut-torn-tail': 2, 'drop-unused-segment': 6, corrupt: 132 })
})

test('a log begins at the beginning, or where a checkpoint holds all that came before', () => {
  const outcomeOf = (base: StartFacts['base'], first: StartFacts['first'], startsAfterBase = false): string => {
    const plan = planStart({ base, first, startsAfterBase })
    return plan.kind === 'read' ? 'read' : plan.why
  }
  expect(outcomeOf('none', 'none')).toBe('read')
  expect(outcomeOf('none', 'number-one')).toBe('read')
  expect(outcomeOf('none', 'later')).toBe('segments-missing')
  expect(outcomeOf('given', 'none')).toBe('log-missing')
  expect(outcomeOf('given', 'number-one')).toBe('read')
  expect(outcomeOf('given', 'later')).toBe('read')
  expect(outcomeOf('given', 'later', true)).toBe('hole-after-base')
})

test('a log that was read to its end contains the base, or is refused', () => {
  const outcomeOf = (facts: EndFacts): string => {
    const plan = planEnd(facts)
    return plan.kind === 'accept' ? 'accept' : plan.why
  }
  expect(outcomeOf({ base: 'none', meetsBase: false, endsBeforeBase: false })).toBe('accept')
  expect(outcomeOf({ base: 'given', meetsBase: true, endsBeforeBase: false })).toBe('accept')
  expect(outcomeOf({ base: 'given', meetsBase: false, endsBeforeBase: true })).toBe('ends-before-base')
  expect(outcomeOf({ base: 'given', meetsBase: false, endsBeforeBase: false })).toBe('base-of-another-history')
})
