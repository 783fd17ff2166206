/**
 * What an observer outside of the servers knows of them at each moment: which run, which links work, who leads whom, and
 * when that last changed for each server and each pair. The checkers of elections and of leaders ask it. It depends on trace
 * events and on the traffic between hosts, and on nothing inside a server.
 */
import type { Epoch, ServerId } from '../../src/base/ids.ts'
import type { TraceEvent } from '../../src/replica/trace-event.ts'
import type { TraceEntry } from './sim-event.ts'

/** What the network and the disks of the simulator say. */
export interface EnsembleProbe {
  /** No fault holds back what one sends to the other. */
  carries(a: ServerId, b: ServerId): boolean
  /** Whether no fault of its disk lasts. */
  diskWorks(id: ServerId): boolean
  /** It was asked to stop, and serves nothing any more. */
  isStopping(id: ServerId): boolean
  /** `host` knows that `other` has heard it at this time or later. */
  answeredUs(id: ServerId, other: ServerId): number
  /** When the newest bytes of `from` that `by` has read were sent. */
  heardUs(by: ServerId, from: ServerId): number
  sentSizeBytes(from: ServerId, to: ServerId): number
}

export interface ServerView {
  readonly id: ServerId
  isRunning: boolean
  isPaused: boolean
  /** It stops by itself, and serves nothing any more. */
  hasFailed: boolean
  /** Its disk is empty or a copy, so it may not vote until a leader has brought it up. */
  lacksData: boolean
  role: 'looking' | 'following' | 'leading'
  epoch: Epoch
  readonly linked: Set<ServerId>
  changedUs: number
  /** Until then its disk may do late what was under way when a fault of it ended. */
  diskLateUntilUs: number
  readonly pauses: { readonly fromUs: number; readonly untilUs: number }[]
  pausedSinceUs: number
}

const justStarted = { isRunning: true, isPaused: false, hasFailed: false, role: 'looking' } as const

/** What was slow or refused when the disk was mended may take so much longer. */
const diskMendedUs = 1_000_000

export class EnsembleView {
  readonly servers: readonly ServerView[]
  readonly quorumSize: number
  readonly probe: EnsembleProbe
  readonly #linkChangedUs = new Map<string, number>()
  /** By server: when its link to each other one last came up. */
  readonly #linkedUs = new Map<ServerView, Map<ServerId, number>>()
  readonly #leaderOf = new Map<Epoch, ServerView>()
  /** Since when no leader is established that a quorum follows. */
  leaderlessSinceUs: number | null = 0

  constructor(ids: readonly ServerId[], probe: EnsembleProbe) {
    this.probe = probe
    this.quorumSize = Math.floor(ids.length / 2) + 1
    this.servers = ids.map((id) => ({
      id,
      isRunning: false,
      isPaused: false,
      hasFailed: false,
      lacksData: false,
      role: 'looking',
      epoch: 0 as Epoch,
      linked: new Set(),
      changedUs: 0,
      diskLateUntilUs: 0,
      pauses: [],
      pausedSinceUs: 0,
    }))
  }

  server(id: ServerId): ServerView {
    return this.servers[id - 1]!
  }

  observe({ atUs, event }: TraceEntry): void {
    switch (event.kind) {
      case 'server-started':
        Object.assign(this.server(event.serverId), { ...justStarted, changedUs: atUs })
        break
      case 'server-crashed': {
        const server = this.server(event.serverId)
        Object.assign(server, { isRunning: false, isPaused: false, role: 'looking', changedUs: atUs })
        server.linked.clear()
        break
      }
      case 'server-paused':
        this.#notePause(this.server(event.serverId), event.isPaused, atUs)
        break
      case 'disk-wiped':
        this.server(event.serverId).lacksData = true
        break
      case 'server-log':
        if (event.text.startsWith('error server-must-stop ')) this.server(event.serverId).hasFailed = true
        break
      case 'server':
        this.#observeServer(this.server(event.serverId), event.event, atUs)
        break
      default:
        return
    }
    this.#noteLeader(atUs)
  }

  /** The traffic between two servers is disturbed or mended. */
  linkChanged(a: ServerId, b: ServerId, atUs: number): void {
    const pair = pairOf(a, b)
    this.#linkChangedUs.set(pair, Math.max(this.#linkChangedUs.get(pair) ?? 0, atUs))
  }

  diskChanged(id: ServerId, atUs: number): void {
    const server = this.server(id)
    server.changedUs = Math.max(server.changedUs, atUs)
    if (this.probe.diskWorks(id)) server.diskLateUntilUs = atUs + diskMendedUs
  }

  /** Everything changes: the end of the chaos. */
  allChanged(atUs: number): void {
    for (const server of this.servers) server.changedUs = Math.max(server.changedUs, atUs)
  }

  works(a: ServerView, b: ServerView): boolean {
    return a.linked.has(b.id) && b.linked.has(a.id) && this.probe.carries(a.id, b.id) && this.probe.carries(b.id, a.id)
  }

  /** It follows a leader that is dead, stands still or is cut off, and has not noticed. */
  isUnaware(server: ServerView): boolean {
    const leader = this.#leaderOf.get(server.epoch)
    if (server.role !== 'following' || leader === undefined) return false
    return !leader.isRunning || leader.isPaused || !this.works(server, leader)
  }

  /** It stops, by itself or since it was asked to. */
  isStopping({ id, hasFailed }: ServerView): boolean {
    return hasFailed || this.probe.isStopping(id)
  }

