/**
 * Parses the command line of the benchmark into typed options. An unknown value is an error that lists the known ones.
 */
import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import type { CheckpointOptions } from './checkpoints/row.ts'
import { type LoadShape, type Workload, workloads } from './load-job.ts'

export const targets = ['zkts', 'zookeeper'] as const
export type Target = (typeof targets)[number]

export const checkpointRowNames = ['restart', 'bytes', 'creates', 'join', 'disk'] as const
export type CheckpointRowName = (typeof checkpointRowNames)[number]

export const faultRowNames = ['kill', 'terminate', 'stop', 'cut', 'restart-3', 'restart-5'] as const
export type FaultRowName = (typeof faultRowNames)[number]

export interface BenchOptions {
  readonly targets: readonly Target[]
  readonly ensembleSizes: readonly number[]
  readonly workloads: readonly Workload[]
  readonly shapes: readonly LoadShape[]
  readonly rounds: number
  readonly measureMs: number
  readonly cellWarmUpMs: number
  /** Load before the first measurement of each ensemble, so that the JIT compilers have compiled the hot code. */
  readonly ensembleWarmUpMs: number
  readonly idleMs: number
  /** The number of sessions that watch one znode; 0 = not measured. */
  readonly watchers: number
  readonly dataSizeBytes: number
  readonly dataDir: string
  readonly zookeeperJarsDir: string | undefined
  readonly outputFile: string | undefined
  /** The rows of the section about failovers; none: it is left out. */
  readonly faultRows: readonly FaultRowName[]
  readonly faultRuns: number
  /** If there are any, they are measured in the place of the loads and watches. */
  readonly checkpointRows: readonly CheckpointRowName[]
  readonly checkpoints: CheckpointOptions
}

export const usage = `npm run bench -- [options]
  --target zkts|zookeeper|both   what to measure (both)
  --servers 1,3                  ensemble sizes (1,3)
  --only get,set,create,mix,failover
                                 workloads (all; mix = 10 % set, 90 % get), and what clients notice of faults; without
                                 workloads only the faults are measured
  --in-flight 1,50               1 = one connection, one request in flight;
                                 50 = 51 connections with one each, and one connection with 50 (1,50)
  --watchers N                   sessions that watch one znode (10000); 0 leaves this out
  --faults kill,terminate,stop,cut,restart-3,restart-5
                                 rows of failover (all)
  --fault-runs N                 runs of each fault (5)
  --seconds N                    measured time of a cell (5)
  --warm-up N                    seconds of mixed load before the first cell of an ensemble (15)
  --rounds N                     rounds, the median is reported (3)
  --quick                        1 round, 1 s a cell, 3 s of warm-up, failover only if named; writes no file
  --data-dir DIR                 parent of the servers' folders (default: the system's folder for temporary files)
  --zookeeper DIR                folder of Apache ZooKeeper's jars (ZOOKEEPER_CLASSPATH, Maven Central, Debian)
  --output FILE                  the report (docs/benchmarks.md when everything is measured on both targets)

rows about checkpoints and snapshots, in the place of all others:
  --checkpoints restart,bytes,creates,join,disk
                                 which rows; all = each of them (none; 1 round of 15 s)
  --znodes N                     size of the tree (1000000; with --quick 50000)
  --snap-count N                 snapCount of the row creates (20000)
  --rate N                       requests for each second while a learner joins (1000)
  --disk-sets N                  sets of the row disk (1000000; the aim is for 10000000; with --quick 100000)
`

