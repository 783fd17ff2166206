/** A request as a connection hands it on, made by hand. */
import type { Xid } from '../../src/base/ids.ts'
import type { ClientRequest } from '../../src/protocol/client/client-request.ts'
import { operationOf } from '../../src/protocol/client/operations.ts'

export function clientRequest(number: number, xid: number, opcode: number, body: Uint8Array): ClientRequest {
  const [op, sizeBytes] = [operationOf(opcode), 8 + body.length]
  return { kind: 'request', number, xid: xid as Xid, opcode, op, body, sizeBytes, readAtMs: 0, refusal: null }
}
