/**
 * A client as a program would be: it keeps a session over connections to any server, pings, sets its watches again, and
 * leaves a silent server. Now and then it misbehaves: it leaves without closing, falls silent, or uses one session over
 * two connections. The workload chooses what it asks; the client decides when.
 */
import type { ServerId, Zxid } from '../../src/base/ids.ts'
import type { Address } from '../../src/ports/stream.ts'
import type { WatchEventType } from '../../src/protocol/client/watch-event.ts'
import { ClientLink, type LinkContext, type ReceivedReply, type SessionHandle } from './client-link.ts'
import type { Scheduler, SimProcess } from './scheduler.ts'
import type { ClientRequest } from './sim-event.ts'
import type { SimRandom } from './sim-random.ts'
import type { Workload } from './workload.ts'

export interface ServerAddress {
  readonly id: ServerId
  readonly address: Address
}

/** For each of these, the chance that the client does it instead of sending its next requests. */
export interface Manners {
  readonly closeChance: number
  readonly abandonChance: number
  readonly silenceChance: number
  readonly bounceChance: number
  readonly secondConnectionChance: number
}

export interface SimClientOptions {
  readonly number: number
  readonly servers: readonly ServerAddress[]
  readonly sessionTimeoutMs: number
  readonly pipelineDepth: number
  readonly thinkTimeMsMean: number
  readonly manners: Manners
  /** It accepts a server without a leader. */
  readonly canBeReadOnly: boolean
}

export interface ClientContext extends LinkContext {
  readonly scheduler: Scheduler
  readonly process: SimProcess
  nextConnection(): number
}

const retryDelayMsMax = 200

export class SimClient {
  readonly options: SimClientOptions
  answeredCount = 0
  readonly #context: ClientContext
  readonly #random: SimRandom
  readonly #workload: Workload
  #session: SessionHandle | null = null
  #link: ClientLink | null = null
  #secondLink: ClientLink | null = null
  #lastZxidSeen = 0 as Zxid
  #attaching: ClientLink | null = null // one at a time, so that the order of attachments is known
  #isBusy = true
  #isWellBehaved = false
  #isActing = false
  #silentUntilUs = 0
  #retryDelayMs = 10
  readonly #watches = { data: new Set<string>(), exist: new Set<string>(), child: new Set<string>() }

  constructor(context: ClientContext, random: SimRandom, workload: Workload, options: SimClientOptions) {
    this.#context = context
    this.#random = random
    this.#workload = workload
    this.options = options
  }

  start(): void {
    this.#after(this.#random.fraction() * 100, () => this.#connect())
    this.#after(this.#keepAliveMs(), () => this.#keepAlive())
    this.#after(this.#random.exponential(this.options.thinkTimeMsMean), () => this.#act())
  }

  /** From now on the client does nothing that costs it a session or a connection. */
  behave(): void {
    this.#isWellBehaved = true
    this.#silentUntilUs = 0
  }

  /** Sends no new requests; keeps the session alive. */
  rest(): void {
    this.#isBusy = false
  }

  get isAttached(): boolean {
    return this.#link?.state === 'attached'
  }

  /** Requests on the current connection that have no answer yet. */
  get outstanding(): string {
    return this.#link?.describeOutstanding() ?? ''
  }

  /** The server of the current connection. */
  get serverId(): ServerId | null {
    return this.#link?.options.serverId ?? null
  }

  get outstandingCount(): number {
    return this.#link?.outstandingCount ?? 0
  }

  #connect(): void {
    if (this.#link !== null && this.#link.state !== 'closed') return
    this.#attaching?.close('overtaken')
    if (this.options.canBeReadOnly) this.#considerNewSession()
    this.#link = this.#openLink(this.#random.pick(this.options.servers), true)
  }

