/**
 * All links of one server to its peers. Ensures that each peer has one link, dialled by the server with the higher id,
 * so that two servers never hold two links with different orders of messages; dials again; lets `connected` and
 * `disconnected` of a peer alternate; and lets one process at a time have an id (design D15). A process that sends the
 * id of a connected process waits: it is refused if that process sends anything, and admitted if its link closes. If a
 * second process could replace the first, the two would depose leaders in turn, and one id would vote from two disks.
 * Assumes that the driver performs the actions in order, reports every stream's end, and stops its clock while this
 * process is stopped, since what peers sent meanwhile waits unread. The methods queue actions; `takeActions` returns
 * them.
 */
import { assert, assertNever } from '../base/assert.ts'
import type { Brand } from '../base/brand.ts'
import type { ServerId } from '../base/ids.ts'
import { peerCallTimeoutMs, peerOutputSizeBytesMax } from '../base/limits.ts'
import type { Hello, PeerMessage } from '../protocol/peer/peer-message.ts'
import type { LinkCloseReason } from './link-close-reason.ts'
import { PeerLink, type PeerLinkAction, type PeerLinkSettings } from './peer-link.ts'
import { redialDelayMs } from './redial-backoff.ts'

const undialled = { isDialling: false, failedAttempts: 0, nextDialMs: 0, isRefused: false }

/** Names a stream between servers, within one process. */
export type LinkId = Brand<number, 'LinkId'>

export interface PeerLinksSettings extends PeerLinkSettings {
  readonly uint32: () => number
}

export type PeerAction =
  /** The driver answers with one call of `opened` or `dialFailed`. */
  | { readonly kind: 'dial'; readonly peer: ServerId }
  | { readonly kind: 'write'; readonly link: LinkId; readonly bytes: Uint8Array }
  | { readonly kind: 'connected'; readonly peer: ServerId; readonly incarnation: number }
  /** `wasSilent`: the peer sent nothing for peerTimeoutMs. */
  | { readonly kind: 'disconnected'; readonly peer: ServerId; readonly wasSilent: boolean }
  | { readonly kind: 'message'; readonly peer: ServerId; readonly message: PeerMessage }
  /** No link has been up for `forMs`, and the servers `by` have to dial this one. Repeated with each tick. */
  | { readonly kind: 'not-called'; readonly by: readonly ServerId[]; readonly forMs: number }
  /** The driver closes the stream and logs the reason. */
  | {
      readonly kind: 'close'
      readonly link: LinkId
      readonly peer: ServerId | null
      readonly reason: LinkCloseReason
      readonly detail: string
      readonly isGentle: boolean
    }

interface Peer {
  readonly id: ServerId
  readonly weDial: boolean
  up: LinkId | null
  /** A link whose process sent the id of this peer while a link of another process was up. */
  contender: LinkId | null
  /** A dial is under way, or its link awaits the greeting. */
  isDialling: boolean
  failedAttempts: number
  nextDialMs: number
  /** At the last attempt the peer refused this server, which only an operator can change. */
  isRefused: boolean
}

export class PeerLinks {
  readonly #settings: PeerLinksSettings
  readonly #peers = new Map<ServerId, Peer>()
  readonly #links = new Map<LinkId, PeerLink>()
  #lastLinkId = 0
  /** When the last link closed; null while a link is up. */
  #aloneSinceMs: number | null = null
  #out: PeerAction[] = []

  constructor(settings: PeerLinksSettings) {
    this.#settings = settings
    for (const id of settings.voters) {
      if (id === settings.self) continue
      const weDial = settings.self > id
      this.#peers.set(id, { id, weDial, up: null, contender: null, ...undialled })
    }
  }

  takeActions(): readonly PeerAction[] {
    const actions = this.#out
    this.#out = []
    return actions
  }

