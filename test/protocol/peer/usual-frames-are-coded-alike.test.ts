/** The short ways to encode and to decode a frame give what the general codec gives, or leave the frame to it. */
import { expect, test } from 'vitest'
import type { ChainHash } from '../../../src/base/chain-hash.ts'
import type { SessionId, Zxid } from '../../../src/base/ids.ts'
import { decodeAnyFrame, decodePeerFrame, encodeAnyFrame, peerSchema } from '../../../src/protocol/peer/peer-codec.ts'
import type { ForwardedRequest, PeerFrame, PeerMessage } from '../../../src/protocol/peer/peer-message.ts'
import { decodeUsualFrame } from '../../../src/protocol/peer/usual-frame-decoder.ts'
import { encodeUsualFrame } from '../../../src/protocol/peer/usual-frame-encoder.ts'
import { SeededRandom } from '../../support/seeded-random.ts'

const doubles = [0, -0, 1, 0x3_0000_0004, 2 ** 53 - 1] as const
const words = [0, 1, 127, 2 ** 31, 2 ** 32 - 1] as const
const types = [0, 1, -11, 63, -64, 64, 2 ** 27 - 1, -(2 ** 27), 2 ** 31 - 1, -(2 ** 31)] as const
const sessions = [0n, 1n, 0xfe00_1234_89ab_cdefn, 2n ** 64n - 1n].map((id) => BigInt.asUintN(64, id) as SessionId)
const texts = ['', 'ip', '10.0.0.1', 'x'.repeat(300), 'é', '\u{1f600}'] as const
const payloads = [0, 1, 127, 128, 200, 17_000].map((sizeBytes) => new Uint8Array(sizeBytes).fill(sizeBytes))

function randomRequest(random: SeededRandom): ForwardedRequest {
  return {
    sequence: random.pick(doubles),
    sessionId: random.pick(sessions),
    isLocal: random.chance(2),
    type: random.pick(types),
    body: random.pick(payloads),
    authIds: listOf(random, 2, () => ({ scheme: random.pick(texts), id: random.pick(texts) })),
  }
}

function randomMessage(random: SeededRandom): PeerMessage {
  const syncId = random.pick(words)
  const zxid = random.pick(doubles) as Zxid
  switch (random.below(10)) {
    case 0:
    case 1:
    case 2:
      return { kind: 'ack', syncId, durable: zxid }
    case 3:
    case 4:
    case 5:
      return {
        kind: 'append',
        syncId,
        previousZxid: zxid,
        previousHash: random.pick(doubles) as number as ChainHash,
        entries: listOf(random, 4, () => ({ zxid: random.pick(doubles) as Zxid, payload: random.pick(payloads) })),
        committed: random.pick(doubles) as Zxid,
      }
    case 6:
    case 7:
    case 8:
      return {
        kind: 'forward',
        syncId,
        incarnation: random.pick(words),
        requests: listOf(random, 3, () => randomRequest(random)),
      }
    default:
      return { kind: 'dropped', syncId }
  }
}

function randomFrame(random: SeededRandom): PeerFrame {
  return { hello: null, messages: listOf(random, 4, () => randomMessage(random)) }
}

function listOf<T>(random: SeededRandom, countMax: number, make: () => T): readonly T[] {
  return Array.from({ length: random.below(countMax) }, make)
}

/** Quicker for long bytes than a text that is made byte by byte. */
function hexText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** One text, with the fields that are zero and that a decoded message of protobufjs has from its prototype. */
function textOf(frame: PeerFrame | null): string {
  return JSON.stringify(plainOf(frame))
}

