/**
 * One visit to one ensemble: start it, measure it idle, measure it under each load, stop it.
 * Owns: the order of steps, which is the same for every target. Assumes: no other work loads the machine.
 * A measurement that fails is reported as a failure and the visit goes on, unless a server died: then the visit ends.
 * An ensemble that does not start ends the benchmark.
 */
import { type Ensemble, startEnsemble } from './ensemble.ts'
import { GeneratorProcess } from './generator-process.ts'
import {
  type FanOutResult,
  type FanOutWatch,
  fanOutWatches,
  type LoadResult,
  type LoadShape,
  type Workload,
} from './load-job.ts'
import { type BenchOptions, describeShape, type Target } from './options.ts'
import { type ProcessUsage, readProcessUsage } from './process-usage.ts'

export interface Cell {
  readonly size: number
  readonly workload: Workload
  readonly shape: LoadShape
}

export type CellOutcome =
  | { readonly kind: 'measured'; readonly result: LoadResult }
  | { readonly kind: 'failed'; readonly reason: string }

export type FanOutOutcome =
  | { readonly kind: 'measured'; readonly result: FanOutResult }
  | { readonly kind: 'failed'; readonly reason: string }

export interface Visit {
  readonly target: Target
  readonly size: number
  readonly version: string
  readonly startMs: number
  /** Average of the servers of the ensemble. Absent on a system without /proc. */
  readonly idle?: { readonly cpuFraction: number; readonly rssBytes: number }
  readonly rssBytesAfterLoad?: number // the largest of the servers
  readonly cells: readonly { readonly cell: Cell; readonly outcome: CellOutcome }[]
  readonly fanOuts: readonly { readonly watch: FanOutWatch; readonly outcome: FanOutOutcome }[]
}

const settleMs = 2000
const fanOutRounds = 5
const warmUpShape: LoadShape = { connections: 51, inFlight: 1 }

export async function visitEnsemble(
  target: Target,
  size: number,
  options: BenchOptions,
  zookeeperClasspath: string,
  progress: (line: string) => void,
): Promise<Visit> {
  const ensemble = await startEnsemble(target, size, options.dataDir, zookeeperClasspath)
  try {
    await delay(settleMs)
    const idle = await watchIdle(ensemble, options.idleMs)
    const cells = await loadEnsemble(ensemble, size, options, progress)
    const fanOuts = await fanOut(ensemble, size, options, progress)
    const usages = usagesOf(ensemble)
    return {
      target,
      size,
      version: ensemble.version,
      startMs: ensemble.startMs,
      ...(idle !== undefined && { idle }),
      ...(usages !== undefined && { rssBytesAfterLoad: Math.max(...usages.map((usage) => usage.rssBytes)) }),
      cells,
      fanOuts,
    }
  } catch (cause) {
    throw new Error([target, ...obituariesOf(ensemble)].join('\n'), { cause })
  } finally {
    await ensemble.stop()
  }
}

/** Of the ensemble its servers and ports are used. */
export async function loadEnsemble(
  ensemble: Pick<Ensemble, 'servers' | 'clientPorts'>,
  size: number,
  options: BenchOptions,
  progress: (line: string) => void,
): Promise<Visit['cells']> {
  let generator = new GeneratorProcess()
  const measure = async (cell: Cell, parentName: string, warmUpMs: number, measureMs: number): Promise<LoadResult> => {
    const { workload, shape } = cell
    const serverPids = ensemble.servers.map((server) => server.pid)
    const { dataSizeBytes } = options
    const ports = ensemble.clientPorts
    const job = {
      kind: 'measure',
      ports,
      workload,
      shape,
      dataSizeBytes,
      parentName,
      warmUpMs,
      measureMs,
      serverPids,
    } as const
    const answer = await generator.run(job)
    if (answer.kind !== 'measured') throw new Error(`the load generator answered ${answer.kind}`)
    return answer.result
  }
  const outcomes: { cell: Cell; outcome: CellOutcome }[] = []
  try {
    await generator.run({ kind: 'prepare', port: ensemble.clientPorts[0]!, dataSizeBytes: options.dataSizeBytes })
    const warmUpMs = options.ensembleWarmUpMs / 3
    for (const workload of ['mix', 'set', 'create'] as const) {
      await measure({ size, workload, shape: warmUpShape }, 'create-warm-up', warmUpMs, 100)
    }
    for (const cell of cellsOf(size, options)) {
      const name = describeCell(cell)
      try {
        const result = await measure(cell, `create-${outcomes.length}`, options.cellWarmUpMs, options.measureMs)
        outcomes.push({ cell, outcome: { kind: 'measured', result } })
        progress(`${name}: ${Math.round((result.operations * 1000) / result.elapsedMs)}/s`)
      } catch (cause) {
        const obituaries = obituariesOf(ensemble)
        const reason = [cause instanceof Error ? cause.message : String(cause), ...obituaries].join('\n')
        outcomes.push({ cell, outcome: { kind: 'failed', reason } })
        progress(`${name}: failed, ${reason}`)
        if (obituaries.length > 0) break // figures of an ensemble with a dead server are invalid
        generator.stop() // it may still have connections that load the servers
        generator = new GeneratorProcess()
      }
    }
  } finally {
    generator.stop()
  }
  return outcomes
}

