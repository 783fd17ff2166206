/**
 * The timeout a session gets for the one its client asked for (ZK: ZooKeeperServer.processConnectRequest).
 * Nothing is refused: zero and negative requests get the minimum.
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
