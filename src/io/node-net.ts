/**
 * The stream ports over TCP: `nodeListener` accepts, `nodeDialer` connects, both pass a `ByteStream` to a callback.
 * Owns: the sockets. Assumes: the callback that gets a stream sets its handlers before it returns.
 * A socket error always becomes `onClose(error)`. Once a stream exists, nothing here throws at the caller.
 */
import { writeSync } from 'node:fs'
import { createConnection, createServer, type OnReadOpts, type Server, Socket } from 'node:net'
import type { Address, ByteStream, Dialer, Listener, ListenerHandle, StreamHandlers } from '../ports/stream.ts'

/** After this idle time the kernel probes a connection, and so finds one whose other end vanished without a FIN. */
const keepAliveDelayMs = 30_000

export interface NodeListenerOptions {
  /** Connections that the kernel queues until they are accepted. -1, the default, = the system's own limit. */
  readonly backlog?: number
  /** True: accepted sockets are used through documented fields of Node only (see `acceptedStream`). */
  readonly plainSockets?: boolean
}

export function nodeListener({ backlog = -1, plainSockets = false }: NodeListenerOptions = {}): Listener {
  return {
    async listen(address: Address, onStream: (stream: ByteStream) => void): Promise<ListenerHandle> {
      const server = createServer({
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: keepAliveDelayMs,
        pauseOnConnect: true, // `acceptedStream` chooses the read buffer first
      })
      server.on('connection', (socket) => {
        if (socket.remoteAddress === undefined) {
          // The client disconnected before Node accepted the connection.
          socket.destroy()
          return
        }
        onStream(plainSockets ? new SocketStream(socket, true) : acceptedStream(socket))
      })
      await listenOnAny(server, address, backlog)
      const bound = server.address()
      if (bound === null || typeof bound === 'string') throw new Error('a listening TCP server has no address')
      // Accepting can fail for a while (EMFILE). The server object stays usable and the kernel keeps the backlog.
      server.on('error', () => undefined)
      return {
        address: { host: withoutMappedPrefix(bound.address), port: bound.port },
        close: () => new Promise((resolve) => server.close(() => resolve())),
      }
    },
  }
}

/**
 * In Java 0.0.0.0 means every address of both families, and a zoo.cfg relies on that. In Node it means IPv4 only, so we
 * bind `::`, and fall back to 0.0.0.0 on a system without IPv6.
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

/** The undocumented fields of an accepted socket that we use. */
interface AcceptedSocket {
  _handle: object | null
  _server: object | null
}

/**
 * An accepted socket that reads into the shared buffer, as dialled sockets do by the option `onread`. Node has no such
 * option for accepted sockets: it allocates 64 KiB for every read and frees most of it, which costs 13 % of the
 * throughput of writes in an ensemble. So the handle moves from the socket that Node made to one made with `onread`,
 * and the field `_server` with it, since the server counts its connections until they close. If the fields do not have
 * the expected types, the socket is used unchanged. `plainSockets` turns the move off, in case a version of Node
 * changes their meaning.
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

/** Shared by all sockets: a read is handled before the next one begins, and handlers keep no reference to it. */
const readBuffer = new Uint8Array(64 * 1024)

/** One socket. Invariant: `onClose` is called once, and no handler after it. */
class SocketStream implements ByteStream {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localPort: number
  readonly #socket: Socket
  /** Only documented fields of the socket are used: it emits `data`, and its own queue gets all that is written. */
  readonly #isPlain: boolean
  #handlers: StreamHandlers | null = null
  #error: Error | null = null

  constructor(socket: Socket, isPlain: boolean) {
    this.#socket = socket
    this.#isPlain = isPlain
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
    if (this.#isPlain) socket.on('data', (bytes: Uint8Array) => this.received(bytes, bytes.length))
    socket.on('drain', () => {
      if (!socket.destroyed) this.#handlers?.onDrain()
    })
    // Since allowHalfOpen is off, Node finishes our output and closes when the other side sends a FIN.
    socket.on('close', () => {
      const last = this.#handlers
      this.#handlers = null
      last?.onClose(this.#error)
    })
    socket.resume()
  }

  /** The first `sizeBytes` of `bytes` arrived. */
  received(bytes: Uint8Array, sizeBytes: number): void {
    // After destroy() inside onData, the rest of the same read must not reach the handler.
    if (this.#socket.destroyed) return
    // Not the Buffer itself: its slice() shares memory, while that of a Uint8Array copies, and handlers that keep a
    // slice rely on the copy.
    this.#handlers?.onData(new Uint8Array(bytes.buffer, bytes.byteOffset, sizeBytes))
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.#socket
    if (socket.destroyed || socket.writableEnded) return true
    const rest = socket.writableLength === 0 && !this.#isPlain ? this.#writeNow(bytes) : bytes
    return rest === null || socket.write(rest)
  }

  /**
   * Hands `bytes` to the kernel without the queue of the socket, which costs 2.5 µs for each write: most writes fit the buffer
   * of the kernel. Returns what it did not take; null: nothing. It never waits, since sockets do not block; after an error
   * the socket's own write reports it. For plain TCP only: a socket that encrypts must see every byte.
   */
  #writeNow(bytes: Uint8Array): Uint8Array | null {
    const { _handle: handle } = this.#socket as unknown as { readonly _handle: { readonly fd?: unknown } | null }
    const fd = handle?.fd
    if (typeof fd !== 'number' || fd < 0 || this.#socket.connecting) return bytes
    try {
      const sizeBytes = writeSync(fd, bytes)
      return sizeBytes === bytes.length ? null : bytes.subarray(sizeBytes)
    } catch {
      return bytes
    }
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
