/**
 * Hands requests from a connection to the replica: decides how many may be in flight, which must wait, and which are
 * refused although they were read. A refused request goes to the replica too, so that its error leaves in request
 * order.
 * Owns: the count of requests in flight. Assumes: `answered` is called for each reply, and `forget` when a connection
 * ends.
 */

import { InvariantViolation } from '../../base/assert.ts'
import { clientOutputSizeBytesMax, pendingRequestsPerConnectionMax } from '../../base/limits.ts'
import type { Config } from '../../config/config.ts'
import type { ConnectionInput } from '../../connection/connection-input.ts'
import type { ServerMetrics } from '../../metrics/server-metrics.ts'
import type { ClientRequest } from '../../protocol/client/client-request.ts'
import { firstPathOf } from '../../protocol/client/first-path.ts'
import type { Turn } from '../turn.ts'
import type { ClientSocket } from './client-socket.ts'
import type { RefusalLog } from './refusal-log.ts'
import { type RequestRefusal, requestLimitOf, requestRefusals } from './request-refusals.ts'
import { RequestThrottle } from './request-throttle.ts'

export interface RequestIntakeOptions {
  readonly config: Config
  readonly metrics: ServerMetrics
  readonly refusals: RefusalLog
  readonly turn: Turn
}

type SkippedRequest = Extract<ConnectionInput, { readonly kind: 'skipped-request' }>

export class RequestIntake {
  readonly #options: RequestIntakeOptions
  readonly #throttle: RequestThrottle
  #outstandingCount = 0

  constructor(options: RequestIntakeOptions) {
    this.#options = options
    this.#throttle = new RequestThrottle(options.config.clientLimits.requestThrottle, options.metrics)
  }

  get outstandingCount(): number {
    return this.#outstandingCount
  }

  hasRoom(client: ClientSocket): boolean {
    const { outstandingCount } = client
    if (outstandingCount >= pendingRequestsPerConnectionMax) return false
    // Each connection may have one request in flight although the server is at its limit, so that none starves
    // (ZK: globalOutstandingLimit).
    if (outstandingCount > 0 && this.#outstandingCount >= this.#options.config.outstandingRequestCountMax) return false
    // Input before a session is no request: an operator's four-letter word must not wait for the load it asks about.
    if (client.session !== null && this.#throttle.isFull(this.#outstandingCount)) return false
    return client.connection.outputSizeBytes + client.queuedBytes <= clientOutputSizeBytesMax
  }

  /** The input of `client` has to wait. */
  noteWait(client: ClientSocket): void {
    if (client.session !== null && this.#throttle.isFull(this.#outstandingCount)) this.#throttle.noteWait()
  }

  /** `close`: the request is dropped and its connection closes, so that no later request overtakes it. */
  take(client: ClientSocket, request: ClientRequest): 'close' | null {
    const reason = this.#throttle.isOn ? this.#refusalOf(client, request) : null
    if (reason === null) {
      this.#handOn(client, request)
      return null
    }
    if (reason === 'stale' && this.#options.config.compatibility.staleRequestsClose) return 'close'
    const { op, body, sizeBytes } = request
    this.#refuse(client, request, reason, op === null ? null : firstPathOf(op.name, body), sizeBytes)
    return null
  }

  takeSkipped(client: ClientSocket, { request, reason, path, frameSizeBytes }: SkippedRequest): void {
    if (reason === 'too-many-large-requests') this.#options.metrics.large_requests_rejected.add()
    this.#refuse(client, request, reason, path, frameSizeBytes)
  }

  answered(client: ClientSocket, request: ClientRequest): void {
    if (client.outstandingCount <= 0) {
      const { xid, number } = request
      throw new InvariantViolation('a request is answered once', { xid, number, connectionId: client.id })
    }
    client.outstandingCount--
    this.#outstandingCount--
    client.largeRequests?.answered(request)
  }

  /**
   * The client has left while its requests waited: they are dropped, unless configured otherwise (ZK: Request.isStale).
   */
  clientLeft(client: ClientSocket): void {
    if (!client.hasInput || client.session === null || !this.#throttle.keepsForGone(client.inputCount)) return
    for (let input = client.takeInput(); input !== null; input = client.takeInput()) {
      if (input.kind === 'request') this.#handOn(client, input)
    }
  }

  /** The requests of this connection no longer count against the limits. */
  forget(client: ClientSocket): void {
    client.dropInput()
    client.largeRequests?.giveBackAll()
    this.#outstandingCount -= client.outstandingCount
    client.outstandingCount = 0
  }

  /** Null: the request may go on. */
  #refusalOf(client: ClientSocket, { op, readAtMs }: ClientRequest): RequestRefusal | null {
    const waitedMs = this.#options.turn.now().monotonicMs - readAtMs
    const verdict = this.#throttle.judge(op, waitedMs, client.session?.timeoutMs ?? 0)
    return verdict === 'go-on' || op === null ? null : verdict
  }

  /** The replica answers it, so that its error leaves in request order. */
  #refuse(
    client: ClientSocket,
    request: ClientRequest,
    reason: RequestRefusal,
    path: string | null,
    sizeBytes: number,
  ): void {
    const { config, metrics, refusals } = this.#options
    metrics.requests_refused_per_reason.of(reason).add()
    const limit = requestLimitOf(reason, config.clientLimits)
    const { xid, op } = request
    refusals.requestRefused(reason, client.identity(), { xid, op: op?.name ?? null, path, sizeBytes, ...limit })
    this.#handOn(client, { ...request, refusal: requestRefusals[reason].error })
  }

  #handOn(client: ClientSocket, request: ClientRequest): void {
    this.#outstandingCount++
    client.outstandingCount++
    this.#options.turn.feed({ kind: 'request', connectionId: client.id, request })
  }
}
