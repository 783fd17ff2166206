/**
 * A deterministic cluster of bare `Zab` objects: one seed gives one course of events. Owns time, the links, the log of
 * each server and the checks that run after every step. A crash loses a server's memory and what its log had not made
 * durable; during a pause the events for a server wait in its inbox.
 */
import { type ServerId, type Zxid, zeroZxid } from '../../src/base/ids.ts'
import type { Membership } from '../../src/membership/membership.ts'
import type { ClusterId } from '../../src/protocol/disk/log-record.ts'
import { Zab, type ZabEvent } from '../../src/zab/zab.ts'
import type { CopyAnswer, HandOverStart, StorageEffect, ZabEffect } from '../../src/zab/zab-contract.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { type LogImage, TestLog } from '../support/test-log.ts'
import { silentLog } from '../support/zab-settings.ts'
import { ClusterChecks } from './cluster-checks.ts'
import { type ClusterOptions, type ClusterServer, newServer, type PlannedEvent, timing } from './cluster-server.ts'
import { EventQueue } from './event-queue.ts'
import { TestCopies } from './test-copies.ts'
import { otherEnd, TestLinks } from './test-links.ts'

export class ZabCluster {
  readonly servers: readonly ClusterServer[]
  readonly membership: Membership
  readonly checks: ClusterChecks
  readonly links: TestLinks
  readonly copies: TestCopies
  readonly random: SeededRandom
  nowMs = 0
  proposedCount = 0
  /** Now and then a message takes eight times as long as messageDelayMsMax, which may be longer than a leader waits. */
  hasLateMessages = true
  readonly #options: ClusterOptions
  readonly #queue = new EventQueue<PlannedEvent>()

  constructor(options: ClusterOptions) {
    this.#options = options
    this.random = new SeededRandom(options.seed)
    this.membership = options.membership
    const ids = this.membership.members
    const logs = new Map<ServerId, TestLog>()
    this.checks = new ClusterChecks(logs, this.membership)
    for (const id of ids) logs.set(id, new TestLog(this.checks.isCommitted))
    this.servers = ids.map((id) => newServer(id, logs.get(id)!))
    this.links = new TestLinks(ids, timing.linkTimeoutMs, {
      nowMs: () => this.nowMs,
      plan: (atMs, event) => this.#queue.plan(atMs, event),
      delayMs: () => 1 + this.#messageDelayMs(),
      closeDelayMs: () => (this.random.chance(3) ? this.random.below(timing.linkTimeoutMs) : this.random.below(3)),
    })
    this.copies = new TestCopies({
      checks: this.checks,
      random: this.random,
      fails: options.copiesFail ?? (() => false),
      answer: (server, answer) => this.#answerCopy(server, answer),
    })
    for (const id of ids) this.#queue.plan(this.random.below(timing.tickMs), { kind: 'tick', at: id })
    this.#queue.plan(0, { kind: 'redial' })
  }

  server(id: number): ClusterServer {
    return this.servers[id - 1]!
  }

  // --- time ---

