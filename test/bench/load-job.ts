/**
 * The messages between the benchmark and the process of the load generator: plain JSON over Node's IPC channel.
 */
export const workloads = ['get', 'set', 'create', 'mix'] as const
export type Workload = (typeof workloads)[number]

/** The number of connections, and the number of requests that each keeps in flight. */
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
      /** Connections are distributed over these ports in turn. */
      readonly ports: readonly number[]
      readonly workload: Workload
      readonly shape: LoadShape
      readonly dataSizeBytes: number
      /** The name, below the root of the benchmark, of a new parent for the znodes of `create`. */
      readonly parentName: string
      readonly warmUpMs: number
      readonly measureMs: number
      /** The CPU time of these processes is read when the measurement starts and ends. */
      readonly serverPids: readonly number[]
    }
  | {
      /** Many sessions watch one znode, which changes once in each round. */
      readonly kind: 'fan-out'
      readonly ports: readonly number[]
      readonly sessions: number
      readonly watch: FanOutWatch
      readonly rounds: number
    }
  | {
      /** Creates a large tree. */
      readonly kind: 'fill'
      readonly port: number
      readonly znodes: number
      readonly dataSizeBytes: number
    }
  | {
      /** Sets the data of some znodes of a large tree, at equal distances. */
      readonly kind: 'change'
      readonly port: number
      readonly znodes: number
      readonly count: number
      readonly dataSizeBytes: number
      /** All bytes of the new data. */
      readonly firstByte: number
    }
  | {
      /** Sets the data of the prepared znodes, in turn. */
      readonly kind: 'set-keys'
      readonly port: number
      readonly sets: number
      readonly dataSizeBytes: number
    }
  | {
      /** Half reads and half writes at a fixed rate, until the message `stop`. */
      readonly kind: 'paced'
      readonly ports: readonly number[]
      readonly requestsPerSecond: number
      readonly dataSizeBytes: number
    }

/** Ends a job of the kind `paced`, which then answers. */
export interface StopMessage {
  readonly kind: 'stop'
}

/** data: a one-shot watch, set again for each round. recursive: a persistent watch, set once. */
export const fanOutWatches = ['data', 'recursive'] as const
export type FanOutWatch = (typeof fanOutWatches)[number]

export interface FanOutRound {
  /** From the write until half of the sessions had the event, and until the last one had it. */
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
  readonly latencyUs: { readonly p50: number; readonly p99: number; readonly p999: number; readonly max: number }
  /** CPU time of all servers in the measured time. Absent on a system without /proc. */
  readonly serversCpuMs?: number
  readonly generatorCpuMs: number
}

export interface PacedLatencies {
  readonly count: number
  readonly p50Us: number
  readonly p99Us: number
  readonly maxUs: number
}

export interface PacedResult {
  readonly elapsedMs: number
  readonly reads: PacedLatencies
  readonly writes: PacedLatencies
}

export type LoadAnswer =
  | { readonly kind: 'prepared' }
  | { readonly kind: 'measured'; readonly result: LoadResult }
  | { readonly kind: 'fanned-out'; readonly result: FanOutResult }
  | { readonly kind: 'paced'; readonly result: PacedResult }
  | { readonly kind: 'failed'; readonly reason: string }

export const rootPath = '/bench'
export const keyCount = 1000

/** The number of children of each parent in a large tree. */
export const treeParentSize = 1000

export function treePath(parent: number): string {
  return `${rootPath}/tree/p${String(parent).padStart(5, '0')}`
}
