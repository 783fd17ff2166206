/**
 * One of the two servers, as its clients see it: the connections, the sessions, and what came back in each step.
 * Owns: sockets and the passwords of sessions. Within a step only one connection sends, and a step ends when every
 * connection has answered a ping, in an ensemble after each server has caught up. Therefore what one client causes and
 * another sees is the same in every run.
 */
import { connect, type Socket } from 'node:net'
import { Reader, Writer } from '../raw-client.ts'
import { type Call, type ConnectStep, type Filling, frameOf, type Step, type ZxidRef } from './calls.ts'

/** Neither server needs this long for any request; one that has not answered by then never will. */
const answerTimeoutMs = 4_000
const pingXid = -2
const pingOpcode = 11
const syncOpcode = 9
const eventXid = -1

export interface SlotOutcome {
  /** Without the answer to the ping that ended the step. */
  readonly frames: readonly Buffer[]
  readonly isClosed: boolean
  /** Whether it neither answered nor closed, although it should have. */
  readonly isSilent: boolean
}

/** By slot; every slot that was open when the step began or was opened by it. */
export type StepOutcome = ReadonlyMap<number, SlotOutcome>

export interface SessionKey {
  readonly id: bigint
  readonly password: Buffer
}

export interface SideOptions {
  /** Of the servers of an ensemble, or of one alone. */
  readonly ports: readonly number[]
  readonly top: string
  /** Whether it closes a connection that asked for an operation that it does not serve. */
  readonly closesUnserved: boolean
  readonly zxidOf: (ref: ZxidRef) => bigint
}

export class Side {
  readonly #ports: readonly number[]
  readonly #top: string
  readonly #closesUnserved: boolean
  readonly #zxidOf: (ref: ZxidRef) => bigint
  readonly #wires = new Map<number, Wire>()
  /** One connection to each server of an ensemble: after its sync the server has applied all committed txns. */
  readonly #witnesses: Wire[] = []
  readonly #sessions = new Map<number, SessionKey>()

  constructor(options: SideOptions) {
    this.#ports = options.ports
    this.#top = options.top
    this.#closesUnserved = options.closesUnserved
    this.#zxidOf = options.zxidOf
  }

  /** Before the first step. */
  async open(): Promise<void> {
    if (this.#ports.length < 2) return
    for (const port of this.#ports) {
      const wire = await Wire.open(port)
      wire.send(helloFrame(newSession, undefined, 0n))
      await wire.answered(1)
      wire.takeOutcome()
      this.#witnesses.push(wire)
    }
  }

  isOpen(slot: number): boolean {
    return this.#wires.has(slot)
  }

  hasSession(session: number): boolean {
    return this.#sessions.has(session)
  }

  /** Whether the step can be played. After other steps were left out it may have no connection or session. */
  canPlay(step: Step): boolean {
    if (step.kind !== 'connect') return this.isOpen(step.slot)
    return !this.isOpen(step.slot) && (step.session === 'new' || this.hasSession(step.session))
  }

  async play(step: Step): Promise<StepOutcome> {
    const filling: Filling = { top: this.#top, zxid: this.#zxidOf }
    if (step.kind === 'drop') {
      await this.drop(step.slot)
    } else if (step.kind === 'connect') {
      await this.#connect(step, filling)
    } else {
      const wire = this.#wires.get(step.slot)!
      if (step.kind === 'bytes') wire.send(Buffer.from(step.hex, 'hex'))
      else await this.#ask(wire, step.calls, filling)
    }
    await Promise.all(this.#witnesses.map((witness) => witness.sync()))
    const slots = [...this.#wires]
    const outcomes = await Promise.all(slots.map(([, wire]) => wire.fence()))
    for (const [slot, wire] of slots) if (wire.isClosed) this.#wires.delete(slot)
    return new Map(slots.map(([slot], index) => [slot, outcomes[index]!]))
  }

  async drop(slot: number): Promise<void> {
    const wire = this.#wires.get(slot)
    this.#wires.delete(slot)
    await wire?.close()
  }

  async dropAll(): Promise<void> {
    await Promise.all([...this.#wires.keys()].map((slot) => this.drop(slot)))
    await Promise.all(this.#witnesses.splice(0).map((witness) => witness.close()))
  }

  async #ask(wire: Wire, calls: readonly Call[], filling: Filling): Promise<void> {
    wire.send(Buffer.concat(calls.map((call) => frameOf(call, filling))))
    await wire.answered(calls.length)
    await wire.closedWithin(this.#closeWaitMs(calls.at(-1)))
  }

  /** A server that closes after its answer does so a moment later, and might still answer a ping until then. */
  #closeWaitMs(last: Call | undefined): number {
    switch (last?.operation.op) {
      case 'closeSession':
        return 1_000
      case 'auth':
        return 200
      case 'unknown':
      case 'check':
        return this.#closesUnserved ? 1_000 : 0
      default:
        return 0
    }
  }

  async #connect(step: ConnectStep, filling: Filling): Promise<void> {
    const wire = await Wire.open(this.#ports[step.server]!)
    this.#wires.set(step.slot, wire)
    const key = step.session === 'new' ? undefined : this.#sessions.get(step.session)
    const hello = helloFrame(step, key, this.#zxidOf(step.lastZxid))
    wire.send(Buffer.concat([hello, ...step.calls.map((call) => frameOf(call, filling))]))
    await wire.answered(1 + step.calls.length)
    await wire.closedWithin(this.#closeWaitMs(step.calls.at(-1)))
    const response = wire.received[0]
    if (response === undefined || step.session !== 'new') return
    const reader = new Reader(response)
    reader.int()
    if (reader.int() === 0) return
    this.#sessions.set(step.gives, { id: reader.long(), password: Buffer.from(reader.buffer() ?? []) })
  }

  /** The number of the session with this id; undefined if no client of this run made it. */
  numberOf(id: bigint): number | undefined {
    for (const [number, key] of this.#sessions) if (key.id === id) return number
    return undefined
  }
}

const newSession = { password: 'right', timeoutMs: 500_000, readOnly: 'no' } as const

type Hello = Pick<ConnectStep, 'password' | 'timeoutMs' | 'readOnly'>

function helloFrame(step: Hello, key: SessionKey | undefined, lastZxid: bigint): Buffer {
  const writer = new Writer()
    .int(0)
    .long(lastZxid)
    .int(step.timeoutMs)
    .long(key?.id ?? 0n)
    .buffer(passwordFor(step, key))
  if (step.readOnly !== 'absent') writer.bool(step.readOnly === 'yes')
  return writer.frame()
}

function passwordFor({ password }: Hello, key: SessionKey | undefined): Buffer | null {
  const right = key?.password ?? Buffer.alloc(16)
  switch (password) {
    case 'right':
      return right
    case 'wrong':
      return Buffer.from(right.map((byte) => byte ^ 0xff))
    case 'short':
      return right.subarray(0, 15)
    case 'empty':
      return Buffer.alloc(0)
    case 'null':
      return null
    default:
      return password satisfies never
  }
}

/** One connection; knows frames, and of their content only which are events. */
class Wire {
  readonly #socket: Socket
  #pending: Buffer = Buffer.alloc(0)
  #frames: Buffer[] = []
  #replyCount = 0
  #isClosed = false
  #isSilent = false
  #wake: () => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => this.#take(chunk))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.#isClosed = true
      this.#wake()
    })
  }

  static open(port: number): Promise<Wire> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true }, () => {
        socket.off('error', reject)
        resolve(new Wire(socket))
      })
      socket.once('error', reject)
    })
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  get received(): readonly Buffer[] {
    return this.#frames
  }

  send(bytes: Buffer): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes)
  }