  #openLink(server: ServerAddress, isMain: boolean): ClientLink {
    const link: ClientLink = new ClientLink(
      this.#context,
      {
        client: this.options.number,
        connection: this.#context.nextConnection(),
        serverId: server.id,
        address: server.address,
        session: this.#session,
        lastZxidSeen: this.#lastZxidSeen,
        timeoutMs: this.options.sessionTimeoutMs,
        canBeReadOnly: this.options.canBeReadOnly,
      },
      {
        onAttached: (session) => this.#onAttached(link, session),
        onSessionRefused: () => this.#forgetSession(),
        onReply: (request, reply) => this.#onReply(link, request, reply),
        onWatchEvent: (type, path) => {
          if (link === this.#link) this.#onWatchEvent(type, path)
        },
        onClosed: () => {
          if (link === this.#attaching) this.#attaching = null
          if (isMain && link === this.#link) this.#retry()
          if (link === this.#secondLink) this.#secondLink = null
        },
      },
    )
    this.#attaching = link
    link.open(Math.max(200, Math.floor(this.options.sessionTimeoutMs / 3)))
    return link
  }

  /** The client gives up most sessions of read-only servers, and now and then one that no read-only server would accept. */
  #considerNewSession(): void {
    const session = this.#session
    if (session === null || this.#isWellBehaved) return
    if (session.isReadOnly) {
      if (this.#random.chance(0.7)) this.#forgetSession()
    } else if (this.#random.chance(0.1)) {
      this.#forgetSession()
      this.#context.record({ kind: 'abandoned', sessionId: session.id })
    }
  }

  #retry(): void {
    this.#after(this.#random.fraction() * this.#retryDelayMs, () => this.#connect())
    this.#retryDelayMs = Math.min(this.#retryDelayMs * 2, retryDelayMsMax)
  }

  #onAttached(link: ClientLink, session: SessionHandle): void {
    this.#attaching = null
    this.#retryDelayMs = 10
    this.#session = session
    if (link !== this.#link) {
      // The session has moved to this connection. The old one stays open; it should no longer have any effect.
      this.#secondLink?.close('replaced')
      this.#secondLink = this.#link
      this.#link = link
    }
    const { data, exist, child } = this.#watches
    if (data.size + exist.size + child.size === 0) return
    link.send({
      kind: 'set-watches',
      relativeZxid: this.#lastZxidSeen,
      data: [...data],
      exist: [...exist],
      child: [...child],
    })
  }

  #forgetSession(): void {
    this.#session = null
    this.#lastZxidSeen = 0 as Zxid
    for (const paths of Object.values(this.#watches)) paths.clear()
  }

  #onReply(link: ClientLink, request: ClientRequest, reply: ReceivedReply): void {
    this.answeredCount++ // a refusal, too: a znode may not exist
    // Zxids of events do not count: an event that was lost may belong to the same txn as one that arrived.
    if (reply.zxid > this.#lastZxidSeen) this.#lastZxidSeen = reply.zxid
    if (request.kind === 'close-session') {
      this.#forgetSession()
      link.close('session closed')
    } else if (link === this.#link && 'watch' in request && request.watch) {
      this.#remember(request.kind, request.path, reply)
    }
  }

  #remember(kind: ClientRequest['kind'], path: string, reply: ReceivedReply): void {
    if (kind === 'exists') {
      const list = reply.error === null ? this.#watches.data : this.#watches.exist
      // The server keeps both in one table, so the last reply about the path decides the list.
      this.#watches.data.delete(path)
      this.#watches.exist.delete(path)
      if (reply.error === null || reply.error === 'no-node') list.add(path)
    } else if (reply.error === null) {
      const list = kind === 'get-data' ? this.#watches.data : this.#watches.child
      if (kind === 'get-data') this.#watches.exist.delete(path)
      list.add(path)
    }
  }

  #onWatchEvent(type: WatchEventType, path: string): void {
    if (type === 'children-changed') {
      this.#watches.child.delete(path)
      return
    }
    this.#watches.data.delete(path)
    this.#watches.exist.delete(path)
    if (type === 'deleted') this.#watches.child.delete(path)
  }

  #keepAliveMs(): number {
    return Math.max(20, this.options.sessionTimeoutMs / 6)
  }

  #keepAlive(): void {
    this.#after(this.#keepAliveMs(), () => this.#keepAlive())
    const { nowUs } = this.#context.scheduler
    if (nowUs < this.#silentUntilUs) return
    const timeoutUs = this.options.sessionTimeoutMs * 1000
    for (const link of [this.#link, this.#secondLink]) {
      if (link === null || link.state === 'closed') continue
      if (nowUs - link.lastReceivedUs > (timeoutUs * 2) / 3) link.close('silent server')
      else if (link.state === 'attached' && nowUs - link.lastSentUs > timeoutUs / 3) link.send({ kind: 'ping' })
    }
  }

  /** Sends requests, waits for the think time, and repeats. */
  #act(): void {
    if (this.#context.scheduler.nowUs >= this.#silentUntilUs) this.#step()
    if (this.#isActing) return
    this.#isActing = true
    this.#after(this.#random.exponential(this.options.thinkTimeMsMean), () => {
      this.#isActing = false
      this.#act()
    })
  }

  #step(): void {
    const link = this.#link
    if (!this.#isBusy || link === null || link.state !== 'attached') return
    if (link.outstandingCount >= this.options.pipelineDepth) return
    if (!this.#isWellBehaved && this.#misbehave(link)) return
    const burst = this.#random.between(1, Math.max(1, Math.floor(this.options.pipelineDepth / 2)))
    for (let i = 0; i < burst; i++) link.send(this.#workload.next())
    if (this.#secondLink?.state === 'attached' && this.#secondLink.outstandingCount < this.options.pipelineDepth) {
      this.#secondLink.send(this.#workload.next())
    }
  }

  #misbehave(link: ClientLink): boolean {
    const { closeChance, abandonChance, silenceChance, bounceChance, secondConnectionChance } = this.options.manners
    const random = this.#random
    if (random.chance(closeChance)) link.send({ kind: 'close-session' })
    else if (random.chance(abandonChance)) this.#abandon(link)
    else if (random.chance(silenceChance)) {
      this.#silentUntilUs = this.#context.scheduler.nowUs + this.options.sessionTimeoutMs * random.between(200, 2500)
    } else if (random.chance(bounceChance)) link.close('moves to another server')
    else if (this.#attaching === null && random.chance(secondConnectionChance)) {
      this.#openLink(random.pick(this.options.servers), false)
    } else return false
    return true
  }

  #abandon(link: ClientLink): void {
    const session = this.#session
    if (session === null) return
    this.#forgetSession()
    this.#secondLink?.close('abandoned')
    link.close('abandoned')
    this.#context.record({ kind: 'abandoned', sessionId: session.id })
  }

  #after(delayMs: number, callback: () => void): void {
    this.#context.scheduler.schedule(this.#context.process, 'timer', Math.max(1, Math.round(delayMs * 1000)), callback)
  }
}
