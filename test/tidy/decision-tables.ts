/**
 * Decision functions as tables for a document. Each row names the facts that matter in it. The decision comes from the
 * code, for every combination of the other facts. Rendering fails if a combination has no row or two rows, or if the
 * combinations of one row have different decisions, so the table cannot differ from the code.
 */
import { planEnd, planSegment, planStart } from '../../src/storage/recovery-plan.ts'
import { table } from './markdown.ts'

type FactValue = string | boolean
type Facts = Readonly<Record<string, FactValue>>

interface Decision {
  readonly heading: string
  readonly values: Readonly<Record<string, readonly FactValue[]>>
  /** What a column is called. */
  readonly names: Readonly<Record<string, string>>
  readonly rows: readonly (readonly [
    facts: Readonly<Record<string, FactValue | readonly FactValue[]>>,
    meaning: string,
  ])[]
  readonly decide: (facts: never) => { readonly kind: string; readonly why?: string }
}

const yesNo: readonly boolean[] = [true, false]

const segmentDecision: Decision = {
  heading: 'one segment',
  values: {
    header: ['valid', 'lost', 'damaged'],
    continues: yesNo,
    end: ['zeros', 'unfinished', 'damaged'],
    provenDurable: yesNo,
    laterSegment: yesNo,
    followsRemoved: yesNo,
  },
  names: {
    header: 'header',
    continues: 'continues the segment before',
    end: 'its batches end with',
    provenDurable: 'a later write proves that more was durable',
    laterSegment: 'a later segment exists',
    followsRemoved: 'first here, not number 1',
  },
  rows: [
    [{ header: 'damaged' }, 'it was complete once, and was damaged later'],
    [{ header: 'lost', laterSegment: true }, 'a later segment is made only when this one holds durable batches'],
    [{ header: 'lost', laterSegment: false, followsRemoved: true }, 'a segment before it would not have been removed'],
    [
      { header: 'lost', laterSegment: false, followsRemoved: false, provenDurable: true },
      'batches are written only after a durable header',
    ],
    [
      { header: 'lost', laterSegment: false, followsRemoved: false, provenDurable: false },
      'a crash while it was made; it never held a batch',
    ],
    [{ header: 'valid', continues: false }, 'something between the two is missing'],
    [
      { header: 'valid', continues: true, end: 'damaged' },
      'all sectors were written, and the bytes are wrong: it was damaged later',
    ],
    [
      { header: 'valid', continues: true, end: ['zeros', 'unfinished'], provenDurable: true },
      'the batch was acknowledged, and is missing',
    ],
    [{ header: 'valid', continues: true, end: 'zeros', provenDurable: false }, 'the usual end'],
    [
      { header: 'valid', continues: true, end: 'unfinished', provenDurable: false, laterSegment: true },
      'a later segment is made only when all before it is durable',
    ],
    [
      { header: 'valid', continues: true, end: 'unfinished', provenDurable: false, laterSegment: false },
      'a crash during the last write; it was never acknowledged',
    ],
  ],
  decide: planSegment,
}

const baseKinds = ['none', 'folded', 'received', 'restored'] as const
const fromElsewhere = ['received', 'restored'] as const
const anyBase = ['folded', ...fromElsewhere] as const

const startDecision: Decision = {
  heading: 'where the log begins',
  values: { base: baseKinds, first: ['none', 'beginning', 'later'], startsAfterBase: yesNo },
  names: { base: 'base', first: 'first segment', startsAfterBase: 'its header says that it starts after the base' },
  rows: [
    [{ base: 'none', first: ['none', 'beginning'] }, 'an empty or a whole log'],
    [{ base: 'none', first: 'later' }, 'nothing holds the history before it'],
    [{ base: 'folded', first: 'none' }, 'the log of the checkpoint is missing'],
    [{ base: 'received', first: 'none' }, 'the log with the promises of this server is missing'],
    [{ base: 'restored', first: 'none' }, 'a backup has no log; it begins at the base'],
    [{ base: anyBase, first: ['beginning', 'later'], startsAfterBase: true }, 'txns between the two are missing'],
    [{ base: anyBase, first: ['beginning', 'later'], startsAfterBase: false }, 'the base covers the missing txns'],
  ],
  decide: planStart,
}

