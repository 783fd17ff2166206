/**
 * Parses the command line of the benchmark into typed options. An unknown value is an error that lists the known ones.
 */
import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { type LoadShape, type Workload, workloads } from './load-job.ts'

export const targets = ['zkts', 'zookeeper'] as const
export type Target = (typeof targets)[number]

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
}

export const usage = `npm run bench -- [options]
  --target zkts|zookeeper|both   what to measure (both)
  --servers 1,3                  ensemble sizes (1,3)
  --only get,set,create,mix      workloads (all; mix = 10 % set, 90 % get)
  --in-flight 1,50               1 = one connection, one request in flight;
                                 50 = 51 connections with one each, and one connection with 50 (1,50)
  --watchers N                   sessions that watch one znode (10000); 0 leaves this out
  --seconds N                    measured time of a cell (5)
  --warm-up N                    seconds of mixed load before the first cell of an ensemble (15)
  --rounds N                     rounds, the median is reported (3)
  --quick                        1 round, 1 s a cell, 3 s of warm-up; writes no file
  --data-dir DIR                 parent of the servers' folders (default: the system's folder for temporary files)
  --zookeeper DIR                folder of Apache ZooKeeper's jars (ZOOKEEPER_CLASSPATH, Maven Central, Debian)
  --output FILE                  the report (docs/benchmarks.md when both targets run)
`

const flags = {
  target: { type: 'string', default: 'both' },
  servers: { type: 'string', default: '1,3' },
  only: { type: 'string', default: workloads.join(',') },
  'in-flight': { type: 'string', default: '1,50' },
  watchers: { type: 'string' },
  seconds: { type: 'string' },
  'warm-up': { type: 'string' },
  rounds: { type: 'string' },
  quick: { type: 'boolean', default: false },
  'data-dir': { type: 'string', default: tmpdir() },
  zookeeper: { type: 'string' },
  output: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

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
  const defaultOutput = target === 'both' && !quick ? 'docs/benchmarks.md' : undefined
  return {
    targets: target === 'both' ? targets : [target],
    ensembleSizes: list('--servers', values.servers, ['1', '3', '5']).map(Number),
    workloads: list('--only', values.only, workloads),
    shapes: list('--in-flight', values['in-flight'], Object.keys(shapesByInFlight)).flatMap(
      (key) => shapesByInFlight[key]!,
    ),
    rounds: Math.ceil(positive('--rounds', values.rounds ?? (quick ? '1' : '3'))),
    measureMs: 1000 * positive('--seconds', values.seconds ?? (quick ? '1' : '5')),
    cellWarmUpMs: quick ? 500 : 1000,
    ensembleWarmUpMs: 1000 * positive('--warm-up', values['warm-up'] ?? (quick ? '3' : '15')),
    idleMs: quick ? 2000 : 10_000,
    watchers: watcherCount(values.watchers ?? (quick ? '1000' : '10000')),
    dataSizeBytes: 100,
    dataDir: values['data-dir'],
    zookeeperJarsDir: values.zookeeper,
    outputFile: values.output ?? defaultOutput,
  }
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

function watcherCount(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0 || value > 20_000) {
    throw new Error(`--watchers ${text}: expected a whole number from 0 to 20000`)
  }
  return value
}