const flags = {
  target: { type: 'string', default: 'both' },
  servers: { type: 'string', default: '1,3' },
  only: { type: 'string' },
  'in-flight': { type: 'string', default: '1,50' },
  watchers: { type: 'string' },
  faults: { type: 'string', default: faultRowNames.join(',') },
  'fault-runs': { type: 'string' },
  seconds: { type: 'string' },
  'warm-up': { type: 'string' },
  rounds: { type: 'string' },
  quick: { type: 'boolean', default: false },
  'data-dir': { type: 'string', default: tmpdir() },
  zookeeper: { type: 'string' },
  output: { type: 'string' },
  checkpoints: { type: 'string' },
  znodes: { type: 'string' },
  'snap-count': { type: 'string', default: '20000' },
  rate: { type: 'string', default: '1000' },
  'disk-sets': { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

const dataSizeBytes = 100
const subjects = [...workloads, 'failover'] as const

const shapesByInFlight: Readonly<Record<string, readonly LoadShape[]>> = {
  '1': [{ connections: 1, inFlight: 1 }],
  '50': [
    { connections: 51, inFlight: 1 },
    { connections: 1, inFlight: 50 },
  ],
}

/** Undefined: only the help was wanted. Throws an Error whose message is for the user. */
export function parseOptions(args: readonly string[]): BenchOptions | undefined {
  const { values } = parseArgs({ args: [...args], options: flags, allowPositionals: false })
  if (values.help) return undefined
  const target = oneOf('--target', values.target, [...targets, 'both'])
  const quick = values.quick
  const checkpointRows = rowNames(values.checkpoints)
  const ofCheckpoints = checkpointRows.length > 0
  const only = list('--only', values.only ?? (quick ? workloads : subjects).join(','), subjects)
  const faultRows = only.includes('failover') ? list('--faults', values.faults, faultRowNames) : []
  const isComplete =
    target === 'both' &&
    !quick &&
    (ofCheckpoints
      ? checkpointRows.length === checkpointRowNames.length
      : subjects.every((subject) => only.includes(subject)) && faultRows.length === faultRowNames.length)
  const defaultOutput = ofCheckpoints ? 'docs/benchmarks-checkpoints.md' : 'docs/benchmarks.md'
  const seconds = positive('--seconds', values.seconds ?? (quick ? '1' : ofCheckpoints ? '15' : '5'))
  const warmUpSeconds = positive('--warm-up', values['warm-up'] ?? (quick ? '3' : ofCheckpoints ? '10' : '15'))
  return {
    targets: target === 'both' ? targets : [target],
    ensembleSizes: list('--servers', values.servers, ['1', '3', '5']).map(Number),
    workloads: workloads.filter((workload) => only.includes(workload)),
    shapes: list('--in-flight', values['in-flight'], Object.keys(shapesByInFlight)).flatMap(
      (key) => shapesByInFlight[key]!,
    ),
    rounds: Math.ceil(positive('--rounds', values.rounds ?? (quick || ofCheckpoints ? '1' : '3'))),
    measureMs: 1000 * seconds,
    cellWarmUpMs: quick ? 500 : 1000,
    ensembleWarmUpMs: 1000 * warmUpSeconds,
    idleMs: quick ? 2000 : 10_000,
    watchers: whole('--watchers', values.watchers ?? (quick ? '1000' : '10000'), 0, 20_000),
    faultRows,
    faultRuns: whole('--fault-runs', values['fault-runs'] ?? (quick ? '1' : '5'), 1, 1000),
    dataSizeBytes,
    dataDir: values['data-dir'],
    zookeeperJarsDir: values.zookeeper,
    outputFile: values.output ?? (isComplete ? defaultOutput : undefined),
    checkpointRows,
    checkpoints: {
      znodes: whole('--znodes', values.znodes ?? (quick ? '50000' : '1000000'), 1000, 10_000_000),
      dataSizeBytes,
      measureMs: 1000 * seconds,
      warmUpMs: 1000 * warmUpSeconds,
      snapCount: whole('--snap-count', values['snap-count'], 2, 2 ** 31 - 1),
      requestsPerSecond: whole('--rate', values.rate, 2, 100_000),
      diskSets: whole('--disk-sets', values['disk-sets'] ?? (quick ? '100000' : '1000000'), 1, 100_000_000),
      settleMs: quick ? 2000 : 10_000,
    },
  }
}

/** Each row once, in the order of the report. */
function rowNames(text: string | undefined): readonly CheckpointRowName[] {
  if (text === undefined) return []
  if (text === 'all') return checkpointRowNames
  const wanted = list('--checkpoints', text, checkpointRowNames)
  return checkpointRowNames.filter((name) => wanted.includes(name))
}

export function describeShape(shape: LoadShape): string {
  return `${shape.connections} × ${shape.inFlight}`
}

function list<T extends string>(flag: string, text: string, allowed: readonly T[]): readonly T[] {
  return text.split(',').map((word) => oneOf(flag, word.trim(), allowed))
}

function oneOf<T extends string>(flag: string, word: string, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === word)
  if (found === undefined) throw new Error(`${flag} ${word}: expected ${allowed.join(', ')}`)
  return found
}

function positive(flag: string, text: string): number {
  const value = Number(text)
  if (!(value > 0 && value <= 3600)) throw new Error(`${flag} ${text}: expected a number above 0, at most 3600`)
  return value
}

function whole(flag: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new Error(`${flag} ${text}: expected a whole number from ${min} to ${max}`)
  }
  return value
}
