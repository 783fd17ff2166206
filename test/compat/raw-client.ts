/**
 * A client that sends bare frames, for checks that no stock client allows: exact bytes, wrong passwords, unknown operations.
 * It shares no code with the server under test, so that a mistake in shared code cannot hide.
 * Replies are matched by order. A server that answers out of order fails the checks of xids.
 */
import { connect as connectSocket, type Socket } from 'node:net'

export const opcodes = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getACL: 6,
  setACL: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  reconfig: 16,
  checkWatches: 17,
  removeWatches: 18,
  createContainer: 19,
  deleteContainer: 20,
  createTTL: 21,
  multiRead: 22,
  auth: 100,
  setWatches: 101,
  sasl: 102,
  getEphemerals: 103,
  getAllChildrenNumber: 104,
  setWatches2: 105,
  addWatch: 106,
  whoAmI: 107,
  createSession: -10,
  closeSession: -11,
} as const

export interface ConnectOptions {
  readonly port: number
  readonly timeoutMs?: number
  readonly sessionId?: bigint
  readonly password?: Buffer
  readonly lastZxidSeen?: bigint
  readonly sendReadOnlyByte?: boolean
}

export interface RawReply {
  readonly xid: number
  readonly zxid: bigint
  readonly err: number
  readonly body: Reader
}

export interface RawEvent {
  readonly type: number
  readonly state: number
  readonly path: string
  readonly zxid: bigint
  readonly repliesBefore: number // how many replies had arrived before this event
}

export interface RawSession {
  readonly connectFrameBytes: number
  readonly negotiatedTimeoutMs: number
  readonly sessionId: bigint
  readonly password: Buffer
  readonly events: readonly RawEvent[]
  readonly closed: Promise<void>
  readonly replyCount: () => number
  request(xid: number, opcode: number, body?: Buffer): Promise<RawReply>
  drop(): void
}

/** Rejects if the server closes the connection before it answers the connect request. */
export async function connectRaw(options: ConnectOptions): Promise<RawSession> {
  const socket = connectSocket({ host: '127.0.0.1', port: options.port, noDelay: true })
  const frames = collectFrames(socket)
  const password = options.password ?? Buffer.alloc(16)
  const hello = new Writer()
    .int(0)
    .long(options.lastZxidSeen ?? 0n)
    .int(options.timeoutMs ?? 10_000)
    .long(options.sessionId ?? 0n)
    .buffer(password)
  if (options.sendReadOnlyByte !== false) hello.bool(false)
  const first = frames.next()
  socket.write(hello.frame())
  const frame = await first
  const reader = new Reader(frame)
  reader.int()
  const negotiatedTimeoutMs = reader.int()
  return session(socket, frames, {
    connectFrameBytes: frame.length,
    negotiatedTimeoutMs,
    sessionId: reader.long(),
    password: reader.buffer() ?? Buffer.alloc(0),
  })
}

function session(
  socket: Socket,
  frames: Frames,
  head: Pick<RawSession, 'connectFrameBytes' | 'negotiatedTimeoutMs' | 'sessionId' | 'password'>,
): RawSession {
  const events: RawEvent[] = []
  let replyCount = 0
  const waiting: { resolve(reply: RawReply): void; reject(error: Error): void }[] = []
  frames.forEach(
    (frame) => {
      const body = new Reader(frame)
      const reply: RawReply = { xid: body.int(), zxid: body.long(), err: body.int(), body }
      if (reply.xid === -1) {
        events.push({
          type: body.int(),
          state: body.int(),
          path: body.ustring() ?? '',
          zxid: reply.zxid,
          repliesBefore: replyCount,
        })
        return
      }
      replyCount += 1
      waiting.shift()?.resolve(reply)
    },
    () => {
      for (const each of waiting.splice(0)) each.reject(new Error('connection closed'))
    },
  )
  return {
    ...head,
    events,
    closed: frames.closed,
    replyCount: () => replyCount,
    request(xid, opcode, body = Buffer.alloc(0)) {
      const answered = new Promise<RawReply>((resolve, reject) => {
        if (socket.destroyed) reject(new Error('connection closed'))
        else waiting.push({ resolve, reject })
      })
      if (!socket.destroyed) socket.write(new Writer().int(xid).int(opcode).raw(body).frame())
      return answered
    },
    drop: () => void socket.destroy(),
  }
}

interface Frames {
  readonly closed: Promise<void>
  next(): Promise<Buffer>
  forEach(onFrame: (frame: Buffer) => void, onClose: () => void): void
}

