/**
 * One simulated TCP connection: two endpoints joined by two pipes. A pipe delivers bytes in order, late, cut
 * anywhere, or not at all; it never loses bytes and delivers later ones. What looks like loss to a program is a
 * pipe that stalls (a cut link, a peer without power) or is reset.
 *
 * Traps for the code under test: the bytes given to `onData` are overwritten when it returns, and bytes given to
 * `write` are read only when they arrive. Code that keeps the former or changes the latter therefore fails.
 */
import type { ByteStream, StreamHandlers } from '../../src/ports/stream.ts'
import type { Scheduler, SimProcess } from './scheduler.ts'
import type { SimRandom } from './sim-random.ts'

/** What the network asks of the faults in force. */
export interface LinkConditions {
  isCut(fromHost: string, toHost: string): boolean
  latencyUs(fromHost: string, toHost: string): number
  /** Probability that a write is cut at a random place. */
  splitChance(): number
  /** Probability that bytes arriving together are handed over as one chunk. */
  coalesceChance(): number
  /** Probability that a chunk arrives with a flipped bit. */
  corruptChance(fromHost: string, toHost: string): number
  /** How long the end or reset of a closing endpoint is held back; the other side keeps its half open meanwhile. */
  lingerUs(): number
  /** Probability that destroy arrives as a reset instead of an orderly end. */
  resetChance(): number
}

/** When bytes were sent, and the newest bytes of the receiver that the sender had read by then. */
export interface Stamp {
  readonly sentUs: number
  readonly heardUs: number
}

/** Sees the bytes between hosts. */
export interface TrafficObserver {
  /** If nothing holds them back, they arrive at `arriveUs`. */
  sent(from: string, to: string, sizeBytes: number, arriveUs: number): Stamp
  read(from: string, to: string, stamp: Stamp): void
  /** What one host sends to the other stalls, or arrives again. */
  flowChanged(from: string, to: string): void
}

export const noObserver: TrafficObserver = {
  sent: () => ({ sentUs: 0, heardUs: 0 }),
  read() {},
  flowChanged() {},
}

export interface StreamContext {
  readonly scheduler: Scheduler
  readonly random: SimRandom
  readonly conditions: LinkConditions
  readonly networkProcess: SimProcess // runs deliveries; they reach the process of an endpoint through `runIn`
  readonly windowSizeBytes: number // in flight plus unread, as a kernel would hold
  readonly observer: TrafficObserver
  isUp(host: string): boolean
}

type PipeItem =
  | { readonly kind: 'data'; readonly bytes: Uint8Array; readonly arriveUs: number; readonly stamp: Stamp }
  | { readonly kind: 'end'; readonly arriveUs: number }
  | { readonly kind: 'reset'; readonly arriveUs: number }

/** Above this many unsent bytes `write` asks the caller to wait, as a socket does. */
const highWaterSizeBytes = 16 * 1024

/** One direction of a connection. */
export class Pipe {
  readonly #context: StreamContext
  readonly from: Endpoint
  readonly to: Endpoint
  inFlightSizeBytes = 0
  #items: PipeItem[] = []
  #lastArriveUs = 0
  #isScheduled = false
  #isStalled = false
  /** From when it stalls until something arrives again. */
  isBlocked = false
  #blackHoleUntilUs = 0

  constructor(context: StreamContext, from: Endpoint, to: Endpoint) {
    this.#context = context
    this.from = from
    this.to = to
  }

  sendData(bytes: Uint8Array): void {
    this.inFlightSizeBytes += bytes.length
    const arriveUs = this.#arrivalUs(0)
    const stamp = this.#context.observer.sent(this.from.host, this.to.host, bytes.length, arriveUs)
    this.#send({ kind: 'data', bytes, arriveUs, stamp })
  }

  sendEnd(extraUs: number): void {
    this.#send({ kind: 'end', arriveUs: this.#arrivalUs(extraUs) })
  }

  /** A reset overtakes: bytes that were sent before it and have not arrived are lost. */
  sendReset(extraUs: number): void {
    this.#items = []
    this.#send({ kind: 'reset', arriveUs: this.#arrivalUs(extraUs) })
  }

  /** Nothing arrives until `untilUs`; infinity: never. */
  blackHole(untilUs: number): void {
    this.#blackHoleUntilUs = Math.max(this.#blackHoleUntilUs, untilUs)
  }

  healBlackHole(): void {
    this.#blackHoleUntilUs = 0
    this.retry()
  }

