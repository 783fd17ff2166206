/**
 * Reads and writes at a fixed rate, whether or not earlier ones have been answered, until it is stopped. A server that
 * stands still therefore does not get fewer requests, and each of them is in the latencies. A closed loop would hide it.
 * Reads and writes have connections of their own, since a server answers the requests of a session in their order.
 */
import { type FrameTemplate, getDataFrame, setDataFrame, writeFrame } from './frames.ts'
import { Histogram } from './histogram.ts'
import { keyCount, type LoadJob, type PacedLatencies, type PacedResult, rootPath } from './load-job.ts'
import { LoadSession } from './load-session.ts'

type PacedJob = Extract<LoadJob, { kind: 'paced' }>

const tickMs = 2
const connectionsPerKind = 10
const drainLimitMs = 30_000

export async function runPaced(job: PacedJob, stopped: Promise<void>): Promise<PacedResult> {
  const data = Buffer.alloc(job.dataSizeBytes, 'p')
  const reads = new Pace(job, getDataFrame(`${rootPath}/k####`))
  const writes = new Pace(job, setDataFrame(`${rootPath}/k####`, data))
  let onLost: (cause: Error) => void = () => {}
  const lost = new Promise<never>((_, reject) => {
    onLost = reject
  })
  await Promise.all([reads.open(onLost), writes.open(onLost)])
  const startedAtMs = performance.now()
  const timer = setInterval(() => {
    const dueCount = Math.floor(((performance.now() - startedAtMs) * job.requestsPerSecond) / 2000)
    reads.sendUpTo(dueCount)
    writes.sendUpTo(dueCount)
  }, tickMs)
  try {
    await Promise.race([stopped, lost])
    clearInterval(timer)
    const elapsedMs = performance.now() - startedAtMs
    await Promise.race([Promise.all([reads.finish(), writes.finish()]), lost])
    return { elapsedMs, reads: reads.latencies(), writes: writes.latencies() }
  } finally {
    clearInterval(timer)
  }
}

class Pace {
  readonly #template: FrameTemplate
  readonly #connections: PacedConnection[]
  readonly #histogram = new Histogram()
  #sentCount = 0

  constructor(job: PacedJob, template: FrameTemplate) {
    this.#template = template
    this.#connections = Array.from(
      { length: connectionsPerKind },
      (_, index) => new PacedConnection(job.ports[index % job.ports.length]!, this.#histogram),
    )
  }

  async open(onLost: (cause: Error) => void): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.session.open(onLost)))
  }

  sendUpTo(count: number): void {
    for (; this.#sentCount < count; this.#sentCount++) {
      const connection = this.#connections[this.#sentCount % this.#connections.length]!
      connection.send(this.#template, (this.#sentCount * 7919) % keyCount)
    }
  }

  async finish(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.finish()))
  }

  latencies(): PacedLatencies {
    return {
      count: this.#histogram.total,
      p50Us: this.#histogram.percentileUs(0.5),
      p99Us: this.#histogram.percentileUs(0.99),
      maxUs: this.#histogram.percentileUs(1),
    }
  }
}

class PacedConnection {
  readonly session: LoadSession
  readonly #sentAtMs: number[] = [] // of the requests in flight, the oldest first
  #sentCount = 0
  #onDrained: () => void = () => {}

  constructor(port: number, histogram: Histogram) {
    this.session = new LoadSession(port, {
      onReply: (_xid, err) => {
        if (err !== 0) throw new Error(`a request of the paced load was refused with ${err}`)
        histogram.recordMs(performance.now() - this.#sentAtMs.shift()!)
      },
      onChunkEnd: () => {
        if (this.#sentAtMs.length === 0) this.#onDrained()
      },
    })
  }

  send(template: FrameTemplate, digits: number): void {
    const bytes = Buffer.alloc(template.bytes.length)
    this.#sentCount++
    writeFrame(template, this.#sentCount, digits, bytes, 0)
    this.#sentAtMs.push(performance.now())
    this.session.write(bytes)
  }

  async finish(): Promise<void> {
    if (this.#sentAtMs.length > 0) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`no reply in ${drainLimitMs} ms`)), drainLimitMs)
        this.#onDrained = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    await this.session.close()
  }
}
