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
  expect(outcomeOf('none', 'beginning')).toBe('read')
  expect(outcomeOf('none', 'later')).toBe('segments-missing')
  for (const base of ['folded', 'received', 'restored'] as const) {
    expect(outcomeOf(base, 'beginning')).toBe('read')
    expect(outcomeOf(base, 'later')).toBe('read')
    expect(outcomeOf(base, 'later', true)).toBe('hole-after-base')
  }
  expect(outcomeOf('folded', 'none')).toBe('log-missing')
  expect(outcomeOf('received', 'none')).toBe('log-missing')
  expect(outcomeOf('restored', 'none')).toBe('read')
})

const read: EndFacts = {
  base: 'folded',
  meetsBase: false,
  endsBeforeBase: true,
  commitsBase: false,
  isOtherCluster: false,
  holdsEpoch: true,
}

function outcomeOfEnd(facts: Partial<EndFacts>): string {
  const plan = planEnd({ ...read, ...facts })
  return plan.kind === 'corrupt' ? plan.why : plan.kind
}

test('a log that was read to its end contains the base that was made from it, or is refused', () => {
  expect(outcomeOfEnd({ base: 'none' })).toBe('accept')
  expect(outcomeOfEnd({ meetsBase: true })).toBe('accept')
  expect(outcomeOfEnd({ endsBeforeBase: true })).toBe('ends-before-base')
  expect(outcomeOfEnd({ endsBeforeBase: false })).toBe('base-of-another-history')
})

test('a log restarts at a base that came from elsewhere, unless that would take back what is committed', () => {
  for (const base of ['received', 'restored'] as const) {
    expect(outcomeOfEnd({ base, meetsBase: true })).toBe('accept')
    for (const endsBeforeBase of yesNo) expect(outcomeOfEnd({ base, endsBeforeBase })).toBe('restart')
    expect(outcomeOfEnd({ base, commitsBase: true })).toBe('base-of-another-history')
    expect(outcomeOfEnd({ base, isOtherCluster: true })).toBe('base-of-another-cluster')
  }
})

test('an emptied log is refused beside a received base, since its promises are lost', () => {
  expect(outcomeOfEnd({ base: 'received', holdsEpoch: false })).toBe('log-emptied')
  expect(outcomeOfEnd({ base: 'restored', holdsEpoch: false })).toBe('restart')
})
