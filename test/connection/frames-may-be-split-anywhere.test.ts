import { describe, expect, it } from 'vitest'
import { ClientConnection } from '../../src/connection/client-connection.ts'
import type { ConnectionInput } from '../../src/connection/connection-input.ts'
import {
  attachedConnection,
  connectFrame,
  feed,
  joined,
  readAtMs,
  requestFrame,
  requestRead,
} from '../support/conversation.ts'
import { bytesOf, hexOf } from '../support/hex.ts'
import { SeededRandom } from '../support/seeded-random.ts'

const getA = bytesOf('00000002 2f61 01')
const large = Uint8Array.from({ length: 700 }, (_, i) => i & 0xff)
const conversation = joined(
  connectFrame(),
  requestFrame(-4, 100, bytesOf('00000000 ffffffff ffffffff')),
  requestFrame(1, 4, getA),
  requestFrame(-2, 11, new Uint8Array(0)),
  requestFrame(2, 5, large),
  requestFrame(3, 999, bytesOf('01')),
  requestFrame(4, -11, new Uint8Array(0)),
)
const expected: readonly unknown[] = [
  expect.objectContaining({ kind: 'connect', request: expect.objectContaining({ timeoutMs: 6000, readOnly: false }) }),
  requestRead(1, -4, 100, bytesOf('00000000 ffffffff ffffffff')),
  requestRead(2, 1, 4, getA),
  requestRead(3, -2, 11, new Uint8Array(0)),
  requestRead(4, 2, 5, large),
  requestRead(5, 3, 999, bytesOf('01')),
  requestRead(6, 4, -11, new Uint8Array(0)),
]

describe('a client connection', () => {
  it('understands a conversation that arrives in one chunk', () => {
    expect(feed(new ClientConnection(), [conversation])).toEqual(expected)
  })

  it('understands the same conversation byte by byte', () => {
    const bytes = Array.from(conversation, (byte) => Uint8Array.of(byte))
    expect(feed(new ClientConnection(), bytes)).toEqual(expected)
  })

  it('understands the same conversation at every single split', () => {
    for (let at = 0; at <= 200; at++) {
      const inputs = feed(new ClientConnection(), [conversation.subarray(0, at), conversation.subarray(at)])
      expect(inputs, `split at ${at}`).toEqual(expected)
    }
  })

  it('understands the same conversation at random splits', () => {
    const random = new SeededRandom(41)
    for (let round = 0; round < 300; round++) {
      const pieces = random.split(conversation, random.pick([3, 20, 200, 3000]))
      expect(feed(new ClientConnection(), pieces), `round ${round}`).toEqual(expected)
    }
  })

  it('assembles a frame from many chunks', () => {
    const body = new SeededRandom(44).bytes(200_000)
    const bytes = joined(requestFrame(1, 5, body), requestFrame(2, 11, new Uint8Array(0)))
    const chunks = Array.from({ length: Math.ceil(bytes.length / 3000) }, (_, i) =>
      bytes.slice(3000 * i, 3000 * (i + 1)),
    )
    const inputs = feed(attachedConnection(), chunks)
    expect(inputs.length).toBe(2)
    const first = inputs[0]
    expect(hexOf(first?.kind === 'request' ? first.body : new Uint8Array(0)) === hexOf(body)).toBe(true)
  })

  it('hands out bodies that do not change when the driver reuses the chunk', () => {
    const random = new SeededRandom(43)
    for (let round = 0; round < 100; round++) {
      const connection = attachedConnection()
      const sizes = Array.from({ length: 1 + random.below(30) }, () =>
        random.pick([0, 1, 64, 65, 140, 2048, 2049, random.below(4000)]),
      )
      const bodies = sizes.map((size, i) => new Uint8Array(size).fill(i + 1))
      const inputs: ConnectionInput[] = []
      const chunk = joined(...bodies.map((body, i) => requestFrame(i, 5, body)))
      connection.receive(chunk, readAtMs, inputs)
      chunk.fill(0xaa)
      const got = inputs.map((input) => (input.kind === 'request' ? input.body : null))
      expect(got.map((body) => body?.length)).toEqual(sizes)
      expect(got.every((body, i) => body?.every((byte) => byte === i + 1))).toBe(true)
    }
  })

  it('keeps at most 8 KiB of memory alive for one small body', () => {
    const connection = attachedConnection()
    const inputs: ConnectionInput[] = []
    connection.receive(
      joined(...Array.from({ length: 300 }, () => requestFrame(1, 5, new Uint8Array(150)))),
      readAtMs,
      inputs,
    )
    const kept = inputs.map((input) => (input.kind === 'request' ? input.body.buffer.byteLength : 0))
    expect(Math.max(...kept)).toBe(8192)
  })

  it('keeps the bytes after the connect request until the session is established', () => {
    const connection = new ClientConnection()
    const inputs: ConnectionInput[] = []
    connection.receive(conversation.subarray(0, 80), 1, inputs)
    connection.receive(conversation.subarray(80, 100), 1, inputs)
    connection.receive(conversation.subarray(100), 1, inputs)
    expect(inputs.length).toBe(1)
    expect(connection.state).toEqual({ kind: 'connecting' })
    connection.established(readAtMs, inputs)
    expect(inputs).toEqual(expected)
    expect(connection.state).toEqual({ kind: 'attached' })
  })

  it('ignores bytes after its driver has closed it', () => {
    const connection = attachedConnection()
    connection.close()
    expect(feed(connection, [requestFrame(1, 4, getA)])).toEqual([])
    const waiting = new ClientConnection()
    waiting.receive(conversation, readAtMs, [])
    waiting.close()
    expect(feed(waiting, [conversation])).toEqual([])
  })

  it('never throws and refuses at most once, whatever bytes arrive', () => {
    const random = new SeededRandom(42)
    for (let round = 0; round < 2000; round++) {
      const connection = random.chance(2) ? new ClientConnection(4096) : attachedConnection(4096)
      const bytes = random.chance(2) ? random.bytes(random.below(200)) : conversation.slice(0, random.below(300))
      if (bytes.length > 0) bytes[random.below(Math.min(60, bytes.length))] = random.below(256)
      const inputs = feed(connection, random.split(bytes, 50))
      const closings = inputs.filter((input) => input.kind === 'refused' || input.kind === 'four-letter-word')
      expect(closings.length, `round ${round}`).toBe(connection.state.kind === 'closing' ? 1 : 0)
      if (closings.length === 1) expect(inputs.at(-1)).toBe(closings[0])
    }
  })
})
