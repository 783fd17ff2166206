/**
 * The client of the sweep: one session, which sends the writes in order with some in flight, over a connection to any
 * server. It never waits for a write before it sends the next. After a lost connection or an error it reads all znodes
 * and finds out how many writes have happened; that must be at least as many as were acknowledged and at most as many as
 * were sent, and nothing else may have happened. Then it goes on with the next write.
 */
import type { ServerId, Zxid } from '../../src/base/ids.ts'
import { ClientLink, type LinkContext, type ReceivedReply, type SessionHandle } from '../simulator/client-link.ts'
import type { Scheduler, SimProcess } from '../simulator/scheduler.ts'
import type { ServerAddress } from '../simulator/sim-client.ts'
import type { ClientRequest } from '../simulator/sim-event.ts'
import { type Content, differenceOf, parents, type ReadZnode, type Writes } from './writes.ts'

/** What outlives the processes of the servers, and the client of one act. */
export interface ClientState {
  readonly session: SessionHandle | null
  readonly lastZxidSeen: Zxid
  /** Acknowledged, and sent: the writes in between were in flight when the servers ended. */
  readonly writeCount: number
  readonly sentCount: number
}

export interface SweepClientOptions {
  readonly scheduler: Scheduler
  readonly process: SimProcess
  readonly link: LinkContext
  readonly servers: readonly ServerAddress[]
  readonly writes: Writes
  readonly state: ClientState
  /** The servers have lost or invented a write. */
  readonly blame: (text: string) => void
}

const sessionTimeoutMs = 20_000
const dialTimeoutMs = 400
/** A server that has no leader keeps a client waiting. */
const attachTimeoutMs = 1500
const reconnectMs = 25
const paceMs = 20
const writesAtOnce = 4
const inFlightMax = 12
const pingMs = 3000
/** A write that an earlier connection had sent may still arrive between two reads. */
const readingsMax = 4
const rereadMs = 150

type Phase =
  | { readonly kind: 'connecting' }
  /** Every write that was sent on this connection is answered before the znodes are read. */
  | { readonly kind: 'draining' }
  | { readonly kind: 'reading'; readonly found: Map<string, ReadZnode>; left: number }
  | { readonly kind: 'writing' }

export class SweepClient {
  /** Writes that have happened for certain: all before this index. */
  acknowledged: number
  /** Writes before this index were sent. */
  sent: number
  readingCount = 0
  readonly #options: SweepClientOptions
  #session: SessionHandle | null
  #lastZxidSeen: Zxid
  #target: number
  #link: ClientLink | null = null
  #phase: Phase = { kind: 'connecting' }
  #isStopped = false
  #nextServer = 0
  #preferred: ServerId | null = null
  #misreadCount = 0

  constructor(options: SweepClientOptions) {
    this.#options = options
    const { session, lastZxidSeen, writeCount, sentCount } = options.state
    this.#session = session
    this.#lastZxidSeen = lastZxidSeen
    this.acknowledged = writeCount
    this.sent = sentCount
    this.#target = writeCount
  }

  start(): void {
    this.#connect()
    this.#every(paceMs, () => this.#pump())
    this.#every(pingMs, () => this.#link?.send({ kind: 'ping' }))
  }

  /** No further event of it has an effect. */
  stop(): void {
    this.#isStopped = true
    this.#link?.close('stopped')
  }

  /** Sends writes until all before this index are acknowledged. */
  writeUpTo(target: number): void {
    this.#target = Math.max(this.#target, target)
  }

  /** It is connected, and knows how many writes have happened. */
  get isReady(): boolean {
    return this.#phase.kind === 'writing'
  }

  get isDone(): boolean {
    return this.isReady && this.acknowledged >= this.#target
  }

