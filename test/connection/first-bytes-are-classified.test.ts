import { describe, expect, it } from 'vitest'
import { adminWords } from '../../src/base/admin-words.ts'
import { clientFrameSizeBytesMax, heldBeforeSessionSizeBytesMax } from '../../src/base/limits.ts'
import { ClientConnection } from '../../src/connection/client-connection.ts'
import { type CloseReason, closeReasons } from '../../src/connection/close-reason.ts'
import { type ConnectionInput, describeConnectionInput } from '../../src/connection/connection-input.ts'
import {
  attachedConnection,
  connectFrame,
  feed,
  frame,
  joined,
  readAtMs,
  requestFrame,
  textBytes,
} from '../support/conversation.ts'
import { bytesOf } from '../support/hex.ts'

function refusedFor(reason: CloseReason): readonly ConnectionInput[] {
  return [{ kind: 'refused', reason }]
}

function byteByByte(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte))
}

describe('four-letter words', () => {
  it.each(adminWords.filter((word) => word !== 'stmk'))('the word %s is recognised whole and byte by byte', (word) => {
    const expected = [{ kind: 'four-letter-word', word, traceMask: null }]
    expect(feed(new ClientConnection(), [textBytes(word)])).toEqual(expected)
    expect(feed(new ClientConnection(), byteByByte(textBytes(word)))).toEqual(expected)
    expect(feed(new ClientConnection(), [textBytes(`${word}\r\n`)])).toEqual(expected)
  })

  it('the word stmk is complete with its eight bytes of mask', () => {
    const connection = new ClientConnection()
    expect(feed(connection, [joined(textBytes('stmk'), bytesOf('00000000'))])).toEqual([])
    expect(feed(connection, [bytesOf('00000132')])).toEqual([
      { kind: 'four-letter-word', word: 'stmk', traceMask: 0x132n },
    ])
  })

  it('a word after the connect request is an impossible frame length and closes the connection', () => {
    expect(feed(attachedConnection(), [textBytes('ruok')])).toEqual(refusedFor('frame-too-large'))
    const pipelined = feed(new ClientConnection(), [joined(connectFrame(), textBytes('ruok'))])
    expect(pipelined.slice(1)).toEqual(refusedFor('frame-too-large'))
  })

  it('bytes after a word are ignored', () => {
    const connection = new ClientConnection()
    expect(feed(connection, [textBytes('ruokruok'), connectFrame()]).length).toBe(1)
    expect(connection.state).toEqual({ kind: 'closing' })
  })
})

describe('other programs on the client port', () => {
  it.each<[string, Uint8Array, CloseReason]>([
    ['an HTTP GET', textBytes('GET / HTTP/1.1\r\n'), 'http-on-client-port'],
    ['an HTTP POST', textBytes('POST /x HTTP/1.1\r\n'), 'http-on-client-port'],
    ['an HTTP HEAD', textBytes('HEAD / HTTP/1.1\r\n'), 'http-on-client-port'],
    ['an HTTP PUT', textBytes('PUT / HTTP/1.1\r\n'), 'http-on-client-port'],
    ['an HTTP DELETE', textBytes('DELETE / HTTP/1.1\r\n'), 'http-on-client-port'],
    ['an HTTP/2 preface', textBytes('PRI * HTTP/2.0\r\n'), 'http-on-client-port'],
    ['a TLS client hello', bytesOf('16 03 01 02 00 01'), 'tls-on-client-port'],
    ['a misspelt word', textBytes('rouk'), 'unknown-four-letter-word-or-garbage'],
    ['a word in capitals', textBytes('RUOK'), 'unknown-four-letter-word-or-garbage'],
    ['empty lines', textBytes('\r\n\r\n'), 'unknown-four-letter-word-or-garbage'],
    ['a telnet interrupt', bytesOf('fff4fffd'), 'telnet-interrupt'],
    ['a negative length', bytesOf('ffffffff'), 'frame-negative'],
    ['a length of two gigabytes', bytesOf('7fffffff'), 'frame-too-large'],
    ['an empty frame', bytesOf('00000000'), 'connect-request-malformed'],
    ['a frame too short for a connect request', frame(new Uint8Array(27)), 'connect-request-malformed'],
  ])('%s is refused with its own reason', (_what, bytes, reason) => {
    expect(feed(new ClientConnection(), [bytes])).toEqual(refusedFor(reason))
    expect(feed(new ClientConnection(), byteByByte(bytes))).toEqual(refusedFor(reason))
  })

  it('every reason has one sentence that ends in a full stop', () => {
    for (const sentence of Object.values(closeReasons)) expect(sentence).toMatch(/^[A-Z][^.]*\.$/)
  })
})

describe('frame limits', () => {
  it('a frame of exactly the limit is accepted, and no connect request may be longer', () => {
    const largest = requestFrame(1, 5, new Uint8Array(clientFrameSizeBytesMax - 8))
    expect(feed(attachedConnection(), [largest]).map((input) => input.kind)).toEqual(['request'])
    expect(feed(new ClientConnection(), [bytesOf('00100000')])).toEqual(refusedFor('frame-too-large'))
  })

  it('the limit is the one given to the connection', () => {
    const kinds = (sizeBytes: number): string[] =>
      feed(attachedConnection(100), [requestFrame(1, 5, new Uint8Array(sizeBytes - 8))]).map((input) => input.kind)
    expect(kinds(100)).toEqual(['request'])
    expect(kinds(101)).toEqual(['skipped-request'])
  })

  it('a request frame that is negative or too short for its header is refused', () => {
    expect(feed(attachedConnection(), [bytesOf('80000000')])).toEqual(refusedFor('frame-negative'))
    for (let size = 0; size < 8; size++) {
      expect(feed(attachedConnection(), [frame(new Uint8Array(size))])).toEqual(refusedFor('frame-too-short'))
    }
  })

  it('requests before a refused frame in the same chunk are still handed out', () => {
    const inputs = feed(attachedConnection(), [joined(requestFrame(1, 11, new Uint8Array(0)), bytesOf('ffffffff'))])
    expect(inputs.map(describeConnectionInput)).toEqual(['1 ping', 'refused frame-negative'])
  })

  it('a client that floods the server before its session exists is refused', () => {
    const connection = new ClientConnection()
    const inputs: ConnectionInput[] = []
    connection.receive(connectFrame(), readAtMs, inputs)
    for (let i = 0; i < 4; i++) connection.receive(new Uint8Array(heldBeforeSessionSizeBytesMax / 4), readAtMs, inputs)
    expect(inputs.length).toBe(1)
    connection.receive(new Uint8Array(1), readAtMs, inputs)
    expect(inputs.slice(1)).toEqual(refusedFor('too-much-before-session'))
  })
})