  /** Performs everything that is due in the next `durationMs`. */
  run(durationMs: number): void {
    const endMs = this.nowMs + durationMs
    while (this.#queue.nextAtMs <= endMs) this.#step()
    this.nowMs = endMs
  }

  /** Runs until `isSo`; false if that takes longer than `limitMs`. */
  runUntil(isSo: () => boolean, limitMs: number): boolean {
    const endMs = this.nowMs + limitMs
    while (!isSo()) {
      if (this.#queue.nextAtMs > endMs) return false
      this.#step()
    }
    return true
  }

  // --- what tests do to the cluster ---

  start(id: number): void {
    const server = this.server(id)
    const { log } = server
    // At its start a server knows at least its last commit mark; with a checkpoint it could know more.
    const known =
      server.appliedAtStart > zeroZxid && log.lastZxid >= server.appliedAtStart ? server.appliedAtStart : zeroZxid
    const recovered = log.recover(known)
    this.checks.started(server.id, recovered.committed)
    server.life++
    const { hasTimeouts = true } = this.#options
    const settings = {
      self: server.id,
      membership: this.membership,
      peerTimeoutMs: hasTimeouts ? timing.peerTimeoutMs : Number.POSITIVE_INFINITY,
      initLimitMs: hasTimeouts ? timing.initLimitMs : Number.POSITIVE_INFINITY,
      heartbeatIntervalMs: timing.heartbeatIntervalMs,
      slowLeaderMs: 0,
      settleMs: timing.settleMs,
      firstIncarnation: this.random.below(2 ** 32),
      freshClusterId: (1 + this.random.below(2 ** 31)) as ClusterId,
      trustsEmptyLog: server.trustsEmptyLog,
      copiesAtOnceMax: 1 + this.random.below(2),
    }
    server.zab = new Zab(settings, recovered, silentLog)
    this.#feed(server, { kind: 'start' })
  }

  startAll(): void {
    for (const server of this.servers) if (server.zab === null) this.start(server.id)
  }

  /** `survives`: how many of the log operations under way still become durable. */
  crash(id: number, survives = 0): void {
    const server = this.server(id)
    if (server.zab === null) return
    for (const effect of server.log.queue.slice(0, survives)) server.log.perform(effect)
    server.log.queue.length = 0
    this.copies.crashed(server)
    server.zab = null
    server.life++
    server.serving = null
    server.isHandingOver = false
    server.isPaused = false
    server.inbox = []
    server.turnIsPlanned = false
    server.diskIsBusy = false
    this.checks.stoppedServing(server.id)
    for (const link of this.links.links) {
      if (!link.ends.includes(server.id)) continue
      this.links.close(link)
      link.seen.set(server.id, 0)
    }
  }

  /** The server crashes, and its disk is emptied. */
  wipe(id: number): void {
    this.crash(id)
    const server = this.server(id)
    server.log.wipe()
    server.appliedAtStart = zeroZxid
    server.trustsEmptyLog = false
  }

  /** The server crashes, its disk is replaced by one with `image`, and the server adopts that. */
  adopt(id: number, image: LogImage): void {
    this.crash(id)
    const server = this.server(id)
    server.log.adopt(image)
    server.appliedAtStart = zeroZxid
  }

  pause(id: number): void {
    const server = this.server(id)
    if (server.zab === null || server.isPaused) return
    server.isPaused = true
    for (const link of this.links.links) if (link.ends.includes(server.id)) this.links.silence(link)
  }

  resume(id: number): void {
    const server = this.server(id)
    if (!server.isPaused) return
    server.isPaused = false
    for (const link of this.links.links) if (link.ends.includes(server.id)) link.cutCount++
    const { inbox } = server
    server.inbox = []
    for (const event of inbox) this.#happen(event)
  }

  /** Cuts both directions between every server of one group and every server of the other. */
  partition(group: readonly number[]): void {
    for (const link of this.links.links) {
      const [a, b] = link.ends
      if (group.includes(a) === group.includes(b)) continue
      this.links.cut(a, b)
      this.links.cut(b, a)
    }
  }

  healAll(): void {
    for (const link of this.links.links) if (this.links.isCut(link)) this.links.heal(link)
  }

  /** A stuck disk completes nothing until it is freed. */
  stickDisk(id: number): void {
    this.server(id).diskIsStuck = true
  }

  freeDisk(id: number): void {
    const server = this.server(id)
    server.diskIsStuck = false
    this.#workDisk(server)
  }

  get leader(): ClusterServer | null {
    return this.servers.find((server) => server.serving?.as === 'leader' && !server.isPaused) ?? null
  }

  /** Proposes txns, each with a payload of its own; returns the zxids. */
  propose(id: number, count = 1): readonly Zxid[] {
    const server = this.server(id)
    const zxids: Zxid[] = []
    for (let i = 0; i < count; i++) {
      const n = ++this.proposedCount
      zxids.push(server.zab!.propose(Uint8Array.of(n & 255, (n >> 8) & 255, id)))
    }
    this.#planTurnEnd(server)
    return zxids
  }

  confirmLeadership(id: number): void {
    const server = this.server(id)
    const { sequence, effects } = server.zab!.confirmLeadership(this.nowMs)
    this.checks.confirmationAsked(server.id, sequence)
    this.#perform(server, effects)
  }

  stepDown(id: number): void {
    const server = this.server(id)
    this.#perform(server, server.zab!.stepDown('asked to', this.nowMs))
    this.#planTurnEnd(server)
  }

  /** Returns what it has started. */
  handOver(id: number, to: number | null): HandOverStart {
    const server = this.server(id)
    const { start, effects } = server.zab!.handOver(to as ServerId | null, this.nowMs)
    this.#perform(server, effects)
    this.#planTurnEnd(server)
    return start
  }

  // --- how events are performed ---

  #step(): void {
    this.nowMs = Math.max(this.nowMs, this.#queue.nextAtMs)
    const event = this.#queue.take()
    if (event !== null) this.#happen(event)
  }

  #happen(event: PlannedEvent): void {
    if (event.kind === 'redial') return this.#redial()
    if (event.kind === 'link-timeout') {
      if (event.link.session === event.session && event.link.cutCount === event.cutCount) this.links.close(event.link)
      return
    }
    const server = this.server(event.at)
    if (event.kind === 'tick') {
      this.#queue.plan(this.nowMs + timing.tickMs, event)
      if (server.zab !== null && !server.isPaused) this.#feed(server, { kind: 'tick' })
      return
    }
    if (event.kind === 'disk-done') return this.#diskDone(server, event.life)
    if (event.kind === 'copy-done') {
      const answer = event.life === server.life ? event.answer() : null
      if (answer !== null) this.#happen({ kind: 'copy-answered', at: server.id, life: server.life, answer })
      return
    }
    if (server.isPaused) server.inbox.push(event)
    else this.#handle(server, event)
  }

  #handle(
    server: ClusterServer,
    event: Exclude<PlannedEvent, { kind: 'redial' | 'link-timeout' | 'tick' | 'disk-done' | 'copy-done' }>,
  ): void {
    switch (event.kind) {
      case 'turn-end':
        if (event.life !== server.life) return
        server.turnIsPlanned = false
        return this.#perform(server, server.zab!.handle({ kind: 'turn-ended' }, this.nowMs))
      case 'copy-answered':
        if (event.life === server.life) this.#feed(server, { kind: 'copy-answer', answer: event.answer })
        return
      case 'disk-answered':
        if (event.life === server.life) this.#diskAnswered(server, event.effect)
        return
      case 'link-up':
        if (event.link.session !== event.session || server.zab === null) return
        event.link.seen.set(server.id, event.session)
        this.#options.onStep?.({ kind: 'link', server: server.id })
        return this.#feed(server, { kind: 'peer-connected', peer: otherEnd(event.link, server.id) })
      case 'link-down':
        if (event.link.seen.get(server.id) !== event.session) return
        event.link.seen.set(server.id, 0)
        this.#options.onStep?.({ kind: 'link', server: server.id })
        return this.#feed(server, {
          kind: 'peer-disconnected',
          peer: otherEnd(event.link, server.id),
          wasSilent: false,
        })
      case 'arrival': {
        if (event.link.seen.get(server.id) !== event.session) return
        const from = otherEnd(event.link, server.id)
        const message = this.#options.replace?.(from, server.id, event.message) ?? event.message
        this.#options.onStep?.({ kind: 'arrival', from, to: server.id, message })
        return this.#feed(server, { kind: 'message', from, message })
      }
    }
  }

  #redial(): void {
    this.#queue.plan(this.nowMs + timing.redialMs, { kind: 'redial' })
    for (const link of this.links.links) {
      const areUp = link.ends.every((end) => this.server(end).zab !== null && !this.server(end).isPaused)
      if (areUp && this.links.isDown(link) && !this.links.isCut(link)) this.links.connect(link)
    }
  }

  #feed(server: ClusterServer, event: ZabEvent): void {
    if (server.zab === null) return
    this.#perform(server, server.zab.handle(event, this.nowMs))
    this.#planTurnEnd(server)
  }

  #planTurnEnd(server: ClusterServer): void {
    if (server.turnIsPlanned || server.zab === null) return
    server.turnIsPlanned = true
    // Sometimes several events share a turn.
    const delayMs = this.random.chance(4) ? this.random.below(3) : 0
    this.#queue.plan(this.nowMs + delayMs, { kind: 'turn-end', at: server.id, life: server.life })
  }

  #perform(server: ClusterServer, effects: readonly ZabEffect[]): void {
    const { life } = server
    for (const effect of effects) {
      if (server.life !== life) return // crashed by a test between two effects
      this.#performOne(server, effect)
      this.#options.onStep?.({ kind: 'effect', server: server.id, effect })
    }
  }

  #performOne(server: ClusterServer, effect: ZabEffect): void {
    switch (effect.kind) {
      case 'send':
        this.checks.sent(server.id, effect.message)
        return this.links.send(server.id, effect.to, effect.message)
      case 'persist':
      case 'truncate-log':
      case 'read-log':
      case 'restart-log':
        server.log.queue.push(effect)
        return this.#workDisk(server)
      case 'copy-step':
        return this.copies.perform(server, effect.step)
      case 'install':
        if (effect.zxid === zeroZxid) server.appliedAtStart = zeroZxid
        return this.checks.installed(server.id, effect)
      case 'deliver':
        return this.checks.delivered(server.id, effect.entry, server.zab!.currentEpoch)
      case 'hand-over-began':
        server.isHandingOver = true
        return
      case 'hand-over-ended':
        server.isHandingOver = false
        return
      case 'stopped-serving':
        server.serving = null
        return this.checks.stoppedServing(server.id)
      case 'serving-as-leader':
        server.serving = { as: 'leader', epoch: effect.epoch }
        return this.checks.established(server.id, effect.epoch)
      case 'serving-as-follower':
        server.serving = { as: 'follower', epoch: effect.epoch }
        return
      case 'leadership-confirmed':
        return this.checks.confirmed(server.id, effect.sequence)
      case 'stop':
        throw new Error(`server ${server.id} stops: ${effect.reason}`)
    }
  }

  #workDisk(server: ClusterServer): void {
    if (server.diskIsBusy || server.diskIsStuck || server.log.queue.length === 0) return
    server.diskIsBusy = true
    const atMs = this.nowMs + this.#upTo(this.#options.diskDelayMsMax)
    this.#queue.plan(atMs, { kind: 'disk-done', at: server.id, life: server.life })
  }

  /** The disk continues to work while its server is paused; the server gets the answer after the pause. */
  #diskDone(server: ClusterServer, life: number): void {
    if (life !== server.life) return
    server.diskIsBusy = false
    if (server.diskIsStuck) return
    const effect = server.log.queue.shift()!
    server.log.perform(effect)
    this.#options.onStep?.({ kind: 'durable', server: server.id, effect })
    if (server.life !== life) return
    this.#workDisk(server)
    this.#happen({ kind: 'disk-answered', at: server.id, life, effect })
  }

  #answerCopy(server: ClusterServer, answer: () => CopyAnswer | null): void {
    const { life } = server
    const atMs = this.nowMs + this.#upTo(this.#options.diskDelayMsMax)
    this.#queue.plan(atMs, { kind: 'copy-done', at: server.id, life, answer })
  }

  #diskAnswered(server: ClusterServer, effect: StorageEffect): void {
    switch (effect.kind) {
      case 'persist':
        this.#perform(server, effect.whenDurable)
        return this.#feed(server, { kind: 'persisted', tag: effect.tag })
      case 'truncate-log':
        return this.#feed(server, { kind: 'log-truncated', zxid: effect.zxid })
      case 'restart-log':
        return this.#feed(server, { kind: 'log-restarted', zxid: effect.zxid })
      case 'read-log': {
        const read = server.log.read(effect.after, 1 + this.random.below(4))
        return this.#feed(server, { kind: 'log-read', ticket: effect.ticket, ...read })
      }
    }
  }

  #messageDelayMs(): number {
    const { messageDelayMsMax } = this.#options
    return this.hasLateMessages ? this.#upTo(messageDelayMsMax) : this.random.below(messageDelayMsMax + 1)
  }

  #upTo(delayMsMax: number): number {
    return this.random.chance(12) ? this.random.below(8 * delayMsMax + 1) : this.random.below(delayMsMax + 1)
  }
}
