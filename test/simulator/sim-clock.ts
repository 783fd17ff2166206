/**
 * The clock and timers of one simulated process. Each runs at its own rate and the wall clock can be set;
 * the monotonic one never goes back, as the port promises, but starts anywhere. Timers follow the same rate
 * as the monotonic clock, because both are one oscillator in a real machine.
 */
import type { Clock } from '../../src/ports/clock.ts'
import type { CancelTimer, Timers } from '../../src/ports/timers.ts'
import type { Scheduler, SimProcess } from './scheduler.ts'

export interface ClockSettings {
  readonly rate: number // 1 = true time
  readonly monotonicStartMs: number
  readonly wallOffsetMs: number
}

/** The reading of the wall clock at virtual time zero; the date has no meaning. */
const wallStartMs = Date.UTC(2026, 0, 1)

export class SimClock implements Clock {
  readonly settings: ClockSettings
  readonly #scheduler: Scheduler
  #wallOffsetMs: number

  constructor(scheduler: Scheduler, settings: ClockSettings) {
    this.#scheduler = scheduler
    this.settings = settings
    this.#wallOffsetMs = settings.wallOffsetMs
  }

  monotonicMs(): number {
    return this.settings.monotonicStartMs + (this.#scheduler.nowUs / 1000) * this.settings.rate
  }

  wallMs(): number {
    return Math.floor(wallStartMs + (this.#scheduler.nowUs / 1000) * this.settings.rate + this.#wallOffsetMs)
  }

  jumpWall(byMs: number): void {
    this.#wallOffsetMs += byMs
  }
}

export function simTimers(scheduler: Scheduler, process: SimProcess, rate: number): Timers {
  return {
    after(delayMs: number, callback: () => void): CancelTimer {
      // One microsecond more than the quotient: the port promises "not before", whatever the rounding.
      const delayUs = Math.ceil((Math.max(delayMs, 0) * 1000) / rate) + 1
      return scheduler.schedule(process, 'timer', delayUs, () => {
        scheduler.noteAsync() // asynchronous code may wait for the timer
        callback()
      })
    },
    atTurnEnd(callback: () => void): void {
      scheduler.schedule(process, 'other', 0, callback)
    },
  }
}
