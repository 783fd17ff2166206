/**
 * Time and network in memory for the tests of the client. Nothing happens until a test calls `pass`, which delivers
 * bytes in order. A dial to a port that the test has not opened is refused.
 */
import { openClient } from '../../src/client/connect.ts'
import type { Client, ClientPorts } from '../../src/client/types.ts'
import type { Address, ByteStream, StreamHandlers } from '../../src/ports/stream.ts'

/** The server's end of a connection, used by the test. */
export interface ServerEnd {
  readonly handleBytes: (handler: (bytes: Uint8Array) => void) => void
  send(bytes: Uint8Array): void
  close(): void
  readonly isClosed: () => boolean
}

export class VirtualNetwork {
  readonly dialled: number[] = []
  readonly ports: ClientPorts
  #nowMs = 0
  #sequence = 0
  #due: { atMs: number; sequence: number; callback: () => void }[] = []
  readonly #servers = new Map<number, (end: ServerEnd) => void>()

  constructor() {
    this.ports = {
      clock: { monotonicMs: () => this.#nowMs, wallMs: () => this.#nowMs },
      timers: {
        after: (delayMs, callback) => this.#after(delayMs, callback),
        atTurnEnd: (callback) => void this.#after(0, callback),
      },
      random: { uint32: () => 0 },
      dialer: { dial: (address, _timeoutMs, done) => this.#dial(address, done) },
      log: null,
    }
  }

  open(port: number, onStream: (end: ServerEnd) => void): void {
    this.#servers.set(port, onStream)
  }

  shut(port: number): void {
    this.#servers.delete(port)
  }

  /** Runs everything that is due within `durationMs` in order, and settles promises in between. */
  async pass(durationMs: number): Promise<void> {
    const endMs = this.#nowMs + durationMs
    await promisesSettled()
    for (;;) {
      this.#due.sort((a, b) => a.atMs - b.atMs || a.sequence - b.sequence)
      const next = this.#due[0]
      if (next === undefined || next.atMs > endMs) break
      this.#due.shift()
      this.#nowMs = next.atMs
      next.callback()
      await promisesSettled()
    }
    this.#nowMs = endMs
  }

  #after(delayMs: number, callback: () => void): () => void {
    const entry = { atMs: this.#nowMs + delayMs, sequence: this.#sequence++, callback }
    this.#due.push(entry)
    return () => {
      this.#due = this.#due.filter((other) => other !== entry)
    }
  }

  #dial(address: Address, done: Parameters<ClientPorts['dialer']['dial']>[2]): () => void {
    this.dialled.push(address.port)
    return this.#after(1, () => {
      const onStream = this.#servers.get(address.port)
      if (onStream === undefined) {
        done({ ok: false, error: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }) })
        return
      }
      const { stream, end } = this.#pair(address.port)
      onStream(end)
      done({ ok: true, stream })
    })
  }

  #pair(port: number): { stream: ByteStream; end: ServerEnd } {
    let handlers: StreamHandlers | null = null
    let onBytes: (bytes: Uint8Array) => void = () => undefined
    let isClosed = false
    const close = (): void => {
      if (isClosed) return
      isClosed = true
      this.#after(0, () => handlers?.onClose(null))
    }
    const stream: ByteStream = {
      remoteAddress: '10.0.0.1',
      remotePort: port,
      localPort: 1,
      handle: (given) => {
        handlers = given
      },
      write: (bytes) => {
        this.#after(0, () => onBytes(bytes))
        return true
      },
      queuedBytes: () => 0,
      pause: () => undefined,
      resume: () => undefined,
      end: close,
      destroy: close,
    }
    const end: ServerEnd = {
      handleBytes: (handler) => {
        onBytes = handler
      },
      send: (bytes) => {
        this.#after(0, () => {
          if (!isClosed) handlers?.onData(bytes)
        })
      },
      close,
      isClosed: () => isClosed,
    }
    return { stream, end }
  }
}

/** Each await inside the client takes a few turns of the microtask queue. */
async function promisesSettled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}

/** A client that has started to connect. */
export function openedClient(network: VirtualNetwork, servers: string): Client {
  const opened = openClient({ servers, sessionTimeoutMs: 6_000 }, network.ports)
  if (!opened.ok) throw new Error(opened.error)
  return opened.value.client
}
