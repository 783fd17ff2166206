/**
 * Limits the log lines about refused and closed connections. Each reason may write a few lines a second, and the
 * next line says how many were left out. Otherwise a client could fill the disk of the server with log lines.
 * Assumes: reasons come from a fixed table. Text that a client chooses would make the map of reasons grow.
 */
import { refusalLinesPerSecondMax } from './limits.ts'

interface Lines {
  secondStartedAtMs: number
  writtenCount: number
  suppressedCount: number
}

/** A field of the line that may be written: how many lines before it were left out. */
export interface Suppressed {
  readonly suppressedCount?: number
}

export class LineLimiter {
  readonly #nowMs: () => number
  readonly #linesByReason = new Map<string, Lines>()

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** Null: the line must not be written. Otherwise the field that it must carry. */
  admit(reason: string): Suppressed | null {
    const nowMs = this.#nowMs()
    let lines = this.#linesByReason.get(reason)
    if (lines === undefined) {
      lines = { secondStartedAtMs: nowMs, writtenCount: 0, suppressedCount: 0 }
      this.#linesByReason.set(reason, lines)
    }
    if (nowMs - lines.secondStartedAtMs >= 1000) {
      lines.secondStartedAtMs = nowMs
      lines.writtenCount = 0
    }
    if (lines.writtenCount >= refusalLinesPerSecondMax) {
      lines.suppressedCount++
      return null
    }
    lines.writtenCount++
    const { suppressedCount } = lines
    lines.suppressedCount = 0
    return suppressedCount === 0 ? {} : { suppressedCount }
  }
}