/** Each kind of watch has a process of its own, so that leftover sockets of one do not load the other. */
async function fanOut(
  ensemble: Ensemble,
  size: number,
  options: BenchOptions,
  progress: (line: string) => void,
): Promise<Visit['fanOuts']> {
  const fanOuts: { watch: FanOutWatch; outcome: FanOutOutcome }[] = []
  if (options.watchers === 0) return fanOuts
  for (const watch of fanOutWatches) {
    const generator = new GeneratorProcess()
    const name = describeFanOut(size, options.watchers, watch)
    try {
      const { clientPorts: ports } = ensemble
      const job = { kind: 'fan-out', ports, sessions: options.watchers, watch, rounds: fanOutRounds } as const
      const answer = await generator.run(job)
      if (answer.kind !== 'fanned-out') throw new Error(`the load generator answered ${answer.kind}`)
      fanOuts.push({ watch, outcome: { kind: 'measured', result: answer.result } })
      progress(`${name}: last after ${answer.result.rounds.map((round) => Math.round(round.lastMs)).join(', ')} ms`)
    } catch (cause) {
      const reason = [cause instanceof Error ? cause.message : String(cause), ...obituariesOf(ensemble)].join('\n')
      fanOuts.push({ watch, outcome: { kind: 'failed', reason } })
      progress(`${name}: failed, ${reason}`)
    } finally {
      generator.stop()
    }
  }
  return fanOuts
}

export function describeFanOut(size: number, sessions: number, watch: FanOutWatch): string {
  return `${size} ${size === 1 ? 'server' : 'servers'}, ${sessions} sessions with a ${watch} watch`
}

export function cellsOf(size: number, options: BenchOptions): readonly Cell[] {
  return options.workloads.flatMap((workload) => options.shapes.map((shape) => ({ size, workload, shape })))
}

export function describeCell(cell: Cell): string {
  return `${cell.size} ${cell.size === 1 ? 'server' : 'servers'}, ${cell.workload}, ${describeShape(cell.shape)}`
}

async function watchIdle(ensemble: Ensemble, idleMs: number): Promise<Visit['idle']> {
  const startedAtMs = performance.now()
  const before = usagesOf(ensemble)
  await delay(idleMs)
  const after = usagesOf(ensemble)
  if (before === undefined || after === undefined) return undefined
  const elapsedMs = performance.now() - startedAtMs
  return {
    cpuFraction: (mean(after, 'cpuMs') - mean(before, 'cpuMs')) / elapsedMs,
    rssBytes: mean(after, 'rssBytes'),
  }
}

function obituariesOf(ensemble: Pick<Ensemble, 'servers'>): readonly string[] {
  return ensemble.servers.flatMap((server) => server.obituary() ?? [])
}

function usagesOf(ensemble: Ensemble): readonly ProcessUsage[] | undefined {
  const usages = ensemble.servers.map((server) => readProcessUsage(server.pid))
  return usages.every((usage) => usage !== undefined) ? usages : undefined
}

function mean(usages: readonly ProcessUsage[], key: keyof ProcessUsage): number {
  return usages.reduce((sum, usage) => sum + usage[key], 0) / usages.length
}

function delay(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs))
}
