/**
 * The links to the other servers: connects the state machines of src/peers to streams, and feeds their messages to the
 * replica. Owns: the streams, the quorum port, and one log line for each change of a link; a refusal that repeats with
 * every redial is a warning once a minute, and between warnings a line at debug level.
 * Assumes: `flush` is called at each turn's end and `tick` several times in peerTimeoutMs.
 */
import { assert, assertNever } from '../base/assert.ts'
import type { ServerId } from '../base/ids.ts'
import { peerHelloTimeoutMs } from '../base/limits.ts'
import type { Config, EnsembleMember } from '../config/config.ts'
import { type LinkCloseReason, linkCloseReasons } from '../peers/link-close-reason.ts'
import { type LinkId, type PeerAction, PeerLinks } from '../peers/peer-links.ts'
import type { Log } from '../ports/log.ts'
import type { Ports } from '../ports/ports.ts'
import type { Address, ByteStream, ListenerHandle } from '../ports/stream.ts'
import type { ClusterId } from '../protocol/disk/log-record.ts'
import type { PeerMessage } from '../protocol/peer/peer-message.ts'
import type { Turn } from './turn.ts'

export interface PeerConnectionsOptions {
  readonly config: Config
  readonly ports: Ports
  readonly log: Log
  readonly turn: Turn
  readonly incarnation: number
  readonly clusterId: () => ClusterId
  /** Whether this server leads or follows a leader. */
  readonly isServing: () => boolean
}

/** The interval at which a warning is repeated while its cause lasts. */
const warningIntervalMs = 60_000
const notCalled =
  'No other server is connected, and these servers have to connect to this one. They use the address that their own server line gives for this id: check that it leads to this process, that they run, and that no other process has this id.'
const notCalledByOthers =
  'These servers have to connect to this one, and a server that does has the data of another cluster, so the two refuse each other. Look at the lines peer-link-closed with peer-of-another-ensemble: they say what to do.'

type DialOutcome = { readonly ok: true; readonly stream: ByteStream } | { readonly ok: false; readonly error: Error }

export class PeerConnections {
  readonly #options: PeerConnectionsOptions
  readonly #links: PeerLinks
  readonly #streams = new Map<LinkId, ByteStream>()
  readonly #dials = new Map<ServerId, () => void>()
  /** The last line logged about each peer, and when; removed when its link is up. */
  #otherEnsembleAtMs = Number.NEGATIVE_INFINITY // when a peer with the data of another cluster was met last
  readonly #lastLines = new Map<ServerId | null, { readonly what: string; readonly atMs: number }>()
  /** Links that are open to peers which refused the ones before: such a link counts once the peer sends something. */
  readonly #doubted = new Map<ServerId, number>()
  #listening: ListenerHandle | null = null
  #isClosed = false

