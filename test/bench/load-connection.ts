/**
 * One connection of the load: keeps a fixed number of requests in flight, and sends a new one for each reply.
 * Owns: the bytes and the start time of each request in flight. Assumes, and checks, that replies arrive in the order
 * of the requests. This is a closed loop: a slow server gets fewer requests, so the latency is the service time under
 * that load. An open stream of arrivals would see higher latencies.
 */
import { createFrame, type FrameTemplate, getDataFrame, setDataFrame, writeFrame } from './frames.ts'
import type { Histogram } from './histogram.ts'
import { keyCount, rootPath, type Workload } from './load-job.ts'
import { LoadSession } from './load-session.ts'

/** Shared by all connections of one measurement. */
export interface Recorder {
  histogram: Histogram | undefined // set while measuring
  errorCount: number
  lastError: number
}

export interface ConnectionPlan {
  readonly port: number
  readonly index: number
  readonly workload: Workload
  readonly inFlight: number
  readonly data: Buffer
  readonly parentName: string
}

const namesPerConnection = 10_000_000
const mixPeriod = 10 // one write in ten requests

export class LoadConnection {
  readonly #plan: ConnectionPlan
  readonly #recorder: Recorder
  readonly #session: LoadSession
  readonly #read: FrameTemplate
  readonly #write: FrameTemplate
  // A batch is written to one contiguous part of the arena. The arena holds three times the bytes that can be in
  // flight,
  // so bytes are not reused before their reply has arrived, even if the end of the arena stays unused.
  readonly #arena: Buffer
  readonly #frameSizeMax: number
  #arenaAt = 0
  readonly #startedAtMs: Float64Array // a ring; request number modulo inFlight
  #sentCount = 0
  #answeredCount = 0
  #chunkAtMs = 0
  #sending = false
  #randomState: number
  #onDrained: () => void = () => {}

  constructor(plan: ConnectionPlan, recorder: Recorder) {
    this.#plan = plan
    this.#recorder = recorder
    this.#read = getDataFrame(`${rootPath}/k####`)
    this.#write =
      plan.workload === 'create'
        ? createFrame(`${rootPath}/${plan.parentName}/#########`, plan.data)
        : setDataFrame(`${rootPath}/k####`, plan.data)
    this.#frameSizeMax = Math.max(this.#read.bytes.length, this.#write.bytes.length)
    this.#arena = Buffer.alloc(3 * plan.inFlight * this.#frameSizeMax)
    this.#startedAtMs = new Float64Array(plan.inFlight)
    this.#randomState = plan.index * 7919 + 1
    this.#session = new LoadSession(plan.port, {
      onReply: (xid, err) => this.#onReply(xid, err),
      onChunkEnd: () => this.#onChunkEnd(),
    })
  }

  open(onLost: (cause: Error) => void): Promise<void> {
    return this.#session.open(onLost)
  }

  start(): void {
    this.#sending = true
    this.#send(this.#plan.inFlight, performance.now())
  }

  /** Sends no new requests. Resolves when all requests in flight are answered and the session is closed. */
  async finish(): Promise<void> {
    this.#sending = false
    if (this.#answeredCount < this.#sentCount) {
      await new Promise<void>((resolve) => {
        this.#onDrained = resolve
      })
    }
    await this.#session.close()
  }

  #onReply(xid: number, err: number): void {
    if (this.#chunkAtMs === 0) this.#chunkAtMs = performance.now()
    const slot = this.#answeredCount % this.#plan.inFlight
    this.#answeredCount++
    if (xid !== this.#answeredCount) throw new Error(`reply ${xid} arrived, expected ${this.#answeredCount}`)
    if (err !== 0) {
      this.#recorder.errorCount++
      this.#recorder.lastError = err
    }
    this.#recorder.histogram?.recordMs(this.#chunkAtMs - (this.#startedAtMs[slot] ?? 0))
  }

  #onChunkEnd(): void {
    const nowMs = this.#chunkAtMs
    this.#chunkAtMs = 0
    const free = this.#plan.inFlight - (this.#sentCount - this.#answeredCount)
    if (this.#sending) {
      if (free > 0) this.#send(free, nowMs)
    } else if (this.#sentCount === this.#answeredCount) {
      this.#onDrained()
    }
  }

  #send(count: number, nowMs: number): void {
    if (this.#arenaAt + count * this.#frameSizeMax > this.#arena.length) this.#arenaAt = 0
    const from = this.#arenaAt
    let at = from
    for (let i = 0; i < count; i++) {
      this.#startedAtMs[this.#sentCount % this.#plan.inFlight] = nowMs
      this.#sentCount++
      at = this.#writeRequest(this.#sentCount, at)
    }
    this.#arenaAt = at
    this.#session.write(this.#arena.subarray(from, at))
  }

  #writeRequest(requestNumber: number, at: number): number {
    switch (this.#plan.workload) {
      case 'get':
        return writeFrame(this.#read, requestNumber, this.#nextKey(), this.#arena, at)
      case 'set':
        return writeFrame(this.#write, requestNumber, this.#nextKey(), this.#arena, at)
      case 'create': {
        const name = this.#plan.index * namesPerConnection + requestNumber
        return writeFrame(this.#write, requestNumber, name, this.#arena, at)
      }
      case 'mix': {
        const isWrite = (requestNumber + this.#plan.index) % mixPeriod === 0
        return writeFrame(isWrite ? this.#write : this.#read, requestNumber, this.#nextKey(), this.#arena, at)
      }
    }
  }

  #nextKey(): number {
    this.#randomState = (Math.imul(this.#randomState, 1664525) + 1013904223) >>> 0
    return (this.#randomState >>> 8) % keyCount
  }
}
