/** Time of this machine. `performance.now` never goes back, whatever is done to the wall clock. */
import { performance } from 'node:perf_hooks'
import type { Clock } from '../ports/clock.ts'

export function nodeClock(): Clock {
  return {
    monotonicMs: () => performance.now(),
    wallMs: () => Date.now(),
  }
}
