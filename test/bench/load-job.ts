/**
 * What the benchmark asks of the load generator's process, and what it answers; plain JSON over Node's IPC channel.
 * Owns: the vocabulary of the two sides.
 */
export const workloads = ['get', 'set', 'create', 'mix'] as const
export type Workload = (typeof workloads)[number]

/** How many connections, and how many requests each keeps in flight. */
export interface LoadShape {
  readonly connections: number
  readonly inFlight: number
}

export type LoadJob =
  | {
      /** Creates the znodes that the workloads read and write. */
      readonly kind: 'prepare'
      readonly port: number
      readonly dataSizeBytes: number
    }
  | {
      readonly kind: 'measure'
      /** Connections go round these. */
      readonly ports: readonly number[]
      readonly workload: Workload
      readonly shape: LoadShape
      readonly dataSizeBytes: number
      /** A fresh parent for the znodes of `create`; the name of the znode under the root of the benchmark. */
      readonly parentName: string
      readonly warmUpMs: number
      readonly measureMs: number
      /** Their CPU time is read when the measurement starts and ends. */
      readonly serverPids: readonly number[]
    }
  | {
      /** Many sessions watch one znode, which changes once a round. */
      readonly kind: 'fan-out'
      readonly ports: readonly number[]
      readonly sessions: number
      readonly watch: FanOutWatch
      readonly rounds: number
    }

/** data: a one-shot watch, set anew for each round. recursive: a persistent one, set once. */
export const fanOutWatches = ['data', 'recursive'] as const
export type FanOutWatch = (typeof fanOutWatches)[number]

export interface FanOutRound {
  /** From the write until half of the sessions, and the last of them, had the event. */
  readonly halfMs: number
  readonly lastMs: number
  readonly lostCount: number
}

export interface FanOutResult {
  readonly openMs: number // for all sessions
  readonly rounds: readonly FanOutRound[]
}

export interface LoadResult {
  readonly operations: number
  readonly elapsedMs: number
  readonly latencyUs: { readonly p50: number; readonly p99: number; readonly p999: number }
  /** CPU time of all servers in the measured time; absent where /proc is. */
  readonly serversCpuMs?: number
  readonly generatorCpuMs: number
}

export type LoadAnswer =
  | { readonly kind: 'prepared' }
  | { readonly kind: 'measured'; readonly result: LoadResult }
  | { readonly kind: 'fanned-out'; readonly result: FanOutResult }
  | { readonly kind: 'failed'; readonly reason: string }

export const rootPath = '/bench'
export const keyCount = 1000
