/**
 * Whether a request of zkts costs no more processor time than it may, beside the same request of Apache ZooKeeper that was
 * measured in the same run. The time of the wall says nothing on a machine that others use; user and system time change less.
 * Owns: the limits and the verdicts. Each load is measured several times and the lowest figure counts, since what else runs
 * on the machine can only add to it.
 */
import type { LoadShape, Workload } from './load-job.ts'
import type { CellOutcome } from './measurements.ts'
import { describeShape } from './options.ts'

export interface LimitedLoad {
  readonly workload: Workload
  readonly shape: LoadShape
  /** The largest processor time of a request of ours, as a part of that of ZooKeeper. */
  readonly ratioMax: number
}

export interface Verdict {
  readonly isWithinLimit: boolean
  readonly text: string
}

interface MeasuredCell {
  readonly cell: { readonly workload: Workload; readonly shape: LoadShape }
  readonly outcome: CellOutcome
}

/** One for each load, in the order of `loads`. A load that was not measured on both servers is not within its limit. */
export function verdictsOn(
  loads: readonly LimitedLoad[],
  ours: readonly MeasuredCell[],
  theirs: readonly MeasuredCell[],
): readonly Verdict[] {
  return loads.map((load) => {
    const name = `${load.workload}, ${describeShape(load.shape)}`
    const oursUs = lowestCpuUs(load, ours)
    const theirsUs = lowestCpuUs(load, theirs)
    if (oursUs === undefined || theirsUs === undefined) {
      const missing = oursUs === undefined ? 'zkts' : 'Apache ZooKeeper'
      return { isWithinLimit: false, text: `${name}: no processor time was measured of ${missing}` }
    }
    const ratio = oursUs / theirsUs
    const figures = `${oursUs.toFixed(1)} µs, Apache ZooKeeper ${theirsUs.toFixed(1)} µs`
    const text = `${name}: ${figures}, ratio ${ratio.toFixed(2)}, at most ${load.ratioMax.toFixed(2)}`
    return { isWithinLimit: ratio <= load.ratioMax, text }
  })
}

/** Microseconds of the processor for each request, of all threads of the server. */
function lowestCpuUs({ workload, shape }: LimitedLoad, cells: readonly MeasuredCell[]): number | undefined {
  const figures = cells.flatMap(({ cell, outcome }) => {
    const isOfLoad =
      cell.workload === workload &&
      cell.shape.connections === shape.connections &&
      cell.shape.inFlight === shape.inFlight
    if (!isOfLoad || outcome.kind === 'failed') return []
    const { serversCpuMs, operations } = outcome.result
    return serversCpuMs === undefined || operations === 0 ? [] : [(serversCpuMs * 1000) / operations]
  })
  return figures.length === 0 ? undefined : Math.min(...figures)
}