const endDecision: Decision = {
  heading: 'the whole log',
  values: {
    base: baseKinds,
    meetsBase: yesNo,
    endsBeforeBase: yesNo,
    isOtherCluster: yesNo,
    commitsBase: yesNo,
    holdsEpoch: yesNo,
  },
  names: {
    base: 'base',
    meetsBase: 'its live history has the base, with that hash',
    endsBeforeBase: 'it ends before the base',
    isOtherCluster: 'it has txns of another cluster',
    commitsBase: 'it has committed the zxid of the base',
    holdsEpoch: 'it has accepted an epoch',
  },
  rows: [
    [{ base: 'none' }, 'there is nothing to compare'],
    [{ base: anyBase, meetsBase: true }, 'equal hashes mean equal histories up to the base'],
    [{ base: 'folded', meetsBase: false, endsBeforeBase: true }, 'the end of the log is missing'],
    [{ base: 'folded', meetsBase: false, endsBeforeBase: false }, 'log and checkpoint do not belong together'],
    [{ base: fromElsewhere, meetsBase: false, isOtherCluster: true }, 'log and checkpoint do not belong together'],
    [
      { base: fromElsewhere, meetsBase: false, isOtherCluster: false, commitsBase: true },
      'a restart would take back what is committed',
    ],
    [
      { base: 'received', meetsBase: false, isOtherCluster: false, commitsBase: false, holdsEpoch: false },
      'the promises of this server are missing',
    ],
    [
      { base: 'received', meetsBase: false, isOtherCluster: false, commitsBase: false, holdsEpoch: true },
      'a crash between the switch to the copy and the restart of the log',
    ],
    [
      { base: 'restored', meetsBase: false, isOtherCluster: false, commitsBase: false },
      'the first start after a backup was restored',
    ],
  ],
  decide: planEnd,
}

export const recoveryTables = {
  segment: () => decisionTable(segmentDecision),
  start: () => decisionTable(startDecision),
  end: () => decisionTable(endDecision),
} as const

function decisionTable({ heading, values, names, rows, decide }: Decision): string {
  const all = everyCombination(values)
  const seen = new Set<Facts>()
  const lines = rows.map(([wanted, meaning]) => {
    const matching = all.filter((facts) => matches(facts, wanted))
    for (const facts of matching) {
      if (seen.has(facts)) throw new Error(`${heading}: two rows for ${JSON.stringify(facts)}`)
      seen.add(facts)
    }
    const decisions = new Set(matching.map((facts) => decisionText(decide(facts as never))))
    if (decisions.size !== 1)
      throw new Error(`${heading}: ${JSON.stringify(wanted)} gives ${[...decisions].join(', ')}`)
    return [...Object.keys(values).map((name) => factText(wanted[name])), [...decisions].join(), meaning]
  })
  const missed = all.find((facts) => !seen.has(facts))
  if (missed !== undefined) throw new Error(`${heading}: no row for ${JSON.stringify(missed)}`)
  return table([...Object.keys(values).map((name) => names[name] ?? name), 'decision', 'because'], lines)
}

function everyCombination(values: Readonly<Record<string, readonly FactValue[]>>): readonly Facts[] {
  let all: Facts[] = [{}]
  for (const [name, choices] of Object.entries(values)) {
    all = all.flatMap((facts) => choices.map((value) => ({ ...facts, [name]: value })))
  }
  return all
}

function matches(facts: Facts, wanted: Decision['rows'][number][0]): boolean {
  return Object.entries(wanted).every(([name, value]) =>
    Array.isArray(value) ? value.includes(facts[name]!) : facts[name] === value,
  )
}

function decisionText({ kind, why }: { readonly kind: string; readonly why?: string }): string {
  return why === undefined ? kind : `${kind}: ${why}`
}

function factText(value: FactValue | readonly FactValue[] | undefined): string {
  if (value === undefined) return '–'
  if (typeof value === 'object') return value.map(factText).join(' or ')
  return typeof value === 'string' ? value : value ? 'yes' : 'no'
}
