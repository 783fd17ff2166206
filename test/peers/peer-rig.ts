/** What the tests of links share: messages, settings, and two servers' links joined by lossless wires. */
import type { Epoch, ServerId, Zxid } from '../../src/base/ids.ts'
import { type LinkId, type PeerAction, PeerLinks, type PeerLinksSettings } from '../../src/peers/peer-links.ts'
import type { ClusterId } from '../../src/protocol/disk/log-record.ts'
import type { PeerMessage } from '../../src/protocol/peer/peer-message.ts'

export const ids = [1, 2, 3] as ServerId[]
export const peerTimeoutMs = 1000

export function vote(round: number): PeerMessage {
  return {
    kind: 'vote',
    round,
    state: 'looking',
    leader: ids[0]!,
    epoch: 1 as Epoch,
    zxid: 7 as Zxid,
    cannotWin: false,
  }
}

export function settingsOf(self: ServerId, changes: Partial<PeerLinksSettings> = {}): PeerLinksSettings {
  return {
    self,
    voters: ids,
    incarnation: self * 100,
    peerTimeoutMs,
    clusterId: () => 0 as ClusterId,
    uint32: () => 0,
    ...changes,
  }
}

/** One server's links; `reported` collects what they report to the replica. */
export class Side {
  readonly links: PeerLinks
  readonly reported: string[] = []
  readonly dials: ServerId[] = []
  readonly written: Uint8Array[] = []
  readonly closes: Extract<PeerAction, { readonly kind: 'close' }>[] = []
  /** The other end of each link. */
  readonly wires = new Map<LinkId, (bytes: Uint8Array) => void>()

  constructor(self: ServerId, changes: Partial<PeerLinksSettings> = {}) {
    this.links = new PeerLinks(settingsOf(self, changes))
  }

  perform(): void {
    for (const action of this.links.takeActions()) {
      switch (action.kind) {
        case 'dial':
          this.dials.push(action.peer)
          break
        case 'write':
          this.written.push(action.bytes)
          this.wires.get(action.link)?.(action.bytes)
          break
        case 'close':
          this.closes.push(action)
          break
        case 'message':
          this.reported.push(`${action.message.kind} from ${action.peer}`)
          break
        case 'not-called':
          this.reported.push(`not-called by ${action.by}`)
          break
        default:
          this.reported.push(`${action.kind} ${action.peer}`)
      }
    }
  }

  tick(nowMs: number): void {
    this.links.tick(nowMs)
    this.perform()
  }
}

/** Opens a stream between two sides; bytes wait until `settle`, and arrive in pieces of the given size. */
export function join(dialler: Side, peer: ServerId, acceptor: Side, nowMs: number, pieceSizeBytes = 1_000_000) {
  const queue: (() => void)[] = []
  const acceptedLink = acceptor.links.opened(null, nowMs)
  const dialledLink = dialler.links.opened(peer, nowMs)
  const wire = (to: Side, link: LinkId) => (bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length; at += pieceSizeBytes) {
      const piece = bytes.slice(at, at + pieceSizeBytes)
      queue.push(() => {
        to.links.received(link, piece, nowMs)
        piece.fill(0xaa) // the chunk belongs to the receiver only until it returns
        to.perform()
      })
    }
  }
  dialler.wires.set(dialledLink, wire(acceptor, acceptedLink))
  acceptor.wires.set(acceptedLink, wire(dialler, dialledLink))
  const settle = (): void => {
    dialler.perform()
    acceptor.perform()
    while (queue.length > 0) queue.shift()!()
  }
  return { dialledLink, acceptedLink, settle }
}
