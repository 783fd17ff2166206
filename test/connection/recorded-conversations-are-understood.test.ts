import { describe, expect, it } from 'vitest'
import { errorNameOf } from '../../src/base/errors.ts'
import type { Xid } from '../../src/base/ids.ts'
import { ClientConnection } from '../../src/connection/client-connection.ts'
import type { ConnectionInput } from '../../src/connection/connection-input.ts'
import { decode } from '../../src/jute/record.ts'
import { ConnectRequest, ConnectResponse } from '../../src/protocol/client/connect.ts'
import { notificationXid, ReplyHeader, RequestHeader } from '../../src/protocol/client/headers.ts'
import { WatcherEvent } from '../../src/protocol/client/watch-event.ts'
import { feed, readAtMs, requestRead } from '../support/conversation.ts'
import { hexOf } from '../support/hex.ts'
import { type RecordedConnection, recordedConnections, streamOf } from '../support/recorded-frames.ts'
import { SeededRandom } from '../support/seeded-random.ts'

const requestHeaderSizeBytes = 8
const replyHeaderSizeBytes = 16

function valueIn<T>(decoded: { readonly ok: true; readonly value: T } | { readonly ok: false }): T {
  if (!decoded.ok) throw new Error('recorded bytes do not decode')
  return decoded.value
}

/** The requests of the frames, decoded without a ClientConnection. */
function inputsOf({ client }: RecordedConnection): unknown[] {
  return client.map(({ payload, isFirst }, number) => {
    if (isFirst) return { kind: 'connect', request: valueIn(decode(ConnectRequest, payload)) }
    const { xid, type } = valueIn(decode(RequestHeader, payload))
    return requestRead(number, xid, type, payload.slice(requestHeaderSizeBytes))
  })
}

/** Writes with our connection the replies that Apache ZooKeeper sent, and returns the bytes. */
function repliesOf({ client, server }: RecordedConnection): string {
  const connection = new ClientConnection()
  const inputs: ConnectionInput[] = []
  connection.receive(streamOf(client.slice(0, 1)), readAtMs, inputs)
  for (const { payload, isFirst } of server) {
    if (isFirst) {
      const { timeoutMs, sessionId, password, readOnly } = valueIn(decode(ConnectResponse, payload))
      connection.writeConnectResponse(timeoutMs, sessionId, password ?? new Uint8Array(0), readOnly === true)
      continue
    }
    const { xid, zxid, error } = valueIn(decode(ReplyHeader, payload))
    const body = payload.subarray(replyHeaderSizeBytes)
    if (xid === notificationXid) {
      const event = valueIn(decode(WatcherEvent, body))
      connection.writeEvent(zxid, event.type as 1 | 2 | 3 | 4, event.path)
    } else connection.writeReply(xid as Xid, zxid, errorNameOf(error), body.length === 0 ? null : body)
  }
  return hexOf(connection.takeOutput() ?? new Uint8Array(0))
}

describe('the recorded conversation of the stock Java client with Apache ZooKeeper', () => {
  it.each(recordedConnections)('is understood on connection $connection in one piece', (recorded) => {
    expect(feed(new ClientConnection(), [streamOf(recorded.client)])).toEqual(inputsOf(recorded))
  })

  it.each(recordedConnections)('is understood on connection $connection byte by byte', (recorded) => {
    const bytes = Array.from(streamOf(recorded.client), (byte) => Uint8Array.of(byte))
    expect(feed(new ClientConnection(), bytes)).toEqual(inputsOf(recorded))
  })

  it.each(recordedConnections)('is understood on connection $connection at random splits', (recorded) => {
    const random = new SeededRandom(17)
    for (let round = 0; round < 40; round++) {
      const pieces = random.split(streamOf(recorded.client), random.pick([3, 20, 200]))
      expect(feed(new ClientConnection(), pieces), `round ${round}`).toEqual(inputsOf(recorded))
    }
  })

  it.each(recordedConnections)(
    'is answered on connection $connection with the bytes of Apache ZooKeeper',
    (recorded) => {
      expect(repliesOf(recorded)).toBe(hexOf(streamOf(recorded.server)))
    },
  )
})
