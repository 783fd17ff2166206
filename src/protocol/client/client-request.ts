/**
 * One request of a client, from its frame to its reply. It is made where the frame is read, travels unchanged through
 * the server, and comes back with the reply: what the reply needs to be accounted for lies here, and nowhere else.
 */
import type { ErrorName } from '../../base/errors.ts'
import type { Xid } from '../../base/ids.ts'
import type { OpTraits } from './operations.ts'

export interface ClientRequest {
  readonly kind: 'request'
  /** Counts the requests of one connection from 1, in the order in which they were read. */
  readonly number: number
  readonly xid: Xid
  readonly opcode: number // as sent
  readonly op: OpTraits | null // null: ZooKeeper knows no such operation
  /** The record after the header; a copy, safe to keep. Empty if the frame was passed over. */
  readonly body: Uint8Array
  readonly sizeBytes: number // of the frame; 0 if it was passed over
  readonly readAtMs: number // monotonic
  /** Not null: a limit keeps the request out, and it is answered with this in its turn. */
  readonly refusal: ErrorName | null
}
