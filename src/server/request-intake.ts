/**
 * The way of requests from a connection to the replica: how many may be in flight, which must wait, and which are refused
 * although they were read. A refused request goes the same way as any other, so that its error leaves in its turn.
 * Owns: the count of requests in flight. Assumes: told of each reply, and of each connection that is gone.
 */

import type { Xid } from '../base/ids.ts'
import { clientOutputSizeBytesMax, pendingRequestsPerConnectionMax } from '../base/limits.ts'
import type { Config } from '../config/config.ts'
import type { ConnectionInput } from '../connection/connection-input.ts'
import type { ServerMetrics } from '../metrics/server-metrics.ts'
import { firstPathOf } from '../protocol/client/first-path.ts'
import { requestHeaderSizeBytes } from '../protocol/client/headers.ts'
import { type OpName, ops } from '../protocol/client/operations.ts'
import type { ClientRequest } from '../replica/contract.ts'
import type { ClientStream } from './client-stream.ts'
import type { RefusalLog } from './refusal-log.ts'
import { type RequestRefusal, requestLimitOf, requestRefusals } from './request-refusals.ts'
import { RequestThrottle } from './request-throttle.ts'
import type { Turn } from './turn.ts'

export interface RequestIntakeOptions {
  readonly config: Config
  readonly metrics: ServerMetrics
  readonly refusals: RefusalLog
  readonly turn: Turn
}

type OperationInput = Extract<ConnectionInput, { readonly kind: 'operation' }>
type SkippedInput = Extract<ConnectionInput, { readonly kind: 'skipped-operation' }>

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

  hasRoom(client: ClientStream): boolean {
    const { outstandingCount } = client
    if (outstandingCount >= pendingRequestsPerConnectionMax) return false
    // The whole server's limit lets each connection have one request in, so nobody starves (ZK: globalOutstandingLimit).
    if (outstandingCount > 0 && this.#outstandingCount >= this.#options.config.outstandingRequestCountMax) return false
    // What comes before a session is no request: a word of an operator must not wait behind the load it asks about.
    if (client.session !== null && this.#throttle.isFull(this.#outstandingCount)) return false
    return client.connection.outputSizeBytes + client.queuedBytes <= clientOutputSizeBytesMax
  }

  /** It has input for which there is no room. */
  noteWait(client: ClientStream): void {
    if (client.session !== null && this.#throttle.isFull(this.#outstandingCount)) this.#throttle.noteWait()
  }

  take(client: ClientStream, input: OperationInput): void {
    if (this.#throttle.isOn && this.#isThrottled(client, input)) return
    this.#handOn(client, input, requestHeaderSizeBytes + input.body.length)
  }

  takeSkipped(client: ClientStream, input: SkippedInput): void {
    if (input.reason === 'too-many-large-requests') this.#options.metrics.large_requests_rejected.add()
    this.#refuse(client, input.reason, input, 0)
  }

  answered(client: ClientStream): void {
    if (client.outstandingCount > 0) this.#outstandingCount--
  }

  /** Its client has left while requests waited for room; unless told otherwise they are dropped (ZK: Request.isStale). */
  clientLeft(client: ClientStream): void {
    if (!client.hasInput || client.session === null || !this.#throttle.keepsForGone(client.inputCount)) return
    for (let input = client.takeInput(); input !== null; input = client.takeInput()) {
      if (input.kind === 'operation') this.#handOn(client, input, 0)
    }
  }

  /** Nothing of this connection is in flight any more, as far as its limits go. */
  forget(client: ClientStream): void {
    client.dropInput()
    client.giveBackLargeRequests()
    this.#outstandingCount -= client.outstandingCount
  }

  /** True: the request was refused instead of handed on. */
  #isThrottled(client: ClientStream, input: OperationInput): boolean {
    const waitedMs = this.#options.turn.now().monotonicMs - client.takenInputReadAtMs
    const verdict = this.#throttle.judge(input.op, waitedMs, client.session?.timeoutMs ?? 0)
    if (verdict === 'go-on' || input.op === null) return false
    const { xid, op, body } = input
    const sizeBytes = requestHeaderSizeBytes + body.length
    this.#refuse(client, verdict, { xid, op, path: firstPathOf(op, body), sizeBytes }, sizeBytes)
    return true
  }

  /** `heldSizeBytes` of it came in, and are given back with the answer. */
  #refuse(
    client: ClientStream,
    reason: RequestRefusal,
    request: { readonly xid: Xid; readonly op: OpName; readonly path: string | null; readonly sizeBytes: number },
    heldSizeBytes: number,
  ): void {
    const { config, refusals } = this.#options
    const { xid, op, path, sizeBytes } = request
    const limit = requestLimitOf(reason, config.clientLimits)
    refusals.requestRefused(reason, client.identity(), { xid, op, path, sizeBytes, ...limit })
    this.#handOn(client, { kind: 'refused-operation', xid, op, error: requestRefusals[reason].error }, heldSizeBytes)
  }

  #handOn(client: ClientStream, request: ClientRequest, sizeBytes: number): void {
    this.#outstandingCount++
    client.requestHandedOn(sizeBytes, isWrite(request))
    this.#options.turn.feed({ kind: 'request', connection: client.id, request })
  }
}

function isWrite(request: ClientRequest): boolean {
  return request.kind === 'operation' && request.op !== null && ops[request.op].access === 'write'
}
