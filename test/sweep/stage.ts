/**
 * What the script of the sweep can do, and wait for. Each step waits until it has happened, whichever server has crashed
 * meanwhile: a server that crashed is started again by the ensemble unless the script wants it down.
 */
import type { ServerId } from '../../src/base/ids.ts'
import { commitMarkIntervalMs } from '../../src/base/limits.ts'
import type { CrashMode } from '../simulator/sim-disk.ts'
import type { SweepClient } from './sweep-client.ts'
import { ids, type SweepEnsemble } from './sweep-ensemble.ts'

/** A violation was found; the ensemble has its text. */
export class RunFailed extends Error {}

const stepLimitMs = 60_000
/** For writes of a leader without followers to reach its disk. */
const inVainMs = 50
const commitMarkMs = commitMarkIntervalMs + 100

export class Stage {
  readonly #ensemble: SweepEnsemble
  readonly #client: SweepClient
  #target: number

  constructor(ensemble: SweepEnsemble, client: SweepClient) {
    this.#ensemble = ensemble
    this.#client = client
    this.#target = client.acknowledged
  }

  async startAll(): Promise<void> {
    for (const id of ids) this.#ensemble.start(id)
    await this.#until('all servers serve', () => ids.every((id) => this.#ensemble.isServing(id)))
  }

  /** Sends `count` more writes, and waits until all of them are acknowledged. */
  async write(count: number): Promise<void> {
    // After a loss of power more of the earlier writes may have happened than were acknowledged.
    await this.#until('the client has read all znodes', () => this.#client.isReady)
    this.#target = Math.max(this.#target, this.#client.acknowledged) + count
    this.#client.writeUpTo(this.#target)
    await this.#until(`${this.#target} writes are acknowledged`, () => this.#client.isDone)
  }

  /** Sends writes that cannot be acknowledged at the moment; the next `write` sends them again. */
  async writeInVain(count: number): Promise<void> {
    this.#target += count
    this.#client.writeUpTo(this.#target)
    await this.#pass(inVainMs)
  }

  /** A log is removed up to a checkpoint only once it says itself that this is committed, which takes up to a second. */
  untilCommitsAreMarked(): Promise<void> {
    return this.#pass(commitMarkMs)
  }

  async leader(): Promise<ServerId> {
    await this.#until('a server leads', () => this.#ensemble.leader !== null)
    return this.#ensemble.leader!
  }

  /** The one with the highest id. */
  async follower(): Promise<ServerId> {
    const find = (): ServerId | undefined => {
      const { leader } = this.#ensemble
      return [...ids].reverse().find((id) => leader !== null && id !== leader && this.#ensemble.isServing(id))
    }
    await this.#until('a server follows', () => find() !== undefined)
    return find()!
  }

  /** The client is connected to the leader, also if another server has become that meanwhile. */
  async attachToLeader(): Promise<ServerId> {
    await this.#until('the client is connected to the leader', () => {
      const { leader } = this.#ensemble
      if (leader !== null) this.#client.prefer(leader)
      return leader !== null && this.#client.isAttachedTo(leader)
    })
    this.#client.prefer(null)
    return this.#ensemble.leader!
  }

  powerOff(id: ServerId, mode: CrashMode): void {
    this.#ensemble.powerOff(id, mode)
  }

  async stop(id: ServerId): Promise<void> {
    this.#ensemble.stop(id)
    await this.#until(`server ${id} has stopped`, () => !this.#ensemble.isRunning(id))
  }

  async stopAll(): Promise<void> {
    for (const id of ids) await this.stop(id)
  }

  async wipe(id: ServerId): Promise<void> {
    this.#ensemble.powerOff(id, 'drop-all')
    this.#ensemble.wipe(id)
  }

  /** Starts it if it does not run; it serves. */
  async bringUp(id: ServerId): Promise<void> {
    this.#ensemble.start(id)
    await this.#until(`server ${id} serves`, () => this.#ensemble.isServing(id))
  }

  isolate(id: ServerId): void {
    this.#ensemble.isolate(id)
  }

  mendLinks(): void {
    this.#ensemble.mendLinks()
  }

  async untilAnotherLeads(id: ServerId): Promise<void> {
    await this.#until(`another server than ${id} leads`, () =>
      ids.some((each) => each !== id && this.#ensemble.isLeading(each)),
    )
  }

  /** All servers run and serve, with one tree, and its content is that of the writes. */
  async untilAllAgree(): Promise<void> {
    this.mendLinks()
    await this.startAll()
    await this.write(2)
    this.#client.readAgain()
    await this.#until('the client has read all znodes', () => this.#client.isDone)
    await this.#until('all servers have one tree', () => this.#ensemble.commonState !== null)
  }

  /** At the last call of an act the servers may agree before the crash has come. */
  async untilNoCrashIsDue(): Promise<void> {
    await this.#until('the crash has come', () => !this.#ensemble.isCrashDue)
  }

  async #pass(ms: number): Promise<void> {
    const { scheduler } = this.#ensemble
    const endUs = scheduler.nowUs + ms * 1000
    await this.#until('some time has passed', () => scheduler.nowUs >= endUs)
  }

  async #until(what: string, isReached: () => boolean): Promise<void> {
    if (await this.#ensemble.runUntil(stepLimitMs, isReached)) return
    if (this.#ensemble.violations.length > 0) throw new RunFailed()
    this.#ensemble.blame(`after ${stepLimitMs} ms it is not the case that ${what}`)
    throw new RunFailed()
  }
}
