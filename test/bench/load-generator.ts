/**
 * The process of the load generator: runs one job after the other for its parent and sends back each result.
 * Assumes: it was forked (it has an IPC channel). It ends when the channel closes.
 * Any error reply or lost connection fails the job: a refusal is fast, and would make the figures wrong.
 */
import { measureFanOut } from './fan-out.ts'
import { createFrame } from './frames.ts'
import { Histogram } from './histogram.ts'
import { LoadConnection, type Recorder } from './load-connection.ts'
import { keyCount, type LoadAnswer, type LoadJob, type LoadResult, rootPath, type StopMessage } from './load-job.ts'
import { runPaced } from './paced-load.ts'
import { readProcessUsage } from './process-usage.ts'
import { sendAll } from './request-window.ts'
import { changeTree, fillTree, setKeys } from './tree-load.ts'

type PrepareJob = Extract<LoadJob, { kind: 'prepare' }>
type MeasureJob = Extract<LoadJob, { kind: 'measure' }>

const nodeExists = -110

let stopPaced: () => void = () => {}

process.on('message', (message: LoadJob | StopMessage) => {
  if (message.kind === 'stop') stopPaced()
  else void answer(message).then((result) => process.send?.(result))
})
process.on('disconnect', () => process.exit(0))

async function answer(job: LoadJob): Promise<LoadAnswer> {
  try {
    switch (job.kind) {
      case 'measure':
        return { kind: 'measured', result: await measure(job) }
      case 'fan-out':
        return { kind: 'fanned-out', result: await measureFanOut(job) }
      case 'paced': {
        const stopped = new Promise<void>((resolve) => {
          stopPaced = resolve
        })
        return { kind: 'paced', result: await runPaced(job, stopped) }
      }
      case 'prepare':
        await prepare(job)
        return { kind: 'prepared' }
      case 'fill':
        await fillTree(job)
        return { kind: 'prepared' }
      case 'change':
        await changeTree(job)
        return { kind: 'prepared' }
      case 'set-keys':
        await setKeys(job)
        return { kind: 'prepared' }
    }
  } catch (cause) {
    return { kind: 'failed', reason: cause instanceof Error ? cause.message : String(cause) }
  }
}

async function prepare(job: PrepareJob): Promise<void> {
  const data = Buffer.alloc(job.dataSizeBytes, 'x')
  await createAll(job.port, rootPath, data, 1)
  await createAll(job.port, `${rootPath}/k####`, data, keyCount)
}

async function measure(job: MeasureJob): Promise<LoadResult> {
  const data = Buffer.alloc(job.dataSizeBytes, 'y')
  if (job.workload === 'create') await createAll(job.ports[0]!, `${rootPath}/${job.parentName}`, data, 1)
  const recorder: Recorder = { histogram: undefined, errorCount: 0, lastError: 0 }
  const connections = Array.from({ length: job.shape.connections }, (_, index) => {
    const port = job.ports[index % job.ports.length]!
    const { workload, parentName } = job
    return new LoadConnection({ port, index, workload, inFlight: job.shape.inFlight, data, parentName }, recorder)
  })
  let onLost: (cause: Error) => void = () => {}
  const lost = new Promise<never>((_, reject) => {
    onLost = reject
  })
  const measured = measureConnections(job, connections, recorder, onLost)
  return Promise.race([measured, lost])
}

async function measureConnections(
  job: MeasureJob,
  connections: readonly LoadConnection[],
  recorder: Recorder,
  onLost: (cause: Error) => void,
): Promise<LoadResult> {
  await Promise.all(connections.map((connection) => connection.open(onLost)))
  for (const connection of connections) connection.start()
  await delay(job.warmUpMs)

  const histogram = new Histogram()
  const serversCpuBeforeMs = serversCpuMs(job.serverPids)
  const generatorCpuBefore = process.cpuUsage()
  const startedAtMs = performance.now()
  recorder.histogram = histogram
  await delay(job.measureMs)
  recorder.histogram = undefined
  const elapsedMs = performance.now() - startedAtMs
  const generatorCpu = process.cpuUsage(generatorCpuBefore)
  const serversCpuAfterMs = serversCpuMs(job.serverPids)

  await Promise.all(connections.map((connection) => connection.finish()))
  if (recorder.errorCount > 0) throw new Error(`${recorder.errorCount} error replies, the last ${recorder.lastError}`)
  return {
    operations: histogram.total,
    elapsedMs,
    latencyUs: {
      p50: histogram.percentileUs(0.5),
      p99: histogram.percentileUs(0.99),
      p999: histogram.percentileUs(0.999),
      max: histogram.percentileUs(1),
    },
    ...(serversCpuBeforeMs !== undefined &&
      serversCpuAfterMs !== undefined && { serversCpuMs: serversCpuAfterMs - serversCpuBeforeMs }),
    generatorCpuMs: (generatorCpu.user + generatorCpu.system) / 1000,
  }
}

/** Creates the paths with digits 0 to count − 1, all in flight at once. A path may exist already. */
function createAll(port: number, path: string, data: Buffer, count: number): Promise<void> {
  const template = createFrame(path, data)
  const frame = (digits: number) => ({ template, digits })
  return sendAll({ port, count, inFlightMax: count, frame, accepts: (err) => err === nodeExists })
}

function serversCpuMs(pids: readonly number[]): number | undefined {
  let sumMs = 0
  for (const pid of pids) {
    const usage = readProcessUsage(pid)
    if (usage === undefined) return undefined
    sumMs += usage.cpuMs
  }
  return sumMs
}

function delay(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs))
}
