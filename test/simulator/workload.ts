/**
 * The requests of one client: names from a small set that all clients share, so that they conflict, and data that no other
 * request writes, so that an effect can be traced to its request. It only draws requests; `SimClient` sends them and
 * keeps the session.
 */
import type { ClientRequest, ReadRequest, WriteRequest } from './sim-event.ts'
import type { SimRandom } from './sim-random.ts'

export interface WorkloadProfile {
  /** Share of requests that write. */
  readonly writeShare: number
  readonly multiShare: number // of the writes
  readonly syncShare: number // of the others
  readonly watchShare: number // of the reads
  readonly ephemeralShare: number // of the creates
  readonly sequentialShare: number // of the creates
  readonly guardedShare: number // of the creates
  readonly largeDataShare: number
  readonly nodeCount: number // under each parent
  readonly quotaShare: number // of the writes and of the reads of data
}

const parents = ['/a', '/b', '/a/n0'] as const
const quotaRoot = '/zookeeper/quota'
const limitsOf = (path: string): string => `${quotaRoot}${path}/zookeeper_limits`
const usageOf = (path: string): string => `${quotaRoot}${path}/zookeeper_stats`
const largeDataSizeBytesMax = 60_000
const multiPartCountMax = 5

export class Workload {
  readonly #random: SimRandom
  readonly #profile: WorkloadProfile
  readonly #client: number
  #writeCount = 0

  constructor(random: SimRandom, profile: WorkloadProfile, client: number) {
    this.#random = random
    this.#profile = profile
    this.#client = client
  }

  next(): ClientRequest {
    const random = this.#random
    const profile = this.#profile
    if (random.chance(profile.writeShare)) {
      if (!random.chance(profile.multiShare)) return this.#write()
      const count = random.between(1, multiPartCountMax)
      return { kind: 'multi', parts: Array.from({ length: count }, () => this.#part()) }
    }
    if (random.chance(profile.syncShare)) return { kind: 'sync', path: this.#anyPath() }
    return this.#read()
  }

  #read(): ReadRequest {
    if (this.#isOfQuota()) return { kind: 'get-data', path: usageOf(this.#parent()), watch: this.#isWatched() }
    const kind = this.#random.pick(['exists', 'get-data', 'get-children', 'get-children2'] as const)
    const path = kind.startsWith('get-children') && this.#random.chance(0.7) ? this.#parent() : this.#anyPath()
    return { kind, path, watch: this.#isWatched() }
  }

  #part(): WriteRequest {
    // A check of a path that mostly does not exist would make nearly every multi fail.
    if (this.#random.chance(0.2)) return { kind: 'check', path: this.#parent(), version: this.#version() }
    return this.#write()
  }

  #write(): WriteRequest {
    if (this.#isOfQuota()) return this.#writeQuota()
    const random = this.#random
    const draw = random.fraction()
    if (draw < 0.05) return this.#create(this.#parent(), false)
    if (draw < 0.5) return this.#create(this.#anyPath(), true)
    if (draw < 0.66) return { kind: 'delete', path: this.#anyPath(), version: this.#version() }
    if (draw < 0.74) return this.#keeperWrite()
    return { kind: 'set-data', path: this.#anyPath(), data: this.#data(), version: this.#version() }
  }

  /** Draws no number in seeds without quotas. */
  #isOfQuota(): boolean {
    const { quotaShare } = this.#profile
    return quotaShare > 0 && this.#random.chance(quotaShare)
  }

  #isWatched(): boolean {
    return this.#random.chance(this.#profile.watchShare)
  }

  #writeQuota(): WriteRequest {
    const random = this.#random
    const znode = this.#parent()
    const draw = random.fraction()
    if (draw < 0.25) return this.#createQuotaZnode(`${quotaRoot}${znode}`, this.#data())
    if (draw < 0.45) return this.#createQuotaZnode(limitsOf(znode), this.#limitsText())
    if (draw < 0.65) return this.#createQuotaZnode(usageOf(znode), this.#data())
    if (draw < 0.7) return { kind: 'delete', path: limitsOf(znode), version: -1 }
    if (draw < 0.75) return { kind: 'delete', path: usageOf(znode), version: -1 }
    if (draw < 0.9) return { kind: 'set-data', path: limitsOf(znode), data: this.#limitsText(), version: -1 }
    return { kind: 'set-data', path: usageOf(znode), data: this.#usageText(), version: this.#version() }
  }

  #createQuotaZnode(path: string, data: string): WriteRequest {
    const withStat = this.#random.chance(0.3)
    return { kind: 'create', path, data, ephemeral: false, sequential: false, withStat, guarded: false }
  }

  /** The label is a field of its own, so that the text is unique and can be read; now and then it cannot. */
  #limitsText(): string {
    const random = this.#random
    const fields = ['count', 'countHardLimit', 'byteHardLimit'].filter(() => random.chance(0.5))
    if (random.chance(0.05)) fields.push('unreadable')
    const texts = fields.map(
      (name) => `${name}=${name === 'unreadable' ? '?' : random.between(0, random.pick([8, 30, 150]))}`,
    )
    return [...texts, `${this.#label()}=1`].join(random.pick([',', ';']))
  }

  #usageText(): string {
    const random = this.#random
    if (random.chance(0.2)) return this.#label()
    return `count=${random.between(-5, 50)},bytes=${random.between(0, 500)}=;${this.#label()}=1`
  }

  #keeperWrite(): WriteRequest {
    const random = this.#random
    const kind = random.pick(['create-if-not-exists', 'try-remove', 'remove-recursive'] as const)
    if (kind === 'create-if-not-exists') {
      const isParent = random.chance(0.5)
      const ephemeral = !isParent && random.chance(this.#profile.ephemeralShare)
      return { kind, path: isParent ? this.#parent() : this.#anyPath(), data: this.#data(), ephemeral }
    }
    if (kind === 'try-remove') return { kind, path: this.#anyPath(), version: this.#version() }
    return { kind, path: this.#anyPath(), countMax: random.chance(0.3) ? 3 : 1000 }
  }

  #create(path: string, mayVary: boolean): WriteRequest {
    const random = this.#random
    const sequential = mayVary && random.chance(this.#profile.sequentialShare)
    return {
      kind: 'create',
      path: sequential ? `${this.#parent()}/q-` : path,
      data: this.#data(),
      ephemeral: mayVary && random.chance(this.#profile.ephemeralShare),
      sequential,
      withStat: random.chance(0.3),
      guarded: mayVary && random.chance(this.#profile.guardedShare),
    }
  }

  #version(): number {
    return this.#random.chance(0.75) ? -1 : this.#random.below(4)
  }

  #parent(): string {
    return this.#random.pick(parents)
  }

  #anyPath(): string {
    const random = this.#random
    if (random.chance(0.08)) return this.#parent()
    return `${this.#parent()}/n${random.below(this.#profile.nodeCount)}`
  }

  #label(): string {
    return `c${this.#client}-${this.#writeCount++}`
  }

  #data(): string {
    const label = this.#label()
    if (!this.#random.chance(this.#profile.largeDataShare)) return label
    return label.padEnd(this.#random.between(100, largeDataSizeBytesMax), '.')
  }
}
