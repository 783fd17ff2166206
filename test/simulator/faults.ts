/**
 * The faults in force. In the chaos phase each kind of the plan strikes at random times. `heal` ends all of them, so
 * that the servers alone cause what goes wrong afterwards. Also answers what the network asks about links.
 */

import { assertNever } from '../../src/base/assert.ts'
import type { ServerId } from '../../src/base/ids.ts'
import type { FaultKind, FaultPlan } from './fault-plan.ts'
import type { ResumeOrder, Scheduler, SimProcess } from './scheduler.ts'
import type { SimCluster } from './sim-cluster.ts'
import type { NetworkConditions, SimNetwork } from './sim-network.ts'
import type { SimRandom } from './sim-random.ts'

/** No delay is longer than this many times the mean of its distribution: a bound of what depends on delays exists. */
export const exponentialCap = 8

/** Which directions between hosts carry nothing, and the conditions of the others. */
export class LinkFaults implements NetworkConditions {
  isHealed = false
  readonly #plan: FaultPlan
  readonly #random: SimRandom
  readonly #cuts = new Map<string, number>() // "from>to" → how many cuts hold it
  readonly #isServerHost: (host: string) => boolean
  readonly #onChange: (from: string, to: string) => void

  /** `onChange` is called for each direction that is cut or mended. */
  constructor(
    plan: FaultPlan,
    random: SimRandom,
    isServerHost: (host: string) => boolean,
    onChange: (from: string, to: string) => void,
  ) {
    this.#plan = plan
    this.#random = random
    this.#isServerHost = isServerHost
    this.#onChange = onChange
  }

  cut(links: readonly string[]): void {
    for (const link of links) this.#cuts.set(link, (this.#cuts.get(link) ?? 0) + 1)
    this.#noteChanged(links)
  }

  mend(links: readonly string[]): void {
    for (const link of links) {
      const left = (this.#cuts.get(link) ?? 0) - 1
      if (left > 0) this.#cuts.set(link, left)
      else this.#cuts.delete(link)
    }
    this.#noteChanged(links)
  }

  #noteChanged(links: readonly string[]): void {
    for (const link of links) {
      const [from, to] = link.split('>')
      this.#onChange(from!, to!)
    }
  }

  heal(): void {
    this.isHealed = true
    this.#cuts.clear()
  }

  isCut(from: string, to: string): boolean {
    return this.#cuts.size > 0 && this.#cuts.has(`${from}>${to}`)
  }

  latencyUs(): number {
    const { latencyUsBase, latencyUsJitterMean, spikeChance, spikeMsMean } = this.#plan.network
    const spikeUs = !this.isHealed && this.#random.chance(spikeChance) ? this.#exponential(spikeMsMean) * 1000 : 0
    const jitterUs = this.#exponential(latencyUsJitterMean)
    return Math.ceil(latencyUsBase + jitterUs + spikeUs)
  }

  #exponential(mean: number): number {
    return Math.min(this.#random.exponential(mean), exponentialCap * mean)
  }

  splitChance(): number {
    return this.#plan.network.splitChance
  }

  coalesceChance(): number {
    return this.#plan.network.coalesceChance
  }

  corruptChance(from: string, to: string): number {
    return !this.isHealed && this.#isServerHost(from) && this.#isServerHost(to) ? this.#plan.network.corruptChance : 0
  }

  lingerUs(): number {
    const lingers = !this.isHealed && this.#random.chance(this.#plan.network.lingerChance)
    return lingers ? this.#random.between(1, 5_000_000) : 0
  }

  resetChance(): number {
    return this.#plan.network.resetChance
  }

  refuseChance(): number {
    return this.isHealed ? 0 : this.#plan.network.refuseChance
  }

  ignoreChance(): number {
    return this.isHealed ? 0 : this.#plan.network.ignoreChance
  }
}

export interface FaultContext {
  readonly scheduler: Scheduler
  readonly process: SimProcess
  readonly network: SimNetwork
  readonly links: LinkFaults
  readonly cluster: SimCluster
  recordFault(text: string): void
}

/** How the texts of faults begin that strike a copy of the state. */
export const aimedPrefix = 'in the copy for '

export class Faults {
  readonly #plan: FaultPlan
  readonly #random: SimRandom
  readonly #context: FaultContext
  readonly #copyRandom: SimRandom
  readonly #receiving = new Set<ServerId>()
  #isOver = false

  constructor(plan: FaultPlan, random: SimRandom, copyRandom: SimRandom, context: FaultContext) {
    this.#plan = plan
    this.#random = random
    this.#copyRandom = copyRandom
    this.#context = context
  }

  /** The server begins to receive a copy of the state. Most copies are struck at some moment, if they last until then. */
  copyBegan(learner: ServerId): void {
    this.#receiving.add(learner)
    const random = this.#copyRandom
    if (!this.#plan.aimsAtCopies || this.#isOver || !random.chance(0.75)) return
    this.#after(random.exponential(random.pick([2, 20, 200])), () => {
      if (!this.#isOver && this.#receiving.delete(learner)) this.#strikeCopy(learner)
    })
  }

