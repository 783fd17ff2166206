import { describe, expect, test } from 'vitest'
import { crc32c } from '../../src/base/crc32c.ts'
import type { LinkCloseReason } from '../../src/peers/link-close-reason.ts'
import { encodeFrame, encodeMessages, keepAliveFrame, PeerFrameReader } from '../../src/peers/peer-frames.ts'
import type { PeerFrame, PeerMessage } from '../../src/protocol/peer/peer-message.ts'
import { SimRandom } from '../simulator/sim-random.ts'
import { vote } from './peer-rig.ts'

function readAll(
  chunks: readonly Uint8Array[],
  sizeBytesMax = 10_000,
): { frames: PeerFrame[]; problem: LinkCloseReason | null } {
  const reader = new PeerFrameReader()
  const frames: PeerFrame[] = []
  for (const chunk of chunks) {
    const lent = new Uint8Array(chunk) // a copy also of a Buffer
    reader.feed(lent)
    for (let frame = reader.next(sizeBytesMax); frame !== null; frame = reader.next(sizeBytesMax)) {
      if (typeof frame === 'string') return { frames, problem: frame }
      frames.push(frame)
    }
    lent.fill(0xaa)
  }
  return { frames, problem: null }
}

function roundsOf(frames: readonly PeerFrame[]): readonly (number | null)[][] {
  return frames.map((frame) => frame.messages.map((message) => (message.kind === 'vote' ? message.round : null)))
}

const stream = Buffer.concat([
  encodeFrame({ hello: null, messages: [vote(1), vote(2)] }),
  keepAliveFrame,
  encodeFrame({ hello: null, messages: [vote(3)] }),
])
const meaning = [[1, 2], [], [3]]

describe('frames between servers', () => {
  test('frames between servers are read from one chunk', () => {
    expect(roundsOf(readAll([stream]).frames)).toEqual(meaning)
  })

  test('frames between servers are read byte by byte', () => {
    expect(roundsOf(readAll([...stream].map((byte) => Uint8Array.of(byte))).frames)).toEqual(meaning)
  })

  test('frames between servers are read from chunks of any size', () => {
    const random = new SimRandom(7)
    for (let round = 0; round < 200; round++) {
      const chunks: Uint8Array[] = []
      for (let at = 0; at < stream.length; ) {
        const end = Math.min(at + random.between(1, 40), stream.length)
        chunks.push(stream.subarray(at, end))
        at = end
      }
      expect(roundsOf(readAll(chunks).frames)).toEqual(meaning)
    }
  })

  test('a flipped bit anywhere in a peer frame is noticed and nothing after it is read', () => {
    const good = encodeFrame({ hello: null, messages: [vote(1), vote(2)] })
    for (let bit = 0; bit < good.length * 8; bit++) {
      const bad = good.slice()
      bad[bit >> 3]! ^= 1 << (bit & 7)
      const { frames, problem } = readAll([bad, stream])
      expect([bit, problem, frames.length]).toEqual([bit, 'frame-damaged', 0])
    }
  })

  test('a peer frame above the limit is refused by its header alone', () => {
    const bodies: Uint8Array[] = []
    encodeMessages(
      Array.from({ length: 2000 }, (_, i) => vote(i)),
      bodies,
    )
    expect(bodies).toHaveLength(1)
    expect(readAll([bodies[0]!.subarray(0, 12)]).problem).toBe('frame-too-large')
  })

  test.each([1, 127, 128, 20_000])('a chunk of %i bytes is not copied, and the wire is as if it were', (sizeBytes) => {
    const chunk = new Uint8Array(sizeBytes).fill(7)
    const message: PeerMessage = { kind: 'checkpoint-chunk', syncId: 3, copyId: 4, number: 5, chunk }
    const pieces: Uint8Array[] = []
    encodeMessages([vote(1), message, message, vote(2)], pieces)
    expect(pieces[2]).toBe(chunk)
    const together = [vote(1), message, message, vote(2)].map((each) => encodeFrame({ hello: null, messages: [each] }))
    expect(Buffer.concat(pieces).equals(Buffer.concat(together))).toBe(true)
    const { frames } = readAll(pieces, 30_000)
    expect(frames.flatMap(({ messages }) => messages.map(({ kind }) => kind))).toEqual([
      'vote',
      'checkpoint-chunk',
      'checkpoint-chunk',
      'vote',
    ])
    expect(frames[1]!.messages[0]).toMatchObject({ syncId: 3, copyId: 4, number: 5, chunk })
  })

  test('a peer frame with a good checksum and an unknown message is refused', () => {
    // Field 2 (messages) with an empty message, which is of no known kind.
    const body = Uint8Array.of(0x12, 0x00)
    const framed = frameOf(body)
    expect(readAll([framed])).toEqual({ frames: [], problem: 'message-unknown' })
  })

  test('messages of one turn are split over frames only when one frame would be too large', () => {
    const messages = Array.from({ length: 100 }, (_, i) => vote(i + 1))
    const one: Uint8Array[] = []
    encodeMessages(messages, one)
    expect(one).toHaveLength(1)
    const many: Uint8Array[] = []
    encodeMessages(messages, many, 200)
    expect(many.length).toBeGreaterThan(1)
    expect(Math.max(...many.map((bytes) => bytes.length))).toBeLessThanOrEqual(212)
    expect(roundsOf(readAll(many).frames).flat()).toEqual(messages.map((_, i) => i + 1))
  })
})

/** A frame around any body, with the right checksums. */
function frameOf(body: Uint8Array): Uint8Array {
  const framed = new Uint8Array(12 + body.length)
  const view = new DataView(framed.buffer)
  view.setUint32(0, body.length)
  view.setUint32(4, crc32c(body))
  view.setUint32(8, crc32c(framed.subarray(0, 8)))
  framed.set(body, 12)
  return framed
}
