/**
 * One connection of the fuzzer: sends bytes, cuts what comes back into frames, and compares each frame with the requests.
 * While the framing of what it sent is valid, replies must come in the order of requests, each with the xid of its
 * request, a code that servers send, and a body of the right shape. Once it has sent broken framing, only the shape
 * of frames is checked.
 */
import { type ErrorName, errorNameOf } from '../../src/base/errors.ts'
import { JuteReader } from '../../src/jute/jute-reader.ts'
import type { ByteStream } from '../../src/ports/stream.ts'
import { type OpName, opOf, ops } from '../../src/protocol/client/operations.ts'

export interface Observer {
  replied(name: OpName | 'unknown', error: ErrorName | null): void
  violated(text: string): void
}

interface Expected {
  readonly xid: number
  readonly name: OpName | 'unknown'
}

export interface SessionHandle {
  readonly id: bigint
  readonly password: Uint8Array
}

const headerSizeBytes = 16
const notificationXid = -1
const pingXid = -2
const outOfTurn: ReadonlySet<OpName | 'unknown'> = new Set(['auth', 'sasl'])
/** Their reply has no record as body, or one that depends on the request. */
const freeBodies: ReadonlySet<OpName | 'unknown'> = new Set(['multi', 'multiRead'])

export class FuzzConnection {
  session: SessionHandle | null = null
  isClosed = false
  isRefused = false
  readonly #stream: ByteStream
  readonly #observer: Observer
  #expected: Expected[] = []
  #isSound = true
  #mayBeText = false
  #awaitsConnectResponse = true
  #rest = new Uint8Array(0)
  #okCount = 0

  constructor(stream: ByteStream, observer: Observer) {
    this.#stream = stream
    this.#observer = observer
    stream.handle({
      onData: (bytes) => this.#received(bytes),
      onDrain: () => {},
      onClose: () => {
        this.isClosed = true
      },
    })
  }

  get okCount(): number {
    return this.#okCount
  }

  /** Of a connection that has had all its replies. */
  get isIdle(): boolean {
    return this.#expected.length === 0
  }

  /** `bytes` hold whole frames that the server can answer; `expected` says which. */
  send(bytes: Uint8Array, expected: readonly Expected[]): void {
    if (this.#isSound) this.#expected.push(...expected)
    this.#stream.write(bytes)
  }

  /** The answer to broken bytes in place of a handshake may be a text, which has no frames. */
  sendBroken(bytes: Uint8Array): void {
    if (this.#awaitsConnectResponse) this.#mayBeText = true
    this.#isSound = false
    this.#expected = []
    this.#stream.write(bytes)
  }

  /** After enough time, a connection that is still open must have all its replies. */
  checkAnswered(): void {
    if (this.isClosed || !this.#isSound || this.isIdle) return
    this.#violated(`${this.#expected.length} requests without a reply, the first ${this.#expected[0]!.name}`)
  }

  destroy(): void {
    this.#stream.destroy()
  }

  end(): void {
    this.#stream.end()
  }

  #received(bytes: Uint8Array): void {
    if (this.#mayBeText) return
    const all = new Uint8Array(this.#rest.length + bytes.length)
    all.set(this.#rest)
    all.set(bytes, this.#rest.length)
    const view = new DataView(all.buffer)
    let at = 0
    while (all.length - at >= 4) {
      const length = view.getInt32(at)
      if (length < headerSizeBytes || length > 100_000_000) return this.#violated(`a frame of ${length} bytes`)
      if (all.length - at - 4 < length) break
      this.#frame(all.subarray(at + 4, at + 4 + length))
      at += 4 + length
    }
    this.#rest = all.slice(at)
  }

  #frame(frame: Uint8Array): void {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length)
    if (this.#awaitsConnectResponse) {
      this.#awaitsConnectResponse = false
      if (frame.length !== 36 && frame.length !== 37) this.#violated(`a connect response of ${frame.length} bytes`)
      this.isRefused = view.getInt32(4) === 0
      this.session = { id: view.getBigInt64(8), password: frame.slice(20, 36) }
      return
    }
    const xid = view.getInt32(0)
    const code = view.getInt32(12)
    const error = errorNameOf(code)
    if (code !== 0 && error === null) this.#violated(`the code ${code}, which no server sends`)
    if (xid === notificationXid && code === 0 && frame.length > 24) return
    if (this.#isSound) this.#answered(xid, error, frame)
  }

  #answered(xid: number, error: ErrorName | null, frame: Uint8Array): void {
    const at = this.#expected.findIndex(({ name }, index) => index === 0 || outOfTurn.has(name))
    const head = this.#expected[0]
    const isHead = head !== undefined && xid === (head.name === 'ping' ? pingXid : head.xid)
    const index = isHead ? 0 : this.#expected.findIndex((asked) => outOfTurn.has(asked.name) && asked.xid === xid)
    const asked = this.#expected[index]
    if (asked === undefined || at < 0) return this.#violated(`a reply with xid ${xid} where ${head?.xid} was due`)
    this.#expected.splice(index, 1)
    this.#observer.replied(asked.name, error)
    if (error === null) this.#okCount++
    this.#checkBody(asked.name, error, frame.subarray(headerSizeBytes))
  }

  #checkBody(name: OpName | 'unknown', error: ErrorName | null, body: Uint8Array): void {
    if (error !== null) {
      if (body.length > 0 && name !== 'multiRead') this.#violated(`a body after the error ${error} of ${name}`)
      return
    }
    if (name === 'unknown') return this.#violated('an unknown operation succeeded')
    if (freeBodies.has(name)) return
    const codec = ops[name].reply
    const reader = new JuteReader(body)
    codec?.read(reader)
    if (reader.failed || reader.remainingBytes > 0) this.#violated(`the reply to ${name} is not its record`)
  }

  #violated(text: string): void {
    this.#observer.violated(text)
    this.#isSound = false
    this.#rest = new Uint8Array(0)
    this.#mayBeText = true
  }
}

/** The reply that the server must give to a payload. Its header is intact. */
export function expectedOf(payload: Uint8Array): Expected {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length)
  return { xid: view.getInt32(0), name: opOf(view.getInt32(4)) ?? 'unknown' }
}