  /** Dials the peers that are due, sends keep-alives, closes silent links. The first tick dials every peer. */
  tick(nowMs: number): void {
    for (const [id, link] of this.#links) this.#act(id, link, nowMs, (out) => link.tick(nowMs, out))
    this.#reportIfAlone(nowMs)
    for (const peer of this.#peers.values()) {
      if (!peer.weDial || peer.up !== null || peer.isDialling || nowMs < peer.nextDialMs) continue
      peer.isDialling = true
      this.#out.push({ kind: 'dial', peer: peer.id })
    }
  }

  /** A stream was opened: to the peer `dialled`, or null for a stream that this server accepted. */
  opened(dialled: ServerId | null, nowMs: number): LinkId {
    const id = ++this.#lastLinkId as LinkId
    const link = new PeerLink(this.#settings, dialled, nowMs)
    this.#links.set(id, link)
    this.#act(id, link, nowMs, (out) => link.start(out))
    return id
  }

  dialFailed(peerId: ServerId, nowMs: number): void {
    this.#scheduleRedial(this.#peer(peerId), nowMs)
  }

  received(id: LinkId, bytes: Uint8Array, nowMs: number): void {
    const link = this.#links.get(id)
    if (link === undefined) return
    this.#act(id, link, nowMs, (out) => link.receive(bytes, nowMs, out))
    if (link.state.kind !== 'up') return
    const peer = this.#peer(link.state.peer)
    if (link.hasHeardMore) peer.failedAttempts = 0
    this.#refuseContender(peer, nowMs)
  }

  /** The stream has ended. Ignored for a link that this server closed. */
  closed(id: LinkId, detail: string, nowMs: number): void {
    const link = this.#links.get(id)
    if (link === undefined) return
    const reason = this.#isRefusal(link) ? 'closed-after-greeting' : 'closed-by-peer'
    this.#act(id, link, nowMs, (out) => link.close(reason, detail, out))
  }

  /**
   * A server that does not know this one greets, and closes: that is all that the protocol lets it say. A server that
   * stops at that moment does the same once, so the second time in succession counts.
   */
  #isRefusal(link: PeerLink): boolean {
    const { dialled, state, hasHeardMore } = link
    return dialled !== null && state.kind === 'up' && !hasHeardMore && this.#peer(dialled).failedAttempts > 0
  }

  /** `sizeBytes` wait to be sent on the link. */
  outputQueued(id: LinkId, sizeBytes: number, nowMs: number): void {
    if (sizeBytes <= peerOutputSizeBytesMax) return
    const link = this.#links.get(id)
    if (link === undefined) return
    this.#act(id, link, nowMs, (out) => link.close('output-too-large', `${sizeBytes} bytes wait`, out))
  }

  /** Leaves with the next flush. Dropped while the peer is not connected; the replica got `disconnected` for that. */
  send(peerId: ServerId, message: PeerMessage): void {
    const { up } = this.#peer(peerId)
    if (up !== null) this.#links.get(up)!.send(message)
  }

  flush(nowMs: number): void {
    for (const peer of this.#peers.values()) {
      if (peer.up === null) continue
      const link = this.#links.get(peer.up)!
      this.#act(peer.up, link, nowMs, (out) => link.flush(nowMs, out))
    }
  }

  /** A second process with the lowest id dials no peer, and no peer dials it: it notices only that no link is up. */
  #reportIfAlone(nowMs: number): void {
    const peers = [...this.#peers.values()]
    if (peers.some(({ up }) => up !== null)) this.#aloneSinceMs = null
    else this.#aloneSinceMs ??= nowMs
    const forMs = nowMs - (this.#aloneSinceMs ?? nowMs)
    const by = peers.filter(({ weDial }) => !weDial).map(({ id }) => id)
    if (forMs >= peerCallTimeoutMs && by.length > 0) this.#out.push({ kind: 'not-called', by, forMs })
  }

  #act(id: LinkId, link: PeerLink, nowMs: number, step: (out: PeerLinkAction[]) => void): void {
    const actions: PeerLinkAction[] = []
    step(actions)
    for (const action of actions) {
      switch (action.kind) {
        case 'write':
          this.#out.push({ kind: 'write', link: id, bytes: action.bytes })
          break
        case 'greeted':
          this.#admit(id, link, action.hello, nowMs)
          break
        case 'up':
          this.#linkUp(id, this.#peer(action.hello.from), action.hello.incarnation, nowMs)
          break
        case 'message':
          assert(link.state.kind === 'up' || link.state.kind === 'closed', 'messages follow the greeting', {})
          this.#deliver(id, action.message)
          break
        case 'close':
          this.#out.push({ ...action, link: id })
          if (link.dialled !== null) {
            const isRefused = action.reason === 'own-id-in-use' || action.reason === 'closed-after-greeting'
            this.#peer(link.dialled).isRefused = isRefused
          }
          this.#forget(id, link, action.reason, nowMs)
          break
        default:
          assertNever(action)
      }
    }
  }

  /** The process of a link that sends something is alive, so another process may not have its id. */
  #refuseContender(peer: Peer, nowMs: number): void {
    const id = peer.contender
    if (id === null) return
    const link = this.#links.get(id)!
    const { up } = peer
    assert(link.state.kind === 'greeted' && up !== null, 'a contender waits beside a link', { peerId: peer.id })
    const [first, second] = [this.#links.get(up)!.incarnation, link.state.hello.incarnation]
    this.#act(id, link, nowMs, (out) => link.refuse(`connected is incarnation ${first}, refused ${second}`, out))
  }

  #admit(id: LinkId, link: PeerLink, hello: Hello, nowMs: number): void {
    const peer = this.#peer(hello.from)
    if (peer.up === null || this.#links.get(peer.up)!.incarnation === hello.incarnation) {
      return this.#act(id, link, nowMs, (out) => link.accept(nowMs, out))
    }
    // Either the peer restarted before its old link closed, or a second process has its id. Only one link can wait.
    this.#refuseContender(peer, nowMs)
    peer.contender = id
  }

