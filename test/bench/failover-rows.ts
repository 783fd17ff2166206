/**
 * The section `failover` of the benchmark: each fault some times on new ensembles of each target, in turns, and what the
 * clients noticed. Owns: the rows, and their table in Markdown.
 * A run that fails is reported as a failure and the others go on.
 */
import { type Fault, measureFault } from './failover-faults.ts'
import type { FaultOutcome, Noticed } from './failover-outcome.ts'
import type { BenchOptions, FaultRowName, Target } from './options.ts'
import { formatValues, median, renderTable, targetNames } from './report.ts'
import { writerCount } from './rolling-restart.ts'

export type FaultRunOutcome =
  | { readonly kind: 'measured'; readonly outcome: FaultOutcome }
  | { readonly kind: 'failed'; readonly reason: string }

export interface FaultVisit {
  readonly target: Target
  readonly row: FaultRowName
  readonly outcome: FaultRunOutcome
}

const faultRows: Readonly<Record<FaultRowName, { readonly fault: Fault; readonly size: number }>> = {
  kill: { fault: 'kill', size: 3 },
  terminate: { fault: 'terminate', size: 3 },
  stop: { fault: 'stop', size: 3 },
  cut: { fault: 'cut', size: 3 },
  'restart-3': { fault: 'restart', size: 3 },
  'restart-5': { fault: 'restart', size: 5 },
}

export const failoverText = `In the table of faults each run has a new ensemble. kill, terminate, stop: SIGKILL, SIGTERM or SIGSTOP to the leader. cut:
no byte passes between the leader and the other servers, in connections that stay open. One client of each other server
writes without a pause. restart-3 and restart-5: ${writerCount} clients with all servers in their connect strings write without a
pause, each server in turn gets SIGTERM and is started again, and the next one follows when it serves; a client whose
connection closes repeats its write. The gap is the longest time between two acknowledged writes in a row of one client.
"done twice" counts writes that were done twice, or that were done, not answered, and repeated; "lost" counts watches
that did not fire, sessions that expired, and acknowledged writes that are missing. Counts are sums over all runs.`

export async function visitFaults(
  options: BenchOptions,
  classpath: string,
  progress: (line: string) => void,
): Promise<readonly FaultVisit[]> {
  const visits: FaultVisit[] = []
  for (const row of options.faultRows) {
    for (let run = 1; run <= options.faultRuns; run++) {
      for (const target of options.targets) {
        const outcome = await visitFault(target, row, options.dataDir, classpath)
        visits.push({ target, row, outcome })
        progress(`failover, run ${run}, ${target}, ${row}: ${describe(outcome)}`)
      }
    }
  }
  return visits
}

export function failoverTable(options: BenchOptions, visits: readonly FaultVisit[]): string {
  const lines = options.faultRows.map((row) => {
    const value = (digits: number, of: (noticed: readonly Noticed[]) => number | undefined): string =>
      formatValues(
        options.targets.map((target) => of(noticedOf(visits, target, row))),
        digits,
      )
    const sum = (read: (noticed: Noticed) => number): string =>
      value(0, (all) => (all.length === 0 ? undefined : all.reduce((total, noticed) => total + read(noticed), 0)))
    const measured = options.targets.map((target) => noticedOf(visits, target, row).length)
    return [
      row,
      measured.join(' / '),
      value(0, (all) => median(all.map(({ gapMs }) => gapMs))),
      value(0, (all) => (all.length === 0 ? undefined : Math.max(...all.map(({ gapMs }) => gapMs)))),
      sum(({ closedCount }) => closedCount),
      sum(({ failedCount }) => failedCount),
      sum(({ twiceCount }) => twiceCount),
      sum(({ lostCount }) => lostCount),
    ]
  })
  const titles = ['fault', 'runs', 'gap, ms', 'worst gap, ms', 'connections closed', 'failed', 'done twice', 'lost']
  return renderTable(titles, lines)
}

export function failedFaults(visits: readonly FaultVisit[]): readonly string[] {
  return visits.flatMap(({ target, row, outcome }) =>
    outcome.kind === 'failed' ? [`${targetNames[target]}, ${row}: ${outcome.reason}`] : [],
  )
}

async function visitFault(
  target: Target,
  row: FaultRowName,
  dataDir: string,
  classpath: string,
): Promise<FaultRunOutcome> {
  const run = { ...faultRows[row], target, calmMs: 0, settings: {}, program: null, classpath, dataDir }
  try {
    return { kind: 'measured', outcome: await measureFault(run) }
  } catch (cause) {
    return { kind: 'failed', reason: cause instanceof Error ? cause.message : String(cause) }
  }
}

function noticedOf(visits: readonly FaultVisit[], target: Target, row: FaultRowName): readonly Noticed[] {
  return visits.flatMap((visit) =>
    visit.target === target && visit.row === row && visit.outcome.kind === 'measured'
      ? [visit.outcome.outcome.noticed]
      : [],
  )
}

function describe(outcome: FaultRunOutcome): string {
  return outcome.kind === 'failed' ? `failed, ${outcome.reason}` : `${Math.round(outcome.outcome.noticed.gapMs)} ms`
}
