/**
 * Ways to spoil bytes. Those of `bodyMutations` spoil the payload of a frame and keep its length right, so that the server
 * can answer it. Those of `framingMutations` spoil the framing itself; after that no bytes of the connection can be framed.
 */
import type { SeededRandom } from '../support/seeded-random.ts'

export type Mutate = (bytes: Uint8Array, random: SeededRandom) => Uint8Array

const absurdInts = [-1, -2, 2 ** 31 - 1, -(2 ** 31), 0, 0x00ffffff, 0x7fff0000, 65536]
const headerSizeBytes = 8
const lengthSizeBytes = 4

function withIntAt(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice()
  new DataView(copy.buffer).setInt32(at, value)
  return copy
}

/** Each takes and gives a payload: header and body. The header stays intact, so that the reply can be matched by its xid. */
export const bodyMutations: Readonly<Record<string, Mutate>> = {
  'bits flipped': (payload, random) => {
    const copy = payload.slice()
    for (let left = 1 + random.below(4); left > 0 && copy.length > headerSizeBytes; left--) {
      copy[headerSizeBytes + random.below(copy.length - headerSizeBytes)]! ^= 1 << random.below(8)
    }
    return copy
  },
  'cut short': (payload, random) =>
    payload.slice(0, headerSizeBytes + random.below(Math.max(1, payload.length - headerSizeBytes))),
  'bytes after the end': (payload, random) => Uint8Array.from([...payload, ...random.bytes(1 + random.below(40))]),
  'an absurd count or length': (payload, random) => {
    const room = payload.length - headerSizeBytes - 4
    if (room < 0) return payload
    const at = headerSizeBytes + (random.chance(2) ? 0 : random.below(room + 1))
    return withIntAt(payload, at, random.pick(absurdInts))
  },
  'a piece twice': (payload, random) => {
    const from = headerSizeBytes + random.below(Math.max(1, payload.length - headerSizeBytes))
    const piece = payload.slice(from, from + 1 + random.below(20))
    return Uint8Array.from([...payload.slice(0, from), ...piece, ...payload.slice(from)])
  },
  'a body of noise': (payload, random) =>
    Uint8Array.from([...payload.slice(0, headerSizeBytes), ...random.bytes(random.below(80))]),
  'text that is not UTF-8': (payload, random) => {
    const copy = payload.slice()
    for (let at = headerSizeBytes + 4; at < copy.length; at++) if (random.chance(4)) copy[at] = 0x80 + random.below(128)
    return copy
  },
}

/** Each takes a whole frame, length included. */
export const framingMutations: Readonly<Record<string, Mutate>> = {
  'a negative length': (frame, random) => withIntAt(frame, 0, -1 - random.below(1000)),
  'a huge length': (frame, random) => withIntAt(frame, 0, random.pick([2 ** 31 - 1, 0x100000, 0x10000000, 0x7f000000])),
  'a length too short': (frame) => withIntAt(frame, 0, Math.max(0, frame.length - lengthSizeBytes - 1)),
  'a length too long': (frame, random) => withIntAt(frame, 0, frame.length - lengthSizeBytes + 1 + random.below(100)),
  'an empty frame': (frame) => Uint8Array.from([0, 0, 0, 0, ...frame]),
  'a header cut short': (frame, random) => {
    const size = random.below(headerSizeBytes)
    return withIntAt(frame, 0, size).slice(0, lengthSizeBytes + size)
  },
  'bits flipped anywhere': (frame, random) => {
    const copy = frame.slice()
    copy[random.below(copy.length)]! ^= 1 << random.below(8)
    return copy
  },
  HTTP: () => new TextEncoder().encode('GET / HTTP/1.1\r\nHost: zoo\r\n\r\n'),
  noise: (_, random) => random.bytes(1 + random.below(200)),
}
