/**
 * The log lines about refused clients, refused requests and closed connections, limited in rate so that clients cannot
 * flood the log.
 */
import type { ConnectionId, Xid } from '../../base/ids.ts'
import { LineLimiter } from '../../base/line-limiter.ts'
import type { Log } from '../../ports/log.ts'
import type { OpName } from '../../protocol/client/operations.ts'
import type { ReplicaCloseReason } from '../../replica/contract.ts'
import { quietCloseReasons } from './close-reasons.ts'
import { type RequestRefusal, requestRefusals } from './request-refusals.ts'

/** The client in the log line. */
export interface RefusedClient {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly connectionId?: ConnectionId
  readonly sessionId?: string
}

/** The request in the log line; a field is null if the server does not know it. */
export interface RefusedRequest {
  readonly xid: Xid
  readonly op: OpName | null
  readonly path: string | null
  readonly sizeBytes: number
  readonly limitBytes?: number
  readonly limitMs?: number
}

export class RefusalLog {
  readonly #log: Log
  readonly #refusals: LineLimiter
  readonly #closings: LineLimiter

  constructor(log: Log, nowMs: () => number) {
    this.#log = log
    this.#refusals = new LineLimiter(nowMs)
    this.#closings = new LineLimiter(nowMs)
  }

  clientRefused(reason: string, why: string, client: RefusedClient): void {
    const suppressed = this.#refusals.admit(reason)
    if (suppressed !== null) this.#log.warn('client-refused', { reason, why, ...client, ...suppressed })
  }

  requestRefused(reason: RequestRefusal, client: RefusedClient, request: RefusedRequest): void {
    const suppressed = this.#refusals.admit(reason)
    if (suppressed === null) return
    const { why } = requestRefusals[reason]
    this.#log.warn('request-refused', { reason, why, ...client, ...request, ...suppressed })
  }

  /** The replica closed the connection. Quiet reasons, and lines above the rate limit, are logged at debug level. */
  clientClosed(reason: ReplicaCloseReason, client: RefusedClient): void {
    const suppressed = quietCloseReasons.has(reason) ? null : this.#closings.admit(reason)
    if (suppressed === null) this.#log.debug('client-closed', { reason, ...client })
    else this.#log.info('client-closed', { reason, ...client, ...suppressed })
  }
}
