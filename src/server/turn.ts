/**
 * The turn of the event loop as the unit of work (design D2). Each event is handled when it arrives. At the end of the
 * turn the replica sends what it gathered, in batches, and then each socket gets one write.
 * Owns: that an event is handled only after all effects of the previous one have started, and the time stamp, which
 * is read once a turn. Events fed before `start` wait for it; after `stop` they are dropped.
 * No deadline passes before the bytes that wait in the sockets are read: a tick is handled at the end of its turn, and
 * deadlines are compared with the RunningClock.
 */
import { assert } from '../base/assert.ts'
import type { Clock } from '../ports/clock.ts'
import type { Timers } from '../ports/timers.ts'
import type { Effect, ReplicaEvent, Stamp } from '../replica/contract.ts'
import { RunningClock } from './running-clock.ts'

/** The parts of the server that a turn calls. */
export interface TurnParts {
  handle(event: ReplicaEvent, stamp: Stamp): readonly Effect[]
  perform(effect: Effect): void
  /** Time has passed: peer links, replica and client sockets check their deadlines. */
  tick(): void
  /** Handles input that waited, as far as the limits allow it now. */
  readOn(): void
  /** Writes once to each stream that has output. */
  flush(): void
}

type TurnState = 'new' | 'idle' | 'handling' | 'stopped'

/**
 * The most tick intervals by which one tick advances the clock. It is more than a heartbeat interval (three ticks), so
 * that after a pause heartbeats and keep-alives are due at once. It is a small part of the time after which a peer
 * counts as dead.
 */
const ticksPerStepMax = 4

export class Turn {
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #parts: TurnParts
  readonly #runningClock: RunningClock
  #isTickDue = false
  #state: TurnState = 'new'
  #stamp: Stamp | null = null
  #waiting: ReplicaEvent[] = []
  /** An event was fed since the last `turn-ended`. */
  #isUnfinished = false
  #isScheduled = false
  readonly #onTurnEnd = (): void => this.#end()

  /** `tickIntervalMsMax`: the longest time between two ticks while the process runs. */
  constructor(clock: Clock, timers: Timers, tickIntervalMsMax: number, parts: TurnParts) {
    this.#clock = clock
    this.#runningClock = new RunningClock(clock.monotonicMs(), tickIntervalMsMax * ticksPerStepMax)
    this.#timers = timers
    this.#parts = parts
  }

  get isStopped(): boolean {
    return this.#state === 'stopped'
  }

  /** The clock is read once a turn, and each time that it is asked between turns. */
  now(): Stamp {
    if (this.#stamp !== null) return this.#stamp
    const stamp = { monotonicMs: this.#runningClock.at(this.#clock.monotonicMs()), wallMs: this.#clock.wallMs() }
    if (this.#isScheduled) this.#stamp = stamp
    return stamp
  }

  /** A tick is due: it is handled after this turn has read its sockets. */
  tick(): void {
    this.#isTickDue = true
    this.schedule()
  }

  start(first: (stamp: Stamp) => readonly Effect[]): void {
    assert(this.#state === 'new', 'a turn is started once', { state: this.#state })
    this.schedule()
    this.#state = 'handling'
    this.#performAll(first(this.now()))
    this.#handleWaiting()
  }

  stop(): void {
    this.#state = 'stopped'
    this.#waiting = []
  }

  feed(event: ReplicaEvent): void {
    if (this.#state === 'stopped') return
    this.#isUnfinished = true
    this.schedule()
    if (this.#state === 'idle') this.#handle(event)
    else this.#waiting.push(event)
  }

  /** Asks for the end of this turn, at which output is sent and waiting input is handled. */
  schedule(): void {
    if (this.#isScheduled || this.isStopped) return
    this.#isScheduled = true
    this.#timers.atTurnEnd(this.#onTurnEnd)
  }

  #handle(event: ReplicaEvent): void {
    this.#state = 'handling'
    this.#performAll(this.#parts.handle(event, this.now()))
    this.#handleWaiting()
  }

  #handleWaiting(): void {
    while (this.#waiting.length > 0 && !this.isStopped) {
      this.#performAll(this.#parts.handle(this.#waiting.shift()!, this.now()))
    }
    if (!this.isStopped) this.#state = 'idle'
  }

  #performAll(effects: readonly Effect[]): void {
    for (let i = 0; i < effects.length && !this.isStopped; i++) this.#parts.perform(effects[i]!)
  }

  #end(): void {
    this.#isScheduled = false
    if (this.#state === 'idle' && this.#isTickDue) this.#tick()
    if (this.#state === 'idle') this.#finishTurn()
    if (!this.isStopped) this.#parts.flush()
    this.#stamp = null
  }

  #tick(): void {
    this.#isTickDue = false
    this.#parts.tick()
    this.#runningClock.tick(this.#clock.monotonicMs())
  }

  /** The effects of `turn-ended` can cause new events, and these new effects: repeats it until no event was fed. */
  #finishTurn(): void {
    do {
      this.#parts.readOn()
      this.#isUnfinished = false
      this.#handle({ kind: 'turn-ended' })
      this.#parts.readOn()
    } while (this.#isUnfinished && !this.isStopped)
  }
}
