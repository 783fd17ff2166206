/**
 * All client connections of a server: from their streams to replica events, from effects back to their streams.
 * Owns: how many there may be, when a socket is read and when not (design D11), and that a connection which the
 * replica knows of is closed only by the replica, by its client, or for a reason that is logged.
 * Assumes: `flush` and `readOn` are called at each turn's end. If a socket were read while its connection is over a
 * limit, one client could fill the memory of the server.
 */

import type { WordQuestion } from '../admin/four-letter-words.ts'
import type { ConnectionStatus } from '../admin/server-status.ts'
import { assertNever } from '../base/assert.ts'
import type { ConnectionId } from '../base/ids.ts'
import { clientOutputSizeBytesClose } from '../base/limits.ts'
import type { Config } from '../config/config.ts'
import { type CloseReason, closeReasons } from '../connection/close-reason.ts'
import type { ConnectionInput } from '../connection/connection-input.ts'
import type { ServerMetrics } from '../metrics/server-metrics.ts'
import type { Log } from '../ports/log.ts'
import type { Random } from '../ports/random.ts'
import type { ByteStream } from '../ports/stream.ts'
import type { ReplicaCloseReason, Reply, WatchNotice } from '../replica/contract.ts'
import { ClientAdmission } from './client-admission.ts'
import { ClientStatistics } from './client-statistics.ts'
import { ClientStream, type StreamLimits } from './client-stream.ts'
import { type DriverCloseReason, driverCloseReasons } from './close-reasons.ts'
import { LargeRequestBudget } from './large-request-budget.ts'
import { LeavingClients } from './leaving-clients.ts'
import { RefusalLog } from './refusal-log.ts'
import { RequestIntake } from './request-intake.ts'
import type { Turn } from './turn.ts'

export interface ClientConnectionsOptions {
  readonly config: Config
  readonly log: Log
  readonly metrics: ServerMetrics
  readonly random: Random
  readonly turn: Turn
  readonly answerWord: (question: WordQuestion) => string
}

export class ClientConnections {
  readonly #options: ClientConnectionsOptions
  readonly #open = new Map<ConnectionId, ClientStream>()
  /** Those that have not sent a connect request, oldest first. */
  readonly #silent = new Set<ClientStream>()
  /** Those with input that waits for room. */
  readonly #waiting = new Set<ClientStream>()
  readonly #leaving = new LeavingClients()
  readonly #admission: ClientAdmission
  readonly #intake: RequestIntake
  readonly #refusals: RefusalLog
  readonly #streamLimits: StreamLimits
  #toFlush: ClientStream[] = []
  #lastId = 0
  readonly statistics: ClientStatistics

