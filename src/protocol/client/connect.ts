/**
 * The two records that open a connection; they have no request or reply header around them.
 * Clients of ZooKeeper 3.3 and older leave out `readOnly`, and must not get it in the reply: their reader
 * would take the extra byte for the next frame (ZK: ZooKeeperServer.finishSessionInit).
 */
import { boolean, buffer, int, long, sessionId, trailing } from '../../jute/fields.ts'
import { type Infer, record } from '../../jute/record.ts'

export const ConnectRequest = record('ConnectRequest', {
  protocolVersion: int, // ignored
  lastZxidSeen: long, // all 64 bits: a client may be ahead of this server by any amount
  timeoutMs: int,
  sessionId, // 0 = a new session
  password: buffer,
  readOnly: trailing(boolean), // null = an old client
})
export type ConnectRequest = Infer<typeof ConnectRequest>

export const ConnectResponse = record('ConnectResponse', {
  protocolVersion: int,
  timeoutMs: int, // 0 = the session is not valid
  sessionId,
  password: buffer, // always 16 bytes
  readOnly: trailing(boolean), // null = the request carried none
})
export type ConnectResponse = Infer<typeof ConnectResponse>
