/**
 * Sends all replies to requests, and asserts invariant 5, which `Clients` keeps by the order of its calls: replies of a
 * connection leave in the order of its requests, except those to `auth` and `sasl`, which leave at once, and no reply
 * shows a txn whose watch events have not left.
 * A reply may be longer than clients read by default: such a client closes the connection without a reason, reconnects
 * and asks again. ZooKeeper sends such replies, and so does this server, since a client may have raised its own limit;
 * a log line, once for each connection, names the path whose children or data made the reply so long.
 */
import { InvariantViolation } from '../../base/assert.ts'
import type { ErrorName } from '../../base/errors.ts'
import { hexOfSession, type Xid, type Zxid } from '../../base/ids.ts'
import { clientFrameSizeBytesMax } from '../../base/limits.ts'
import type { LineLimiter } from '../../base/line-limiter.ts'
import type { Log } from '../../ports/log.ts'
import type { ClientRequest } from '../../protocol/client/client-request.ts'
import { firstPathOf } from '../../protocol/client/first-path.ts'
import { replyHeaderSizeBytes } from '../../protocol/client/headers.ts'
import type { EffectList } from '../effect-list.ts'
import type { Client } from './client.ts'

export interface AnswersOptions {
  readonly effects: EffectList
  readonly log: Log
  readonly lines: LineLimiter // a client that reconnects and asks again must not fill the log
}

const readableBodySizeBytesMax = clientFrameSizeBytesMax - replyHeaderSizeBytes

export class Answers {
  readonly #options: AnswersOptions
  /** The watch events of all txns up to this one have left. */
  #announced: Zxid

  constructor(options: AnswersOptions, announced: Zxid) {
    this.#options = options
    this.#announced = announced
  }

  /** The watch events of all txns up to `zxid` have left, or no watch was registered before `zxid`. */
  announced(zxid: Zxid): void {
    this.#announced = zxid
  }

  /** Answers a request in request order. `xid` is the request's own, except for pings. */
  give(
    client: Client,
    request: ClientRequest,
    zxid: number,
    error: ErrorName | null,
    body: Uint8Array | null,
    xid: Xid = request.xid,
  ): void {
    if (request.number <= client.lastAnsweredNumber) {
      throw new InvariantViolation('replies of a session leave in the order of its requests (invariant 5)', {
        number: request.number,
        lastAnsweredNumber: client.lastAnsweredNumber,
        connectionId: client.connectionId,
      })
    }
    if (zxid > this.#announced) {
      throw new InvariantViolation('a watch event leaves before any reply that shows its change (invariant 5)', {
        zxid,
        announced: this.#announced,
      })
    }
    client.lastAnsweredNumber = request.number
    if (body !== null && body.length > readableBodySizeBytesMax) this.#logLarge(client, request, body.length)
    this.#reply(client, request, xid, zxid, error, body)
  }

  /** Answers a request before earlier ones that wait. Such a reply shows no part of the tree; `zxid` is 0 or -1. */
  giveAtOnce(
    client: Client,
    request: ClientRequest,
    zxid: number,
    error: ErrorName | null,
    body: Uint8Array | null,
  ): void {
    this.#reply(client, request, request.xid, zxid, error, body)
  }

  #reply(
    { connectionId }: Client,
    request: ClientRequest,
    xid: Xid,
    zxid: number,
    error: ErrorName | null,
    body: Uint8Array | null,
  ): void {
    this.#options.effects.push({ kind: 'reply', connectionId, request, xid, zxid, error, body })
  }

  #logLarge(client: Client, { op, xid, body }: ClientRequest, bodySizeBytes: number): void {
    if (client.hadLargeReply || op?.access === 'operator') return // clients of backups expect long replies
    client.hadLargeReply = true
    const { log, lines } = this.#options
    const suppressed = lines.admit('reply-above-client-limit')
    if (suppressed === null) return
    log.warn('reply-above-client-limit', {
      connectionId: client.connectionId,
      remoteAddress: client.remoteAddress,
      sessionId: client.session === null ? null : hexOfSession(client.session.id),
      xid,
      op: op?.name,
      path: op === null ? null : firstPathOf(op.name, body),
      sizeBytes: replyHeaderSizeBytes + bodySizeBytes,
      limitBytes: clientFrameSizeBytesMax,
      ...suppressed,
    })
  }
}
