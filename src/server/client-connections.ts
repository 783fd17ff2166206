/**
 * All client connections of a server: from their streams to replica events, from effects back to their streams.
 * Owns: how many there may be, when a socket is read and when not (design D11), and that a connection which the
 * replica knows of is closed only by the replica, by its client, or for a reason that is logged.
 * Assumes: `flush` and `readOn` are called at each turn's end. If a socket were read while its connection is over a
 * limit, one client could fill the memory of the server.
 */
import type { ConnectionStatus } from '../admin/server-status.ts'
import type { AdminWord } from '../base/admin-words.ts'
import { assertNever } from '../base/assert.ts'
import { type ConnectionId, hexOfSession, type SessionId } from '../base/ids.ts'
import {
  clientOutputSizeBytesClose,
  clientOutputSizeBytesMax,
  pendingRequestsPerConnectionMax,
} from '../base/limits.ts'
import type { Config } from '../config/config.ts'
import type { ConnectionInput } from '../connection/client-connection.ts'
import { type CloseReason, closeReasons } from '../connection/close-reason.ts'
import type { Log } from '../ports/log.ts'
import type { ByteStream } from '../ports/stream.ts'
import type { ReplicaCloseReason, Reply, WatchNotice } from '../replica/contract.ts'
import { ClientStream } from './client-stream.ts'
import { type DriverCloseReason, driverCloseReasons } from './close-reasons.ts'
import { Latency } from './latency.ts'
import type { Turn } from './turn.ts'

export interface ClientConnectionsOptions {
  readonly config: Config
  readonly log: Log
  readonly turn: Turn
  readonly answerWord: (word: AdminWord) => string
}

/** A client that was told goodbye and keeps its side open is cut off after this. */
const goodbyeMs = 2_000

/** Closings that happen many at a time, or by the client's wish: of interest only when one looks for them. */
const quietReasons: ReadonlySet<ReplicaCloseReason> = new Set([
  'session-closed',
  'session-replaced',
  'leader-lost',
  'not-serving',
])

export class ClientConnections {
  readonly #options: ClientConnectionsOptions
  readonly #open = new Map<ConnectionId, ClientStream>()
  /** Those that have not sent a connect request, oldest first. */
  readonly #silent = new Set<ClientStream>()
  /** Those with input that waits for room. */
  readonly #waiting = new Set<ClientStream>()
  /** Told goodbye, but not gone; with the time of the goodbye, oldest first. */
  readonly #leaving = new Map<ClientStream, number>()
  readonly #countByAddress = new Map<string, number>()
  #toFlush: ClientStream[] = []
  #lastId = 0
  #outstandingCount = 0
  // Of connections that are gone; those that live keep their own.
  #packetsReceived = 0
  #packetsSent = 0
  readonly #latency = new Latency()

  constructor(options: ClientConnectionsOptions) {
    this.#options = options
  }