  mayVote(server: ServerView): boolean {
    const { id, isRunning, isPaused, lacksData } = server
    return isRunning && !isPaused && !lacksData && this.probe.diskWorks(id) && !this.isStopping(server)
  }

  /** The quorums, as small as possible, whose servers run, reach each other, and know if they have lost a leader. */
  workingQuorums(): readonly (readonly ServerView[])[] {
    const voters = this.servers.filter((server) => this.mayVote(server) && !this.isUnaware(server))
    const extend = (chosen: readonly ServerView[], from: number): readonly (readonly ServerView[])[] => {
      if (chosen.length === this.quorumSize) return [chosen]
      return voters.flatMap((server, i) =>
        i >= from && chosen.every((other) => this.works(other, server)) ? extend([...chosen, server], i + 1) : [],
      )
    }
    return extend([], 0)
  }

  /**
   * One of these servers, or a server with a link to one of them, holds a link for up that does not carry both ways, or whose
   * other end has closed. Until the silence of the link ends it, its server may count on a voter, or a voter on a candidate,
   * that does not hear it.
   */
  hasHalfOpenLink(servers: readonly ServerView[]): boolean {
    return this.servers.some(
      (server) =>
        server.isRunning &&
        (servers.includes(server) || servers.some(({ id }) => server.linked.has(id))) &&
        [...server.linked].some((peer) => !this.works(server, this.server(peer))),
    )
  }

  /** Since then a message between one of these and another server with a link to it has been late, or still is. */
  hasLateLink(servers: readonly ServerView[], sinceUs: number, atUs: number): boolean {
    const isLate = ({ id }: ServerView, peer: ServerId): boolean => {
      const changedUs = this.#linkChangedUs.get(pairOf(id, peer)) ?? 0
      return changedUs > sinceUs && changedUs >= atUs && !servers.includes(this.server(peer))
    }
    return servers.some((server) => [...server.linked].some((peer) => isLate(server, peer)))
  }

  /** No server has led so far. */
  get hasNeverBeenLed(): boolean {
    return this.#leaderOf.size === 0
  }

  /** A server with a link to one of these has a disk that fails or is late, and may be the best candidate. */
  hasFaultyCandidate(servers: readonly ServerView[], atUs: number): boolean {
    return this.servers.some(({ id, isRunning, diskLateUntilUs }) => {
      const isFaulty = isRunning && (!this.probe.diskWorks(id) || atUs < diskLateUntilUs)
      return isFaulty && servers.some(({ linked }) => linked.has(id))
    })
  }

  /** How many other servers have got a link to one of these since then. */
  newcomerCount(servers: readonly ServerView[], sinceUs: number): number {
    const newcomers = servers.flatMap((server) => [...(this.#linkedUs.get(server) ?? [])])
    const ids = newcomers.flatMap(([id, atUs]) => (atUs > sinceUs && !servers.includes(this.server(id)) ? [id] : []))
    return new Set(ids).size
  }

  /** The last change that concerns these servers and the links between them. */
  changedUs(servers: readonly ServerView[]): number {
    let lastUs = 0
    for (const a of servers) {
      lastUs = Math.max(lastUs, a.changedUs, a.diskLateUntilUs)
      for (const b of servers)
        if (a.id < b.id) lastUs = Math.max(lastUs, this.#linkChangedUs.get(pairOf(a.id, b.id)) ?? 0)
    }
    return lastUs
  }

  /** It leads or follows a leader, and is in step with it as far as it knows. */
  isInStep(id: ServerId): boolean {
    const { isRunning, role } = this.server(id)
    return isRunning && role !== 'looking'
  }

  /** Servers that follow this leader, and are in step with it as far as they know. */
  followersOf(leader: ServerView): readonly ServerView[] {
    return this.servers.filter(({ role, epoch }) => role === 'following' && epoch === leader.epoch)
  }

  #observeServer(server: ServerView, event: TraceEvent, atUs: number): void {
    if (event.kind === 'role-changed') {
      server.role = event.role
      server.epoch = event.epoch
      if (event.role !== 'looking') server.lacksData = false
      if (event.role === 'leading') this.#leaderOf.set(event.epoch, server)
    } else if (event.kind === 'link') {
      if (event.isUp) {
        server.linked.add(event.peer)
        const linkedUs = this.#linkedUs.get(server) ?? new Map()
        this.#linkedUs.set(server, linkedUs.set(event.peer, atUs))
      } else {
        server.linked.delete(event.peer)
        // It notices that it has lost its leader.
        if (server.role === 'following' && this.#leaderOf.get(server.epoch)?.id === event.peer) server.changedUs = atUs
      }
      this.linkChanged(server.id, event.peer, atUs)
    }
  }

  #notePause(server: ServerView, isPaused: boolean, atUs: number): void {
    server.isPaused = isPaused
    server.changedUs = atUs
    if (isPaused) server.pausedSinceUs = atUs
    else server.pauses.push({ fromUs: server.pausedSinceUs, untilUs: atUs })
  }

  #noteLeader(atUs: number): void {
    const isLed = this.servers.some(
      (server) =>
        server.role === 'leading' && server.isRunning && this.followersOf(server).length + 1 >= this.quorumSize,
    )
    if (isLed) this.leaderlessSinceUs = null
    else this.leaderlessSinceUs ??= atUs
  }
}

function pairOf(a: ServerId, b: ServerId): string {
  return a < b ? `${a}-${b}` : `${b}-${a}`
}
