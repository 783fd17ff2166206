import { describe, expect, it } from 'vitest'
import { JuteReader } from '../../src/jute/jute-reader.ts'
import { JuteWriter } from '../../src/jute/jute-writer.ts'
import { decodeUtf8 } from '../../src/jute/utf8.ts'
import { bytesOf, hexOf } from '../support/hex.ts'
import { SeededRandom } from '../support/seeded-random.ts'

function decoded(hex: string): string {
  const bytes = bytesOf(hex)
  return decodeUtf8(bytes, 0, bytes.length)
}

describe('strings', () => {
  it('a surrogate pair is written as two times three bytes', () => {
    const writer = new JuteWriter()
    writer.writeUstring('a😀')
    expect(hexOf(writer.take())).toBe('00000007' + '61' + 'eda0bd' + 'edb880')
  })

  it('a surrogate in three bytes reads as one U+FFFD each', () => {
    expect(decoded('61 eda0bd edb880 62')).toBe('a\ufffd\ufffdb')
  })

  it('a character beyond the basic plane in four bytes reads as its surrogate pair', () => {
    expect(decoded('f09f9880')).toBe('😀')
  })

  it.each([
    ['a lone continuation byte', '61 80 62', 'a\ufffdb'],
    ['an overlong slash', 'c0 af', '\ufffd\ufffd'],
    ['a byte that UTF-8 never has', '61 ff 62', 'a\ufffdb'],
    ['a lead byte at the end', '61 e2 82', 'a\ufffd'],
    ['a lead byte followed by ASCII', 'e2 61', '\ufffda'],
    ['a code point above U+10FFFF', 'f4 90 80 80', '\ufffd\ufffd\ufffd\ufffd'],
  ])('%s reads as U+FFFD', (_what, hex, text) => {
    expect(decoded(hex)).toBe(text)
  })

  it('a byte order mark is kept as a character', () => {
    expect(decoded('efbbbf 61')).toBe('\ufeffa')
  })

  it('texts without surrogates round-trip at every length around the fast path', () => {
    const random = new SeededRandom(11)
    for (let round = 0; round < 2000; round++) {
      const text = round % 2 === 0 ? random.text(40) : 'x'.repeat(round % 41)
      const writer = new JuteWriter()
      writer.writeUstring(text)
      expect(new JuteReader(writer.take()).readUstring()).toBe(text)
    }
  })

  it('decoding agrees with the platform on bytes that hold no encoded surrogates', () => {
    const platform = new TextDecoder('utf-8', { ignoreBOM: true })
    const random = new SeededRandom(12)
    const leads = [0x41, 0x7f, 0x80, 0xbf, 0xc2, 0xdf, 0xe0, 0xe1, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff, 0xa0, 0x90, 0x8f]
    for (let round = 0; round < 5000; round++) {
      const bytes = Uint8Array.from({ length: random.below(24) }, () => random.pick(leads))
      expect(decodeUtf8(bytes, 0, bytes.length), `round ${round}: ${hexOf(bytes)}`).toBe(platform.decode(bytes))
    }
  })
})