  accept(stream: ByteStream): void {
    const refusal = this.#refusalOf(stream.remoteAddress)
    if (refusal !== null) {
      this.#logRefusal(refusal, driverCloseReasons[refusal], stream, null)
      stream.handle({ onData: ignore, onDrain: ignore, onClose: ignore })
      stream.destroy()
      return
    }
    const client = new ClientStream(++this.#lastId as ConnectionId, stream, this.#options.turn.now().monotonicMs)
    this.#open.set(client.id, client)
    this.#silent.add(client)
    this.#countByAddress.set(stream.remoteAddress, (this.#countByAddress.get(stream.remoteAddress) ?? 0) + 1)
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
    if (client === undefined) return
    const now = this.#options.turn.now()
    if (reply.kind === 'operation') {
      client.connection.writeReply(reply.xid, reply.zxid, reply.error, reply.body)
      if (client.outstandingCount > 0) this.#outstandingCount--
      this.#latency.note(client.replied(now.monotonicMs))
    } else {
      client.connection.writeConnectResponse(reply.timeoutMs, reply.sessionId, reply.password, false)
      const { sessionId, timeoutMs } = reply
      if (timeoutMs > 0) {
        client.established({ sessionId, timeoutMs, establishedAtWallMs: now.wallMs })
        this.#waiting.add(client) // for what waited behind the connect request
      }
    }
    this.#flushLater(client)
  }

  notify(id: ConnectionId, { zxid, type, path }: WatchNotice): void {
    const client = this.#open.get(id)
    if (client === undefined) return
    client.connection.writeEvent(zxid, type, path)
    this.#flushLater(client)
  }

  /** The replica has forgotten the connection already. */
  closeForReplica(id: ConnectionId, reason: ReplicaCloseReason): void {
    const client = this.#open.get(id)
    if (client === undefined) return
    client.isKnown = false
    const fields = { reason, connectionId: id, remoteAddress: client.stream.remoteAddress, ...sessionField(client) }
    if (quietReasons.has(reason)) this.#options.log.debug('client-closed', fields)
    else this.#options.log.info('client-closed', fields)
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
      this.#refuse(client, 'no-connect-request', driverCloseReasons['no-connect-request'])
    }
    for (const [client, sinceMs] of this.#leaving) {
      if (nowMs - sinceMs < goodbyeMs) break
      client.stream.destroy()
    }
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
    for (const client of [...this.#leaving.keys()]) client.stream.destroy()
  }

  /** Including those that were told goodbye and are not gone. */
  get streamCount(): number {
    return this.#open.size + this.#leaving.size
  }

  // --- for status ---

  get outstandingCount(): number {
    return this.#outstandingCount
  }

  statuses(): readonly ConnectionStatus[] {
    return [...this.#open.values()].map((client) => client.status())
  }

  totals(): { readonly packetsReceived: number; readonly packetsSent: number; readonly latency: Latency } {
    let packetsReceived = this.#packetsReceived
    let packetsSent = this.#packetsSent
    for (const { connection } of this.#open.values()) {
      packetsReceived += connection.packetsReceived
      packetsSent += connection.packetsSent
    }
    return { packetsReceived, packetsSent, latency: this.#latency }
  }

  // --- what arrives ---

  #received(client: ClientStream, bytes: Uint8Array): void {
    if (client.isEnding) return
    client.receive(bytes)
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
    while (client.hasInput && this.#hasRoom(client)) this.#take(client, client.takeInput()!)
    if (client.isEnding) return
    this.#pauseOrResume(client)
    // Moved to the end of the line: under the server's limit the next one gets its share first.
    this.#waiting.delete(client)
    if (client.hasInput || this.#waitsForRoom(client)) this.#waiting.add(client)
  }

  #waitsForRoom(client: ClientStream): boolean {
    return client.isPaused && client.connection.state.kind !== 'connecting'
  }

  #hasRoom(client: ClientStream): boolean {
    const { outstandingCount } = client
    if (outstandingCount >= pendingRequestsPerConnectionMax) return false
    // The whole server's limit lets each connection have one request in, so nobody starves (ZK: globalOutstandingLimit).
    if (outstandingCount > 0 && this.#outstandingCount >= this.#options.config.outstandingRequestCountMax) return false
    return client.connection.outputSizeBytes + client.queuedBytes <= clientOutputSizeBytesMax
  }

  /** While the session is being established nothing is read either: see ClientConnection. */
  #pauseOrResume(client: ClientStream): void {
    if (client.isEnding) return
    const shouldPause = client.hasInput || client.connection.state.kind === 'connecting' || !this.#hasRoom(client)
    if (shouldPause === client.isPaused) return
    client.isPaused = shouldPause
    if (shouldPause) client.stream.pause()
    else client.stream.resume()
  }

  #take(client: ClientStream, input: ConnectionInput): void {
    const { turn } = this.#options
    switch (input.kind) {
      case 'operation':
        this.#outstandingCount++
        client.requestArrived(turn.now().monotonicMs)
        turn.feed({ kind: 'request', connection: client.id, request: input })
        return
      case 'connect': {
        const { lastZxidSeen, timeoutMs, sessionId, password } = input.request
        this.#silent.delete(client)
        client.isKnown = true
        turn.feed({ kind: 'connection-opened', connection: client.id, remoteAddress: client.stream.remoteAddress })
        const request = { kind: 'connect', lastZxidSeen, timeoutMs, sessionId, password } as const
        turn.feed({ kind: 'request', connection: client.id, request })
        return
      }
      case 'four-letter-word':
        this.#answerWord(client, input.word)
        return
      case 'refused':
        this.#refuse(client, input.reason, closeReasons[input.reason])
        return
      default:
        assertNever(input)
    }
  }

  #answerWord(client: ClientStream, word: AdminWord): void {
    client.stream.write(utf8.encode(this.#options.answerWord(word)))
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
      // An unread socket would hide the client's own goodbye.
      if (client.isPaused) stream.resume()
      stream.end()
    } else if (client.queuedBytes > clientOutputSizeBytesClose) {
      this.#refuse(client, 'client-does-not-read', driverCloseReasons['client-does-not-read'])
      stream.destroy()
    } else if (this.#waiting.has(client)) {
      if (this.#hasRoom(client)) this.#options.turn.schedule()
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
    this.#leaving.set(client, this.#options.turn.now().monotonicMs)
    this.#flushLater(client)
  }

  #refuse(client: ClientStream, reason: CloseReason | DriverCloseReason, why: string): void {
    this.#logRefusal(reason, why, client.stream, client)
    this.#tellReplica(client)
    this.#sayGoodbye(client)
  }

  #gone(client: ClientStream, error: Error | null): void {
    const { remoteAddress } = client.stream
    const rest = (this.#countByAddress.get(remoteAddress) ?? 1) - 1
    if (rest > 0) this.#countByAddress.set(remoteAddress, rest)
    else this.#countByAddress.delete(remoteAddress)
    if (this.#leaving.delete(client)) return
    if (client.connection.isCutShort) {
      const reason = 'connect-request-cut-short'
      this.#logRefusal(reason, driverCloseReasons[reason], client.stream, client)
    }
    const cause = error === null ? null : error.message
    this.#options.log.debug('client-left', { connectionId: client.id, remoteAddress, cause, ...sessionField(client) })
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
    client.dropInput()
    this.#outstandingCount -= client.outstandingCount
    this.#packetsReceived += client.connection.packetsReceived
    this.#packetsSent += client.connection.packetsSent
  }

  #refusalOf(remoteAddress: string): DriverCloseReason | null {
    const { maxClientConnectionsPerAddress, maxClientConnections } = this.#options.config
    const fromAddress = this.#countByAddress.get(remoteAddress) ?? 0
    if (maxClientConnectionsPerAddress > 0 && fromAddress >= maxClientConnectionsPerAddress) {
      return 'too-many-from-address'
    }
    return maxClientConnections > 0 && this.#open.size >= maxClientConnections ? 'too-many-connections' : null
  }

  #logRefusal(reason: string, why: string, stream: ByteStream, client: ClientStream | null): void {
    const { remoteAddress, remotePort } = stream
    const known = client === null ? {} : { connectionId: client.id, ...sessionField(client) }
    this.#options.log.warn('client-refused', { reason, why, remoteAddress, remotePort, ...known })
  }
}

const utf8 = new TextEncoder()

function sessionField(client: ClientStream): { readonly sessionId?: string } {
  const id: SessionId | undefined = client.session?.sessionId
  return id === undefined ? {} : { sessionId: hexOfSession(id) }
}

function ignore(): void {}
