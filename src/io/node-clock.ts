/** Time of this machine. `performance.now` never goes back, also if the wall clock is changed. */
import { performance } from 'node:perf_hooks'
import type { Clock } from '../ports/clock.ts'

export function nodeClock(): Clock {
  return {
    monotonicMs: () => performance.now(),
    wallMs: () => Date.now(),
  }
}
