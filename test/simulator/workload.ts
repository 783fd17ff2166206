/**
 * What one client asks for, request by request: names from a small shared space, so that clients meet, and data
 * that no other request writes, so that an effect can be traced to its request. Only draws numbers; sending and
 * sessions are `SimClient`'s.
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
  readonly largeDataShare: number
  readonly nodeCount: number // under each parent
}

const parents = ['/a', '/b', '/a/n0'] as const
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
    const kind = this.#random.pick(['exists', 'get-data', 'get-children', 'get-children2'] as const)
    const path = kind.startsWith('get-children') && this.#random.chance(0.7) ? this.#parent() : this.#anyPath()
    return { kind, path, watch: this.#random.chance(this.#profile.watchShare) }
  }

  #part(): WriteRequest {
    // Checks of what is unlikely would make nearly every multi fail.
    if (this.#random.chance(0.2)) return { kind: 'check', path: this.#parent(), version: this.#version() }
    return this.#write()
  }

  #write(): WriteRequest {
    const random = this.#random
    const draw = random.fraction()
    if (draw < 0.05) return this.#create(this.#parent(), false)
    if (draw < 0.5) return this.#create(this.#anyPath(), true)
    if (draw < 0.7) return { kind: 'delete', path: this.#anyPath(), version: this.#version() }
    return { kind: 'set-data', path: this.#anyPath(), data: this.#data(), version: this.#version() }
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

  #data(): string {
    const label = `c${this.#client}-${this.#writeCount++}`
    if (!this.#random.chance(this.#profile.largeDataShare)) return label
    return label.padEnd(this.#random.between(100, largeDataSizeBytesMax), '.')
  }
}
