/**
 * Timers of the event loop. They keep the process alive until they fire or are cancelled.
 * Assumes: delays below 2³¹ ms; a longer one is cut, since Node would fire it at once.
 */
import type { CancelTimer, Timers } from '../ports/timers.ts'

const delayMsMax = 2 ** 31 - 1

export function nodeTimers(): Timers {
  return {
    after(delayMs: number, callback: () => void): CancelTimer {
      // One millisecond more than asked: Node counts from the start of the loop turn and truncates, so a timer
      // can fire a fraction too early by the monotonic clock.
      const timer = setTimeout(callback, Math.min(Math.ceil(delayMs) + 1, delayMsMax))
      return () => clearTimeout(timer)
    },
    // The check phase follows the poll phase, in which all sockets that are readable were read.
    atTurnEnd(callback: () => void): void {
      setImmediate(callback)
    },
  }
}