  #linkUp(id: LinkId, peer: Peer, incarnation: number, nowMs: number): void {
    const old = peer.up
    if (old !== null) {
      // The process of the peer made a new link, so the old one is dead and the process is alive.
      this.#refuseContender(peer, nowMs)
      const oldLink = this.#links.get(old)!
      this.#act(old, oldLink, nowMs, (out) => oldLink.close('replaced', '', out))
    }
    peer.up = id
    peer.isDialling = false
    this.#out.push({ kind: 'connected', peer: peer.id, incarnation })
  }

  #deliver(id: LinkId, message: PeerMessage): void {
    for (const peer of this.#peers.values()) {
      if (peer.up === id) this.#out.push({ kind: 'message', peer: peer.id, message })
    }
  }

  #forget(id: LinkId, link: PeerLink, reason: LinkCloseReason, nowMs: number): void {
    this.#links.delete(id)
    for (const peer of this.#peers.values()) {
      if (peer.contender === id) peer.contender = null
      if (peer.up === id) {
        peer.up = null
        this.#out.push({ kind: 'disconnected', peer: peer.id, wasSilent: reason === 'silent' })
        this.#scheduleRedial(peer, nowMs)
        this.#admitContender(peer, nowMs)
      } else if (link.dialled === peer.id && peer.up === null) {
        this.#scheduleRedial(peer, nowMs)
      }
    }
  }

  #admitContender(peer: Peer, nowMs: number): void {
    const id = peer.contender
    if (id === null) return
    peer.contender = null
    const link = this.#links.get(id)!
    this.#act(id, link, nowMs, (out) => link.accept(nowMs, out))
  }

  #scheduleRedial(peer: Peer, nowMs: number): void {
    peer.isDialling = false
    const { failedAttempts, isRefused } = peer
    peer.nextDialMs = nowMs + redialDelayMs(failedAttempts, this.#settings.uint32(), isRefused)
    peer.failedAttempts++
  }

  #peer(id: ServerId): Peer {
    const peer = this.#peers.get(id)
    assert(peer !== undefined, 'a link leads to a configured peer', { peerId: id })
    return peer
  }
}
