/**
 * One client connection: dial, connect request, then requests out and frames in, all recorded in the trace. It keeps no
 * session of its own and never reconnects; SimClient does both. A frame that answers no request becomes a reply to
 * request -1, which the checkers refuse.
 */
import { errorNameOf } from '../../src/base/errors.ts'
import type { ServerId, SessionId, Zxid } from '../../src/base/ids.ts'
import { decode } from '../../src/jute/record.ts'
import type { Address, ByteStream, Dialer } from '../../src/ports/stream.ts'
import { ConnectResponse } from '../../src/protocol/client/connect.ts'
import { authXid, notificationXid, ReplyHeader, replyHeaderSizeBytes } from '../../src/protocol/client/headers.ts'
import { type WatchEventType, WatcherEvent, watchEventTypeOf } from '../../src/protocol/client/watch-event.ts'
import {
  decodeReplyBody,
  encodeAuth,
  encodeConnect,
  encodeCredentials,
  encodeRequest,
  fixedXidOf,
} from './client-wire.ts'
import type { ClientEvent, ClientRequest, SimEvent } from './sim-event.ts'

export interface SessionHandle {
  readonly id: SessionId
  readonly password: Uint8Array
  readonly timeoutMs: number
  readonly isReadOnly: boolean // made by a server without a leader; it ends when that server has one
}

export type ReceivedReply = Extract<ClientEvent, { readonly kind: 'reply' }>

export interface LinkContext {
  readonly dialer: Dialer
  nowUs(): number
  record(event: SimEvent): void
  nextRequestId(): number
}

export interface LinkOptions {
  readonly client: number
  readonly connection: number // unique in the run
  readonly serverId: ServerId
  readonly address: Address
  readonly session: SessionHandle | null
  readonly lastZxidSeen: Zxid
  readonly timeoutMs: number
  readonly canBeReadOnly: boolean
  /** Shown to the server after it has accepted the session; null: none is known. */
  readonly localKey?: () => Uint8Array | null
}

export interface LinkHandlers {
  onAttached(session: SessionHandle): void
  onSessionRefused(): void
  onReply(request: ClientRequest, reply: ReceivedReply): void
  onWatchEvent(type: WatchEventType, path: string): void
  onClosed(): void
}

interface Outstanding {
  readonly requestId: number
  readonly xid: number
  readonly request: ClientRequest
}

type LinkState = 'dialling' | 'connecting' | 'attached' | 'closed'

const noSession = 0n as SessionId
const emptyPassword = new Uint8Array(16)

export class ClientLink {
  readonly options: LinkOptions
  state: LinkState = 'dialling'
  lastReceivedUs: number
  lastSentUs: number
  readonly #context: LinkContext
  readonly #handlers: LinkHandlers
  #stream: ByteStream | null = null
  #cancelDial: (() => void) | null = null
  #askedAtUs = 0
  #sessionId: SessionId = noSession
  #nextXid = 1
  #outstanding: Outstanding[] = []
  #received = Buffer.alloc(0)

  constructor(context: LinkContext, options: LinkOptions, handlers: LinkHandlers) {
    this.#context = context
    this.options = options
    this.#handlers = handlers
    this.lastReceivedUs = context.nowUs()
    this.lastSentUs = context.nowUs()
  }

  get outstandingCount(): number {
    return this.#outstanding.length
  }

  describeOutstanding(): string {
    return this.#outstanding.map(({ requestId, request }) => `${requestId} ${request.kind}`).join(', ')
  }

