/**
 * `npm run bench`: measures zkts and Apache ZooKeeper on this machine.
 * Owns: the order of rounds (A B A B, so that a drift of the machine affects both), the report, and the exit codes: 0
 * measured, 1 a measurement failed, 2 wrong usage.
 */
import { writeFile } from 'node:fs/promises'
import { findZooKeeperClasspath } from './apache-zookeeper.ts'
import { type BareLoopCells, visitBareLoop } from './bare-loop-visit.ts'
import { checkpointDocument, checkpointTable, failedRows } from './checkpoint-report.ts'
import { type CheckpointVisit, visitCheckpoints } from './checkpoint-rows.ts'
import { failedFaults, visitFaults } from './failover-rows.ts'
import { describeMachine } from './machine.ts'
import { type Visit, visitEnsemble } from './measurements.ts'
import { type BenchOptions, parseOptions, usage } from './options.ts'
import { failuresOf, reportDocument, reportTables } from './report.ts'
import { assertZktsServerExists } from './zkts-server.ts'

// On exit the servers are killed and their folders removed: see startServerProcess and startEnsemble.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

// Not by running out of work: clients of a measurement that failed may still be trying to reach its servers.
process.exit(await main())

async function main(): Promise<number> {
  let options: BenchOptions | undefined
  try {
    options = parseOptions(process.argv.slice(2))
  } catch (cause) {
    console.error(`${describeCause(cause)}\n\n${usage}`)
    return 2
  }
  if (options === undefined) {
    console.log(usage)
    return 0
  }
  try {
    return await bench(options)
  } catch (cause) {
    console.error(describeCause(cause))
    return 1
  }
}

async function bench(options: BenchOptions): Promise<number> {
  if (options.targets.includes('zkts')) assertZktsServerExists()
  const zookeeperClasspath = options.targets.includes('zookeeper')
    ? await findZooKeeperClasspath(options.zookeeperJarsDir)
    : ''
  const machine = describeMachine(options.dataDir)
  console.log(machine.join('\n'))
  return options.checkpointRows.length > 0
    ? benchCheckpoints(options, zookeeperClasspath, machine)
    : benchLoads(options, zookeeperClasspath, machine)
}

async function benchLoads(
  options: BenchOptions,
  zookeeperClasspath: string,
  machine: readonly string[],
): Promise<number> {
  const visits: Visit[] = []
  const bareLoops: BareLoopCells[] = []
  const rounds = options.workloads.length === 0 ? 0 : options.rounds
  for (let round = 1; round <= rounds; round++) {
    for (const size of options.ensembleSizes) {
      for (const target of options.targets) {
        const progress = (line: string): void => console.log(`round ${round}, ${target}, ${line}`)
        visits.push(await visitEnsemble(target, size, options, zookeeperClasspath, progress))
      }
      if (size !== 1 || !options.targets.includes('zkts')) continue
      bareLoops.push(await visitBareLoop(options, (line) => console.log(`round ${round}, bare loop, ${line}`)))
    }
  }
  const faultVisits = await visitFaults(options, zookeeperClasspath, console.log)
  const measured = { visits, bareLoops, faultVisits }
  const failures = [...failuresOf(visits), ...failedFaults(faultVisits)]
  console.log(`\n${reportTables(options, measured)}`)
  return conclude(options, (date) => reportDocument(options, measured, machine, date), failures)
}

async function benchCheckpoints(
  options: BenchOptions,
  zookeeperClasspath: string,
  machine: readonly string[],
): Promise<number> {
  const visits: CheckpointVisit[] = []
  for (let round = 1; round <= options.rounds; round++) {
    for (const target of options.targets) {
      const progress = (line: string): void => console.log(`round ${round}, ${target}, ${line}`)
      visits.push(await visitCheckpoints(target, options, zookeeperClasspath, progress))
    }
  }
  console.log(`\n${checkpointTable(options, visits)}`)
  return conclude(options, (date) => checkpointDocument(options, visits, machine, date), failedRows(visits))
}

/** Writes the report, prints the failures, and returns the exit code. */
async function conclude(
  { outputFile }: BenchOptions,
  documentOf: (date: string) => string,
  failures: readonly string[],
): Promise<number> {
  if (outputFile !== undefined) {
    await writeFile(outputFile, documentOf(new Date().toISOString().slice(0, 10)))
    console.log(`written: ${outputFile}`)
  }
  for (const failure of failures) console.error(failure.split('\n', 1)[0])
  return failures.length === 0 ? 0 : 1
}

function describeCause(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  return cause.cause === undefined ? cause.message : `${cause.message}: ${describeCause(cause.cause)}`
}
