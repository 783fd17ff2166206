/**
 * TCP behind the stream ports: `nodeListener` accepts, `nodeDialer` connects, both hand over a `ByteStream`.
 * Owns: the sockets. Assumes: handlers are set before the callback that hands a stream over returns.
 * A socket error always ends in `onClose(error)`; nothing here throws at the caller once a stream exists.
 */
import { createConnection, createServer, type OnReadOpts, type Server, Socket } from 'node:net'
import type { Address, ByteStream, Dialer, Listener, ListenerHandle, StreamHandlers } from '../ports/stream.ts'

/** Idle links whose other end vanished without a word are noticed by the kernel's probes after this. */
const keepAliveDelayMs = 30_000

export interface NodeListenerOptions {
  /** Connections the kernel holds until we accept them; -1, if left out, = the system's default. */
  readonly backlog?: number
  /** True: accepted sockets are used as Node makes them, through documented fields only (see `acceptedStream`). */
  readonly plainSockets?: boolean
}

export function nodeListener({ backlog = -1, plainSockets = false }: NodeListenerOptions = {}): Listener {
  return {
    async listen(address: Address, onStream: (stream: ByteStream) => void): Promise<ListenerHandle> {
      const server = createServer({
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: keepAliveDelayMs,
        pauseOnConnect: true, // nothing may be read before it is decided into which buffer
      })
      server.on('connection', (socket) => {
        if (socket.remoteAddress === undefined) {
          // The client left between the kernel's accept and ours.
          socket.destroy()
          return
        }
        onStream(plainSockets ? new SocketStream(socket, true) : acceptedStream(socket))
      })
      await listenOnAny(server, address, backlog)
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
      let stream: SocketStream | null = null
      const socket = createConnection({
        onread: readingInto(() => stream),
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
        stream = new SocketStream(socket, false)
        done({ ok: true, stream })
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

/** What we use of an accepted socket beside its documented face. */
interface AcceptedSocket {
  _handle: object | null
  _server: object | null
}

/**
 * An accepted socket that reads into the buffer of us all, as `onread` does for sockets we dial. Node has no such
 * option for accepted ones: it allocates 64 KiB for every read and gives most of it back, which costs 13 % of the
 * writes of an ensemble. So the connection is handed from the socket that Node made to one made with `onread`; its
 * server goes along, since it counts its connections until they close. Where these fields are not what we know,
 * the socket is used as it is; `plainSockets` turns the hand-over off, should a version of Node change what they mean.
 */
function acceptedStream(socket: Socket): SocketStream {
  const accepted = socket as unknown as AcceptedSocket
  const { _handle: handle, _server: server } = accepted
  if (typeof handle !== 'object' || handle === null || typeof server !== 'object' || server === null) {
    return new SocketStream(socket, true)
  }
  accepted._handle = null
  accepted._server = null
  let stream: SocketStream | null = null
  const onread = readingInto(() => stream)
  const own = new Socket({ handle, onread } as object)
  ;(own as unknown as AcceptedSocket)._server = server
  stream = new SocketStream(own, false)
  return stream
}

function readingInto(streamOf: () => SocketStream | null): OnReadOpts {
  return {
    buffer: readBuffer,
    callback: (sizeBytes) => {
      streamOf()?.received(readBuffer, sizeBytes)
      return true
    },
  }
}

/** Shared by all: a read is handled before the next one begins, and handlers keep nothing of it. */
const readBuffer = new Uint8Array(64 * 1024)

/** One socket. It exists to guard an invariant: `onClose` is called once, and nothing after it. */
class SocketStream implements ByteStream {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localPort: number
  readonly #socket: Socket
  readonly #emitsData: boolean // otherwise `received` is called
  #handlers: StreamHandlers | null = null
  #error: Error | null = null

  constructor(socket: Socket, emitsData: boolean) {
    this.#socket = socket
    this.#emitsData = emitsData
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
    if (this.#emitsData) socket.on('data', (bytes: Uint8Array) => this.received(bytes, bytes.length))
    socket.on('drain', () => {
      if (!socket.destroyed) this.#handlers?.onDrain()
    })
    // With allowHalfOpen off, the other side's FIN makes Node finish our output and close.
    socket.on('close', () => {
      const last = this.#handlers
      this.#handlers = null
      last?.onClose(this.#error)
    })
    socket.resume()
  }

  /** The first `sizeBytes` of `bytes` arrived. */
  received(bytes: Uint8Array, sizeBytes: number): void {
    // destroy() inside onData must silence what the same read still holds.
    if (this.#socket.destroyed) return
    // Not the Buffer itself: its slice() shares memory where that of a Uint8Array copies, and
    // whoever keeps a piece relies on the copy.
    this.#handlers?.onData(new Uint8Array(bytes.buffer, bytes.byteOffset, sizeBytes))
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
