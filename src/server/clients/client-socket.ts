/**
 * One client's socket as the driver sees it: the connection's state machine, its stage, the input that has to wait, and
 * the counters for `cons`. It decides nothing; client-sockets.ts does.
 */
import type { ConnectionStatus, LatencyStatus } from '../../admin/server-status.ts'
import { type ConnectionId, hexOfSession, type SessionId, type Zxid } from '../../base/ids.ts'
import { ClientConnection } from '../../connection/client-connection.ts'
import type { ConnectionInput } from '../../connection/connection-input.ts'
import type { SkipReason } from '../../connection/skipped-frame.ts'
import type { ByteStream } from '../../ports/stream.ts'
import { type LargeRequestBudget, LargeRequestShare } from './large-request-budget.ts'
import { Latency } from './latency.ts'

export interface AttachedSession {
  readonly sessionId: SessionId
  readonly timeoutMs: number
  readonly establishedAtWallMs: number
}

export interface ClientIdentity {
  readonly connectionId: ConnectionId
  readonly remoteAddress: string
  readonly remotePort: number
  readonly sessionId?: string
}

export interface StreamLimits {
  readonly frameSizeBytesMax: number
  readonly largeRequests: LargeRequestBudget | null
  readonly readsTraceMask: boolean
  /** Above these limits a request ends its connection. */
  readonly closingSkips: ReadonlySet<SkipReason>
}

/**
 * The stages of a client's socket. A socket only moves to a later one and may skip some; only `ClientRoster` moves it.
 * While a socket is connecting or attached, the replica knows its connection.
 */
export type ClientStage =
  | { readonly kind: 'silent' } // no connect request has arrived
  | { readonly kind: 'asking' } // it waits for the answer to a four-letter word
  | { readonly kind: 'connecting' } // its session is being created or looked up
  | { readonly kind: 'attached'; readonly session: AttachedSession }
  | { readonly kind: 'leaving'; readonly cutOffAtMs: number } // input is ignored; written bytes are being sent
  | { readonly kind: 'gone' }

const silent: ClientStage = { kind: 'silent' }

export class ClientSocket {
  readonly id: ConnectionId
  readonly stream: ByteStream
  readonly connection: ClientConnection
  readonly openedAtMs: number
  readonly latency = new Latency()
  readonly largeRequests: LargeRequestShare | null
  stage: ClientStage = silent
  isPaused = false
  isFlushDue = false
  lastReplyAtMs = 0
  lastHeardAtMs: number
  /** Requests that the replica has and has not answered. */
  outstandingCount = 0
  /** Bytes in the stream's queue, as last read from it. */
  queuedBytes = 0
  readonly #inputs: ConnectionInput[] = []
  #inputAt = 0

  constructor(id: ConnectionId, stream: ByteStream, openedAtMs: number, limits: StreamLimits) {
    this.id = id
    this.stream = stream
    this.openedAtMs = openedAtMs
    this.lastHeardAtMs = openedAtMs
    this.largeRequests = limits.largeRequests === null ? null : new LargeRequestShare(limits.largeRequests)
    const { frameSizeBytesMax, readsTraceMask, closingSkips } = limits
    this.connection = new ClientConnection(frameSizeBytesMax, this.largeRequests, readsTraceMask, closingSkips)
  }

  /** Null unless it is attached. */
  get session(): AttachedSession | null {
    return this.stage.kind === 'attached' ? this.stage.session : null
  }

  /** It is leaving or gone: its input is ignored. */
  get isEnding(): boolean {
    return this.stage.kind === 'leaving' || this.stage.kind === 'gone'
  }

  get hasInput(): boolean {
    return this.#inputAt < this.#inputs.length
  }

  get inputCount(): number {
    return this.#inputs.length - this.#inputAt
  }

  receive(bytes: Uint8Array, nowMs: number): void {
    this.lastHeardAtMs = nowMs
    this.connection.receive(bytes, nowMs, this.#inputs)
  }

  /** The session is established: the bytes held for it are parsed now. */
  readHeld(nowMs: number): void {
    this.connection.established(nowMs, this.#inputs)
  }

  /** The next parsed input; null if none waits. */
  takeInput(): ConnectionInput | null {
    if (this.#inputAt === this.#inputs.length) return null
    const input = this.#inputs[this.#inputAt++]!
    if (this.#inputAt === this.#inputs.length) this.dropInput()
    return input
  }

  dropInput(): void {
    this.#inputs.length = 0
    this.#inputAt = 0
  }

  /** For log lines. */
  identity(): ClientIdentity {
    const { remoteAddress, remotePort } = this.stream
    const known = { connectionId: this.id, remoteAddress, remotePort }
    return this.session === null ? known : { ...known, sessionId: hexOfSession(this.session.sessionId) }
  }

  resetStatistics(): void {
    this.connection.resetCounters()
    this.latency.reset()
    this.lastReplyAtMs = 0
  }

  status(): ConnectionStatus {
    const { connection, session, stream } = this
    const reads = this.isPaused || connection.state.kind === 'closing' ? 0 : 1
    return {
      remoteAddress: stream.remoteAddress,
      remotePort: stream.remotePort,
      interestOps: reads + (stream.queuedBytes() > 0 ? 4 : 0),
      outstandingRequests: this.outstandingCount,
      packetsReceived: connection.packetsReceived,
      packetsSent: connection.packetsSent,
      session: session === null ? null : { ...session, ...this.#sessionCounters(this.latency.status()) },
    }
  }

  #sessionCounters(latency: LatencyStatus): {
    readonly lastOp: string
    readonly lastXid: number | null
    readonly lastZxid: Zxid | null
    readonly lastResponseAtMs: number
    readonly lastLatencyMs: number
    readonly latency: LatencyStatus
  } {
    const { lastOp, lastXid, lastZxid } = this.connection
    return {
      lastOp,
      lastXid,
      lastZxid: lastZxid as Zxid | null,
      lastResponseAtMs: this.lastReplyAtMs,
      lastLatencyMs: this.latency.lastMs,
      latency,
    }
  }
}