  /** The link may be open again: what stalled is sent again after a delay, as by TCP. */
  retry(): void {
    if (!this.#isStalled) return
    this.#isStalled = false
    this.#scheduleDelivery(this.#context.random.between(1, 400) * 1000)
  }

  #send(item: PipeItem): void {
    this.#items.push(item)
    if (!this.#isScheduled && !this.#isStalled) this.#scheduleDelivery(item.arriveUs - this.#context.scheduler.nowUs)
  }

  #arrivalUs(extraUs: number): number {
    const { scheduler, conditions } = this.#context
    const latencyUs = conditions.latencyUs(this.from.host, this.to.host) + extraUs
    this.#lastArriveUs = Math.max(this.#lastArriveUs, scheduler.nowUs + Math.max(latencyUs, 1))
    return this.#lastArriveUs
  }

  #scheduleDelivery(delayUs: number): void {
    this.#isScheduled = true
    this.#context.scheduler.schedule(this.#context.networkProcess, 'network', Math.max(delayUs, 1), () =>
      this.#deliver(),
    )
  }

  #deliver(): void {
    this.#isScheduled = false
    const { scheduler, conditions, networkProcess } = this.#context
    const { nowUs } = scheduler
    if (this.#blackHoleUntilUs > nowUs || conditions.isCut(this.from.host, this.to.host)) {
      this.#isStalled = true
      this.#noteBlocked(true)
      if (Number.isFinite(this.#blackHoleUntilUs) && this.#blackHoleUntilUs > nowUs) {
        scheduler.schedule(networkProcess, 'network', this.#blackHoleUntilUs - nowUs, () => this.retry())
      }
      return
    }
    this.#noteBlocked(false)
    let count = 0
    while (count < this.#items.length && this.#items[count]!.arriveUs <= nowUs) count++
    const arrived = this.#items.splice(0, count)
    const next = this.#items[0]
    if (next !== undefined) this.#scheduleDelivery(next.arriveUs - nowUs)
    for (const chunk of this.#join(arrived)) this.to.arrive(chunk)
  }

  #noteBlocked(isBlocked: boolean): void {
    if (this.isBlocked === isBlocked) return
    this.isBlocked = isBlocked
    this.#context.observer.flowChanged(this.from.host, this.to.host)
  }

  /** Joins neighbouring data items by chance, copies what is handed over and damages it if the faults say so. */
  #join(items: readonly PipeItem[]): readonly PipeItem[] {
    const { conditions, random } = this.#context
    const result: PipeItem[] = []
    let waiting: Uint8Array[] = []
    let stamp: Stamp | null = null
    const flush = (): void => {
      if (waiting.length === 0) return
      const bytes = Uint8Array.from(Buffer.concat(waiting))
      waiting = []
      if (random.chance(conditions.corruptChance(this.from.host, this.to.host))) {
        const at = random.below(bytes.length)
        bytes[at] = bytes[at]! ^ (1 << random.below(8))
      }
      result.push({ kind: 'data', bytes, arriveUs: 0, stamp: stamp! })
    }
    for (const item of items) {
      if (item.kind !== 'data') {
        flush()
        result.push(item)
        continue
      }
      if (waiting.length > 0 && !random.chance(conditions.coalesceChance())) flush()
      waiting.push(item.bytes)
      stamp = item.stamp
    }
    flush()
    return result
  }
}

type EndpointState = 'open' | 'ending' | 'closed'

/** One side of a connection, as a process holds it. */
export class Endpoint implements ByteStream {
  readonly host: string
  readonly process: SimProcess
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
  readonly #context: StreamContext
  #outgoing: Pipe | null = null
  #incoming: Pipe | null = null
  #handlers: StreamHandlers | null = null
  #state: EndpointState = 'open'
  #closeIsReported = false
  #isPaused = false
  #isReceiving = false
  #needsDrain = false
  #endIsSent = false
  #unsent: Uint8Array[] = []
  #unsentSizeBytes = 0
  #unread: PipeItem[] = []

  constructor(
    context: StreamContext,
    owner: { readonly host: string; readonly process: SimProcess; readonly port: number },
    remote: { readonly host: string; readonly port: number },
  ) {
    this.#context = context
    this.host = owner.host
    this.process = owner.process
    this.localPort = owner.port
    this.remoteAddress = remote.host
    this.remotePort = remote.port
  }

  connect(outgoing: Pipe, incoming: Pipe): void {
    this.#outgoing = outgoing
    this.#incoming = incoming
  }