  constructor(options: ClientConnectionsOptions) {
    this.#options = options
    const { config, log, metrics, random, turn } = options
    this.statistics = new ClientStatistics(metrics)
    const { frameSizeBytesMax, largeRequests } = config.clientLimits
    this.#admission = new ClientAdmission(config, metrics, random)
    this.#refusals = new RefusalLog(log, () => {
      turn.schedule() // so that the time is not kept
      return turn.now().monotonicMs
    })
    this.#intake = new RequestIntake({ config, metrics, refusals: this.#refusals, turn })
    this.#streamLimits = {
      frameSizeBytesMax,
      largeRequests: largeRequests === null ? null : new LargeRequestBudget(largeRequests),
      readsTraceMask: config.fourLetterWords.includes('stmk'),
    }
  }

  accept(stream: ByteStream): void {
    const refusal = this.#admission.refusalOf(stream.remoteAddress, this.#open.size)
    if (refusal !== null) {
      const { remoteAddress, remotePort } = stream
      this.#refusals.clientRefused(refusal, driverCloseReasons[refusal], { remoteAddress, remotePort })
      stream.handle({ onData: ignore, onDrain: ignore, onClose: ignore })
      stream.destroy()
      return
    }
    const { monotonicMs } = this.#options.turn.now()
    const client = new ClientStream(++this.#lastId as ConnectionId, stream, monotonicMs, this.#streamLimits)
    this.#open.set(client.id, client)
    this.#silent.add(client)
    this.#admission.entered(stream.remoteAddress)
    stream.handle({
      onData: (bytes) => this.#received(client, bytes),
      onDrain: () => this.#drained(client),
      onClose: (error) => this.#gone(client, error),
    })
    this.#options.turn.schedule() // so that the time read above is not kept
  }

  // --- effects ---

  reply(id: ConnectionId, reply: Reply): void {
    const client = this.#open.get(id)
    if (client === undefined) {
      this.#options.metrics.stale_replies.add()
      return
    }
    const now = this.#options.turn.now()
    if (reply.kind === 'operation') {
      client.connection.writeReply(reply.xid, reply.zxid, reply.error, reply.body)
      this.#intake.answered(client)
      const { nextIsWrite } = client
      this.statistics.replied(client.replied(now.monotonicMs), nextIsWrite, reply.body?.length ?? 0)
    } else {
      client.connection.writeConnectResponse(reply.timeoutMs, reply.sessionId, reply.password, reply.readOnly)
      const { sessionId, timeoutMs } = reply
      if (timeoutMs > 0) {
        client.established({ sessionId, timeoutMs, establishedAtWallMs: now.wallMs }, now.monotonicMs)
        this.#waiting.add(client) // for what waited behind the connect request
      }
    }
    this.#flushLater(client)
  }

  notify(id: ConnectionId, { zxid, type, path }: WatchNotice): void {
    const client = this.#open.get(id)
    if (client === undefined) return
    const before = client.connection.outputSizeBytes
    client.connection.writeEvent(zxid, type, path)
    this.statistics.eventWritten(client.connection.outputSizeBytes - before)
    this.#flushLater(client)
  }

  /** The replica has forgotten the connection already. */
  closeForReplica(id: ConnectionId, reason: ReplicaCloseReason): void {
    const client = this.#open.get(id)
    if (client === undefined) return
    client.isKnown = false
    if (reason === 'not-serving') this.#options.metrics.cnxn_closed_without_zk_server_running.add()
    this.#refusals.clientClosed(reason, client.identity())
    this.#sayGoodbye(client)
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
    for (const client of this.#silent) {
      if (nowMs - client.openedAtMs < this.#options.config.connectRequestTimeoutMs) break
      this.#options.metrics.sessionless_connections_expired.add()
      this.#refuse(client, 'no-connect-request', driverCloseReasons['no-connect-request'])
    }
    this.#leaving.tick(nowMs)
  }

  /** The server closes: everyone is sent what was written, then goodbye. */
  closeAll(): void {
    for (const client of [...this.#open.values()]) {
      client.isKnown = false
      this.#sayGoodbye(client)
    }
    this.flush()
  }

  destroyAll(): void {
    this.#leaving.destroyAll()
  }

  /** Including those that were told goodbye and are not gone. */
  get streamCount(): number {
    return this.#open.size + this.#leaving.count
  }

  // --- for status ---

  get outstandingCount(): number {
    return this.#intake.outstandingCount
  }

  get dropChance(): number {
    return this.#admission.dropChance
  }

  get openCount(): number {
    return this.#open.size
  }

  statuses(): readonly ConnectionStatus[] {
    return [...this.#open.values()].map((client) => client.status())
  }

  /** Those that were not told goodbye. */
  open(): Iterable<ClientStream> {
    return this.#open.values()
  }

  /** The totals of the server stay what they are. */
  resetConnectionStatistics(): void {
    for (const client of this.#open.values()) {
      this.statistics.keepCountsOf(client)
      client.resetStatistics()
    }
  }

  // --- what arrives ---

  #received(client: ClientStream, bytes: Uint8Array): void {
    if (client.isEnding) return
    this.statistics.received(bytes.length)
    client.receive(bytes, this.#options.turn.now().monotonicMs)
    this.#readInput(client)
    this.#options.turn.schedule()
  }

  #drained(client: ClientStream): void {
    client.queuedBytes = client.stream.queuedBytes()
    if (client.isEnding) return
    this.#readInput(client)
    this.#options.turn.schedule()
  }

  #readInput(client: ClientStream): void {
    while (client.hasInput && this.#intake.hasRoom(client)) this.#take(client, client.takeInput()!)
    if (client.isEnding) return
    this.#pauseOrResume(client)
    // Moved to the end of the line: under the server's limit the next one gets its share first.
    this.#waiting.delete(client)
    if (client.hasInput || this.#waitsForRoom(client)) this.#waiting.add(client)
    if (client.hasInput) this.#intake.noteWait(client)
  }

  #waitsForRoom(client: ClientStream): boolean {
    return client.isPaused && client.connection.state.kind !== 'connecting'
  }

  /** While the session is being established nothing is read either: see ClientConnection. */
  #pauseOrResume(client: ClientStream): void {
    if (client.isEnding) return
    const shouldPause =
      client.hasInput || client.connection.state.kind === 'connecting' || !this.#intake.hasRoom(client)
    if (shouldPause === client.isPaused) return
    client.isPaused = shouldPause
    if (shouldPause) client.stream.pause()
    else client.stream.resume()
  }

  #take(client: ClientStream, input: ConnectionInput): void {
    const { turn } = this.#options
    switch (input.kind) {
      case 'operation':
        this.#intake.take(client, input)
        return
      case 'skipped-operation':
        this.#intake.takeSkipped(client, input)
        return
      case 'connect': {
        const { lastZxidSeen, timeoutMs, sessionId, password, readOnly } = input.request
        const canBeReadOnly = readOnly === true
        this.#silent.delete(client)
        if (!this.#admission.admitsSession(sessionId === 0n, turn.now().monotonicMs)) {
          this.#refuse(client, 'too-many-connect-requests', driverCloseReasons['too-many-connect-requests'])
          return
        }
        client.isKnown = true
        if (sessionId !== 0n) this.#options.metrics.connection_revalidate_count.add()
        turn.feed({ kind: 'connection-opened', connection: client.id, remoteAddress: client.stream.remoteAddress })
        const request = { kind: 'connect', lastZxidSeen, timeoutMs, sessionId, password, canBeReadOnly } as const
        turn.feed({ kind: 'request', connection: client.id, request })
        return
      }
      case 'four-letter-word':
        this.#answerWord(client, input)
        return
      case 'refused':
        this.#refuse(client, input.reason, closeReasons[input.reason])
        return
      default:
        assertNever(input)
    }
  }

  #answerWord(client: ClientStream, question: WordQuestion): void {
    client.stream.write(utf8.encode(this.#options.answerWord(question)))
    this.statistics.wordAnswered()
    this.#sayGoodbye(client)
  }

  // --- what leaves ---

  #flushLater(client: ClientStream): void {
    if (client.isFlushDue) return
    client.isFlushDue = true
    this.#toFlush.push(client)
    this.#options.turn.schedule()
  }

  #flushOne(client: ClientStream): void {
    client.isFlushDue = false
    const { stream } = client
    const bytes = client.connection.takeOutput()
    if (bytes !== null) stream.write(bytes)
    client.queuedBytes = stream.queuedBytes()
    if (client.isEnding) {
      this.#leaving.giveTimeToRead(client)
      // An unread socket would hide the client's own goodbye.
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

  /** What was written is sent, then the stream ends. */
  #sayGoodbye(client: ClientStream): void {
    this.#forget(client)
    client.isEnding = true
    client.connection.close()
    this.#leaving.add(client, this.#options.turn.now().monotonicMs)
    this.#flushLater(client)
  }

  #refuse(client: ClientStream, reason: CloseReason | DriverCloseReason, why: string): void {
    this.#refusals.clientRefused(reason, why, client.identity())
    this.#tellReplica(client)
    this.#sayGoodbye(client)
  }

  #gone(client: ClientStream, error: Error | null): void {
    const { remoteAddress } = client.stream
    this.#admission.left(remoteAddress)
    if (this.#leaving.left(client)) return
    this.#options.metrics.connection_drop_count.add()
    if (client.connection.isCutShort) {
      const reason = 'connect-request-cut-short'
      this.#refusals.clientRefused(reason, driverCloseReasons[reason], client.identity())
    }
    const cause = error === null ? null : error.message
    this.#options.log.debug('client-left', { ...client.identity(), cause })
    this.#intake.clientLeft(client)
    this.#forget(client)
    client.isEnding = true
    client.connection.close()
    this.#tellReplica(client)
  }

  #tellReplica(client: ClientStream): void {
    if (!client.isKnown) return
    client.isKnown = false
    this.#options.turn.feed({ kind: 'connection-closed', connection: client.id })
  }

  #forget(client: ClientStream): void {
    if (!this.#open.delete(client.id)) return
    this.#silent.delete(client)
    this.#waiting.delete(client)
    this.#intake.forget(client)
    this.statistics.keepCountsOf(client)
  }
}

const utf8 = new TextEncoder()

function ignore(): void {}
