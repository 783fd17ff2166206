import { describe, expect, it } from 'vitest'
import type { SessionId, Xid } from '../../src/base/ids.ts'
import { ClientConnection } from '../../src/connection/client-connection.ts'
import { type ConnectionInput, describeConnectionInput } from '../../src/connection/connection-input.ts'
import { sessionPasswordOf } from '../../src/protocol/client/session-password.ts'
import { attachedConnection, connectFrame, feed, readAtMs, requestFrame, sessionId } from '../support/conversation.ts'
import { bytesOf, hexOf } from '../support/hex.ts'

function connected(readOnly: boolean | null): ClientConnection {
  const connection = new ClientConnection()
  connection.receive(connectFrame(readOnly), readAtMs, [])
  return connection
}

function outputHex(connection: ClientConnection): string {
  const output = connection.takeOutput()
  return output === null ? '' : hexOf(output)
}

const passwordHex = '00000010 2e0643a45902ed0fbaa06049007a6186'

describe('the connect response', () => {
  it('has 37 bytes for a client that sent the read-only flag and 36 for one that did not', () => {
    const hex = `00000000 00001770 01000026f2f2000a ${passwordHex}`
    for (const [readOnly, expected] of [
      [true, `00000025 ${hex} 00`],
      [false, `00000025 ${hex} 00`],
      [null, `00000024 ${hex}`],
    ] as const) {
      const connection = connected(readOnly)
      connection.writeConnectResponse(6000, sessionId, sessionPasswordOf(sessionId), false)
      expect(outputHex(connection)).toBe(expected.replaceAll(' ', ''))
    }
  })

  it('has only zeros when the session is not valid', () => {
    const connection = connected(false)
    connection.writeConnectResponse(0, 0n as SessionId, new Uint8Array(16), false)
    expect(outputHex(connection)).toBe(`00000025${'00'.repeat(16)}00000010${'00'.repeat(17)}`)
  })

  it('is an invariant violation without a connect request', () => {
    const connection = new ClientConnection()
    expect(() => connection.writeConnectResponse(0, 0n as SessionId, new Uint8Array(16), false)).toThrow('connect')
    expect(() => connection.established(readAtMs, [])).toThrow('established')
    expect(() => attachedConnection().established(readAtMs, [])).toThrow('established')
  })
})

describe('output', () => {
  it('replies and events leave in the order in which they were written, in one piece', () => {
    const connection = attachedConnection()
    connection.writeReply(1 as Xid, 2 ** 32 + 2, null, bytesOf('00000002 2f61'))
    connection.writeEvent(2 ** 32 + 3, 3, '/a')
    connection.writeReply(2 as Xid, -1, 'unimplemented', null)
    const expected = [
      '00000016 00000001 0000000100000002 00000000 00000002 2f61',
      '0000001e ffffffff 0000000100000003 00000000 00000003 00000003 00000002 2f61',
      '00000010 00000002 ffffffffffffffff fffffffa',
    ]
    const bytes = expected.join('').replaceAll(' ', '')
    expect(connection.outputSizeBytes).toBe(bytes.length / 2)
    expect(outputHex(connection)).toBe(bytes)
    expect(connection.outputSizeBytes).toBe(0)
    expect(connection.takeOutput()).toBeNull()
  })

  it('output that was taken is not changed by later writes, small or large', () => {
    for (const size of [10, 100_000]) {
      const connection = attachedConnection()
      connection.writeReply(1 as Xid, 1, null, new Uint8Array(size).fill(1))
      const first = connection.takeOutput()
      const before = first === null ? '' : hexOf(first)
      connection.writeReply(2 as Xid, 2, null, new Uint8Array(size).fill(2))
      const second = connection.takeOutput()
      expect(first === null ? '' : hexOf(first)).toBe(before)
      expect(before.length).toBe(2 * (20 + size))
      expect(second?.subarray(20)).toEqual(new Uint8Array(size).fill(2))
    }
  })
})

describe('counters', () => {
  it('count packets both ways and remember the last request and the last zxid', () => {
    const connection = new ClientConnection()
    expect([connection.lastOp, connection.lastXid, connection.lastZxid]).toEqual(['NA', null, null])
    feed(connection, [connectFrame()])
    expect([connection.packetsReceived, connection.packetsSent, connection.lastOp]).toEqual([1, 1, 'SESS'])
    feed(connection, [requestFrame(5, 4, bytesOf('00000002 2f61 00')), requestFrame(-2, 11, new Uint8Array(0))])
    connection.writeReply(5 as Xid, 2 ** 32 + 2, null, null)
    connection.writeReply(-4 as Xid, 0, null, null)
    connection.writeEvent(2 ** 32 + 3, 1, '/a')
    expect([connection.packetsReceived, connection.packetsSent, connection.lastOp]).toEqual([3, 4, 'PING'])
    expect([connection.lastXid, connection.lastZxid]).toEqual([5, 2 ** 32 + 2])
  })
})

describe('descriptions of connection inputs', () => {
  it('each kind has its line and credentials are not in it', () => {
    const connection = new ClientConnection()
    const inputs: ConnectionInput[] = feed(connection, [
      connectFrame(),
      requestFrame(1, 4, bytesOf('00000002 2f61 00')),
    ])
    inputs.push({ kind: 'four-letter-word', word: 'ruok', traceMask: null })
    expect(inputs.map(describeConnectionInput)).toEqual([
      'connect session=0x0 timeoutMs=6000',
      '1 getData path=/a watch=false',
      'word ruok',
    ])
  })
})
