/**
 * What one run of `npm run failover` has measured, and how several runs are printed.
 */
import { loadavg } from 'node:os'

/** What clients noticed, in the same words for each fault. */
export interface Noticed {
  /** The longest time between two acknowledged writes in a row of one client. */
  readonly gapMs: number
  readonly closedCount: number
  readonly failedCount: number
  readonly twiceCount: number
  /** Watches that did not fire, sessions that expired, acknowledged writes that are missing. */
  readonly lostCount: number
}

export interface FaultOutcome {
  readonly version: string
  readonly noticed: Noticed
  /** Times in ms, and counts, by their titles in the report: the same ones in each run of a fault. */
  readonly times: Readonly<Record<string, number>>
  readonly counts: Readonly<Record<string, number>>
}

/** For the terminal: all runs of one fault. Times have a median and a worst, counts are added up. */
export function describeOutcomes(title: string, outcomes: readonly FaultOutcome[]): string {
  const first = outcomes[0]!
  const times = Object.keys(first.times).map(
    (name) => `  ${`${name}, ms:`.padEnd(34)} ${summary(outcomes.map((outcome) => outcome.times[name]!))}`,
  )
  const counts = Object.keys(first.counts).map((name) => {
    const sum = outcomes.reduce((total, outcome) => total + outcome.counts[name]!, 0)
    return `${name} ${sum}`
  })
  return [heading(title, outcomes.length), ...times, `  ${counts.join(', ')}`].join('\n')
}

export function heading(title: string, runs: number): string {
  return `${title}, ${runs} runs, load average ${loadavg()[0]!.toFixed(1)}`
}

export function summary(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b).map(Math.round)
  return `median ${sorted[sorted.length >> 1]}, worst ${sorted.at(-1)} (${sorted.join(' ')})`
}
