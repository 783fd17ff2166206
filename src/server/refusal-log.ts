/**
 * The log lines about clients and requests that were refused, and no more of them than an operator can read: each reason
 * has a few lines a second, and the next line says how many were left out. Otherwise a client could fill the disk of the
 * server with the news that it is being refused.
 */
import type { ConnectionId, Xid } from '../base/ids.ts'
import { refusalLinesPerSecondMax } from '../base/limits.ts'
import type { Log } from '../ports/log.ts'
import type { OpName } from '../protocol/client/operations.ts'
import { type RequestRefusal, requestRefusals } from './request-refusals.ts'

/** Who was refused. */
export interface RefusedClient {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly connectionId?: ConnectionId
  readonly sessionId?: string
}

/** Which request, as far as that is known. */
export interface RefusedRequest {
  readonly xid: Xid
  readonly op: OpName
  readonly path: string | null
  readonly sizeBytes: number
  readonly limitBytes?: number
  readonly limitMs?: number
}

interface Lines {
  secondStartedAtMs: number
  writtenCount: number
  suppressedCount: number
}

export class RefusalLog {
  readonly #log: Log
  readonly #nowMs: () => number
  readonly #linesByReason = new Map<string, Lines>()

  constructor(log: Log, nowMs: () => number) {
    this.#log = log
    this.#nowMs = nowMs
  }

  clientRefused(reason: string, why: string, client: RefusedClient): void {
    const suppressed = this.#suppressedBefore(reason)
    if (suppressed !== null) this.#log.warn('client-refused', { reason, why, ...client, ...suppressed })
  }

  requestRefused(reason: RequestRefusal, client: RefusedClient, request: RefusedRequest): void {
    const suppressed = this.#suppressedBefore(reason)
    if (suppressed === null) return
    const { why } = requestRefusals[reason]
    this.#log.warn('request-refused', { reason, why, ...client, ...request, ...suppressed })
  }

  /** Null: this line is one too many. Otherwise what it has to say of those before it. */
  #suppressedBefore(reason: string): { readonly suppressedCount?: number } | null {
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