  get state(): ClientState {
    const { acknowledged: writeCount, sent: sentCount } = this
    return { session: this.#session, lastZxidSeen: this.#lastZxidSeen, writeCount, sentCount }
  }

  /** It has read all znodes, and is connected to this server. */
  isAttachedTo(id: ServerId): boolean {
    return this.#phase.kind === 'writing' && this.#link?.options.serverId === id
  }

  /** Moves to this server if it is connected to another one. The next attempts go to it, too. */
  prefer(id: ServerId | null): void {
    this.#preferred = id
    const isElsewhere = this.#phase.kind === 'writing' && this.#link?.options.serverId !== id
    if (id !== null && isElsewhere) this.#link?.close('moves to another server')
  }

  /** All znodes are read again, over the present connection or the next one. */
  readAgain(): void {
    if (this.#phase.kind === 'writing') this.#drain()
  }

  #connect(): void {
    if (this.#isStopped) return
    const { servers, link: context } = this.#options
    const preferred = servers.find(({ id }) => id === this.#preferred)
    // Every second attempt goes to the preferred server, in case it is down.
    const server = (this.#nextServer % 2 === 0 ? preferred : undefined) ?? servers[this.#nextServer % servers.length]!
    this.#nextServer += 1
    const { id: serverId, address } = server
    const link: ClientLink = new ClientLink(
      context,
      {
        client: 0,
        connection: this.#nextServer,
        serverId,
        address,
        session: this.#session,
        lastZxidSeen: this.#lastZxidSeen,
        timeoutMs: sessionTimeoutMs,
        canBeReadOnly: false,
      },
      {
        onAttached: (session) => {
          this.#session = session
          this.#read()
        },
        onSessionRefused: () => this.#options.blame(`server ${serverId} refuses the session, which has not expired`),
        onReply: (request, reply) => this.#onReply(request, reply),
        onWatchEvent: () => {},
        onClosed: () => {
          if (link !== this.#link) return
          this.#phase = { kind: 'connecting' }
          this.#link = null
          this.#after(reconnectMs, () => this.#connect())
        },
      },
    )
    this.#link = link
    link.open(dialTimeoutMs)
    this.#after(attachTimeoutMs, () => {
      if (link.state === 'connecting') link.close('not served')
    })
  }

  #pump(): void {
    const link = this.#link
    if (this.#phase.kind !== 'writing' || link === null) return
    for (let i = 0; i < writesAtOnce && this.sent < this.#target && link.outstandingCount < inFlightMax; i += 1) {
      link.send(this.#options.writes.at(this.sent))
      this.sent += 1
    }
  }

  #onReply(request: ClientRequest, reply: ReceivedReply): void {
    if (reply.zxid > this.#lastZxidSeen) this.#lastZxidSeen = reply.zxid
    if (request.kind === 'ping') return
    switch (this.#phase.kind) {
      case 'reading':
        return this.#onRead(this.#phase, request, reply)
      case 'writing':
        if (isRefused(reply)) return this.#drain()
        this.acknowledged += 1
        return
      case 'draining':
        // After a refused write a later one must not have happened: the reading says so if it has.
        return this.#drain()
      case 'connecting':
        return
    }
  }

  #drain(): void {
    this.#phase = { kind: 'draining' }
    if (this.#link!.outstandingCount === 0) this.#read()
  }

  #read(): void {
    const link = this.#link!
    this.readingCount += 1
    this.#phase = { kind: 'reading', found: new Map(), left: 1 + 2 * parents.length }
    link.send({ kind: 'sync', path: '/' })
    for (const path of parents) {
      link.send({ kind: 'get-data', path, watch: false })
      link.send({ kind: 'get-children', path, watch: false })
    }
  }

  #onRead(phase: Extract<Phase, { readonly kind: 'reading' }>, request: ClientRequest, reply: ReceivedReply): void {
    phase.left -= 1
    const { body, error } = reply
    if (error !== null && error !== 'no-node') return this.#options.blame(`${request.kind} is answered with ${error}`)
    if (body.kind === 'data' && request.kind === 'get-data') {
      const { version, ephemeralOwner } = body.stat
      phase.found.set(request.path, { data: body.data ?? '', version, isEphemeral: ephemeralOwner !== 0n })
    }
    if (body.kind === 'children' && request.kind === 'get-children') {
      for (const name of body.names) {
        phase.left += 1
        this.#link!.send({ kind: 'get-data', path: `${request.path}/${name}`, watch: false })
      }
    }
    if (phase.left === 0) this.#judge(phase.found)
  }

  #judge(found: Content): void {
    const { writes, blame } = this.#options
    for (let count = this.acknowledged; count <= this.sent; count += 1) {
      if (differenceOf(found, writes.contentAfter(count)) !== null) continue
      this.acknowledged = count
      this.sent = count
      this.#misreadCount = 0
      this.#phase = { kind: 'writing' }
      return
    }
    this.#misreadCount += 1
    if (this.#misreadCount < readingsMax) {
      this.#after(rereadMs, () => {
        if (this.#phase.kind === 'reading') this.#read()
      })
      return
    }
    const ends = [this.acknowledged, this.sent].map(
      (count) => `after ${count} writes: ${differenceOf(found, writes.contentAfter(count))}`,
    )
    const { serverId } = this.#link!.options
    blame(
      `server ${serverId}: ${this.acknowledged} writes are acknowledged, ${this.sent} were sent; ${ends.join('; ')}`,
    )
  }

  #after(delayMs: number, callback: () => void): void {
    const { scheduler, process } = this.#options
    scheduler.schedule(process, 'timer', delayMs * 1000, () => {
      if (!this.#isStopped) callback()
    })
  }

  #every(intervalMs: number, callback: () => void): void {
    this.#after(intervalMs, () => {
      callback()
      this.#every(intervalMs, callback)
    })
  }
}

/** A multi that fails is answered without an error in its header. */
function isRefused({ error, body }: ReceivedReply): boolean {
  return error !== null || (body.kind === 'multi' && body.results.some((result) => result.kind === 'error'))
}