  constructor(options: PeerConnectionsOptions) {
    this.#options = options
    const { config, ports, incarnation, clusterId } = options
    this.#links = new PeerLinks({
      self: config.serverId,
      voters: config.members.map((member) => member.id),
      incarnation,
      peerTimeoutMs: config.peerTimeoutMs,
      clusterId,
      uint32: () => ports.random.uint32(),
    })
  }

  /** Opens the quorum port; rejects as `Listener.listen` does. Dialling begins with the first tick. */
  async listen(): Promise<void> {
    const { ports } = this.#options
    this.#listening = await ports.listener.listen(this.listenAddress, (stream) => {
      this.#adopt(null, stream)
    })
  }

  get listenAddress(): Address {
    const { config } = this.#options
    const { host, quorumPort } = this.#member(config.serverId)
    return { host: config.quorumListenOnAllIps ? '0.0.0.0' : host, port: quorumPort }
  }

  tick(nowMs: number): void {
    this.#links.tick(nowMs)
    this.#perform()
  }

  send(to: ServerId, message: PeerMessage): void {
    this.#links.send(to, message)
    this.#options.turn.schedule()
  }

  flush(nowMs: number): void {
    this.#links.flush(nowMs)
    this.#perform()
  }

  /** Closes every stream at once, so that peers notice without delay. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const cancel of this.#dials.values()) cancel()
    this.#dials.clear()
    const accepting = this.#listening?.close()
    for (const stream of [...this.#streams.values()]) stream.destroy()
    this.#streams.clear()
    await accepting
  }

  #nowMs(): number {
    this.#options.turn.schedule() // its end drops the time read here
    return this.#options.turn.now().monotonicMs
  }

  #member(id: ServerId): EnsembleMember {
    const member = this.#options.config.members.find((each) => each.id === id)
    assert(member !== undefined, 'peers are members of the ensemble', { peerId: id })
    return member
  }

  #adopt(dialled: ServerId | null, stream: ByteStream): void {
    if (this.#isClosed) {
      stream.handle({ onData: ignore, onDrain: ignore, onClose: ignore })
      stream.destroy()
      return
    }
    const link = this.#links.opened(dialled, this.#nowMs())
    this.#streams.set(link, stream)
    stream.handle({
      onData: (bytes) => {
        if (!this.#streams.has(link)) return
        this.#links.received(link, bytes, this.#nowMs())
        this.#perform()
      },
      onDrain: ignore,
      onClose: (error) => {
        if (this.#isClosed) return
        this.#streams.delete(link)
        this.#links.closed(link, error === null ? '' : error.message, this.#nowMs())
        this.#perform()
      },
    })
    this.#perform()
  }

  #perform(): void {
    if (this.#isClosed) return
    for (const action of this.#links.takeActions()) this.#performOne(action)
  }

  #performOne(action: PeerAction): void {
    const { turn, log } = this.#options
    switch (action.kind) {
      case 'dial':
        this.#dial(action.peer)
        return
      case 'write':
        this.#write(action.link, action.bytes)
        return
      case 'connected':
        if (this.#lastLines.get(action.peer)?.what === 'closed-after-greeting') {
          this.#doubted.set(action.peer, action.incarnation)
          log.debug('peer-connected', { peerId: action.peer, incarnation: action.incarnation })
        } else this.#noteConnected(action.peer, action.incarnation)
        turn.feed({ kind: 'peer-connected', peer: action.peer })
        return
      case 'disconnected':
        turn.feed({ kind: 'peer-disconnected', peer: action.peer, wasSilent: action.wasSilent })
        return
      case 'message':
        this.#noteHeard(action.peer)
        turn.feed({ kind: 'peer-message', peer: action.peer, message: action.message })
        return
      case 'not-called':
        this.#warnNotCalled(action.by, action.forMs)
        return
      case 'close':
        this.#closeLink(action)
        return
      default:
        assertNever(action)
    }
  }

  #noteConnected(peer: ServerId, incarnation: number): void {
    this.#lastLines.delete(peer)
    this.#lastLines.delete(this.#options.config.serverId)
    this.#options.log.info('peer-connected', { peerId: peer, incarnation })
  }

  #noteHeard(peer: ServerId): void {
    if (this.#doubted.size === 0) return
    const incarnation = this.#doubted.get(peer)
    if (incarnation === undefined) return
    this.#doubted.delete(peer)
    this.#noteConnected(peer, incarnation)
  }

  #dial(peer: ServerId): void {
    const { ports, config } = this.#options
    const { host, quorumPort } = this.#member(peer)
    const timeoutMs = Math.max(config.peerTimeoutMs, 200)
    const cancel = ports.dialer.dial({ host, port: quorumPort }, timeoutMs, (outcome) => this.#dialled(peer, outcome))
    this.#dials.set(peer, cancel)
  }

  #dialled(peer: ServerId, outcome: DialOutcome): void {
    this.#dials.delete(peer)
    if (outcome.ok) {
      this.#adopt(peer, outcome.stream)
      return
    }
    const { host, quorumPort } = this.#member(peer)
    const fields = { peerId: peer, host, port: quorumPort, cause: outcome.error.message }
    if (this.#isNews(peer, 'unreachable', null)) this.#options.log.info('peer-unreachable', fields)
    else this.#options.log.debug('peer-unreachable', fields)
    this.#links.dialFailed(peer, this.#nowMs())
    this.#perform()
  }

  #write(link: LinkId, bytes: Uint8Array): void {
    const stream = this.#streams.get(link)
    if (stream === undefined) return
    stream.write(bytes)
    this.#links.outputQueued(link, stream.queuedBytes(), this.#nowMs())
    for (const action of this.#links.takeActions()) this.#performOne(action)
  }

  #closeLink(action: Extract<PeerAction, { readonly kind: 'close' }>): void {
    const { link, peer, reason, detail, isGentle } = action
    if (reason === 'peer-of-another-ensemble') this.#otherEnsembleAtMs = this.#nowMs()
    const stream = this.#streams.get(link)
    const fields = { peerId: peer, reason, why: linkCloseReasons[reason], detail, remoteAddress: stream?.remoteAddress }
    if (!this.#isNews(peer, reason, isOrdinary(reason) ? null : warningIntervalMs))
      this.#options.log.debug('peer-link-closed', fields)
    else if (reason === 'peer-of-another-ensemble' && !this.#options.isServing()) {
      this.#options.log.error('peer-link-closed', { ...fields, isServing: false })
    } else if (isOrdinary(reason)) this.#options.log.info('peer-link-closed', fields)
    else this.#options.log.warn('peer-link-closed', fields)
    if (stream === undefined) return
    this.#streams.delete(link)
    if (!isGentle) {
      stream.destroy()
      return
    }
    stream.end()
    this.#options.ports.timers.after(peerHelloTimeoutMs, () => stream.destroy())
  }

  #warnNotCalled(peers: readonly ServerId[], forMs: number): void {
    const { config, log } = this.#options
    if (!this.#isNews(config.serverId, 'not-called', warningIntervalMs)) return
    log.warn('no-peer-calls', {
      peerIds: peers,
      durationMs: Math.round(forMs),
      why: this.#nowMs() - this.#otherEnsembleAtMs <= warningIntervalMs ? notCalledByOthers : notCalled,
    })
  }

  /** Whether the line is new, or old enough to be repeated; `againAfterMs` null: it is not repeated. */
  #isNews(peer: ServerId | null, what: string, againAfterMs: number | null): boolean {
    const atMs = this.#nowMs()
    const last = this.#lastLines.get(peer)
    if (last?.what === what && (againAfterMs === null || atMs - last.atMs < againAfterMs)) return false
    this.#lastLines.set(peer, { what, atMs })
    return true
  }
}

/** Reasons that are normal when servers start and stop. */
function isOrdinary(reason: LinkCloseReason): boolean {
  return reason === 'closed-by-peer' || reason === 'replaced'
}

function ignore(): void {}
