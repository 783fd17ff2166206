/**
 * TCP behind the stream ports: `nodeListener` accepts, `nodeDialer` connects, both hand over a `ByteStream`.
 * Owns: the sockets. Assumes: handlers are set before the callback that hands a stream over returns.
 * A socket error always ends in `onClose(error)`; nothing here throws at the caller once a stream exists.
 */
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import type { Address, ByteStream, Dialer, Listener, ListenerHandle, StreamHandlers } from '../ports/stream.ts'

/** Idle links whose other end vanished without a word are noticed by the kernel's probes after this. */
const keepAliveDelayMs = 30_000

export interface NodeListenerOptions {
  /** Connections the kernel holds until we accept them; -1 = the system's default. */
  readonly backlog: number
}

export function nodeListener(options: NodeListenerOptions = { backlog: -1 }): Listener {
  return {
    async listen(address: Address, onStream: (stream: ByteStream) => void): Promise<ListenerHandle> {
      const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveDelayMs })
      server.on('connection', (socket) => {
        if (socket.remoteAddress === undefined) {
          // The client left between the kernel's accept and ours.
          socket.destroy()
          return
        }
        onStream(new SocketStream(socket))
      })
      await listenOnAny(server, address, options.backlog)
      const bound = server.address()
      if (bound === null || typeof bound === 'string') throw new Error('a listening TCP server has no address')
      // Accepting can fail for a moment (EMFILE); the server object stays usable and the kernel keeps the backlog.
      server.on('error', () => undefined)
      return {
        address: { host: withoutMappedPrefix(bound.address), port: bound.port },
        close: () => new Promise((resolve) => server.close(() => resolve())),
      }
    },
  }
}

/**
 * In Java 0.0.0.0 means every address of both families, and a zoo.cfg is written with that in mind. Node takes it
 * for IPv4 alone, so we bind `::`, and fall back where the system has no IPv6.
 */
async function listenOnAny(server: Server, address: Address, backlog: number): Promise<void> {
  if (address.host !== '0.0.0.0') return listenOn(server, address.host, address.port, backlog)
  try {
    await listenOn(server, '::', address.port, backlog)
  } catch (error) {
    const code = codeOfError(error)
    if (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL' && code !== 'EINVAL') throw error
    await listenOn(server, '0.0.0.0', address.port, backlog)
  }
}

function listenOn(server: Server, host: string, port: number, backlog: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => {
      server.removeListener('listening', onListening)
      reject(error)
    }
    const onListening = (): void => {
      server.removeListener('error', onError)
      resolve()
    }
    server.once('error', onError)
    server.once('listening', onListening)
    server.listen({ host, port, ...(backlog >= 0 ? { backlog } : {}) })
  })
}

export function nodeDialer(): Dialer {
  return {
    dial(address, timeoutMs, done): () => void {
      const socket = createConnection({
        host: address.host,
        port: address.port,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: keepAliveDelayMs,
      })
      let settled = false
      const fail = (error: Error): void => {
        if (settled) return
        settled = true
        clearTimeout(timer)
        socket.destroy()
        done({ ok: false, error })
      }
      const timer = setTimeout(() => fail(timeoutError(address, timeoutMs)), timeoutMs)
      socket.on('error', fail)
      socket.once('connect', () => {
        if (settled) return
        settled = true
        clearTimeout(timer)
        socket.removeListener('error', fail)
        done({ ok: true, stream: new SocketStream(socket) })
      })
      return () => {
        if (settled) return
        settled = true
        clearTimeout(timer)
        socket.destroy()
      }
    },
  }
}

function timeoutError(address: Address, timeoutMs: number): Error {
  const error = new Error(`no connection to ${address.host}:${address.port} within ${timeoutMs} ms`)
  return Object.assign(error, { code: 'ETIMEDOUT' })
}

function codeOfError(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null
}

function withoutMappedPrefix(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address
}

/** One socket. It exists to guard an invariant: `onClose` is called once, and nothing after it. */
class SocketStream implements ByteStream {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localPort: number
  readonly #socket: Socket
  #handlers: StreamHandlers | null = null
  #error: Error | null = null

  constructor(socket: Socket) {
    this.#socket = socket
    this.remoteAddress = withoutMappedPrefix(socket.remoteAddress ?? '')
    this.remotePort = socket.remotePort ?? 0
    this.localPort = socket.localPort ?? 0
    socket.on('error', (error) => {
      this.#error = error
    })
  }

  handle(handlers: StreamHandlers): void {
    this.#handlers = handlers
    const socket = this.#socket
    socket.on('data', (bytes: Uint8Array) => {
      // destroy() inside onData must silence what the same read still holds.
      if (socket.destroyed) return
      // Not the Buffer itself: its slice() shares memory where that of a Uint8Array copies, and
      // whoever keeps a piece relies on the copy.
      this.#handlers?.onData(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length))
    })
    socket.on('drain', () => {
      if (!socket.destroyed) this.#handlers?.onDrain()
    })
    // With allowHalfOpen off, the other side's FIN makes Node finish our output and close.
    socket.on('close', () => {
      const last = this.#handlers
      this.#handlers = null
      last?.onClose(this.#error)
    })
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.#socket
    if (socket.destroyed || socket.writableEnded) return true
    return socket.write(bytes)
  }

  queuedBytes(): number {
    return this.#socket.writableLength
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