  get outgoing(): Pipe {
    return this.#outgoing!
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  handle(handlers: StreamHandlers): void {
    this.#handlers = handlers
    if (this.#unread.length > 0) this.#scheduleReceive()
  }

  write(bytes: Uint8Array): boolean {
    if (this.#state !== 'open') return true
    if (bytes.length > 0) {
      this.#unsent.push(bytes)
      this.#unsentSizeBytes += bytes.length
      this.#pump()
    }
    const isFine = this.#unsentSizeBytes < highWaterSizeBytes
    if (!isFine) this.#needsDrain = true
    return isFine
  }

  queuedBytes(): number {
    return this.#unsentSizeBytes
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    if (this.#unread.length > 0) this.#scheduleReceive()
  }

  end(): void {
    if (this.#state !== 'open') return
    this.#state = 'ending'
    this.#pump()
  }

  destroy(): void {
    if (this.#state === 'closed') return
    this.#drop()
    const { random, conditions, scheduler } = this.#context
    if (random.chance(conditions.resetChance())) this.outgoing.sendReset(conditions.lingerUs())
    else if (!this.#endIsSent) this.outgoing.sendEnd(conditions.lingerUs())
    this.#endIsSent = true
    scheduler.schedule(this.process, 'network', 0, () => this.#reportClose(null))
  }

  /** The process has ended. `kill`: its kernel sends a reset; `power-off`: nothing is sent. */
  abandon(how: 'kill' | 'power-off'): void {
    if (this.#state === 'closed') return
    this.#drop()
    if (how === 'kill') this.outgoing.sendReset(0)
  }

  /** Called by the pipe; the kernel accepts bytes even while the process is paused. */
  arrive(item: PipeItem): void {
    if (this.#state === 'closed') {
      // A kernel answers bytes for a connection it does not know with a reset; a machine without power does not.
      if (item.kind === 'data' && this.#context.isUp(this.host)) this.outgoing.sendReset(0)
      return
    }
    this.#unread.push(item)
    this.#context.scheduler.runIn(this.process, 'network', () => this.#receive())
  }

  #scheduleReceive(): void {
    this.#context.scheduler.schedule(this.process, 'network', 0, () => this.#receive())
  }

  #receive(): void {
    if (this.#isReceiving || this.#handlers === null) return
    this.#isReceiving = true
    try {
      while (!this.isClosed && this.#unread.length > 0) {
        const item = this.#unread[0]!
        // A reset is noticed by a paused reader too; data and the orderly end wait to be read.
        if (this.#isPaused) {
          if (!this.#unread.some((waiting) => waiting.kind === 'reset')) return
          return this.#closeBy(resetError())
        }
        this.#unread.shift()
        if (item.kind === 'data') this.#read(item.bytes, item.stamp)
        else if (item.kind === 'reset') this.#closeBy(resetError())
        else this.#closeBy(null)
      }
    } finally {
      this.#isReceiving = false
    }
  }

  #read(bytes: Uint8Array, stamp: Stamp): void {
    const incoming = this.#incoming!
    this.#context.observer.read(incoming.from.host, this.host, stamp)
    incoming.inFlightSizeBytes -= bytes.length
    incoming.from.#pumpSoon()
    this.#handlers?.onData(bytes)
    bytes.fill(0xa5)
  }

  /** The other side has closed: as with Node's sockets, ours closes too. */
  #closeBy(error: Error | null): void {
    this.#drop()
    if (error === null && !this.#endIsSent) this.outgoing.sendEnd(0)
    this.#endIsSent = true
    this.#reportClose(error)
  }

  #drop(): void {
    this.#state = 'closed'
    this.#unsent = []
    this.#unsentSizeBytes = 0
    this.#unread = []
  }

  #reportClose(error: Error | null): void {
    if (this.#closeIsReported) return
    this.#closeIsReported = true
    const handlers = this.#handlers
    this.#handlers = null
    handlers?.onClose(error)
  }

  #pumpSoon(): void {
    if (this.#unsent.length > 0) this.#pump()
  }

  #pump(): void {
    const { random, conditions, scheduler, windowSizeBytes } = this.#context
    const pipe = this.outgoing
    while (this.#unsent.length > 0 && pipe.inFlightSizeBytes < windowSizeBytes) {
      const chunk = this.#unsent[0]!
      let sizeBytes = Math.min(chunk.length, windowSizeBytes - pipe.inFlightSizeBytes)
      if (sizeBytes > 1 && random.chance(conditions.splitChance())) sizeBytes = random.between(1, sizeBytes - 1)
      pipe.sendData(chunk.subarray(0, sizeBytes))
      this.#unsentSizeBytes -= sizeBytes
      if (sizeBytes === chunk.length) this.#unsent.shift()
      else this.#unsent[0] = chunk.subarray(sizeBytes)
    }
    if (this.#unsent.length > 0) return
    if (this.#needsDrain) {
      this.#needsDrain = false
      scheduler.schedule(this.process, 'network', 0, () => {
        if (!this.isClosed) this.#handlers?.onDrain()
      })
    }
    if (this.#state === 'ending' && !this.#endIsSent) {
      this.#endIsSent = true
      pipe.sendEnd(0)
    }
  }
}

function resetError(): Error {
  return Object.assign(new Error('connection reset by peer'), { code: 'ECONNRESET' })
}
