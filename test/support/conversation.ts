/** Frames and requests of a client, and a driver of one connection that answers the handshake. */
import type { SessionId, Xid } from '../../src/base/ids.ts'
import { ClientConnection } from '../../src/connection/client-connection.ts'
import type { ConnectionInput } from '../../src/connection/connection-input.ts'
import type { ClientRequest } from '../../src/protocol/client/client-request.ts'
import { operationOf } from '../../src/protocol/client/operations.ts'
import { sessionPasswordOf } from '../../src/protocol/client/session-password.ts'

/** When all bytes of these tests are read. */
export const readAtMs = 7
export const sessionId = 0x1000026f2f2000an as SessionId

export function frame(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + payload.length)
  new DataView(bytes.buffer).setInt32(0, payload.length)
  bytes.set(payload, 4)
  return bytes
}

export function requestFrame(xid: number, type: number, body: Uint8Array): Uint8Array {
  const payload = new Uint8Array(8 + body.length)
  const view = new DataView(payload.buffer)
  view.setInt32(0, xid)
  view.setInt32(4, type)
  payload.set(body, 8)
  return frame(payload)
}

/** `readOnly` null makes the 44 bytes of an old client. */
export function connectFrame(readOnly: boolean | null = false, timeoutMs = 6000): Uint8Array {
  const payload = new Uint8Array(readOnly === null ? 44 : 45)
  const view = new DataView(payload.buffer)
  view.setInt32(12, timeoutMs)
  view.setInt32(24, 16)
  if (readOnly === true) payload[44] = 1
  return frame(payload)
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

export function textBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0))
}

/** What a connection makes of the frame of a request, the `number`-th of its connection. */
export function requestRead(number: number, xid: number, opcode: number, body: Uint8Array): ClientRequest {
  const [op, sizeBytes] = [operationOf(opcode), 8 + body.length]
  return { kind: 'request', number, xid: xid as Xid, opcode, op, body, sizeBytes, readAtMs, refusal: null }
}

export function attachedConnection(frameSizeBytesMax?: number): ClientConnection {
  const connection = new ClientConnection(frameSizeBytesMax)
  feed(connection, [connectFrame()])
  connection.takeOutput()
  return connection
}

/** Feeds the chunks as a driver would: answers a connect at once, reuses the chunk's memory after each call. */
export function feed(connection: ClientConnection, chunks: readonly Uint8Array[]): ConnectionInput[] {
  const inputs: ConnectionInput[] = []
  for (const chunk of chunks) {
    const lent = chunk.slice()
    const before = inputs.length
    connection.receive(lent, readAtMs, inputs)
    lent.fill(0xaa)
    if (inputs.length > before && connection.state.kind === 'connecting') {
      connection.writeConnectResponse(6000, sessionId, sessionPasswordOf(sessionId), false)
      connection.established(readAtMs, inputs)
    }
  }
  return inputs
}
