export type CancelTimer = () => void

export interface Timers {
  /** Calls `callback` once, not before `delayMs` has passed. */
  after(delayMs: number, callback: () => void): CancelTimer
  /** Calls `callback` once, after everything that arrived in this turn of the event loop was handled. */
  atTurnEnd(callback: () => void): void
}