  open(dialTimeoutMs: number): void {
    this.#cancelDial = this.#context.dialer.dial(this.options.address, dialTimeoutMs, (outcome) => {
      this.#cancelDial = null
      if (!outcome.ok) {
        this.#end('server', outcome.error.message)
        return
      }
      this.#sendConnectRequest(outcome.stream)
    })
  }

  send(request: ClientRequest): void {
    if (this.state !== 'attached') return
    const xid = fixedXidOf(request) ?? this.#nextXid++
    const requestId = this.#context.nextRequestId()
    const { connection } = this.options
    this.#outstanding.push({ requestId, xid, request })
    this.lastSentUs = this.#context.nowUs()
    this.#context.record({ kind: 'request', connection, sessionId: this.#sessionId, requestId, xid, request })
    this.#stream?.write(encodeRequest(xid, request))
  }

  close(reason: string): void {
    if (this.state === 'closed') return
    this.#cancelDial?.()
    this.#end('client', reason)
    this.#stream?.destroy()
  }

  #sendConnectRequest(stream: ByteStream): void {
    this.#stream = stream
    this.state = 'connecting'
    stream.handle({
      onData: (bytes) => this.#receive(bytes),
      onDrain: () => {},
      onClose: (error) => this.#end('server', error?.message ?? 'end of stream'),
    })
    this.#askedAtUs = this.#context.nowUs()
    const { session, lastZxidSeen, timeoutMs, canBeReadOnly } = this.options
    const sessionId = session?.id ?? noSession
    const password = session?.password ?? emptyPassword
    stream.write(encodeConnect({ lastZxidSeen, timeoutMs, sessionId, password, canBeReadOnly }))
  }

  #end(by: 'client' | 'server', reason: string): void {
    if (this.state === 'closed') return
    this.state = 'closed'
    this.#outstanding = []
    this.#context.record({ kind: 'closed', connection: this.options.connection, by, reason })
    this.#handlers.onClosed()
  }

  #receive(bytes: Uint8Array): void {
    this.lastReceivedUs = this.#context.nowUs()
    this.#received = Buffer.concat([this.#received, bytes])
    while (this.state !== 'closed' && this.#received.length >= 4) {
      const sizeBytes = this.#received.readInt32BE(0)
      if (this.#received.length < 4 + sizeBytes) return
      const frame = Uint8Array.from(this.#received.subarray(4, 4 + sizeBytes))
      this.#received = this.#received.subarray(4 + sizeBytes)
      if (this.state === 'connecting') this.#onConnectResponse(frame)
      else this.#onFrame(frame)
    }
  }

  #onConnectResponse(frame: Uint8Array): void {
    const response = decode(ConnectResponse, frame)
    const { client, connection, serverId, session, lastZxidSeen } = this.options
    if (!response.ok || response.value.timeoutMs === 0) {
      this.#context.record({ kind: 'session-refused', client, connection, sessionId: session?.id ?? noSession })
      this.#handlers.onSessionRefused()
      this.close('session refused')
      return
    }
    const { sessionId, timeoutMs, password } = response.value
    const isReadOnly = response.value.readOnly === true
    this.#sessionId = sessionId
    this.state = 'attached'
    this.#stream?.write(encodeAuth(sessionId))
    const key = this.options.localKey?.() ?? null
    if (key !== null) this.#stream?.write(encodeCredentials('local', key))
    this.#context.record({
      kind: 'attached',
      client,
      connection,
      serverId,
      sessionId,
      isNew: session === null,
      readOnly: isReadOnly,
      timeoutMs,
      askedAtUs: this.#askedAtUs,
      lastZxidSeen,
    })
    const secret = Uint8Array.from(password ?? emptyPassword)
    this.#handlers.onAttached({ id: sessionId, timeoutMs, password: secret, isReadOnly })
  }

  #onFrame(frame: Uint8Array): void {
    const header = decode(ReplyHeader, frame)
    if (!header.ok) return this.#onMisfit(0, 0 as Zxid)
    const { xid, zxid, error } = header.value
    const body = frame.subarray(replyHeaderSizeBytes)
    if (xid === notificationXid) return this.#onWatchEvent(zxid, body)
    if (xid === authXid && error === 0 && zxid === 0 && body.length === 0) return
    // The server has started again since the key was read, or could not write it.
    if (xid === authXid && this.options.localKey !== undefined) return this.close('the local key is refused')
    const index = this.#outstanding.findIndex((waiting) => waiting.xid === xid)
    const found = this.#outstanding[index]
    if (found === undefined) return this.#onMisfit(xid, zxid)
    this.#outstanding.splice(index, 1)
    const value = error === 0 ? decodeReplyBody(found.request, body) : ({ kind: 'none' } as const)
    if (value === null || (error !== 0 && (body.length > 0 || errorNameOf(error) === null))) {
      return this.#onMisfit(xid, zxid)
    }
    const reply: ReceivedReply = {
      kind: 'reply',
      connection: this.options.connection,
      requestId: found.requestId,
      xid,
      zxid,
      error: errorNameOf(error),
      body: value,
    }
    this.#context.record(reply)
    this.#handlers.onReply(found.request, reply)
  }

  #onWatchEvent(zxid: Zxid, body: Uint8Array): void {
    const event = decode(WatcherEvent, body)
    const type = event.ok ? watchEventTypeOf(event.value.type) : null
    if (!event.ok || type === null) return this.#onMisfit(notificationXid, zxid)
    const { path } = event.value
    this.#context.record({ kind: 'watch-event', connection: this.options.connection, zxid, type, path })
    this.#handlers.onWatchEvent(type, path)
  }

  #onMisfit(xid: number, zxid: Zxid): void {
    const { connection } = this.options
    this.#context.record({ kind: 'reply', connection, requestId: -1, xid, zxid, error: null, body: { kind: 'none' } })
  }
}
