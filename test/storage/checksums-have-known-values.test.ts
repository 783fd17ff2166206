import { expect, test } from 'vitest'
import { crc32c, crc32cOfRange } from '../../src/base/crc32c.ts'
import { SimRandom } from '../simulator/sim-random.ts'

/** RFC 3720, appendix B.4, and the check value of the catalogue of CRCs. */
test.each([
  ['32 zeros', new Uint8Array(32), 0x8a9136aa],
  ['32 ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['the bytes from 0 to 31', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ['123456789', new TextEncoder().encode('123456789'), 0xe3069283],
  ['nothing', new Uint8Array(0), 0],
])('the checksum of %s is that of the standard', (_, bytes, expected) => {
  expect(crc32c(bytes)).toBe(expected)
})

test('a checksum is the same wherever the bytes are cut, whichever part sums the pieces', () => {
  const random = new SimRandom(1)
  const bytes = Uint8Array.from({ length: 3000 }, () => random.between(0, 255))
  const inSmallPieces = Array.from({ length: 30 }, (_, i) => bytes.subarray(i * 100, (i + 1) * 100))
  const sum = inSmallPieces.reduce((before, piece) => crc32c(piece, before), 0)
  for (let cut = 0; cut <= bytes.length; cut++) {
    expect(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut)))).toBe(sum)
  }
})

test('the checksum of a range is that of its bytes, whatever its length and wherever it begins', () => {
  const random = new SimRandom(2)
  const bytes = Uint8Array.from({ length: 1000 }, () => random.between(0, 255))
  for (let start = 0; start < 20; start++) {
    for (const lengthBytes of [...Array.from({ length: 70 }, (_, i) => i), 399, 400, 401, 800]) {
      const end = start + lengthBytes
      expect(crc32cOfRange(bytes, start, end, 77)).toBe(crc32c(bytes.slice(start, end), 77))
    }
  }
})
