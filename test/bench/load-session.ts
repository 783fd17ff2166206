/**
 * One ZooKeeper session of the load generator over one socket.
 * Owns: the handshake, the close, and reads into one buffer for the life of the socket.
 * Assumes: the caller of `write` does not change the bytes until their reply has arrived (Node may still refer to
 * them). A socket that closes unexpectedly rejects `lost`, since the figures of a run with a lost connection are
 * invalid.
 */
import { connect, type Socket } from 'node:net'
import { closeSessionFrame, connectFrame, writeFrame } from './frames.ts'
import { ReplyReader } from './reply-reader.ts'

export interface SessionEvents {
  onReply(xid: number, err: number): void
  /** Called after all replies of one chunk, so that the next requests leave in one write. */
  onChunkEnd(): void
}

const receiveBufferSizeBytes = 256 * 1024
const sessionTimeoutMs = 30_000
const handshakeTimeoutMs = 10_000

export class LoadSession {
  readonly #port: number
  readonly #events: SessionEvents
  readonly #reader = new ReplyReader((xid, zxidHigh, err) => this.#onFrame(xid, zxidHigh, err))
  #socket: Socket | undefined
  #phase: 'connecting' | 'open' | 'closing' | 'closed' = 'connecting'
  #opened: () => void = () => {}
  #onLost: (cause: Error) => void = () => {}
  #onClosed: () => void = () => {}

  constructor(port: number, events: SessionEvents) {
    this.#port = port
    this.#events = events
  }

  open(onLost: (cause: Error) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#lose(new Error('no session')), handshakeTimeoutMs)
      this.#onLost = (cause) => {
        clearTimeout(timer)
        reject(cause)
        onLost(cause)
      }
      this.#opened = () => {
        clearTimeout(timer)
        resolve()
      }
      const socket = connect({
        port: this.#port,
        host: '127.0.0.1',
        noDelay: true,
        onread: {
          buffer: Buffer.allocUnsafe(receiveBufferSizeBytes),
          callback: (length, buffer) => this.#onBytes(length, buffer as Buffer),
        },
      })
      this.#socket = socket
      socket.on('connect', () => socket.write(connectFrame(sessionTimeoutMs)))
      socket.on('error', (cause) => this.#lose(cause))
      socket.on('close', () => this.#onSocketClosed())
    })
  }

  write(bytes: Uint8Array): void {
    this.#socket?.write(bytes)
  }

  /** Ends the session on the server too, so that it does not expire during a later measurement. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#phase === 'closed') return resolve()
      this.#phase = 'closing'
      this.#onClosed = resolve
      const template = closeSessionFrame()
      const bytes = Buffer.alloc(template.bytes.length)
      writeFrame(template, 1, 0, bytes, 0)
      this.write(bytes)
    })
  }

  #onBytes(length: number, buffer: Buffer): boolean {
    try {
      this.#reader.read(buffer, length)
      if (this.#phase === 'open') this.#events.onChunkEnd()
    } catch (cause) {
      this.#lose(cause instanceof Error ? cause : new Error(String(cause)))
    }
    return true
  }

  #onFrame(xid: number, zxidHigh: number, err: number): void {
    if (this.#phase === 'open') {
      this.#events.onReply(xid, err)
    } else if (this.#phase === 'connecting') {
      if (zxidHigh <= 0) throw new Error('the server refused the session')
      this.#phase = 'open'
      this.#opened()
    } else {
      this.#socket?.end()
    }
  }

  #onSocketClosed(): void {
    if (this.#phase === 'closing' || this.#phase === 'closed') {
      this.#phase = 'closed'
      this.#onClosed()
    } else {
      this.#lose(new Error(`the server on port ${this.#port} closed the connection`))
    }
  }

  #lose(cause: Error): void {
    this.#phase = 'closed'
    this.#socket?.destroy()
    this.#onLost(cause)
    this.#onClosed()
  }
}
