/**
 * Timers of the event loop. They keep the process running until they fire or are cancelled.
 * Assumes: delays are below 2³¹ ms. A longer one is cut to that, since Node would fire it at once.
 */
import type { CancelTimer, Timers } from '../ports/timers.ts'

const delayMsMax = 2 ** 31 - 1

export function nodeTimers(): Timers {
  return {
    after(delayMs: number, callback: () => void): CancelTimer {
      // One millisecond is added: Node counts from the start of the turn of the event loop and truncates, so a timer
      // can
      // fire a fraction of a millisecond too early by the monotonic clock.
      const timer = setTimeout(callback, Math.min(Math.ceil(delayMs) + 1, delayMsMax))
      return () => clearTimeout(timer)
    },
    // The check phase follows the poll phase, in which Node has read all sockets that were readable.
    atTurnEnd(callback: () => void): void {
      setImmediate(callback)
    },
  }
}
