/** Request frames as a client sends them. */
import { encode } from '../../src/jute/record.ts'
import { ops } from '../../src/protocol/client/operations.ts'
import { AuthRequest, CreateRequest, WatchableRequest } from '../../src/protocol/client/requests.ts'
import { requestFrame, textBytes } from './conversation.ts'

const openAcl = [{ perms: 31, scheme: 'world', id: 'anyone' }]

export const ephemeralFlag = 1

export function createFrame(xid: number, path: string, data: string | Uint8Array = '', flags = 0): Uint8Array {
  const bytes = typeof data === 'string' ? textBytes(data) : data
  return requestFrame(xid, ops.create.opcode, encode(CreateRequest, { path, data: bytes, acl: openAcl, flags }))
}

export function getDataFrame(xid: number, path: string, watch = false): Uint8Array {
  return requestFrame(xid, ops.getData.opcode, encode(WatchableRequest, { path, watch }))
}

export function existsFrame(xid: number, path: string, watch = false): Uint8Array {
  return requestFrame(xid, ops.exists.opcode, encode(WatchableRequest, { path, watch }))
}

export function authFrame(xid: number, scheme: string, credentials: string): Uint8Array {
  return requestFrame(xid, ops.auth.opcode, encode(AuthRequest, { type: 0, scheme, auth: textBytes(credentials) }))
}

export function closeSessionFrame(xid: number): Uint8Array {
  return requestFrame(xid, ops.closeSession.opcode, new Uint8Array(0))
}

export function pingFrame(): Uint8Array {
  return requestFrame(-2, ops.ping.opcode, new Uint8Array(0))
}
