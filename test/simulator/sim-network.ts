/**
 * Hosts, ports and connections between simulated processes: the twin of node-net, with the same stream ports.
 * Owns every open connection, so that a cut that heals can wake what stalled and a crash can end what the
 * process held. Which packets arrive, and when, is asked of `LinkConditions`; nothing here decides on a fault.
 */
import type { Address, ByteStream, Dialer, Listener, ListenerHandle } from '../../src/ports/stream.ts'
import type { Scheduler, SimProcess } from './scheduler.ts'
import type { SimRandom } from './sim-random.ts'
import {
  Endpoint,
  type LinkConditions,
  noObserver,
  Pipe,
  type StreamContext,
  type TrafficObserver,
} from './sim-stream.ts'

export interface NetworkConditions extends LinkConditions {
  /** Probability that a dial is refused although a process listens. */
  refuseChance(): number
  /** Probability that a dial is never answered. */
  ignoreChance(): number
}

/** Everything arrives, each chunk for itself. */
export const faultless: NetworkConditions = {
  isCut: () => false,
  latencyUs: () => 1000,
  splitChance: () => 0,
  coalesceChance: () => 0,
  corruptChance: () => 0,
  lingerUs: () => 0,
  resetChance: () => 0,
  refuseChance: () => 0,
  ignoreChance: () => 0,
}

type DialDone = Parameters<Dialer['dial']>[2]

interface Listening {
  readonly process: SimProcess
  readonly onStream: (stream: ByteStream) => void
}

interface Connection {
  readonly dialing: Endpoint
  readonly accepted: Endpoint
}

/** A lost connection request is repeated after this (TCP's first retransmission). */
const dialRetryUs = 1_000_000
const firstEphemeralPort = 32_768

export class SimNetwork {
  readonly #scheduler: Scheduler
  readonly #random: SimRandom
  readonly #conditions: NetworkConditions
  readonly #process: SimProcess
  readonly #context: StreamContext
  readonly #listening = new Map<string, Listening>()
  readonly #downHosts = new Set<string>()
  #connections: Connection[] = []
  #nextPort = firstEphemeralPort

  constructor(options: {
    readonly scheduler: Scheduler
    readonly random: SimRandom
    readonly conditions: NetworkConditions
    /** Runs what is on its way; deliveries reach a process of the code under test through `runIn`. */
    readonly networkProcess: SimProcess
    readonly windowSizeBytes: number
    readonly observer?: TrafficObserver
  }) {
    this.#scheduler = options.scheduler
    this.#random = options.random
    this.#conditions = options.conditions
    this.#process = options.networkProcess
    this.#context = { observer: noObserver, ...options, isUp: (host) => !this.#downHosts.has(host) }
  }

  listener(host: string, process: SimProcess): Listener {
    return {
      listen: (address, onStream) => this.#listen(host, process, address, onStream),
    }
  }

  dialer(host: string, process: SimProcess): Dialer {
    return {
      dial: (address, timeoutMs, done) => this.#dial(host, process, address, timeoutMs, done),
    }
  }

  /** Ends all that the process held. A host without power also answers nothing until `powerOn`. */
  crash(host: string, process: SimProcess, how: 'kill' | 'power-off'): void {
    for (const [key, listening] of this.#listening) {
      if (listening.process === process) this.#listening.delete(key)
    }
    if (how === 'power-off') this.#downHosts.add(host)
    for (const connection of this.#connections) {
      for (const endpoint of [connection.dialing, connection.accepted]) {
        if (endpoint.process === process) endpoint.abandon(how)
      }
    }
    this.#forgetClosed()
  }

  powerOn(host: string): void {
    this.#downHosts.delete(host)
  }

  /** Some cut may have healed. */
  retryStalled(): void {
    for (const connection of this.#connections) {
      connection.dialing.outgoing.retry()
      connection.accepted.outgoing.retry()
    }
    this.#forgetClosed()
  }

  /** Every black hole ends. */
  healBlackHoles(): void {
    for (const connection of this.#connections) {
      connection.dialing.outgoing.healBlackHole()
      connection.accepted.outgoing.healBlackHole()
    }
  }

  /** Resets one connection in the eyes of both ends. Says which, or null if there is none. */
  resetAny(): string | null {
    const connection = this.#pickOpen()
    if (connection === null) return null
    connection.dialing.outgoing.sendReset(0)
    connection.accepted.outgoing.sendReset(0)
    return describeConnection(connection)
  }

  /** One direction, or both, of one connection carry nothing until then. */
  blackHoleAny(untilUs: number): string | null {
    const connection = this.#pickOpen()
    if (connection === null) return null
    const which = this.#random.below(3)
    if (which !== 1) connection.dialing.outgoing.blackHole(untilUs)
    if (which !== 2) connection.accepted.outgoing.blackHole(untilUs)
    return `${describeConnection(connection)} ${['both ways', 'towards the dialer', 'towards the acceptor'][which]!}`
  }

