/**
 * The time that this process ran. While it stands still (SIGSTOP, a suspended virtual machine, a long turn), this clock
 * stands still too, except for `stepMsMax`: what clients and peers sent meanwhile waits unread in the sockets, so that
 * time is no evidence that one of them was silent.
 * Assumes: `tick` is called more often than each `stepMsMax` while the process runs. If deadlines were compared with
 * the clock of the machine, a leader that was stopped for seconds would expire the sessions of clients that pinged.
 */
import { assert } from '../base/assert.ts'

export class RunningClock {
  readonly #stepMsMax: number
  #readingMs: number
  #tickedAtMs: number

  /** Begins with the reading of the machine's monotonic clock. */
  constructor(machineMs: number, stepMsMax: number) {
    assert(stepMsMax > 0, 'a running clock moves', { stepMsMax })
    this.#stepMsMax = stepMsMax
    this.#readingMs = machineMs
    this.#tickedAtMs = machineMs
  }

  /** The running time at a moment of the machine's monotonic clock, of the last tick or later. */
  at(machineMs: number): number {
    return this.#readingMs + Math.min(machineMs - this.#tickedAtMs, this.#stepMsMax)
  }

  tick(machineMs: number): void {
    this.#readingMs = this.at(machineMs)
    this.#tickedAtMs = machineMs
  }
}
