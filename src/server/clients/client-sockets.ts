/**
 * All client sockets of a server: turns their bytes into replica events, and the replica's effects into bytes.
 * Owns: the limits on connections, when a socket is read and when it is paused (design D11), and that a connection
 * which the replica knows is closed only by the replica, by its client, or for a reason that is logged.
 * Assumes: `flush` and `readOn` are called at each turn's end. If a socket were read while its connection is above a
 * limit, one client could fill the memory of the server.
 */

import type { WordQuestion } from '../../admin/four-letter-words.ts'
import type { ConnectionStatus } from '../../admin/server-status.ts'
import { assertNever } from '../../base/assert.ts'
import type { ConnectionId } from '../../base/ids.ts'
import { clientOutputSizeBytesClose } from '../../base/limits.ts'
import type { Compatibility } from '../../config/compatibility.ts'
import type { Config } from '../../config/config.ts'
import { type CloseReason, closeReasons } from '../../connection/close-reason.ts'
import type { ConnectionInput } from '../../connection/connection-input.ts'
import type { SkipReason } from '../../connection/skipped-frame.ts'
import type { ServerMetrics } from '../../metrics/server-metrics.ts'
import type { Log } from '../../ports/log.ts'
import type { Random } from '../../ports/random.ts'
import type { ByteStream } from '../../ports/stream.ts'
import type { ConnectRequest } from '../../protocol/client/connect.ts'
import type { ReplicaCloseReason, Reply, WatchNotice } from '../../replica/contract.ts'
import type { Turn } from '../turn.ts'
import { ClientAdmission } from './client-admission.ts'
import { ClientRoster } from './client-roster.ts'
import { ClientSocket, type ClientStage, type StreamLimits } from './client-socket.ts'
import { ClientStatistics } from './client-statistics.ts'
import { type DriverCloseReason, driverCloseReasons } from './close-reasons.ts'
import { LargeRequestBudget } from './large-request-budget.ts'
import { RefusalLog, type RefusedClient } from './refusal-log.ts'
import { RequestIntake } from './request-intake.ts'

export interface ClientSocketsOptions {
  readonly config: Config
  readonly log: Log
  readonly metrics: ServerMetrics
  readonly random: Random
  readonly turn: Turn
  /** Calls `reply` once with the text, at once or when the answer is known. */
  readonly answerWord: (question: WordQuestion, reply: (text: string) => void) => void
}

export class ClientSockets {
  readonly #options: ClientSocketsOptions
  readonly #roster = new ClientRoster()
  /** Clients whose input waits because a limit is reached. */
  readonly #waiting = new Set<ClientSocket>()
  readonly #admission: ClientAdmission
  readonly #intake: RequestIntake
  readonly #refusals: RefusalLog
  readonly #streamLimits: StreamLimits
  /** The server closes: what arrives is a sign of life, and is not read. */
  #isClosing = false
  #toFlush: ClientSocket[] = []
  #lastId = 0
  readonly statistics: ClientStatistics