  /** Something that one of the hosts has sent to the other waits until a fault ends. */
  isBlocked(hostA: string, hostB: string): boolean {
    return this.#connections.some(({ dialing, accepted }) => {
      const isBetween =
        (dialing.host === hostA && accepted.host === hostB) || (dialing.host === hostB && accepted.host === hostA)
      const isOpen = !dialing.isClosed && !accepted.isClosed
      return isBetween && isOpen && (dialing.outgoing.isBlocked || accepted.outgoing.isBlocked)
    })
  }

  get openConnectionCount(): number {
    this.#forgetClosed()
    return this.#connections.length
  }

  #pickOpen(): Connection | null {
    this.#forgetClosed()
    return this.#connections.length === 0 ? null : this.#random.pick(this.#connections)
  }

  #forgetClosed(): void {
    this.#connections = this.#connections.filter(({ dialing, accepted }) => !dialing.isClosed || !accepted.isClosed)
  }

  async #listen(
    host: string,
    process: SimProcess,
    address: Address,
    onStream: (stream: ByteStream) => void,
  ): Promise<ListenerHandle> {
    this.#scheduler.noteAsync()
    const port = address.port === 0 ? this.#nextPort++ : address.port
    const key = `${host}:${port}`
    if (this.#listening.has(key)) {
      throw Object.assign(new Error(`address in use: ${key}`), { code: 'EADDRINUSE' })
    }
    const listening = { process, onStream }
    this.#listening.set(key, listening)
    return {
      address: { host: address.host, port },
      close: async () => {
        this.#scheduler.noteAsync()
        if (this.#listening.get(key) === listening) this.#listening.delete(key)
      },
    }
  }

  #dial(host: string, process: SimProcess, address: Address, timeoutMs: number, done: DialDone): () => void {
    let isSettled = false
    let connection: Connection | null = null
    const settle = (outcome: Parameters<DialDone>[0]): void => {
      if (isSettled) return
      isSettled = true
      cancelTimeout()
      if (!outcome.ok) connection?.dialing.abandon('kill')
      done(outcome)
    }
    const fail = (code: string): void => {
      const error = Object.assign(new Error(`${code} ${address.host}:${address.port}`), { code })
      this.#scheduler.runIn(process, 'network', () => settle({ ok: false, error }))
    }
    const cancelTimeout = this.#scheduler.schedule(process, 'timer', timeoutMs * 1000, () => fail('ETIMEDOUT'))
    const isIgnored = this.#random.chance(this.#conditions.ignoreChance())
    const isRefused = this.#random.chance(this.#conditions.refuseChance())

    const answer = (action: () => void): void => {
      this.#travel(address.host, host, () => isSettled || process.state === 'dead', action)
    }
    const onArrival = (): void => {
      if (isSettled || this.#downHosts.has(address.host)) return
      const listening = this.#listening.get(`${address.host}:${address.port}`)
      if (listening === undefined || isRefused) {
        answer(() => fail('ECONNREFUSED'))
        return
      }
      const made = this.#connect(host, process, address, listening)
      connection = made
      answer(() => {
        this.#scheduler.runIn(process, 'network', () => settle({ ok: true, stream: made.dialing }))
      })
    }
    if (!isIgnored) this.#travel(host, address.host, () => isSettled || process.state === 'dead', onArrival)
    return () => {
      if (isSettled) return
      isSettled = true
      cancelTimeout()
      connection?.dialing.abandon('kill')
    }
  }

  /** One packet of a handshake: lost while the link is cut, and then sent again. */
  #travel(from: string, to: string, isPointless: () => boolean, onArrival: () => void): void {
    const delayUs = Math.max(this.#conditions.latencyUs(from, to), 1)
    this.#scheduler.schedule(this.#process, 'network', delayUs, () => {
      if (isPointless()) return
      if (!this.#conditions.isCut(from, to) && !this.#downHosts.has(to)) return onArrival()
      this.#scheduler.schedule(this.#process, 'network', dialRetryUs, () => {
        if (!isPointless()) this.#travel(from, to, isPointless, onArrival)
      })
    })
  }

  #connect(host: string, process: SimProcess, address: Address, listening: Listening): Connection {
    const port = this.#nextPort++
    const context = this.#context
    const dialing = new Endpoint(context, { host, process, port }, address)
    const accepted = new Endpoint(
      context,
      { host: address.host, process: listening.process, port: address.port },
      { host, port },
    )
    const toAccepted = new Pipe(context, dialing, accepted)
    const toDialing = new Pipe(context, accepted, dialing)
    dialing.connect(toAccepted, toDialing)
    accepted.connect(toDialing, toAccepted)
    const connection = { dialing, accepted }
    this.#connections.push(connection)
    this.#scheduler.runIn(listening.process, 'network', () => {
      if (!accepted.isClosed) listening.onStream(accepted)
    })
    return connection
  }
}

function describeConnection({ dialing, accepted }: Connection): string {
  return `${dialing.host}:${dialing.localPort}-${accepted.host}:${accepted.localPort}`
}
