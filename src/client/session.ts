/**
 * One session over many connections: dialling, the handshake, pings, reconnects, and the match of replies to requests.
 * It handles frames and headers; client.ts encodes and decodes bodies.
 * Owns: the order of requests. Replies arrive in the order of requests. A reply out of order proves that client and
 * server disagree about the stream; then the connection is dropped.
 * Assumes: time, randomness and network come only from `ports`, so that the same code runs in the simulator.
 */
import { type ErrorName, errorNameOf } from '../base/errors.ts'
import type { SessionId, Zxid } from '../base/ids.ts'
import { JuteReader } from '../jute/jute-reader.ts'
import { JuteWriter } from '../jute/jute-writer.ts'
import { decode, encode } from '../jute/record.ts'
import type { Address, ByteStream } from '../ports/stream.ts'
import type { CancelTimer } from '../ports/timers.ts'
import { ConnectRequest, ConnectResponse } from '../protocol/client/connect.ts'
import { authXid, notificationXid, pingXid, replyHeaderSizeBytes, setWatchesXid } from '../protocol/client/headers.ts'
import { type OpName, ops } from '../protocol/client/operations.ts'
import { WatcherEvent, watchEventTypeOf } from '../protocol/client/watch-event.ts'
import { toClientPath } from './chroot.ts'
import { describeAddress } from './connect-string.ts'
import { Credentials } from './credentials.ts'
import { explainDialFailure, noSession } from './dial-failure.ts'
import { FrameSplitter } from './frame-splitter.ts'
import { failed, type Outcome } from './outcome.ts'
import { ReadWriteSeeker } from './read-write-seeker.ts'
import { RequestOutput } from './request-output.ts'
import { ServerRotation } from './server-rotation.ts'
import { setWatchesRequest } from './set-watches.ts'
import type { ClientPorts, ClientState } from './types.ts'
import { WatchRegistry } from './watch-registry.ts'

export interface SessionOptions {
  readonly addresses: readonly Address[]
  readonly chroot: string
  readonly timeoutMs: number
  readonly dialTimeoutMs: number
  readonly retryDelayMs: number
  readonly canBeReadOnly: boolean
  readonly session: { readonly id: SessionId; readonly password: Uint8Array } | null
}

interface Pending {
  readonly op: OpName
  readonly body: Uint8Array
  readonly done: (outcome: Outcome) => void
}

type Link =
  | { readonly kind: 'none' }
  | { readonly kind: 'waiting'; readonly cancel: CancelTimer }
  | { readonly kind: 'dialling'; readonly cancel: () => void }
  | { readonly kind: 'handshake'; readonly stream: ByteStream; readonly cancel: CancelTimer }
  | { readonly kind: 'attached'; readonly stream: ByteStream }

const noPassword = new Uint8Array(16)

export class Session {
  readonly watches = new WatchRegistry()
  readonly #options: SessionOptions
  readonly #ports: ClientPorts
  readonly #rotation: ServerRotation
  readonly #listeners = new Set<(state: ClientState) => void>()
  #state: ClientState = { kind: 'connecting' }
  #link: Link = { kind: 'none' }
  #identity: { readonly id: SessionId; readonly password: Uint8Array } | null
  #timeoutMs: number
  #lastZxidSeen = 0 as Zxid
  #nextXid = 1
  #unsent: Pending[] = []
  #sent: { readonly xid: number; readonly pending: Pending; readonly atMs: number }[] = []
  readonly #output: RequestOutput
  readonly #credentials: Credentials
  #lastReceivedMs = 0
  #cancelTick: CancelTimer | null = null
  #cancelPatience: CancelTimer | null = null
  readonly #seeker: ReadWriteSeeker
  /** How the last connection with a session ended; null: there was none. */
  #lastLoss: string | null = null
  /** By address: why the last attempt to use this server failed. */
  readonly #failures = new Map<string, string>()
  /** A server with a leader, found while the client uses one without; else null. */
  #betterServer: Address | null = null
  /** A server without a leader made the session, so no other server knows it (ZK: ClientCnxn.seenRwServerBefore). */
  #isIdentityReadOnly = false

