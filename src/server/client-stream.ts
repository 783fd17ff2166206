/**
 * One client's socket as the driver sees it: the connection's state machine, the input that had to wait, and the
 * counters for `cons`. Owns: no decisions; client-connections.ts makes them.
 */
import type { ConnectionStatus, LatencyStatus } from '../admin/server-status.ts'
import { type ConnectionId, hexOfSession, type SessionId, type Zxid } from '../base/ids.ts'
import { ClientConnection } from '../connection/client-connection.ts'
import type { ConnectionInput } from '../connection/connection-input.ts'
import type { ByteStream } from '../ports/stream.ts'
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
}

export class ClientStream {
  readonly id: ConnectionId
  readonly stream: ByteStream
  readonly connection: ClientConnection
  readonly openedAtMs: number
  readonly latency = new Latency()
  /** The replica has been told of it, and has not closed it. */
  isKnown = false
  isPaused = false
  isFlushDue = false
  isEnding = false
  session: AttachedSession | null = null
  lastReplyAtMs = 0
  lastHeardAtMs: number
  /** Bytes given to the stream that had not left when we last looked. */
  queuedBytes = 0
  readonly #inputs: ConnectionInput[] = []
  /** When each of them was read. */
  readonly #inputTimesMs: number[] = []
  #inputAt = 0
  #takenInputReadAtMs = 0
  readonly #largeRequests: LargeRequestShare | null
  #requestCount = 0
  #replyCount = 0
  /** When the requests without a reply arrived, and whether they are writes; oldest first. */
  #arrivalsMs: number[] = []
  #areWrites: boolean[] = []
  #arrivalAt = 0

  constructor(id: ConnectionId, stream: ByteStream, openedAtMs: number, limits: StreamLimits) {
    this.id = id
    this.stream = stream
    this.openedAtMs = openedAtMs
    this.lastHeardAtMs = openedAtMs
    this.#largeRequests = limits.largeRequests === null ? null : new LargeRequestShare(limits.largeRequests)
    this.connection = new ClientConnection(limits.frameSizeBytesMax, this.#largeRequests, limits.readsTraceMask)
  }

  get outstandingCount(): number {
    return this.#arrivalsMs.length - this.#arrivalAt
  }

  get hasInput(): boolean {
    return this.#inputAt < this.#inputs.length
  }

  get inputCount(): number {
    return this.#inputs.length - this.#inputAt
  }

  receive(bytes: Uint8Array, nowMs: number): void {
    this.lastHeardAtMs = nowMs
    this.connection.receive(bytes, this.#inputs)
    this.#stampInputs(nowMs)
  }

  established(session: AttachedSession, nowMs: number): void {
    this.session = session
    this.connection.established(this.#inputs)
    this.#stampInputs(nowMs)
  }

  #stampInputs(nowMs: number): void {
    while (this.#inputTimesMs.length < this.#inputs.length) this.#inputTimesMs.push(nowMs)
  }

  /** The next input that was read and not yet looked at. */
  takeInput(): ConnectionInput | null {
    if (this.#inputAt === this.#inputs.length) return null
    this.#takenInputReadAtMs = this.#inputTimesMs[this.#inputAt]!
    const input = this.#inputs[this.#inputAt++]!
    if (this.#inputAt === this.#inputs.length) this.dropInput()
    return input
  }

  /** When the input that was taken last had been read. */
  get takenInputReadAtMs(): number {
    return this.#takenInputReadAtMs
  }

  dropInput(): void {
    this.#inputs.length = 0
    this.#inputTimesMs.length = 0
    this.#inputAt = 0
  }

  /** The input taken last is a request and goes to the replica; `sizeBytes` of its frame, 0 if that was skipped. */
  requestHandedOn(sizeBytes: number, isWrite: boolean): void {
    this.#arrivalsMs.push(this.#takenInputReadAtMs)
    this.#areWrites.push(isWrite)
    if (this.#largeRequests !== null) this.#largeRequests.requestHandedOn(++this.#requestCount, sizeBytes)
  }

  /** Nothing more will be answered. */
  giveBackLargeRequests(): void {
    this.#largeRequests?.giveBackAll()
  }

  /** Whether the request that is answered next is a write. */
  get nextIsWrite(): boolean {
    return this.#areWrites[this.#arrivalAt] ?? false
  }

  /** Replies leave in the order of requests, so the oldest arrival is the one answered; returns its latency. */
  replied(nowMs: number): number {
    if (this.#largeRequests !== null) this.#largeRequests.requestAnswered(++this.#replyCount)
    const arrivedMs = this.#arrivalsMs[this.#arrivalAt] ?? nowMs
    if (this.#arrivalAt < this.#arrivalsMs.length) this.#arrivalAt++
    if (this.#arrivalAt === this.#arrivalsMs.length) {
      this.#arrivalsMs.length = 0
      this.#areWrites.length = 0
      this.#arrivalAt = 0
    } else if (this.#arrivalAt >= 1024) {
      this.#arrivalsMs = this.#arrivalsMs.slice(this.#arrivalAt)
      this.#areWrites = this.#areWrites.slice(this.#arrivalAt)
      this.#arrivalAt = 0
    }
    const latencyMs = nowMs - arrivedMs
    this.latency.note(latencyMs)
    this.lastReplyAtMs = nowMs
    return latencyMs
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