function plainOf(value: unknown): unknown {
  // Bytes that are not on the wire are an empty list in what protobufjs decodes.
  if ((Array.isArray(value) || value instanceof Uint8Array) && value.length === 0) return 'empty'
  if (value instanceof Uint8Array) return `bytes ${hexText(value)}`
  if (typeof value === 'bigint') return `${value}n`
  if (Object.is(value, -0)) return '-0'
  if (Array.isArray(value)) return value.map(plainOf)
  if (typeof value !== 'object' || value === null) return value
  const fields: [string, unknown][] = []
  // What is inherited is the fields that are zero, the type and methods.
  for (const name in value) {
    const field = (value as Record<string, unknown>)[name]
    if (typeof field !== 'function' && name !== '$type') fields.push([name, plainOf(field)])
  }
  return Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1)))
}

test('both encoders write the same bytes for every frame that the short one encodes, and it encodes the usual ones', () => {
  const random = new SeededRandom(11)
  const usualKinds = new Map<string, number>()
  for (let i = 0; i < 1500; i += 1) {
    const frame = randomFrame(random)
    const usual = encodeUsualFrame(frame, 12)
    if (usual === null) continue
    expect(hexText(usual)).toBe(hexText(encodeAnyFrame(frame, 12)))
    for (const { kind } of frame.messages) usualKinds.set(kind, (usualKinds.get(kind) ?? 0) + 1)
  }
  expect([...usualKinds.keys()].sort()).toEqual(['ack', 'append', 'forward'])
  expect(Math.min(...usualKinds.values())).toBeGreaterThan(100)
})

test('both decoders agree about every frame that the short one decodes, and it decodes the usual ones', () => {
  const random = new SeededRandom(12)
  let usualCount = 0
  for (let i = 0; i < 1500; i += 1) {
    const bytes = encodeAnyFrame(randomFrame(random))
    const usual = decodeUsualFrame(bytes)
    if (usual === null) continue
    usualCount += 1
    expect(textOf(usual)).toBe(textOf(decodeAnyFrame(bytes)))
  }
  expect(usualCount).toBeGreaterThan(400)
})

test('a frame with a greeting, with another message or without any is left to the general codec', () => {
  const ack: PeerMessage = { kind: 'ack', syncId: 1, durable: 5 as Zxid }
  const dropped: PeerMessage = { kind: 'dropped', syncId: 1 }
  expect(encodeUsualFrame({ hello: null, messages: [ack, dropped] }, 12)).toBeNull()
  expect(encodeUsualFrame({ hello: null, messages: [] }, 12)).toBeNull()
  expect(decodeUsualFrame(encodeAnyFrame({ hello: null, messages: [ack, dropped] }))).toBeNull()
})

test('frames that are cut or changed are decoded or refused as protobufjs decodes or refuses them', () => {
  const random = new SeededRandom(13)
  const seen = { decoded: 0, refused: 0 }
  for (let i = 0; i < 4000; i += 1) {
    const whole = encodeAnyFrame(randomFrame(random))
    if (whole.length === 0 || whole.length > 2000) continue
    const bytes = random.chance(2) ? whole.slice(0, random.below(whole.length)) : whole.slice()
    for (let count = random.below(3); count > 0 && bytes.length > 0; count -= 1) {
      bytes[random.below(Math.min(bytes.length, 60))] = random.pick([0, 1, 8, 9, 0x12, 0x22, 0x7f, 0x80, 0xff])
    }
    const decoded = decodePeerFrame(bytes)
    expect(textOf(decoded)).toBe(textOf(decodeAnyFrame(bytes)))
    seen[decoded === null ? 'refused' : 'decoded'] += 1
  }
  expect(Math.min(seen.decoded, seen.refused)).toBeGreaterThan(200)
})

test('a message that stands in one field twice, or beside another one, is left to the general decoder', () => {
  const frameType = peerSchema.lookupType('PeerFrame')
  const bytes = frameType.encode({ messages: [{ ack: { syncId: 1, durable: 5 } }] }).finish()
  const body = bytes.subarray(2)
  const twice = Uint8Array.of(0x12, 2 * body.length, ...body, ...body)
  expect(decodeUsualFrame(twice)).toBeNull()
  expect(textOf(decodePeerFrame(twice))).toBe(textOf(decodeAnyFrame(twice)))
})
