/**
 * The timeout that a session gets from the one that its client requested (ZK: ZooKeeperServer.processConnectRequest).
 * No request is refused: zero and negative timeouts get the minimum.
 */
import { assert } from '../base/assert.ts'

export interface TimeoutBounds {
  readonly minMs: number
  readonly maxMs: number
}

export function negotiateTimeoutMs(requestedMs: number, bounds: TimeoutBounds): number {
  assert(bounds.minMs <= bounds.maxMs, 'timeout bounds are in order', { ...bounds })
  return Math.min(Math.max(requestedMs, bounds.minMs), bounds.maxMs)
}
