/**
 * One seed: a cluster, a random course of writes and faults, then the repair of all faults, after which it has to work
 * again. Phase one checks safety only; phase two needs a leader, new writes delivered everywhere, and equal logs,
 * within a bounded time. An error names the seed that shows it.
 */
import { type Epoch, epochMax, makeZxid, type ServerId, type Zxid, zeroZxid } from '../../src/base/ids.ts'
import { Membership } from '../../src/membership/membership.ts'
import type { ClusterId } from '../../src/protocol/disk/log-record.ts'
import type { ZabMessage } from '../../src/protocol/peer/peer-message.ts'
import type { ZabEffect } from '../../src/zab/zab-contract.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import type { LogImage } from '../support/test-log.ts'
import { timing } from './cluster-server.ts'
import { ZabCluster } from './zab-cluster.ts'

export interface SeedReport {
  readonly committedCount: number
  readonly epochCount: number
  /** From the repair, or from the last change of a link or hand-over after it, to a leader that a quorum follows; and what that may take. */
  readonly electionMs: number
  readonly electionMsMax: number
  readonly copyCount: number // copies of the state that a learner has received whole
  readonly handOverCount: number // that have passed the leadership on
}

/** The members of the cluster, and its quorums. */
export const shapes = {
  'one voter': Membership.ofMajority(idsUpTo(1)),
  'two voters': Membership.ofMajority(idsUpTo(2)),
  'three voters': Membership.ofMajority(idsUpTo(3)),
  'five voters': Membership.ofMajority(idsUpTo(5)),
  'three voters and two learners': Membership.ofMajority(idsUpTo(3), [4, 5] as ServerId[]),
  'one voter and a learner with a higher id': Membership.ofMajority(idsUpTo(1), [2] as ServerId[]),
  'three groups with weights': Membership.ofGroups([
    { id: 1 as ServerId, weight: 1, group: 1 },
    { id: 2 as ServerId, weight: 2, group: 1 },
    { id: 3 as ServerId, weight: 1, group: 2 },
    { id: 4 as ServerId, weight: 1, group: 3 },
    { id: 5 as ServerId, weight: 0, group: 3 },
  ]),
  'two memberships of which both must agree': Membership.ofBoth(
    Membership.ofMajority(idsUpTo(3), [4] as ServerId[]),
    Membership.ofMajority([3, 4, 5] as ServerId[]),
  ),
} as const

export function runSeed(seed: number, shape: keyof typeof shapes): SeedReport {
  try {
    return new RandomFaults(seed, shapes[shape]).run()
  } catch (cause) {
    const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
    throw new Error(`seed ${seed} with ${shape}: ${text}`, { cause })
  }
}

function idsUpTo(count: number): readonly ServerId[] {
  return Array.from({ length: count }, (_, i) => (i + 1) as ServerId)
}

const faultMsMax = 400
/** The most that a turn is put off to gather events. */
const turnDelayMsMax = 2
/** Until every link has noticed what happened and is up again. */
const healLimitMs = 1_500
/** A server that has lost its data gets the whole log, in pieces of a few txns, each of which it acknowledges. */
const inStepLimitMs = 3_000

class RandomFaults {
  readonly #cluster: ZabCluster
  readonly #messageDelayMsMax: number
  readonly #diskDelayMsMax: number
  #lastEventMs = 0 // that a server has to react to: a link changed, or a leader handed over
  readonly #random: SeededRandom
  readonly #crashOneIn: number // durable steps
  #isChaos = true
  #epochCount = 0
  /**
   * Each vote that a server receives is changed to one for its puppet, which seems to have the most recent history: bad
   * leaders are elected, several at a time.
   */
  readonly #hasPuppets: boolean
  /** Disks are emptied, of a minority at a time; then db.autocreate is false. */
  readonly #hasWipes: boolean
  /** Disks are replaced by earlier copies, of a minority at a time: each is the server's own or another's, and is adopted. */
  readonly #copies: { readonly random: SeededRandom; readonly images: LogImage[] } | null
  /** The fronts of logs are removed, so that learners need copies of the state, which fail now and then. */
  readonly #hasCopies: boolean
  /** Leaders hand over, to servers of any kind. */
  readonly #hasHandOvers: boolean
  #handOverCount = 0
  readonly #puppets = new Map<ServerId, ServerId>()

