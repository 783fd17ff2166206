/**
 * How many log lines about refused and closed connections there may be: each reason has a few lines a second, and the
 * next line says how many were left out. Otherwise a client could fill the disk of the server with the news of itself.
 * Assumes: reasons are those of a table; text that a client chooses as a reason would make this grow.
 */
import { refusalLinesPerSecondMax } from './limits.ts'

interface Lines {
  secondStartedAtMs: number
  writtenCount: number
  suppressedCount: number
}

/** A field for the line that may be written: how many before it were not. */
export interface Suppressed {
  readonly suppressedCount?: number
}

export class LineLimiter {
  readonly #nowMs: () => number
  readonly #linesByReason = new Map<string, Lines>()

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** Null: this line is one too many. Otherwise what it has to say of those before it. */
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