function collectFrames(socket: Socket): Frames {
  let pending = Buffer.alloc(0)
  const queue: Buffer[] = []
  let onFrame: ((frame: Buffer) => void) | undefined
  let onClose: (() => void) | undefined
  let isClosed = false
  const drain = (): void => {
    while (onFrame !== undefined && queue.length > 0) onFrame(queue.shift()!)
  }
  socket.on('data', (chunk) => {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= 4 && pending.length >= 4 + pending.readInt32BE(0)) {
      const end = 4 + pending.readInt32BE(0)
      queue.push(pending.subarray(4, end))
      pending = pending.subarray(end)
    }
    drain()
  })
  socket.on('error', () => socket.destroy())
  const closed = new Promise<void>((resolve) =>
    socket.on('close', () => {
      isClosed = true
      onClose?.()
      resolve()
    }),
  )
  return {
    closed,
    next: () =>
      new Promise((resolve, reject) => {
        onFrame = (frame) => {
          onFrame = undefined
          resolve(frame)
        }
        onClose = () => reject(new Error('connection closed before the connect response'))
        drain()
      }),
    forEach(frameHandler, closeHandler) {
      onFrame = frameHandler
      onClose = closeHandler
      drain()
      if (isClosed) closeHandler()
    },
  }
}

export class Writer {
  readonly #parts: Buffer[] = []

  int(value: number): this {
    const part = Buffer.alloc(4)
    part.writeInt32BE(value)
    return this.raw(part)
  }

  long(value: bigint): this {
    const part = Buffer.alloc(8)
    part.writeBigInt64BE(BigInt.asIntN(64, value))
    return this.raw(part)
  }

  bool(value: boolean): this {
    return this.raw(Buffer.from([value ? 1 : 0]))
  }

  buffer(value: Buffer | null): this {
    return value === null ? this.int(-1) : this.int(value.length).raw(value)
  }

  ustring(value: string): this {
    return this.buffer(Buffer.from(value, 'utf8'))
  }

  ustrings(values: readonly string[]): this {
    this.int(values.length)
    for (const value of values) this.ustring(value)
    return this
  }

  raw(bytes: Buffer): this {
    this.#parts.push(bytes)
    return this
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts)
  }

  frame(): Buffer {
    const body = this.bytes()
    return new Writer().int(body.length).raw(body).bytes()
  }
}

export class Reader {
  readonly #bytes: Buffer
  #offset = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset
  }

  int(): number {
    this.#offset += 4
    return this.#bytes.readInt32BE(this.#offset - 4)
  }

  long(): bigint {
    this.#offset += 8
    return this.#bytes.readBigInt64BE(this.#offset - 8)
  }

  bool(): boolean {
    this.#offset += 1
    return this.#bytes[this.#offset - 1] !== 0
  }

  buffer(): Buffer | null {
    const length = this.int()
    if (length < 0) return null
    this.#offset += length
    return this.#bytes.subarray(this.#offset - length, this.#offset)
  }

  ustring(): string | null {
    return this.buffer()?.toString('utf8') ?? null
  }

  ustrings(): string[] {
    return Array.from({ length: this.int() }, () => this.ustring() ?? '')
  }
}

export interface Stat {
  readonly czxid: bigint
  readonly mzxid: bigint
  readonly ctimeMs: bigint
  readonly mtimeMs: bigint
  readonly version: number
  readonly cversion: number
  readonly aversion: number
  readonly ephemeralOwner: bigint
  readonly dataLength: number
  readonly numChildren: number
  readonly pzxid: bigint
}

export function readStat(from: Reader): Stat {
  return {
    czxid: from.long(),
    mzxid: from.long(),
    ctimeMs: from.long(),
    mtimeMs: from.long(),
    version: from.int(),
    cversion: from.int(),
    aversion: from.int(),
    ephemeralOwner: from.long(),
    dataLength: from.int(),
    numChildren: from.int(),
    pzxid: from.long(),
  }
}

/** Bodies of requests, in the order of their fields on the wire. */
export const bodies = {
  create: (path: string, data: Buffer | null, flags: number): Buffer =>
    new Writer().ustring(path).buffer(data).raw(openAcl()).int(flags).bytes(),
  path: (path: string): Buffer => new Writer().ustring(path).bytes(),
  pathAndWatch: (path: string, watch: boolean): Buffer => new Writer().ustring(path).bool(watch).bytes(),
  pathAndVersion: (path: string, version: number): Buffer => new Writer().ustring(path).int(version).bytes(),
  setData: (path: string, data: Buffer | null, version: number): Buffer =>
    new Writer().ustring(path).buffer(data).int(version).bytes(),
  auth: (scheme: string, credentials: string): Buffer =>
    new Writer().int(0).ustring(scheme).ustring(credentials).bytes(),
}

export function openAcl(): Buffer {
  return new Writer().int(1).int(31).ustring('world').ustring('anyone').bytes()
}