  constructor(seed: number, membership: Membership) {
    this.#random = new SeededRandom(seed ^ 0x5eed)
    this.#crashOneIn = this.#random.pick([15, 60, 1_000_000])
    this.#messageDelayMsMax = this.#random.pick([0, 2, 10])
    this.#diskDelayMsMax = this.#random.pick([0, 3, 20])
    this.#cluster = new ZabCluster({
      membership,
      seed,
      messageDelayMsMax: this.#messageDelayMsMax,
      diskDelayMsMax: this.#diskDelayMsMax,
      onStep: (step) => {
        if (step.kind === 'effect' && step.effect.kind === 'serving-as-leader') this.#epochCount++
        const isHandOver = step.kind === 'effect' && isPassing(step.effect)
        if (isHandOver) this.#handOverCount++
        if (isHandOver || step.kind === 'link') this.#lastEventMs = this.#cluster.nowMs
        if (!this.#isChaos || step.kind !== 'durable' || !this.#random.chance(this.#crashOneIn)) return
        this.#crash(step.server)
      },
      copiesFail: () => this.#isChaos && this.#random.chance(8),
      replace: (from, to, message) => this.#replaceVote(from, to, message),
    })
    this.#hasPuppets = this.#random.chance(3)
    this.#hasWipes = new SeededRandom(seed ^ 0xd15c).chance(3)
    const adoptions = new SeededRandom(seed ^ 0xad07)
    this.#copies = adoptions.chance(3) ? { random: adoptions, images: [] } : null
    this.#hasCopies = new SeededRandom(seed ^ 0xc0b1).chance(2)
    this.#hasHandOvers = new SeededRandom(seed ^ 0xa0e2).chance(2)
  }

  run(): SeedReport {
    const cluster = this.#cluster
    cluster.startAll()
    if (this.#random.chance(2)) cluster.run(200)
    for (let i = 0; i < 18; i++) {
      this.#disturb()
      for (let k = this.#random.below(4); k >= 0; k--) {
        this.#work()
        cluster.run(this.#random.below(faultMsMax / 4))
      }
    }
    this.#isChaos = false
    return this.#recover()
  }

  #replaceVote(from: ServerId, to: ServerId, message: ZabMessage): ZabMessage {
    const puppet = this.#puppets.get(to)
    if (!this.#isChaos || puppet === undefined || message.kind !== 'vote' || message.state !== 'looking') return message
    const epoch = (from === puppet ? epochMax : 0) as Epoch
    return { ...message, leader: puppet, epoch, zxid: epoch === 0 ? zeroZxid : makeZxid(epoch, 1) }
  }

  #drawPuppets(): void {
    const { servers } = this.#cluster
    const two = [this.#random.pick(servers).id, this.#random.pick(servers).id]
    for (const { id } of servers) this.#puppets.set(id, this.#random.pick(two))
  }

  #disturb(): void {
    const cluster = this.#cluster
    const { servers } = cluster
    if (this.#hasPuppets && this.#random.chance(2)) this.#drawPuppets()
    if (this.#hasWipes && this.#random.chance(3)) this.#wipe()
    this.#copyOrAdopt()
    if (this.#hasHandOvers && this.#random.chance(3)) this.#handOver()
    if (this.#hasCopies) for (const server of servers) if (this.#random.chance(2)) cluster.copies.removeFront(server)
    const some = this.#random.pick(servers).id
    const leader = cluster.leader?.id ?? some
    switch (this.#random.below(14)) {
      case 0:
        return this.#crash(some)
      case 1:
        return this.#crash(leader)
      case 2:
        for (const server of servers) if (this.#random.chance(2)) this.#crash(server.id)
        return
      case 3:
      case 4:
        for (const server of servers) if (server.zab === null) this.#start(server.id)
        return
      case 5:
        return cluster.partition([leader])
      case 6:
        return cluster.partition(servers.filter(() => this.#random.chance(2)).map(({ id }) => id))
      case 7: {
        const other = this.#random.pick(servers).id
        if (other === some) return
        cluster.links.cut(some, other)
        if (this.#random.chance(2)) return
        cluster.run(this.#random.below(timing.linkTimeoutMs)) // a stall
        return cluster.links.heal(cluster.links.between(some, other))
      }
      case 8:
      case 9:
        return cluster.healAll()
      case 10:
        return cluster.pause(this.#random.chance(2) ? leader : some)
      case 11:
        for (const server of servers) cluster.resume(server.id)
        return
      case 12:
        if (cluster.server(some).diskIsStuck) cluster.freeDisk(some)
        else cluster.stickDisk(some)
        return
      default:
        if (cluster.leader !== null && this.#random.chance(3)) cluster.stepDown(leader)
    }
  }

  #work(): void {
    for (const { id, serving, isPaused, isHandingOver } of this.#cluster.servers) {
      if (serving?.as !== 'leader' || isPaused || isHandingOver) continue
      if (!this.#random.chance(4)) this.#cluster.propose(id, 1 + this.#random.below(5))
      if (this.#random.chance(2)) this.#cluster.confirmLeadership(id)
      if (this.#hasHandOvers && this.#random.chance(8)) this.#cluster.handOver(id, null) // with txns in flight
    }
  }

  /** Some servers only believe that they lead, some follow, and some have no leader. */
  #handOver(): void {
    const alive = this.#cluster.servers.filter(({ zab, isPaused }) => zab !== null && !isPaused)
    if (alive.length === 0) return
    const asked = this.#random.chance(3) ? this.#random.pick(alive) : (this.#cluster.leader ?? this.#random.pick(alive))
    const to = this.#random.chance(2) ? null : this.#random.pick(this.#cluster.servers).id
    this.#cluster.handOver(asked.id, to)
  }

  #crash(id: number): void {
    const { log } = this.#cluster.server(id)
    this.#cluster.crash(id, this.#random.below(log.queue.length + 1))
  }

  #wipe(): void {
    const some = this.#random.pick(this.#cluster.servers)
    if (this.#canLoseDisk(some.id)) this.#cluster.wipe(some.id)
  }

  #copyOrAdopt(): void {
    if (this.#copies === null) return
    const { random, images } = this.#copies
    const source = random.pick(this.#cluster.servers).log
    // A log without the id of a cluster is not adopted.
    if (random.chance(2) && source.clusterId !== 0 && source.lastZxid > 0) images.push(source.image())
    const some = random.pick(this.#cluster.servers)
    if (images.length > 0 && random.chance(3) && this.#canLoseDisk(some.id)) {
      const image = random.pick(images)
      const isOfThisCluster = this.#cluster.checks.committed.length === 0 || image.clusterId === this.#clusterId()
      if (isOfThisCluster) this.#cluster.adopt(some.id, image)
    }
  }

  #clusterId(): ClusterId {
    return (
      this.#cluster.servers.find(({ log, id }) => log.clusterId !== 0 && !this.#lacksData(id))?.log.clusterId ??
      (0 as ClusterId)
    )
  }

  #canLoseDisk(some: ServerId): boolean {
    if (this.#lacksData(some)) return false
    return this.#cluster.membership.isQuorum((id) => id !== some && !this.#lacksData(id))
  }

  /** The disk of the server was emptied or replaced, and no leader has brought it up since. */
  #lacksData(id: ServerId): boolean {
    const { trustsEmptyLog, log } = this.#cluster.server(id)
    return log.mustSync || (!trustsEmptyLog && log.clusterId === 0)
  }

  /** In half of the cases a server starts with more than its last commit mark, as after a checkpoint. */
  #start(id: number): void {
    const server = this.#cluster.server(id)
    const { committed } = this.#cluster.checks
    const applied = this.#cluster.checks.deliveredBy(server.id)
    const known = this.#random.chance(2) || applied === 0 ? null : committed[this.#random.below(applied)]!
    const isDurable = known !== null && server.log.holds(known)
    server.appliedAtStart = isDurable && known.zxid > server.appliedAtStart ? known.zxid : server.appliedAtStart
    this.#cluster.start(id)
  }

  #recover(): SeedReport {
    const cluster = this.#cluster
    const { servers } = cluster
    cluster.healAll()
    cluster.hasLateMessages = false
    // Servers that no quorum needs may stay dead.
    const someStayDead = this.#random.chance(3)
    const alive = new Set(cluster.membership.members)
    let dead = 0
    for (const server of servers) {
      cluster.resume(server.id)
      cluster.freeDisk(server.id)
      if (server.zab !== null) continue
      const isNeeded = !cluster.membership.isQuorum((id) => id !== server.id && alive.has(id) && !this.#lacksData(id))
      if (isNeeded || !someStayDead) {
        this.#start(server.id)
        continue
      }
      alive.delete(server.id)
      dead++
    }
    const fromMs = cluster.nowMs
    const electionMsMax = this.#electionMsMax()
    if (!cluster.runUntil(() => cluster.leader !== null && this.#aQuorumServes(), healLimitMs)) {
      throw new Error(`no leader ${healLimitMs} ms after the last fault: ${this.#states()}`)
    }
    const electionMs = cluster.nowMs - Math.max(fromMs, this.#lastEventMs)
    if (electionMs > electionMsMax) {
      throw new Error(`no leader for ${electionMs} ms, at most ${electionMsMax}: ${this.#states()}`)
    }
    if (!cluster.runUntil(() => this.#servingCount() === servers.length - dead, inStepLimitMs)) {
      throw new Error(`not all servers serve ${inStepLimitMs} ms after the last fault: ${this.#states()}`)
    }
    // A hand-over that was asked for before the last fault may still be under way, or give up only now.
    const isCalm = (): boolean =>
      this.#servingCount() === servers.length - dead && servers.every(({ isHandingOver }) => !isHandingOver)
    do {
      if (!cluster.runUntil(isCalm, inStepLimitMs)) throw new Error(`a hand-over does not end: ${this.#states()}`)
      cluster.run(2 * timing.linkTimeoutMs)
    } while (!isCalm())
    const leader = cluster.leader
    if (leader === null) throw new Error(`the leader is lost again without a fault: ${this.#states()}`)
    const last = cluster.propose(leader.id, 3).at(-1) as Zxid
    const hasAll = (): boolean =>
      this.#living().every(({ id }) => cluster.checks.deliveredBy(id) === this.#committedCount())
    const isDone = (): boolean => cluster.checks.committed.at(-1)?.zxid === last && hasAll()
    if (!cluster.runUntil(isDone, 1_000)) throw new Error(`new writes do not reach every server: ${this.#states()}`)
    return {
      committedCount: this.#committedCount(),
      epochCount: this.#epochCount,
      electionMs,
      electionMsMax,
      copyCount: cluster.copies.finishedCount,
      handOverCount: this.#handOverCount,
    }
  }

  /**
   * Five rounds of messages, the settle time as ticks show it, and flushes: what each disk has to do already, the accepted
   * epoch at both ends, the cut of what the leader lacks, the current epoch. The txns that a learner lacks are read from the log
   * one by one at worst.
   */
  #electionMsMax(): number {
    const living = this.#living()
    const messageMs = 1 + this.#messageDelayMsMax + turnDelayMsMax
    const diskMs = 8 * this.#diskDelayMsMax
    const waiting = Math.max(...living.map(({ log }) => log.queue.length))
    const counts = living.map(({ log }) => log.txns.length)
    const gap = Math.max(...counts) - Math.min(...counts)
    // A server that a changed vote has deceived may wait for a leader that does not lead (step E4).
    const deceivedMs = this.#hasPuppets ? timing.peerTimeoutMs : 0
    const roundsMs = 5 * 2 * messageMs + timing.settleMs + 2 * timing.tickMs
    return deceivedMs + roundsMs + (waiting + 4) * diskMs + gap * (diskMs + 2 * messageMs)
  }

  #committedCount(): number {
    return this.#cluster.checks.committed.length
  }

  #living(): ZabCluster['servers'] {
    return this.#cluster.servers.filter(({ zab }) => zab !== null)
  }

  #aQuorumServes(): boolean {
    const { membership } = this.#cluster
    return membership.isQuorum((id) => this.#cluster.server(id).serving !== null)
  }

  #servingCount(): number {
    return this.#living().filter(({ serving }) => serving !== null).length
  }

  #states(): string {
    return this.#cluster.servers
      .map(({ id, zab, serving, log }) => {
        const last = log.txns.at(-1)?.zxid ?? zeroZxid
        return `${id}=${zab?.state ?? 'dead'}/${serving?.as ?? '-'}/accepted ${log.acceptedEpoch}/last 0x${last.toString(16)}`
      })
      .join(', ')
  }
}

function isPassing(effect: ZabEffect): boolean {
  return effect.kind === 'hand-over-ended' && effect.problem === null
}
