/**
 * As long as links lose nothing, an election ends by messages alone. In these tests no timer of an election runs out:
 * neither the one that repeats votes, nor those that give up a candidate or a leader or let a shunned peer be tried
 * again. So if a server forgets a message whose content is still true, in whatever role it received it, the cluster
 * never recovers, and a seed shows it. The settle time still runs out; it only lets votes arrive.
 */
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../support/seeded-random.ts'
import { timing } from './cluster-server.ts'
import { shapes } from './random-faults.ts'
import { ZabCluster } from './zab-cluster.ts'

/** ZAB_SEEDS raises the number of seeds, ZAB_FIRST_SEED moves to others. */
const seedCount = Number(process.env['ZAB_SEEDS'] ?? 300)
const firstSeed = Number(process.env['ZAB_FIRST_SEED'] ?? 1)
const messageDelayMsMax = 1
const diskDelayMsMax = 1
/** The longest time that the cluster can draw for a message and the turn that handles it. */
const stepMsMax = 1 + 8 * messageDelayMsMax + 2
/**
 * From the last change of a link to a leader that serves with a quorum: two rounds of votes (a second one if a server
 * noticed late), the settle time as ticks show it, discovery, synchronisation, and three flushes.
 */
const electionMsMax = 2 * 2 * stepMsMax + timing.settleMs + 2 * timing.tickMs + 8 * stepMsMax + 3 * 8 * diskDelayMsMax

describe('an election without timers', () => {
  test.each([
    ['three voters', 1],
    ['five voters', 0.7],
    ['three voters and two learners', 0.3],
    ['three groups with weights', 0.3],
    ['two memberships of which both must agree', 0.3],
  ] as const)('%s find a leader within a few messages of the last fault', (shape, share) => {
    for (let seed = firstSeed; seed < firstSeed + seedCount * share; seed++) new TimerlessCourse(seed, shape).run()
  })
})

class TimerlessCourse {
  readonly #name: string
  readonly #random: SeededRandom
  readonly #cluster: ZabCluster
  #lastChangeMs = 0

  constructor(seed: number, shape: keyof typeof shapes) {
    this.#name = `seed ${seed} with ${shape}`
    this.#random = new SeededRandom(seed ^ 0x717e)
    this.#cluster = new ZabCluster({
      membership: shapes[shape],
      seed,
      messageDelayMsMax,
      diskDelayMsMax,
      hasTimeouts: false,
      onStep: (step) => {
        if (step.kind === 'link') this.#lastChangeMs = this.#cluster.nowMs
      },
    })
  }

  run(): void {
    const cluster = this.#cluster
    for (const { id } of cluster.servers) {
      cluster.start(id)
      cluster.run(this.#random.below(40))
    }
    for (let i = 0; i < 12; i++) {
      for (let faults = this.#random.below(3); faults >= 0; faults--) {
        this.#disturb()
        cluster.run(this.#random.below(this.#random.pick([1, 10, 100])))
      }
      for (const { id, isPaused } of cluster.servers) if (isPaused) this.#change(() => cluster.resume(id))
      this.#expectLeader(i)
    }
  }

  /** A quorum of servers is alive at any time. Those that live are linked, or will be with the next redial. */
  #disturb(): void {
    const cluster = this.#cluster
    const some = this.#random.pick(cluster.servers)
    const victim = cluster.leader !== null && this.#random.chance(2) ? cluster.leader : some
    const dead = cluster.servers.filter(({ zab }) => zab === null)
    const mayDie = cluster.membership.isQuorum((id) => id !== victim.id && cluster.server(id).zab !== null)
    switch (this.#random.below(7)) {
      case 0:
      case 1:
        if (mayDie) this.#change(() => cluster.crash(victim.id))
        return
      case 2:
        return this.#change(() => {
          for (const { id } of dead) cluster.start(id)
        })
      case 3:
        return this.#change(() => cluster.pause(some.id))
      case 4:
        if (cluster.leader !== null) this.#change(() => cluster.stepDown(cluster.leader!.id))
        return
      case 5: {
        const { leader } = cluster
        const to = this.#random.chance(2) ? null : some.id
        if (leader !== null && !leader.isHandingOver) this.#change(() => cluster.handOver(leader.id, to))
        return
      }
      default: {
        const other = this.#random.pick(cluster.servers)
        if (other !== some) this.#change(() => cluster.links.close(cluster.links.between(some.id, other.id)))
      }
    }
  }

  #change(what: () => void): void {
    this.#lastChangeMs = this.#cluster.nowMs
    what()
  }

  #expectLeader(step: number): void {
    const cluster = this.#cluster
    const living = cluster.servers.filter(({ zab }) => zab !== null)
    const isFound = (): boolean =>
      cluster.leader !== null &&
      living.every(({ serving }) => serving !== null && serving.epoch === cluster.leader!.serving!.epoch)
    while (!cluster.runUntil(isFound, 1)) {
      cluster.run(1)
      if (cluster.nowMs - this.#lastChangeMs <= electionMsMax) continue
      const states = cluster.servers.map(
        ({ id, zab, serving }) => `${id}=${zab?.state ?? 'dead'}/${serving?.as ?? '-'}`,
      )
      expect.fail(
        `${this.#name}, step ${step}: ` +
          `not all serve ${electionMsMax} ms after the last change: ${states.join(', ')}`,
      )
    }
  }
}
