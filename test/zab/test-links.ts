/**
 * The links between the servers of a test cluster. A link delivers in order or closes; it closes when one of its
 * directions stays cut for `timeoutMs`, since real links carry keep-alives. Messages sent during a cut are held, as in
 * a stalled connection: they arrive late, or never if the link closes first.
 */
import type { ServerId } from '../../src/base/ids.ts'
import type { ZabMessage } from '../../src/protocol/peer/peer-message.ts'

export type LinkEvent =
  | { readonly kind: 'link-up'; readonly link: Link; readonly session: number; readonly at: ServerId }
  | { readonly kind: 'link-down'; readonly link: Link; readonly session: number; readonly at: ServerId }
  | {
      readonly kind: 'arrival'
      readonly link: Link
      readonly session: number
      readonly at: ServerId
      readonly message: ZabMessage
    }
  | { readonly kind: 'link-timeout'; readonly link: Link; readonly session: number; readonly cutCount: number }

interface Channel {
  isCut: boolean
  lastAtMs: number // messages arrive in the order in which they were sent
  held: ZabMessage[]
}

/** Between two servers, lower id first. */
export interface Link {
  readonly ends: readonly [ServerId, ServerId]
  session: number // 0: none
  cutCount: number // grows with every cut and every repair
  readonly seen: Map<ServerId, number> // the session that each end believes in; 0: none
  readonly to: Map<ServerId, Channel>
}

export interface LinkPorts {
  nowMs(): number
  plan(atMs: number, event: LinkEvent): void
  delayMs(): number
  closeDelayMs(): number
}

export class TestLinks {
  readonly links: readonly Link[]
  readonly #ports: LinkPorts
  readonly #timeoutMs: number
  #lastSession = 0

  constructor(servers: readonly ServerId[], timeoutMs: number, ports: LinkPorts) {
    this.#ports = ports
    this.#timeoutMs = timeoutMs
    this.links = servers.flatMap((a, i) => servers.slice(i + 1).map((b) => newLink(a, b)))
  }

  between(a: ServerId, b: ServerId): Link {
    return this.links.find(({ ends }) => ends.includes(a) && ends.includes(b))!
  }

  isDown(link: Link): boolean {
    return link.session === 0 && link.ends.every((end) => link.seen.get(end) === 0)
  }

  connect(link: Link): void {
    link.session = ++this.#lastSession
    for (const end of link.ends) {
      const atMs = this.#ports.nowMs() + this.#ports.delayMs()
      link.to.set(end, { isCut: false, lastAtMs: atMs, held: [] })
      this.#ports.plan(atMs, { kind: 'link-up', link, session: link.session, at: end })
    }
  }

  send(from: ServerId, to: ServerId, message: ZabMessage): void {
    const link = this.between(from, to)
    const session = link.seen.get(from)!
    if (session === 0 || session !== link.session) return // closed: what is sent is lost
    const channel = link.to.get(to)!
    if (channel.isCut || channel.held.length > 0) channel.held.push(message)
    else this.#carry(link, channel, to, message)
  }

  cut(from: ServerId, to: ServerId): void {
    const link = this.between(from, to)
    link.to.get(to)!.isCut = true
    link.cutCount++
    this.silence(link)
  }

  /** Closes the link after the timeout unless it is healed before. */
  silence(link: Link): void {
    const { session, cutCount } = link
    if (session === 0) return
    const atMs = this.#ports.nowMs() + this.#timeoutMs
    this.#ports.plan(atMs, { kind: 'link-timeout', link, session, cutCount })
  }

  heal(link: Link): void {
    link.cutCount++
    for (const [to, channel] of link.to) {
      channel.isCut = false
      const { held } = channel
      channel.held = []
      if (link.session === 0) continue // the link closed meanwhile
      for (const message of held) this.#carry(link, channel, to, message)
    }
  }

  isCut(link: Link): boolean {
    return [...link.to.values()].some(({ isCut }) => isCut)
  }

  /** Each end learns of it at a time of its own; what it sends until then is lost. */
  close(link: Link): void {
    if (link.session === 0) return
    const { session } = link
    link.session = 0
    for (const end of link.ends) {
      const atMs = this.#ports.nowMs() + this.#ports.closeDelayMs()
      this.#ports.plan(atMs, { kind: 'link-down', link, session, at: end })
    }
  }

  #carry(link: Link, channel: Channel, to: ServerId, message: ZabMessage): void {
    const atMs = Math.max(channel.lastAtMs, this.#ports.nowMs() + this.#ports.delayMs())
    channel.lastAtMs = atMs
    this.#ports.plan(atMs, { kind: 'arrival', link, session: link.session, at: to, message })
  }
}

export function otherEnd(link: Link, end: ServerId): ServerId {
  return link.ends[0] === end ? link.ends[1] : link.ends[0]
}

function newLink(a: ServerId, b: ServerId): Link {
  const channel = (): Channel => ({ isCut: false, lastAtMs: 0, held: [] })
  return {
    ends: [a, b],
    session: 0,
    cutCount: 0,
    seen: new Map([
      [a, 0],
      [b, 0],
    ]),
    to: new Map([
      [a, channel()],
      [b, channel()],
    ]),
  }
}
