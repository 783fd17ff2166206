/**
 * A clock that advances only while this process runs. During a pause (SIGSTOP, a suspended virtual machine, a long
 * turn) it advances by at most `stepMsMax`. Messages that clients and peers sent during the pause wait unread in the
 * sockets, so the length of the pause does not show that one of them was silent.
 * Assumes: while the process runs, `tick` is called more than once in `stepMsMax`. If deadlines were compared with
 * the clock of the machine, a leader that was stopped for seconds would expire the sessions of clients that pinged.
 */
import { assert } from '../base/assert.ts'

export class RunningClock {
  readonly #stepMsMax: number
  #readingMs: number
  #tickedAtMs: number

  /** Begins with the reading of the machine's monotonic clock. */
  constructor(machineMs: number, stepMsMax: number) {
    assert(stepMsMax > 0, 'a running clock advances', { stepMsMax })
    this.#stepMsMax = stepMsMax
    this.#readingMs = machineMs
    this.#tickedAtMs = machineMs
  }

  /** The running time at `machineMs` of the machine's monotonic clock, which is not before the last tick. */
  at(machineMs: number): number {
    return this.#readingMs + Math.min(machineMs - this.#tickedAtMs, this.#stepMsMax)
  }

  tick(machineMs: number): void {
    this.#readingMs = this.at(machineMs)
    this.#tickedAtMs = machineMs
  }
}
