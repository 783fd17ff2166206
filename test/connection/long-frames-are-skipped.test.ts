import { describe, expect, it } from 'vitest'
import { skippedFrameSizeBytesMax } from '../../src/base/limits.ts'
import { ClientConnection, type LargeRequestGate } from '../../src/connection/client-connection.ts'
import type { ConnectionInput } from '../../src/connection/connection-input.ts'
import { JuteWriter } from '../../src/jute/jute-writer.ts'
import { encode } from '../../src/jute/record.ts'
import { writeMultiRequest } from '../../src/protocol/client/multi.ts'
import { ops } from '../../src/protocol/client/operations.ts'
import { SetDataRequest } from '../../src/protocol/client/requests.ts'
import {
  attachedConnection,
  connectFrame,
  feed,
  joined,
  readAtMs,
  requestFrame,
  requestRead,
} from '../support/conversation.ts'

const limitBytes = 100
const ping = requestFrame(-2, ops.ping.opcode, new Uint8Array(0))

function setData(xid: number, path: string, dataBytes: number): Uint8Array {
  const data = new Uint8Array(dataBytes).fill(0x41)
  return requestFrame(xid, ops.setData.opcode, encode(SetDataRequest, { path, data, version: -1 }))
}

function skipped(xid: number, path: string | null, sizeBytes: number): object {
  const request = { ...requestRead(2, xid, ops.setData.opcode, new Uint8Array(0)), sizeBytes: 0 }
  return { kind: 'skipped-request', request, reason: 'request-too-large', path, frameSizeBytes: sizeBytes }
}

/** Length and header of a frame whose rest never arrives. */
function beginning(length: number, xid: number, type: number): Uint8Array {
  const bytes = requestFrame(xid, type, new Uint8Array(0))
  new DataView(bytes.buffer).setInt32(0, length)
  return bytes
}

describe('a frame above the limit', () => {
  it('is skipped and its path is named, and the frames around it are read, however the bytes are split', () => {
    const long = setData(2, '/a/b', 500)
    const conversation = joined(setData(1, '/a', 1), long, ping, setData(3, '/c', 200), ping)
    const expected = ['request', 'skipped-request', 'request', 'skipped-request', 'request']
    for (const pieceBytes of [1, 2, 3, 5, 7, 11, 100, 101, 1000]) {
      const pieces: Uint8Array[] = []
      for (let at = 0; at < conversation.length; at += pieceBytes) {
        pieces.push(conversation.subarray(at, at + pieceBytes))
      }
      const inputs = feed(attachedConnection(limitBytes), pieces)
      expect(
        inputs.map((input) => input.kind),
        `pieces of ${pieceBytes}`,
      ).toEqual(expected)
      expect(inputs[1]).toEqual(skipped(2, '/a/b', long.length - 4))
    }
  })

  it('is not kept: after hundreds of megabytes the next request is read', () => {
    const connection = attachedConnection(limitBytes)
    const inputs: ConnectionInput[] = []
    const chunk = new Uint8Array(1024 * 1024)
    connection.receive(beginning(8 + 200 * chunk.length, 7, ops.create.opcode), readAtMs, inputs)
    for (let i = 0; i < 200; i++) connection.receive(chunk, readAtMs, inputs)
    connection.receive(ping, readAtMs, inputs)
    expect(inputs.map((input) => input.kind)).toEqual(['skipped-request', 'request'])
  })

  it('counts as a packet and as the last request of its connection', () => {
    const connection = attachedConnection(limitBytes)
    const before = connection.packetsReceived
    feed(connection, [setData(9, '/a', 200)])
    expect([connection.packetsReceived - before, connection.lastOp, connection.lastXid]).toEqual([1, 'SETD', 9])
  })

  it('names the first path of a multi', () => {
    const writer = new JuteWriter()
    const data = new Uint8Array(200)
    writeMultiRequest(writer, [{ kind: 'set-data', path: '/in/multi', data, version: -1 }])
    const [input] = feed(attachedConnection(limitBytes), [requestFrame(4, ops.multi.opcode, writer.take())])
    expect(input).toMatchObject({ kind: 'skipped-request', request: { op: { name: 'multi' } }, path: '/in/multi' })
  })

  it('has no path in the log if it begins with no path, or with one longer than the kept bytes', () => {
    for (const path of ['no path', `/${'x'.repeat(5000)}`]) {
      const [input] = feed(attachedConnection(limitBytes), [setData(4, path, 200)])
      expect(input).toMatchObject({ kind: 'skipped-request', path: null })
    }
  })

  it('closes the connection at once if its length is above the largest skipped one or its operation unknown', () => {
    const tooLong = beginning(skippedFrameSizeBytesMax + 1, 1, ops.setData.opcode)
    expect(feed(attachedConnection(), [tooLong])).toEqual([{ kind: 'refused', reason: 'frame-too-large' }])
    const unknown = beginning(skippedFrameSizeBytesMax, 1, 999)
    expect(feed(attachedConnection(), [unknown])).toEqual([{ kind: 'refused', reason: 'frame-too-large' }])
  })

  it.each(['setWatches', 'setWatches2', 'auth', 'sasl'] as const)(
    'closes the connection if it is a %s, whose failure clients ignore',
    (op) => {
      const frame = beginning(limitBytes + 1, -8, ops[op].opcode)
      expect(feed(attachedConnection(limitBytes), [frame])).toEqual([{ kind: 'refused', reason: 'large-restore' }])
    },
  )
})

describe('the gate for large requests', () => {
  function attachedWith(gate: LargeRequestGate): ClientConnection {
    const connection = new ClientConnection(undefined, gate)
    feed(connection, [connectFrame()])
    return connection
  }

  it('is asked once for each large request, and never for others', () => {
    const asked: number[] = []
    const admits = (sizeBytes: number): boolean => asked.push(sizeBytes) > 0
    const connection = attachedWith({ thresholdSizeBytes: 60, admits })
    const large = setData(1, '/a', 300)
    const inputs = feed(connection, [...Array.from(large, (byte) => Uint8Array.of(byte)), ping, large])
    expect(inputs.map((input) => input.kind)).toEqual(['request', 'request', 'request'])
    expect(asked).toEqual([large.length - 4, large.length - 4])
  })

  it('refuses a request before its bytes are kept', () => {
    const connection = attachedWith({ thresholdSizeBytes: 60, admits: () => false })
    const inputs = feed(connection, [setData(1, '/a', 300), ping])
    expect(inputs).toMatchObject([
      { kind: 'skipped-request', request: { xid: 1 }, reason: 'too-many-large-requests', path: '/a' },
      { kind: 'request', op: { name: 'ping' } },
    ])
  })
})
