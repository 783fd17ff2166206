/**
 * One link to another server, from its first byte to its last, as a state machine: awaiting-hello, greeted, up, closed.
 * A link that this server accepted stays `greeted` until the caller calls `accept` or `refuse`: whether its peer may
 * have the link depends on the peer's other links. Owns: the greeting, the order of messages, and the times of the last
 * bytes in each direction, by which a silent peer is noticed. Assumes that the caller performs the actions in order,
 * feeds nothing after `close`, and ticks several times in peerTimeoutMs. If a link could deliver messages before the
 * greeting was checked, an unknown server could vote.
 */
import { assert } from '../base/assert.ts'
import type { ServerId } from '../base/ids.ts'
import { peerFrameSizeBytesMax, peerHelloTimeoutMs } from '../base/limits.ts'
import type { ClusterId } from '../protocol/disk/log-record.ts'
import type { Hello, PeerFrame, PeerMessage } from '../protocol/peer/peer-message.ts'
import { checkHello, peerProtocolVersion } from './check-hello.ts'
import type { LinkCloseReason } from './link-close-reason.ts'
import { encodeFrame, encodeMessages, keepAliveFrame, PeerFrameReader } from './peer-frames.ts'

export interface PeerLinkSettings {
  readonly self: ServerId
  readonly voters: readonly ServerId[]
  /** Distinguishes one process of a server from the next. */
  readonly incarnation: number
  readonly peerTimeoutMs: number
  /** The cluster id of this server's data at the time of the call. */
  readonly clusterId: () => ClusterId
}

export type PeerLinkAction =
  | { readonly kind: 'write'; readonly bytes: Uint8Array }
  | { readonly kind: 'greeted'; readonly hello: Hello } // answer with accept or refuse
  | { readonly kind: 'up'; readonly hello: Hello } // at most once, before any message
  | { readonly kind: 'message'; readonly message: PeerMessage }
  | {
      readonly kind: 'close'
      readonly reason: LinkCloseReason
      readonly detail: string
      readonly peer: ServerId | null // the peer, or the id that the other end sent
      readonly isGentle: boolean // what was written before is still sent
    }

export type PeerLinkState =
  | { readonly kind: 'awaiting-hello'; readonly untilMs: number }
  | { readonly kind: 'greeted'; readonly peer: ServerId; readonly hello: Hello }
  | { readonly kind: 'up'; readonly peer: ServerId; readonly hello: Hello }
  | { readonly kind: 'closed' }

/** The largest frame that an unknown peer may send before its greeting is checked. */
const helloFrameSizeBytesMax = 1024
/** A link is never silent for longer than this part of peerTimeoutMs. */
const keepAlivesPerTimeout = 4

export class PeerLink {
  readonly #settings: PeerLinkSettings
  readonly #dialled: ServerId | null
  readonly #reader = new PeerFrameReader()
  #state: PeerLinkState
  #messages: PeerMessage[] = []
  #lastReceivedMs: number
  #lastSentMs: number
  #hasHeardMore = false

  /** `dialled`: the peer that this server dialled; null for a link that it accepted. */
  constructor(settings: PeerLinkSettings, dialled: ServerId | null, nowMs: number) {
    this.#settings = settings
    this.#dialled = dialled
    this.#state = { kind: 'awaiting-hello', untilMs: nowMs + peerHelloTimeoutMs }
    this.#lastReceivedMs = nowMs
    this.#lastSentMs = nowMs
  }

  get state(): PeerLinkState {
    return this.#state
  }

  /** The incarnation of the peer's process; null before it has greeted. */
  get incarnation(): number | null {
    return 'hello' in this.#state ? this.#state.hello.incarnation : null
  }

  get dialled(): ServerId | null {
    return this.#dialled
  }

  /** The peer has sent something after its greeting, so it has admitted this server. */
  get hasHeardMore(): boolean {
    return this.#hasHeardMore
  }

