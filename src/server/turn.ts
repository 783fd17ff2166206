/**
 * The turn of the event loop as the unit of work (design D2). All that arrives in one turn is handled at once; when
 * nothing more has arrived, the replica gathers what leaves in batches, and then each socket gets one write.
 * Owns: that an event is handled only when all effects of the one before it have started, and the time stamp, which
 * is read once a turn. Events fed before `start` wait for it; after `stop` they are dropped.
 * Nothing expires before what already waits in the sockets was read: a tick is handled at the end of its turn, and
 * the time of all deadlines is the time that this process ran.
 */
import { assert } from '../base/assert.ts'
import type { Clock } from '../ports/clock.ts'
import type { Timers } from '../ports/timers.ts'
import type { Effect, ReplicaEvent, Stamp } from '../replica/contract.ts'
import { RunningClock } from './running-clock.ts'

/** What a turn drives. */
export interface TurnParts {
  handle(event: ReplicaEvent, stamp: Stamp): readonly Effect[]
  perform(effect: Effect): void
  /** Time has passed: the links to peers, the replica and the connections of clients look for what is due. */
  tick(): void
  /** Goes on with input that was held back, as far as there is room now. */
  readOn(): void
  /** One write for each stream that has something to send. */
  flush(): void
}

type TurnState = 'new' | 'idle' | 'handling' | 'stopped'

/**
 * A tick counts for this number of tick intervals at most. It is more than a heartbeat interval (three ticks), so that after a
 * pause heartbeats and keep-alives are due at once, and a small part of the time after which a peer counts as dead.
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
  /** Something happened since the replica last heard of a turn's end. */
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

  /** One reading serves the whole turn. */
  now(): Stamp {
    this.#stamp ??= {
      monotonicMs: this.#runningClock.at(this.#clock.monotonicMs()),
      wallMs: this.#clock.wallMs(),
    }
    return this.#stamp
  }

  /** A tick is due: it is handled when this turn has read its sockets. */
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

  /** Something is to be sent, or read on, at the end of this turn. */
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

  /** The effects of a turn's end can bring new events, and those new effects: the turn ends when it is quiet. */
  #finishTurn(): void {
    do {
      this.#parts.readOn()
      this.#isUnfinished = false
      this.#handle({ kind: 'turn-ended' })
      this.#parts.readOn()
    } while (this.#isUnfinished && !this.isStopped)
  }
}