  constructor(options: SessionOptions, ports: ClientPorts) {
    this.#options = options
    this.#ports = ports
    this.#identity = options.session
    this.#timeoutMs = options.timeoutMs
    this.#output = new RequestOutput(ports, (bytes) => {
      if (this.#link.kind === 'attached') this.#link.stream.write(bytes)
    })
    this.#credentials = new Credentials((body) => this.#output.write(authXid, 'auth', body))
    this.#rotation = new ServerRotation(options.addresses, options.retryDelayMs, ports.random)
    this.#seeker = new ReadWriteSeeker(options.addresses, options.dialTimeoutMs, ports, (address) => {
      this.#betterServer = address
      if (this.#link.kind === 'attached') this.#drop(this.#link.stream, 'another server has a leader')
    })
  }

  get state(): ClientState {
    return this.#state
  }

  get identity(): { readonly id: SessionId; readonly password: Uint8Array } | null {
    return this.#identity
  }

  get lastZxidSeen(): Zxid {
    return this.#lastZxidSeen
  }

  get isOver(): boolean {
    return this.#state.kind !== 'connecting' && this.#state.kind !== 'connected'
  }

  /** `host:port: why` for each server that failed since the last session began, in the order of the options. */
  get failures(): readonly string[] {
    const servers = new Set(this.#options.addresses.map(describeAddress))
    return [...servers].flatMap((server) => {
      const why = this.#failures.get(server)
      return why === undefined ? [] : [`${server}: ${why}`]
    })
  }

  onStateChange(callback: (state: ClientState) => void): () => void {
    this.#listeners.add(callback)
    return () => this.#listeners.delete(callback)
  }

  start(): void {
    this.#startPatience()
    this.#dialNext()
  }

  /** Sends the request now, or once connected. `done` is called once, in the turn in which the reply arrives. */
  submit(op: OpName, body: Uint8Array, done: (outcome: Outcome) => void): void {
    if (this.isOver) {
      done(failed(this.#errorWhenOver()))
      return
    }
    this.#unsent.push({ op, body, done })
    this.#sendUnsent()
  }

  /** Sends the credentials now, or once connected, and again on each later connection. */
  submitAuth(body: Uint8Array, done: (outcome: Outcome) => void): void {
    if (this.isOver) {
      done(failed(this.#errorWhenOver()))
      return
    }
    this.#credentials.add(body, done)
    if (this.#link.kind === 'attached') this.#credentials.sendLast()
  }

  /** Closes the connection without ending the session on the servers. */
  abandon(): void {
    this.#finish({ kind: 'closed' })
  }

  #dialNext(): void {
    const better = this.#betterServer
    this.#betterServer = null
    if (better !== null) return this.#dial(better)
    const { address, delayMs } = this.#rotation.next()
    if (delayMs === 0) this.#dial(address)
    else this.#link = { kind: 'waiting', cancel: this.#ports.timers.after(delayMs, () => this.#dial(address)) }
  }

  #dial(address: Address): void {
    const cancel = this.#ports.dialer.dial(address, this.#options.dialTimeoutMs, (outcome) => {
      if (outcome.ok) {
        this.#shakeHands(outcome.stream, address)
        return
      }
      this.#failures.set(describeAddress(address), explainDialFailure(outcome.error))
      this.#ports.log?.info('client-dial-failed', { server: describeAddress(address), err: outcome.error })
      this.#dialNext()
    })
    this.#link = { kind: 'dialling', cancel }
  }

  #shakeHands(stream: ByteStream, address: Address): void {
    // Removed when the server answers.
    this.#failures.set(describeAddress(address), noSession)
    const patienceMs = Math.ceil((this.#timeoutMs * 2) / 3)
    const cancel = this.#ports.timers.after(patienceMs, () => this.#drop(stream, 'no answer to the connect request'))
    this.#link = { kind: 'handshake', stream, cancel }
    const splitter = new FrameSplitter()
    stream.handle({
      onData: (bytes) => {
        this.#lastReceivedMs = this.#ports.clock.monotonicMs()
        const isWhole = splitter.split(bytes, (payload) => {
          if (this.#link.kind === 'handshake' && this.#link.stream === stream)
            this.#onConnectResponse(stream, address, payload)
          else if (this.#link.kind === 'attached' && this.#link.stream === stream) this.#onFrame(stream, payload)
        })
        if (!isWhole) this.#drop(stream, 'a frame has an impossible length')
      },
      onDrain: () => undefined,
      onClose: (error) => this.#onClosed(stream, error),
    })
    const identity = this.#isIdentityReadOnly ? null : this.#identity
    const request = encode(ConnectRequest, {
      protocolVersion: 0,
      lastZxidSeen: BigInt(this.#lastZxidSeen),
      timeoutMs: this.#options.timeoutMs,
      sessionId: identity?.id ?? (0n as SessionId),
      password: identity?.password ?? noPassword,
      readOnly: this.#options.canBeReadOnly,
    })
    const frame = new JuteWriter()
    frame.writeBuffer(request)
    stream.write(frame.take())
  }

  #onConnectResponse(stream: ByteStream, address: Address, payload: Uint8Array): void {
    if (this.#link.kind === 'handshake') this.#link.cancel()
    const response = decode(ConnectResponse, payload)
    if (!response.ok || response.value.password === null) {
      this.#drop(stream, 'the connect response cannot be decoded')
      return
    }
    const { timeoutMs, sessionId, password } = response.value
    if (timeoutMs <= 0) {
      this.#finish({ kind: 'expired' })
      return
    }
    const readOnly = response.value.readOnly === true
    this.#isIdentityReadOnly = readOnly && (this.#isIdentityReadOnly || sessionId !== this.#identity?.id)
    this.#identity = { id: sessionId, password: password.slice() }
    this.#timeoutMs = timeoutMs
    this.#link = { kind: 'attached', stream }
    this.#failures.clear()
    this.#cancelPatience?.()
    this.#cancelPatience = null
    this.#credentials.sendAll()
    this.#writeSetWatches()
    this.#startTicking(stream)
    if (readOnly) this.#seeker.start(address)
    this.#become({ kind: 'connected', server: describeAddress(address), sessionId, timeoutMs, readOnly })
    this.#sendUnsent()
  }

  #onFrame(stream: ByteStream, payload: Uint8Array): void {
    if (payload.length < replyHeaderSizeBytes) {
      this.#drop(stream, 'a frame is shorter than its header')
      return
    }
    const header = new JuteReader(payload)
    const xid = header.readInt()
    const zxid = header.readZxid()
    const code = header.readInt()
    const body = payload.slice(replyHeaderSizeBytes)
    if (zxid > this.#lastZxidSeen) this.#lastZxidSeen = zxid
    const outcome: Outcome = code === 0 ? { ok: true, body } : failed(errorNameOf(code) ?? 'system-error')
    if (xid === notificationXid) this.#onWatchEvent(zxid, body)
    else if (xid === authXid) this.#onAuthReply(outcome)
    else if (xid !== pingXid && xid !== setWatchesXid) this.#onReply(stream, xid, outcome)
  }

  #onReply(stream: ByteStream, xid: number, outcome: Outcome): void {
    const first = this.#sent[0]
    if (first === undefined || first.xid !== xid) {
      this.#drop(stream, `reply ${xid} arrived, expected: ${first?.xid ?? 'none'}`)
      return
    }
    this.#sent.shift()
    first.pending.done(outcome)
    if (first.pending.op === 'closeSession') this.#finish({ kind: 'closed' })
  }

  #onWatchEvent(zxid: Zxid, body: Uint8Array): void {
    const event = decode(WatcherEvent, body)
    const kind = event.ok ? watchEventTypeOf(event.value.type) : null
    if (!event.ok || kind === null) return // an event of a later protocol, which this client cannot ask for
    const path = toClientPath(this.#options.chroot, event.value.path)
    this.watches.deliver(event.value.path, { kind, path, zxid: zxid < 0 ? null : zxid })
  }

  #onAuthReply(outcome: Outcome): void {
    this.#credentials.replied(outcome)
    // After a refusal the server closes the connection. It would refuse again after each reconnect.
    if (!outcome.ok) this.#finish({ kind: 'auth-failed' })
  }

  #onClosed(stream: ByteStream, error: Error | null): void {
    if ((this.#link.kind !== 'handshake' && this.#link.kind !== 'attached') || this.#link.stream !== stream) return
    this.#loseLink(error === null ? 'closed by the server' : error.message)
  }

  #drop(stream: ByteStream, reason: string): void {
    if ((this.#link.kind !== 'handshake' && this.#link.kind !== 'attached') || this.#link.stream !== stream) return
    this.#loseLink(reason)
    stream.destroy()
  }

  #loseLink(reason: string): void {
    const server = this.#serverName()
    this.#ports.log?.info('client-connection-lost', { server, reason })
    const wasAttached = this.#link.kind === 'attached'
    this.#clearLink()
    if (wasAttached) {
      this.#lastLoss = `the connection to ${server} ended (${reason})`
      this.#startPatience()
      this.#become({ kind: 'connecting' })
    }
    const lost = this.#sent
    this.#sent = []
    for (const { pending, atMs } of lost) pending.done(failed('connection-loss', this.#describeLoss(pending.op, atMs)))
    // A callback may have closed the session.
    if (!this.isOver) this.#dialNext()
  }

  #describeLoss(op: OpName, sentAtMs: number): string {
    const waitedMs = Math.round(this.#ports.clock.monotonicMs() - sentAtMs)
    const servers = this.#options.addresses.map(describeAddress).join(', ')
    return (
      `${this.#lastLoss} ${waitedMs} ms after the request was sent, and before it was answered. ${mayRepeat(op)} The client ` +
      `connects again, to one of ${servers}.`
    )
  }

  #describeNoServer(): string {
    const since = this.#lastLoss === null ? '' : `, since ${this.#lastLoss}`
    const what = `no server accepted a session within ${this.#timeoutMs} ms${since}. The request was not sent.`
    return [what, ...this.failures].join('\n  ')
  }

  #serverName(): string | null {
    return this.#state.kind === 'connected' ? this.#state.server : null
  }

  #clearLink(): void {
    if (this.#link.kind === 'waiting' || this.#link.kind === 'dialling' || this.#link.kind === 'handshake')
      this.#link.cancel()
    this.#link = { kind: 'none' }
    this.#seeker.stop()
    this.#cancelTick?.()
    this.#cancelTick = null
    this.#output.reset()
    this.#credentials.linkLost()
  }

  /** While disconnected, requests wait for one session timeout. Then they fail; none of them was sent. */
  #startPatience(): void {
    this.#cancelPatience?.()
    this.#cancelPatience = this.#ports.timers.after(this.#timeoutMs, () => {
      const unsent = this.#unsent
      this.#unsent = []
      const explanation = unsent.length === 0 ? null : this.#describeNoServer()
      for (const pending of unsent) pending.done(failed('connection-loss', explanation))
      if (!this.isOver) this.#startPatience()
    })
  }

  #startTicking(stream: ByteStream): void {
    const intervalMs = Math.max(1, Math.floor(this.#timeoutMs / 6))
    this.#cancelTick = this.#ports.timers.after(intervalMs, () => {
      this.#rotation.reset()
      const nowMs = this.#ports.clock.monotonicMs()
      // After two thirds, one third of the timeout remains to find another server (ZK: ClientCnxn.readTimeout).
      if (nowMs - this.#lastReceivedMs >= (this.#timeoutMs * 2) / 3) {
        this.#drop(stream, 'the server has been silent for two thirds of the session timeout')
        return
      }
      if (nowMs - this.#output.lastWrittenMs >= intervalMs) this.#output.write(pingXid, 'ping', null)
      this.#startTicking(stream)
    })
  }

  #sendUnsent(): void {
    if (this.#link.kind !== 'attached') return
    const unsent = this.#unsent
    this.#unsent = []
    const atMs = this.#ports.clock.monotonicMs()
    for (const pending of unsent) {
      const xid = this.#nextXid
      this.#nextXid = xid === 0x7fffffff ? 1 : xid + 1
      this.#sent.push({ xid, pending, atMs })
      this.#output.write(xid, pending.op, pending.body)
    }
  }

  #writeSetWatches(): void {
    for (const batch of this.watches.batches()) {
      const { op, body } = setWatchesRequest(batch, this.#lastZxidSeen)
      this.#output.write(setWatchesXid, op, body)
    }
  }

  #become(state: ClientState): void {
    this.#state = state
    for (const listener of [...this.#listeners]) listener(state)
  }

  #finish(state: ClientState): void {
    if (this.isOver) return
    const link = this.#link
    this.#clearLink()
    this.#cancelPatience?.()
    this.#cancelPatience = null
    if (link.kind === 'handshake' || link.kind === 'attached') link.stream.destroy()
    this.watches.clear()
    const left = [...this.#sent.map(({ pending }) => pending), ...this.#unsent]
    this.#sent = []
    this.#unsent = []
    this.#become(state)
    const error = this.#errorWhenOver()
    for (const pending of left) pending.done(failed(error))
    this.#credentials.forget(error)
    this.#listeners.clear()
  }

  #errorWhenOver(): ErrorName {
    return this.#state.kind === 'auth-failed' ? 'auth-failed' : 'session-expired'
  }
}

function mayRepeat(op: OpName): string {
  if (ops[op].access === 'write') return 'It may have been carried out: look before you repeat it.'
  return 'It changes no znode, so it can be repeated.'
}