  constructor(options: ClientSocketsOptions) {
    this.#options = options
    const { config, log, metrics, random, turn } = options
    this.statistics = new ClientStatistics(metrics, config.metricsEndpoint !== null)
    const { frameSizeBytesMax, largeRequests } = config.clientLimits
    this.#admission = new ClientAdmission(config, metrics, random)
    this.#refusals = new RefusalLog(log, () => {
      turn.schedule() // its end drops the time read here
      return turn.now().monotonicMs
    })
    this.#intake = new RequestIntake({ config, metrics, refusals: this.#refusals, turn })
    this.#streamLimits = {
      frameSizeBytesMax,
      largeRequests: largeRequests === null ? null : new LargeRequestBudget(largeRequests),
      readsTraceMask: config.fourLetterWords.includes('stmk'),
      closingSkips: closingSkipsOf(config.compatibility),
    }
  }

  accept(stream: ByteStream): void {
    const refusal = this.#admission.refusalOf(stream.remoteAddress, this.#roster.openCount)
    if (refusal !== null) {
      const { remoteAddress, remotePort } = stream
      this.#noteRefusal(refusal, driverCloseReasons[refusal], { remoteAddress, remotePort })
      stream.handle({ onData: ignore, onDrain: ignore, onClose: ignore })
      stream.destroy()
      return
    }
    const { monotonicMs } = this.#options.turn.now()
    const client = new ClientSocket(++this.#lastId as ConnectionId, stream, monotonicMs, this.#streamLimits)
    this.#roster.enter(client)
    this.#admission.entered(stream.remoteAddress)
    stream.handle({
      onData: (bytes) => this.#received(client, bytes),
      onDrain: () => this.#drained(client),
      onClose: (error) => this.#gone(client, error),
    })
    this.#options.turn.schedule() // its end drops the time read above
  }

  // --- effects ---

  reply(reply: Reply): void {
    const client = this.#roster.get(reply.connectionId)
    if (client === undefined) {
      this.#options.metrics.stale_replies.add()
      return
    }
    if (reply.kind === 'reply') this.#answer(client, reply)
    else this.#answerConnect(client, reply)
    this.#flushLater(client)
  }

  #answer(client: ClientSocket, { request, xid, zxid, error, body }: RequestReply): void {
    client.connection.writeReply(xid, zxid, error, body)
    this.#intake.answered(client, request)
    const { monotonicMs } = this.#options.turn.now()
    this.statistics.answered(client, request, monotonicMs, body === null ? 0 : body.length)
    this.#leaveIfAnswered(client)
  }

  #answerConnect(client: ClientSocket, { sessionId, timeoutMs, password, readOnly }: ConnectReply): void {
    client.connection.writeConnectResponse(timeoutMs, sessionId, password, readOnly)
    if (timeoutMs === 0) return // the session is not valid: the replica's next effect closes the connection
    const { monotonicMs, wallMs } = this.#options.turn.now()
    this.#roster.attached(client, { sessionId, timeoutMs, establishedAtWallMs: wallMs })
    client.readHeld(monotonicMs)
    this.#waiting.add(client)
  }

  notify(id: ConnectionId, { zxid, type, path }: WatchNotice): void {
    const client = this.#roster.get(id)
    if (client === undefined) return
    const before = client.connection.outputSizeBytes
    client.connection.writeEvent(zxid, type, path)
    this.statistics.eventWritten(client.connection.outputSizeBytes - before)
    this.#flushLater(client)
  }

  /** The replica has already removed the connection. */
  closeForReplica(id: ConnectionId, reason: ReplicaCloseReason): void {
    const client = this.#roster.get(id)
    if (client === undefined) return
    if (reason === 'not-serving') this.#options.metrics.cnxn_closed_without_zk_server_running.add()
    this.#refusals.clientClosed(reason, client.identity())
    this.#leave(client)
  }

  // --- the turn ---

  readOn(): void {
    if (this.#waiting.size === 0) return
    for (const client of [...this.#waiting]) this.#readInput(client)
  }

  flush(): void {
    const clients = this.#toFlush
    this.#toFlush = []
    for (const client of clients) this.#flushOne(client)
  }

  tick(nowMs: number): void {
    for (const client of this.#roster.silentSince(nowMs - this.#options.config.connectRequestTimeoutMs)) {
      this.#options.metrics.sessionless_connections_expired.add()
      this.#refuse(client, 'no-connect-request', driverCloseReasons['no-connect-request'])
    }
    this.#roster.tick(nowMs)
  }

  /**
   * The server closes and still serves: it reads nothing further, answers the requests that it has read, and ends each connection
   * after its last answer. What a client gets no answer to was not carried out.
   */
  closeInOrder(): void {
    this.#isClosing = true
    for (const client of [...this.#roster.open()]) this.#leaveIfAnswered(client)
  }

  /** The server closes: each client gets the bytes that are already written, then its stream ends. */
  closeAll(): void {
    for (const client of [...this.#roster.open()]) this.#leave(client)
    this.flush()
  }

  destroyAll(): void {
    this.#roster.destroyLeaving()
  }

  /** Clients that are leaving and have not taken all their answers yet, which wait in this process. */
  get unsentCount(): number {
    return this.#roster.unsentCount
  }

  /** Including clients that are leaving. */
  get streamCount(): number {
    return this.#roster.count
  }

  // --- for status ---

  get outstandingCount(): number {
    return this.#intake.outstandingCount
  }

  /** Connections whose input waits because a limit is reached. */
  get waitingCount(): number {
    return this.#waiting.size
  }

  get dropChance(): number {
    return this.#admission.dropChance
  }

  get openCount(): number {
    return this.#roster.openCount
  }

  statuses(): readonly ConnectionStatus[] {
    return [...this.#roster.open()].map((client) => client.status())
  }

  /** Without clients that are leaving. */
  open(): Iterable<ClientSocket> {
    return this.#roster.open()
  }

  /** The totals of the server do not change. */
  resetConnectionStatistics(): void {
    for (const client of this.#roster.open()) {
      this.statistics.keepCountsOf(client)
      client.resetStatistics()
    }
  }

  // --- what arrives ---

  #received(client: ClientSocket, bytes: Uint8Array): void {
    if (client.isEnding) return
    if (this.#isClosing) {
      // A session must not expire because its pings are not read while an answer takes long.
      this.#options.turn.feed({ kind: 'client-heard', connectionId: client.id })
      return
    }
    this.statistics.received(bytes.length)
    client.receive(bytes, this.#options.turn.now().monotonicMs)
    this.#readInput(client)
    this.#options.turn.schedule()
  }

  #drained(client: ClientSocket): void {
    client.queuedBytes = client.stream.queuedBytes()
    if (client.isEnding) return
    this.#readInput(client)
    this.#options.turn.schedule()
  }

  #readInput(client: ClientSocket): void {
    while (client.hasInput && this.#intake.hasRoom(client)) this.#take(client, client.takeInput()!)
    if (client.isEnding) return
    this.#pauseOrResume(client)
    // Moved to the end of the queue: while the server is at its limit, each other client gets its turn first.
    this.#waiting.delete(client)
    if (client.hasInput || this.#waitsForRoom(client)) this.#waiting.add(client)
    if (client.hasInput) this.#intake.noteWait(client)
    this.#leaveIfAnswered(client)
  }

  #waitsForRoom(client: ClientSocket): boolean {
    return client.isPaused && client.stage.kind !== 'connecting'
  }

  /** The socket is also paused while the session is being established: see ClientConnection. */
  #pauseOrResume(client: ClientSocket): void {
    if (client.isEnding) return
    const shouldPause = client.hasInput || client.stage.kind === 'connecting' || !this.#intake.hasRoom(client)
    if (shouldPause === client.isPaused) return
    client.isPaused = shouldPause
    if (shouldPause) client.stream.pause()
    else client.stream.resume()
  }

  #take(client: ClientSocket, input: ConnectionInput): void {
    switch (input.kind) {
      case 'request':
        if (this.#intake.take(client, input) === 'close') {
          this.#refuse(client, 'stale-request', driverCloseReasons['stale-request'])
        }
        return
      case 'skipped-request':
        this.#intake.takeSkipped(client, input)
        return
      case 'connect':
        this.#connect(client, input.request)
        return
      case 'four-letter-word':
        this.#answerWord(client, input)
        return
      case 'refused':
        if (input.reason === 'large-request-above-limit') this.#options.metrics.large_requests_rejected.add()
        this.#refuse(client, input.reason, closeReasons[input.reason])
        return
      default:
        assertNever(input)
    }
  }

  #connect(client: ClientSocket, { readOnly, lastZxidSeen, timeoutMs, sessionId, password }: ConnectRequest): void {
    const { turn, metrics } = this.#options
    if (!this.#admission.admitsSession(sessionId === 0n, turn.now().monotonicMs)) {
      this.#refuse(client, 'too-many-connect-requests', driverCloseReasons['too-many-connect-requests'])
      return
    }
    this.#roster.connecting(client)
    if (sessionId !== 0n) metrics.connection_revalidate_count.add()
    const { id: connectionId, stream } = client
    turn.feed({ kind: 'connection-opened', connectionId, remoteAddress: stream.remoteAddress })
    const canBeReadOnly = readOnly === true
    const request = { kind: 'connect', lastZxidSeen, timeoutMs, sessionId, password, canBeReadOnly } as const
    turn.feed({ kind: 'request', connectionId, request })
  }

  #answerWord(client: ClientSocket, question: WordQuestion): void {
    this.#roster.asking(client)
    this.#options.answerWord(question, (text) => {
      if (client.isEnding) return // it left before the answer was known
      client.stream.write(utf8.encode(text))
      this.statistics.wordAnswered()
      this.#leave(client)
    })
  }

  // --- what leaves ---

  #flushLater(client: ClientSocket): void {
    if (client.isFlushDue) return
    client.isFlushDue = true
    this.#toFlush.push(client)
    this.#options.turn.schedule()
  }

  #flushOne(client: ClientSocket): void {
    client.isFlushDue = false
    const { stream } = client
    const bytes = client.connection.takeOutput()
    if (bytes !== null) stream.write(bytes)
    client.queuedBytes = stream.queuedBytes()
    if (client.isEnding) {
      this.#roster.giveTimeToRead(client)
      // A paused socket would not report that the client closes its side.
      if (client.isPaused) stream.resume()
      stream.end()
    } else if (client.queuedBytes > clientOutputSizeBytesClose) {
      this.#refuse(client, 'client-does-not-read', driverCloseReasons['client-does-not-read'])
      stream.destroy()
    } else if (this.#waiting.has(client)) {
      if (this.#intake.hasRoom(client)) this.#options.turn.schedule()
    } else {
      this.#pauseOrResume(client)
      if (this.#waitsForRoom(client)) this.#waiting.add(client)
    }
  }

  // --- how they end ---

  /** Sends the bytes that are already written, then ends the stream. Returns the stage before. */
  #leave(client: ClientSocket): ClientStage['kind'] {
    this.#release(client)
    const before = this.#roster.leave(client, this.#options.turn.now().monotonicMs)
    this.#flushLater(client)
    return before
  }

  #leaveIfAnswered(client: ClientSocket): void {
    if (!this.#isClosing || client.isEnding || client.outstandingCount > 0 || client.hasInput) return
    if (client.stage.kind === 'connecting' || client.stage.kind === 'asking') return // an answer is owed
    this.#reportClosed(client, this.#leave(client))
  }

  #refuse(client: ClientSocket, reason: CloseReason | DriverCloseReason, why: string): void {
    this.#noteRefusal(reason, why, client.identity())
    const before = this.#leave(client)
    this.#reportClosed(client, before)
  }

  #noteRefusal(reason: CloseReason | DriverCloseReason, why: string, client: RefusedClient): void {
    this.#options.metrics.connections_refused_per_reason.of(reason).add()
    this.#refusals.clientRefused(reason, why, client)
  }

  #gone(client: ClientSocket, error: Error | null): void {
    this.#admission.left(client.stream.remoteAddress)
    if (client.stage.kind === 'leaving') {
      this.#roster.gone(client)
      return
    }
    this.#options.metrics.connection_drop_count.add()
    if (client.connection.isCutShort) {
      const reason = 'connect-request-cut-short'
      this.#noteRefusal(reason, driverCloseReasons[reason], client.identity())
    }
    const cause = error === null ? null : error.message
    this.#options.log.debug('client-left', { ...client.identity(), cause })
    this.#intake.clientLeft(client)
    if (!client.isEnding) this.#release(client) // a request handed on by clientLeft may have ended it
    const before = this.#roster.gone(client)
    this.#reportClosed(client, before)
  }

  #reportClosed({ id: connectionId }: ClientSocket, before: ClientStage['kind']): void {
    if (before !== 'connecting' && before !== 'attached') return // the replica does not know the connection
    this.#options.turn.feed({ kind: 'connection-closed', connectionId })
  }

  /** Ignores further input, and gives back the client's share of the limits. */
  #release(client: ClientSocket): void {
    client.connection.close()
    this.#waiting.delete(client)
    this.#intake.forget(client)
    this.statistics.keepCountsOf(client)
  }
}

type RequestReply = Extract<Reply, { readonly kind: 'reply' }>
type ConnectReply = Extract<Reply, { readonly kind: 'connect-response' }>

function closingSkipsOf({ longRequestsClose, largeRequestsClose }: Compatibility): ReadonlySet<SkipReason> {
  const reasons: SkipReason[] = []
  if (longRequestsClose) reasons.push('request-too-large')
  if (largeRequestsClose) reasons.push('too-many-large-requests')
  return new Set(reasons)
}

const utf8 = new TextEncoder()

function ignore(): void {}
