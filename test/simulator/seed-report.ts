/** The text about one seed that ran, and the sums over many seeds. */
import { type ElectionCounts, noElections, type SlowCause } from './checkers/bounded-elections.ts'
import type { OrderlyCloseCounts, UnansweredCause } from './checkers/orderly-closes.ts'
import type { SeedCounts, SeedResult } from './simulate.ts'

export interface SeedSummary {
  readonly seed: number
  readonly plan: string
  readonly hash: string
  readonly counts: SeedCounts
  readonly failure: string | null
}

const traceTailLength = 60
const shownViolationCount = 8

export function summarize(result: SeedResult): SeedSummary {
  const { seed, plan, hash, counts } = result
  return { seed, plan, hash, counts, failure: result.trace.violations.length === 0 ? null : describeFailure(result) }
}

export function describeFailure({ seed, plan, trace }: SeedResult): string {
  const shown = trace.violations.slice(0, shownViolationCount).map(({ checker, text }) => `  ${checker}: ${text}`)
  const more = trace.violations.length - shown.length
  return [
    `seed ${seed} failed (${plan})`,
    ...trace.tail(traceTailLength).map((line) => `  | ${line}`),
    ...shown,
    ...(more > 0 ? [`  and ${more} more`] : []),
    `replay: npm run sim -- --seed ${seed}`,
  ].join('\n')
}

export function describeSeed({ seed, plan, hash, counts }: SeedSummary): string {
  return `seed ${seed}: ${plan}\n${describeCounts([counts])}, trace hash ${hash}`
}

function describeElections(all: readonly ElectionCounts[]): string {
  const longest = all.reduce((a, b) => (b.longestMs > a.longestMs ? b : a), noElections())
  const share = Math.max(0, ...all.map(({ shareMax }) => shareMax))
  const count = all.reduce((sum, each) => sum + each.count, 0)
  const slow = (cause: SlowCause): number => all.reduce((sum, each) => sum + each.slow[cause], 0)
  return (
    `${count} elections, the longest ${longest.longestMs.toFixed(0)} ms ${longest.longestText}, ` +
    `at most ${(share * 100).toFixed(0)} % of a bound used, ${slow('copy')} waited for a copy of the state, ` +
    `${slow('half-open')} for a half-open link to close, ${slow('disk')} for the disk of a candidate, ` +
    `${slow('first-start')} for the first flush of a server, ${slow('late')} for a late message of a candidate, ${slow('unexplained')} for no known reason`
  )
}

function describeCloses(all: readonly OrderlyCloseCounts[]): string {
  const sum = (pick: (counts: OrderlyCloseCounts) => number): number =>
    all.reduce((total, each) => total + pick(each), 0)
  const excused = (cause: UnansweredCause): number => sum((each) => each.excused[cause])
  return (
    `${sum(({ closes }) => closes)} servers closed in order and left ${sum(({ left }) => left)} writes unanswered and undone, ` +
    `${sum(({ gaveUp }) => gaveUp)} gave up waiting; not judged were connections with such a write: ` +
    `${excused('limit')} given up, ${excused('cut')} cut without a leader, ${excused('session')} without their session, ${excused('failed')} of failed disks`
  )
}

export function describeCounts(all: readonly SeedCounts[]): string {
  const sum = (pick: (counts: SeedCounts) => number): number => all.reduce((total, counts) => total + pick(counts), 0)
  const slowest = all.toSorted((a, b) => (b.healMs ?? 0) - (a.healMs ?? 0))[0]
  return [
    `${(sum(({ simulatedMs }) => simulatedMs) / 1000).toFixed(0)} simulated seconds`,
    `${sum(({ events }) => events)} events`,
    `${sum(({ requestsAcknowledged }) => requestsAcknowledged)} requests acknowledged`,
    `${sum(({ txns }) => txns)} txns`,
    `${sum(({ epochs }) => epochs)} leaders`,
    `${sum(({ slowLeaders }) => slowLeaders)} leaders found slow by themselves`,
    `${sum(({ crashes }) => crashes)} crashes`,
    `${sum(({ checkpoints }) => checkpoints.made)} checkpoints`,
    `${sum(({ checkpoints }) => checkpoints.loaded)} starts from one`,
    `${sum(({ checkpoints }) => checkpoints.frontsRemoved)} log fronts removed`,
    `${sum(({ checkpoints }) => checkpoints.copiesInstalled)} of ${sum(({ checkpoints }) => checkpoints.copiesBegun)} copies installed`,
    `${sum(({ checkpoints }) => checkpoints.copiesStruck)} copies struck by a fault`,
    `${sum(({ backups }) => backups.complete)} of ${sum(({ backups }) => backups.begun)} backups complete`,
    `${sum(({ backups }) => backups.continued)} backups continued`,
    `${sum(({ backups }) => backups.interrupted)} interrupted`,
    `${sum(({ connections }) => connections.kept)} connections kept through leader changes`,
    `${sum(({ connections: { cut } }) => cut.waited)} closed after the longest wait, ${sum(({ connections: { cut } }) => cut['in-doubt'])} in doubt, ${sum(({ connections: { cut } }) => cut.replaced)} for a copy, ${sum(({ connections: { cut } }) => cut['not-kept'])} by strict servers`,
    describeCloses(all.map(({ orderlyCloses }) => orderlyCloses)),
    `longest recovery ${(slowest?.healMs ?? 0).toFixed(0)} ms (${slowest?.healText ?? ''})`,
    describeElections(all.map(({ elections }) => elections)),
  ].join(', ')
}