  /** The side that dialled greets first: the other side does not know yet which server dialled. */
  start(out: PeerLinkAction[]): void {
    if (this.#dialled !== null) this.#greet(this.#dialled, false, out)
  }

  /** Gives the link to the peer that greeted. */
  accept(nowMs: number, out: PeerLinkAction[]): void {
    assert(this.#state.kind === 'greeted', 'a link is accepted once its peer has greeted', { state: this.#state.kind })
    const { peer, hello } = this.#state
    this.#lastReceivedMs = nowMs // the peer had to wait for this greeting
    this.#greet(peer, false, out)
    this.#goUp(hello, out)
  }

  /** Refuses the peer that greeted, since another process with its id is connected. */
  refuse(detail: string, out: PeerLinkAction[]): void {
    assert(this.#state.kind === 'greeted', 'a link is refused once its peer has greeted', { state: this.#state.kind })
    const { peer } = this.#state
    this.#greet(peer, true, out)
    this.#close('id-in-use', detail, peer, true, out)
  }

  receive(bytes: Uint8Array, nowMs: number, out: PeerLinkAction[]): void {
    if (this.#state.kind === 'closed') return
    if (this.#state.kind === 'up') this.#hasHeardMore = true
    this.#lastReceivedMs = nowMs
    this.#reader.feed(bytes)
    for (;;) {
      const isUp = this.#state.kind === 'up'
      const frame = this.#reader.next(isUp ? peerFrameSizeBytesMax : helloFrameSizeBytesMax)
      if (frame === null) return
      // Peers send checksums from the first byte on, so bytes that fail them before the greeting are not from a peer.
      if (typeof frame === 'string')
        return this.close(!isUp && frame === 'frame-damaged' ? 'not-a-peer' : frame, '', out)
      this.#receiveFrame(frame, out)
      if (this.#isClosed()) return
    }
  }

  /** Leaves with the next flush; all messages of a turn share a frame. */
  send(message: PeerMessage): void {
    assert(this.#state.kind === 'up', 'messages go over links that are up', { state: this.#state.kind })
    this.#messages.push(message)
  }

  flush(nowMs: number, out: PeerLinkAction[]): void {
    if (this.#messages.length === 0 || this.#state.kind !== 'up') return
    const frames: Uint8Array[] = []
    encodeMessages(this.#messages, frames)
    this.#messages = []
    this.#lastSentMs = nowMs
    for (const bytes of frames) out.push({ kind: 'write', bytes })
  }

  tick(nowMs: number, out: PeerLinkAction[]): void {
    const { peerTimeoutMs } = this.#settings
    if (this.#state.kind === 'closed' || this.#state.kind === 'greeted') return
    if (this.#state.kind === 'awaiting-hello') {
      if (nowMs >= this.#state.untilMs) this.close('hello-late', '', out)
      return
    }
    const silentMs = nowMs - this.#lastReceivedMs
    if (silentMs >= peerTimeoutMs) {
      this.close('silent', `nothing for ${Math.round(silentMs)} ms`, out)
    } else if (nowMs - this.#lastSentMs >= peerTimeoutMs / keepAlivesPerTimeout) {
      this.#lastSentMs = nowMs
      out.push({ kind: 'write', bytes: keepAliveFrame })
    }
  }

  close(reason: LinkCloseReason, detail: string, out: PeerLinkAction[]): void {
    this.#close(reason, detail, 'peer' in this.#state ? this.#state.peer : this.#dialled, false, out)
  }

  /** The stream is gone: nothing more will be sent. */
  abandon(): void {
    this.#state = { kind: 'closed' }
    this.#messages = []
  }

  #receiveFrame(frame: PeerFrame, out: PeerLinkAction[]): void {
    if (this.#state.kind === 'awaiting-hello') {
      if (frame.hello === null) return this.close('hello-missing', '', out)
      this.#receiveHello(frame.hello, out)
      if (this.#isClosed()) return
    } else if (frame.hello !== null) {
      return this.close('hello-repeated', '', out)
    } else if (this.#state.kind === 'greeted') {
      return this.close('message-unknown', 'it did not wait for the greeting of this server', out)
    }
    for (const message of frame.messages) out.push({ kind: 'message', message })
  }

  #receiveHello(hello: Hello, out: PeerLinkAction[]): void {
    const { self, voters, clusterId } = this.#settings
    const problem = checkHello(hello, { self, voters, dialled: this.#dialled, clusterId: clusterId() })
    if (problem !== null) {
      // The greeting is sent all the same, so that the other side can log what is wrong.
      if (this.#dialled === null) this.#greet(hello.from, false, out)
      return this.#close(problem.reason, problem.detail, hello.from, true, out)
    }
    if (hello.idInUse) return this.#close('own-id-in-use', '', hello.from, false, out)
    if (this.#dialled !== null) return this.#goUp(hello, out)
    this.#state = { kind: 'greeted', peer: hello.from, hello }
    out.push({ kind: 'greeted', hello })
  }

  #goUp(hello: Hello, out: PeerLinkAction[]): void {
    this.#state = { kind: 'up', peer: hello.from, hello }
    out.push({ kind: 'up', hello })
  }

  #greet(to: ServerId, idInUse: boolean, out: PeerLinkAction[]): void {
    const { self, incarnation, clusterId } = this.#settings
    const [protocolVersion, from] = [peerProtocolVersion, self]
    const hello: Hello = { protocolVersion, from, to, clusterId: clusterId(), incarnation, idInUse }
    out.push({ kind: 'write', bytes: encodeFrame({ hello, messages: [] }) })
  }

  #close(
    reason: LinkCloseReason,
    detail: string,
    peer: ServerId | null,
    isGentle: boolean,
    out: PeerLinkAction[],
  ): void {
    this.abandon()
    out.push({ kind: 'close', reason, detail, peer, isGentle })
  }

  // A method, because TypeScript assumes that calls do not change a narrowed state.
  #isClosed(): boolean {
    return this.#state.kind === 'closed'
  }
}
