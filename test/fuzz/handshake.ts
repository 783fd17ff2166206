/** The first frame of a connection. */
import type { SessionId } from '../../src/base/ids.ts'
import { encode } from '../../src/jute/record.ts'
import { ConnectRequest } from '../../src/protocol/client/connect.ts'
import { frame } from '../support/conversation.ts'

export interface Handshake {
  readonly timeoutMs: number
  readonly lastZxidSeen?: bigint
  readonly sessionId?: bigint
  readonly password?: Uint8Array | null
  /** null: an old client, which does not know the field. */
  readonly readOnly?: boolean | null
}

export function handshake(values: Handshake): Uint8Array {
  return frame(
    encode(ConnectRequest, {
      protocolVersion: 0,
      lastZxidSeen: values.lastZxidSeen ?? 0n,
      timeoutMs: values.timeoutMs,
      sessionId: (values.sessionId ?? 0n) as SessionId,
      password: values.password === undefined ? new Uint8Array(16) : values.password,
      readOnly: values.readOnly === undefined ? false : values.readOnly,
    }),
  )
}
