/**
 * A reply may be longer than clients of the usual settings read: they close the connection, come back and ask again, and
 * nothing says why. ZooKeeper sends such replies, and so do we, since a client may have raised its own limit; but the log
 * says so, with the path whose children or data it was. Once for each connection, and a few times a second in all: a
 * client that comes back and asks again must not fill it.
 */
import { hexOfSession } from '../base/ids.ts'
import { clientFrameSizeBytesMax } from '../base/limits.ts'
import type { LineLimiter } from '../base/line-limiter.ts'
import type { Log } from '../ports/log.ts'
import { firstPathOf } from '../protocol/client/first-path.ts'
import { replyHeaderSizeBytes } from '../protocol/client/headers.ts'
import type { Client, PendingRequest } from './client.ts'

const readableBodySizeBytesMax = clientFrameSizeBytesMax - replyHeaderSizeBytes

export function isLargeReply(body: Uint8Array | null): boolean {
  return body !== null && body.length > readableBodySizeBytesMax
}

export function logLargeReply(
  log: Log,
  lines: LineLimiter,
  client: Client,
  request: PendingRequest,
  body: Uint8Array | null,
): void {
  if (client.hadLargeReply) return
  client.hadLargeReply = true
  const suppressed = lines.admit('reply-above-client-limit')
  if (suppressed === null) return
  log.warn('reply-above-client-limit', {
    connectionId: client.connection,
    remoteAddress: client.remoteAddress,
    sessionId: client.session === null ? null : hexOfSession(client.session.id),
    xid: request.xid,
    op: request.op,
    path: firstPathOf(request.op, request.body),
    sizeBytes: replyHeaderSizeBytes + (body?.length ?? 0),
    limitBytes: clientFrameSizeBytesMax,
    ...suppressed,
  })
}
