/**
 * Whether a request that was read may be handed to the replica, must wait, or has waited too long (ZK:
 * RequestThrottler). In ZooKeeper a thread holds a queue; here requests wait in their connections, whose sockets are
 * not read meanwhile. A request that ZooKeeper drops together with its connection is answered with ThrottledOp, so the
 * requests after it keep their order and their connection.
 */
import type { RequestThrottleLimits } from '../../config/client-limits.ts'
import { neverRefusedAlone } from '../../connection/client-connection.ts'
import type { ServerMetrics } from '../../metrics/server-metrics.ts'
import type { OpName, OpTraits } from '../../protocol/client/operations.ts'

type ThrottleMetrics = Pick<
  ServerMetrics,
  | 'throttled_ops'
  | 'stale_requests'
  | 'stale_requests_dropped'
  | 'request_throttle_wait_count'
  | 'request_throttle_queue_time_ms'
>

export type ThrottleVerdict = 'go-on' | 'waited-too-long' | 'stale'

/**
 * A request that keeps a session alive or ends it is never refused (ZK: Request.isThrottlable), nor is one whose
 * failure clients ignore. In ZooKeeper auth and sasl do not pass the throttler, and a throttled setWatches is lost.
 */
const neverThrottled: ReadonlySet<OpName> = new Set([...neverRefusedAlone, 'ping', 'closeSession', 'createSession'])

export class RequestThrottle {
  /** False: no limit is configured, so no request needs to be judged. */
  readonly isOn: boolean
  readonly #limits: RequestThrottleLimits
  readonly #metrics: ThrottleMetrics

  constructor(limits: RequestThrottleLimits, metrics: ThrottleMetrics) {
    this.isOn = limits.inFlightCountMax > 0 || limits.waitMsMax > 0
    this.#limits = limits
    this.#metrics = metrics
  }

  isFull(inFlightCount: number): boolean {
    return this.#limits.inFlightCountMax > 0 && inFlightCount >= this.#limits.inFlightCountMax
  }

  noteWait(): void {
    this.#metrics.request_throttle_wait_count.add()
  }

  /**
   * Decides on a request that has waited for `waitedMs`. Only with a limit on requests in flight is a stale one
   * refused.
   */
  judge(op: OpTraits | null, waitedMs: number, sessionTimeoutMs: number): ThrottleVerdict {
    const { inFlightCountMax, waitMsMax, checksLatency, dropsStale } = this.#limits
    this.#metrics.request_throttle_queue_time_ms.note(waitedMs)
    if (op !== null && neverThrottled.has(op.name)) return 'go-on'
    if (checksLatency && waitedMs > sessionTimeoutMs) {
      this.#metrics.stale_requests.add()
      if (dropsStale && inFlightCountMax > 0) {
        this.#metrics.stale_requests_dropped.add()
        return 'stale'
      }
    }
    if (waitMsMax === 0 || waitedMs <= waitMsMax) return 'go-on'
    this.#metrics.throttled_ops.add()
    return 'waited-too-long'
  }

  /** The client of `count` waiting requests has left; true: they are carried out nevertheless. */
  keepsForGone(count: number): boolean {
    const { checksConnection, dropsStale } = this.#limits
    if (!checksConnection) return true
    this.#metrics.stale_requests.add(count)
    if (!dropsStale) return true
    this.#metrics.stale_requests_dropped.add(count)
    return false
  }
}
