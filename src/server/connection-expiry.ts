/**
 * Until when each connection may be silent, as `dump` tells it (ZK: NIOServerCnxnFactory.touchCnxn, ExpiryQueue): its
 * session's timeout, or the time for the connect request, rounded up as the original does.
 */
import type { ConnectionName, ExpiryBucket } from '../admin/admin-details.ts'
import type { ClientSocket } from './client-stream.ts'

/** `wallOf` turns monotonic milliseconds into wall time. */
export function connectionExpiry(
  clients: Iterable<ClientSocket>,
  connectRequestTimeoutMs: number,
  wallOf: (monotonicMs: number) => number,
): readonly ExpiryBucket<ConnectionName>[] {
  const buckets = new Map<number, ConnectionName[]>()
  for (const { stream, session, lastHeardAtMs } of clients) {
    const { remoteAddress, remotePort } = stream
    const expiresAtMs = lastHeardAtMs + (session?.timeoutMs ?? connectRequestTimeoutMs)
    const bucket = Math.floor(expiresAtMs / connectRequestTimeoutMs) + 1
    const name = { remoteAddress, remotePort, sessionId: session?.sessionId ?? null }
    const members = buckets.get(bucket)
    if (members === undefined) buckets.set(bucket, [name])
    else members.push(name)
  }
  return [...buckets]
    .sort(([a], [b]) => a - b)
    .map(([bucket, members]) => ({ expiresAtWallMs: wallOf(bucket * connectRequestTimeoutMs), members }))
}
