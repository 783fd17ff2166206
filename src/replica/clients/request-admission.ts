/**
 * Refuses requests when they are read, and decides whether such a request is answered or ends its connection. Refusals
 * that depend on the tree or on the leader are decided later, by other parts.
 * Assumes: a read-only server closes its connections when the mode ends, so no request outlives the mode.
 */
import type { ClientRequest } from '../../protocol/client/client-request.ts'
import { noZxid } from '../../protocol/client/headers.ts'
import { ops } from '../../protocol/client/operations.ts'
import type { Authentication } from './authentication.ts'
import type { Client, DecidedRequest, Verdict } from './client.ts'
import type { Serving } from './serving.ts'

export interface RequestAdmissionOptions {
  readonly authentication: Authentication
  readonly serving: () => Serving
  /** The operations of ClickHouse Keeper are served. */
  readonly servesKeeperOps: boolean
  /** A request for an operation that is not served is answered at once, and its connection closes. */
  readonly unimplementedCloses: boolean
}

const notImplemented: DecidedRequest = { kind: 'decided', zxid: noZxid, error: 'unimplemented', body: null }
/** ZK: ZooKeeperServer.submitRequestNow, UnimplementedRequestProcessor. */
const notImplementedAndClosed: Verdict = {
  kind: 'closed',
  error: 'unimplemented',
  zxid: noZxid,
  reason: 'unimplemented',
}
const notAllowed: DecidedRequest = { kind: 'decided', zxid: null, error: 'no-auth', body: null }
const notReadOnly: DecidedRequest = { kind: 'decided', zxid: null, error: 'not-read-only', body: null }

export class RequestAdmission {
  readonly #options: RequestAdmissionOptions

  constructor(options: RequestAdmissionOptions) {
    this.#options = options
  }

  /** Null: the request is carried out, in request order. */
  verdictOn(client: Client, request: ClientRequest): Verdict | null {
    const { authentication, serving, servesKeeperOps } = this.#options
    const missing = authentication.missingFor(client, request)
    if (missing !== null) return missing
    if (request.refusal !== null) return { kind: 'decided', zxid: null, error: request.refusal, body: null }
    const { op } = request
    if (op === null || (op.isKeeperOp && !servesKeeperOps)) return this.#unserved
    // An operation that is not implemented is refused as a write if it is one in ZooKeeper (ZK:
    // ReadOnlyRequestProcessor).
    const isWrite = op.access === 'write' || op === ops.sync
    if (isWrite && op !== ops.closeSession && serving().kind === 'read-only') return notReadOnly
    if (op.access === 'operator' && !authentication.mayOperate(client, op)) return notAllowed
    if (op.implemented) return null
    // ZooKeeper executes these for clients, which harms other clients. It keeps the connection, so it stays open here.
    return op.access === 'internal' ? notImplemented : this.#unserved
  }

  get #unserved(): Verdict {
    return this.#options.unimplementedCloses ? notImplementedAndClosed : notImplemented
  }
}