  copyEnded(learner: ServerId): void {
    this.#receiving.delete(learner)
  }

  start(): void {
    for (const [kind, meanMs] of this.#plan.meanMsByKind) this.#scheduleNext(kind, meanMs)
  }

  /** Ends every fault. Servers that were down start, except the casualties, which stay down until the end of the run. */
  heal(casualties: readonly ServerId[]): void {
    this.#isOver = true
    const { cluster, network, links } = this.#context
    links.heal()
    network.healBlackHoles()
    network.retryStalled()
    for (const id of cluster.ids) {
      const isCasualty = casualties.includes(id)
      if (isCasualty) cluster.crash(id, 'power-off', null)
      else cluster.heal(id, 'by-time')
    }
  }

  #scheduleNext(kind: FaultKind, meanMs: number): void {
    this.#after(this.#random.exponential(meanMs), () => {
      if (this.#isOver) return
      this.#strike(kind)
      this.#scheduleNext(kind, meanMs)
    })
  }

  #strike(kind: FaultKind): void {
    const { cluster, network } = this.#context
    const random = this.#random
    const victim = this.#victim()
    switch (kind) {
      case 'kill':
      case 'power-off':
        return cluster.crash(victim, kind, this.#downMs())
      case 'power-off-all':
        for (const id of cluster.ids) cluster.crash(id, 'power-off', this.#downMs())
        return
      case 'graceful-stop':
        return cluster.stopGracefully(victim, this.#downMs())
      case 'pause':
        return this.#pause(victim)
      case 'partition':
        return this.#cut(this.#partitionLinks())
      case 'one-way-cut': {
        const others = this.#hosts().filter((host) => host !== cluster.hostOf(victim))
        const chosen = random.chance(0.5) ? others : [random.pick(others)]
        const isOutward = random.chance(0.5)
        const host = cluster.hostOf(victim)
        return this.#cut(chosen.map((other) => (isOutward ? `${host}>${other}` : `${other}>${host}`)))
      }
      case 'reset':
        return this.#context.recordFault(`reset ${network.resetAny() ?? 'nothing'}`)
      case 'black-hole': {
        const untilUs = random.chance(0.2)
          ? Number.POSITIVE_INFINITY
          : this.#context.scheduler.nowUs + random.between(100_000, 8_000_000)
        return this.#context.recordFault(`black hole ${network.blackHoleAny(untilUs) ?? 'nothing'}`)
      }
      case 'slow-disk':
        return this.#spoilDisk(victim, 'slow')
      case 'full-disk':
        return this.#spoilDisk(victim, 'full')
      case 'flush-failure':
        return this.#spoilDisk(victim, 'flush-fails')
      case 'wipe-disk':
        if (cluster.canLoseDisk(victim)) cluster.wipe(victim, this.#downMs())
        return
      case 'hand-over':
        return cluster.handOver(victim, random.chance(0.5) ? null : random.pick(cluster.ids), () => {})
      case 'slow-leader':
        if (cluster.leaderId === null) return
        if (random.chance(0.3)) return this.#spoilDisk(cluster.leaderId, 'slow')
        return this.#freeze(cluster.leaderId, random.between(4, 12))
      case 'adopt-disk':
        if (random.chance(0.5)) return this.#forgetAmongLaggards(victim)
        if (random.chance(0.5)) cluster.copyDisk(random.pick(cluster.ids))
        else if (cluster.canLoseDisk(victim)) cluster.replaceDisk(victim, this.#downMs(), null)
        return
      case 'flapping':
        return this.#flap(random.pick(cluster.ids), random.between(3, 12))
      case 'clock-jump':
        return cluster.jumpWallClock(victim, random.between(-3_600_000, 3_600_000))
      default:
        return assertNever(kind)
    }
  }

  #strikeCopy(learner: ServerId): void {
    const { cluster } = this.#context
    const random = this.#copyRandom
    const { leaderId } = cluster
    const kind = random.pick(['crash-learner', 'crash-leader', 'cut', 'cut'] as const)
    this.#context.recordFault(`${aimedPrefix}${learner}: ${kind}`)
    const how = random.pick(['kill', 'power-off'] as const)
    if (kind === 'crash-learner') return cluster.crash(learner, how, this.#downMs())
    if (leaderId === null) return
    if (kind === 'crash-leader') return cluster.crash(leaderId, how, this.#downMs())
    const [from, to] = [cluster.hostOf(leaderId), cluster.hostOf(learner)]
    this.#cut(random.pick([[`${from}>${to}`], [`${to}>${from}`], [`${from}>${to}`, `${to}>${from}`]]))
  }

  #pause(victim: ServerId): void {
    const { cluster } = this.#context
    const process = cluster.pause(victim)
    if (process === null) return
    const order: ResumeOrder = this.#random.pick(['by-time', 'timers-first', 'timers-last'] as const)
    this.#after(this.#random.between(50, 8000), () => {
      if (!this.#isOver) cluster.resume(process, order)
    })
  }

  /** The server stands still several times, never long enough to lose its links. */
  #freeze(victim: ServerId, times: number): void {
    const { cluster } = this.#context
    const slowMs = this.#plan.slowLeaderMs ?? 0
    const process = cluster.pause(victim)
    if (process === null) return
    this.#after(this.#random.between(2 * slowMs, 6 * slowMs), () => {
      if (this.#isOver) return
      cluster.resume(process, 'by-time')
      this.#after(this.#random.between(slowMs, 3 * slowMs), () => {
        if (!this.#isOver && times > 1) this.#freeze(victim, times - 1)
      })
    })
  }

  /**
   * Some servers are cut off, so that they lag. Then the victim gets back its disk as it was before, and only those that lag
   * run beside it: together they are a majority without what was acknowledged meanwhile.
   */
  #forgetAmongLaggards(victim: ServerId): void {
    const { cluster } = this.#context
    const others = this.#random.shuffled(cluster.ids.filter((id) => id !== victim))
    const laggards = others.slice(0, Math.floor(cluster.ids.length / 2))
    const holders = others.slice(laggards.length)
    cluster.copyDisk(victim)
    const apart = laggards.map((id) => cluster.hostOf(id))
    const rest = this.#hosts().filter((host) => !apart.includes(host))
    this.#cutFor(
      apart.flatMap((a) => rest.flatMap((b) => [`${a}>${b}`, `${b}>${a}`])),
      this.#random.between(500, 4000),
      () => {
        if (!cluster.canLoseDisk(victim)) return
        for (const id of holders) cluster.crash(id, 'power-off', this.#random.between(2000, 8000))
        cluster.replaceDisk(victim, this.#random.between(20, 500), victim)
      },
    )
  }

  /** The links of the server fail, all or one, both ways or one way, and work again; and so `times` times. */
  #flap(server: ServerId, times: number): void {
    const { cluster } = this.#context
    const random = this.#random
    if (times === 0 || this.#isOver) return
    const host = cluster.hostOf(server)
    const others = cluster.ids.filter((id) => id !== server).map((id) => cluster.hostOf(id))
    const chosen = random.chance(0.5) ? others : [random.pick(others)]
    const [from, to] = [chosen.map((other) => `${host}>${other}`), chosen.map((other) => `${other}>${host}`)]
    const links = random.pick([from, to, [...from, ...to]])
    this.#cutFor(links, random.between(10, 2000), () => {
      this.#after(random.between(1, 500), () => this.#flap(server, times - 1))
    })
  }

  #spoilDisk(victim: ServerId, how: 'slow' | 'full' | 'flush-fails'): void {
    const { cluster } = this.#context
    cluster.spoilDisk(victim, how)
    this.#after(this.#random.between(500, 8000), () => cluster.mendDisk(victim, how))
  }

  #cut(cutLinks: readonly string[]): void {
    this.#cutFor(cutLinks, this.#random.between(100, 8000), () => {})
  }

  #cutFor(cutLinks: readonly string[], durationMs: number, whenMended: () => void): void {
    const { links, network } = this.#context
    links.cut(cutLinks)
    this.#context.recordFault(`cut ${cutLinks.join(' ')}`)
    this.#after(durationMs, () => {
      if (this.#isOver) return
      links.mend(cutLinks)
      network.retryStalled()
      this.#context.recordFault(`mended ${cutLinks.join(' ')}`)
      whenMended()
    })
  }

  /** Both ways between two sides: one server against the rest, or any split. Clients may be on either side. */
  #partitionLinks(): readonly string[] {
    const { cluster } = this.#context
    const random = this.#random
    const alone = cluster.hostOf(this.#victim())
    const isIsolation = random.chance(0.5)
    const hosts = random.chance(0.5) ? cluster.ids.map((id) => cluster.hostOf(id)) : this.#hosts()
    const side = new Set(hosts.filter((host) => (isIsolation ? host === alone : random.chance(0.5))))
    const others = hosts.filter((host) => !side.has(host))
    return [...side].flatMap((a) => others.flatMap((b) => [`${a}>${b}`, `${b}>${a}`]))
  }

  /** The leader more often than its share, since most failures begin with the leader. */
  #victim(): ServerId {
    const { leaderId, ids } = this.#context.cluster
    return leaderId !== null && this.#random.chance(0.4) ? leaderId : this.#random.pick(ids)
  }

  #hosts(): readonly string[] {
    const { cluster } = this.#context
    return [...cluster.ids.map((id) => cluster.hostOf(id)), ...cluster.clientHosts]
  }

  #downMs(): number {
    return this.#random.between(20, this.#plan.downMsMax)
  }

  #after(delayMs: number, callback: () => void): void {
    this.#context.scheduler.schedule(this.#context.process, 'other', Math.ceil(delayMs * 1000) + 1, callback)
  }
}