  /** Waits until `count` frames other than events have come since the step began, or the connection has closed. */
  async answered(count: number): Promise<void> {
    const deadline = performance.now() + answerTimeoutMs
    while (this.#replyCount < count && !this.#isClosed && !this.#isSilent) {
      const leftMs = deadline - performance.now()
      if (leftMs <= 0) this.#isSilent = true
      else await this.#sleep(leftMs)
    }
  }

  async closedWithin(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs
    for (let leftMs = timeoutMs; leftMs > 0 && !this.#isClosed; leftMs = deadline - performance.now()) {
      await this.#sleep(leftMs)
    }
  }

  /** Ends the step: all frames that were in flight have arrived, and are returned. */
  async fence(): Promise<SlotOutcome> {
    const before = this.#replyCount
    if (!this.#isSilent) {
      this.send(new Writer().int(pingXid).int(pingOpcode).frame())
      await this.answered(before + 1)
    }
    if (this.#replyCount > before) {
      const at = this.#frames.findLastIndex((frame) => frame.length === 16 && frame.readInt32BE(0) === pingXid)
      if (at >= 0) this.#frames.splice(at, 1)
    }
    return this.takeOutcome()
  }

  async sync(): Promise<void> {
    this.send(new Writer().int(1).int(syncOpcode).ustring('/').frame())
    await this.answered(1)
    this.takeOutcome()
  }

  /** The frames since the last call. */
  takeOutcome(): SlotOutcome {
    const outcome = { frames: this.#frames, isClosed: this.#isClosed, isSilent: this.#isSilent }
    this.#frames = []
    this.#replyCount = 0
    this.#isSilent = false
    return outcome
  }

  async close(): Promise<void> {
    this.#socket.destroy()
    while (!this.#isClosed) await this.#sleep(answerTimeoutMs)
  }

  #sleep(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #take(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    let at = 0
    while (this.#pending.length - at >= 4 && this.#pending.length - at >= 4 + this.#pending.readInt32BE(at)) {
      const end = at + 4 + this.#pending.readInt32BE(at)
      const frame = this.#pending.subarray(at + 4, end)
      this.#frames.push(frame)
      if (frame.length < 16 || frame.readInt32BE(0) !== eventXid) this.#replyCount += 1
      at = end
    }
    this.#pending = this.#pending.subarray(at)
    this.#wake()
  }
}
