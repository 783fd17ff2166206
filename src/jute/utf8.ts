/**
 * Strings on the wire, as Java's writer and reader treat them.
 * Each UTF-16 unit is encoded on its own, so a surrogate pair takes twice three bytes (CESU-8); a decoder
 * of proper UTF-8 refuses such bytes, and so does Java's: they come back as U+FFFD. The code is our own because the
 * platform's decoder yields a different number of U+FFFD for them, and clients compare what they get back.
 */
const replacement = 0xfffd

/** Most bytes that one UTF-16 unit can take. */
export const utf8UnitSizeBytesMax = 3

/** Writes `text` at `at`, which must have room for three bytes a unit; returns the end (ZK: BinaryOutputArchive.stringToByteBuffer). */
export function encodeUtf8(text: string, into: Uint8Array, at: number): number {
  let end = at
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) {
      into[end++] = unit
    } else if (unit < 0x800) {
      into[end++] = 0xc0 | (unit >> 6)
      into[end++] = 0x80 | (unit & 0x3f)
    } else {
      into[end++] = 0xe0 | (unit >> 12)
      into[end++] = 0x80 | ((unit >> 6) & 0x3f)
      into[end++] = 0x80 | (unit & 0x3f)
    }
  }
  return end
}

export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  // Most paths are short and ASCII: eight units a call is 3 times faster than the platform's decoder up to about 100 bytes.
  let text = ''
  let at = start
  while (at + 8 <= end) {
    const a = bytes[at]!
    const b = bytes[at + 1]!
    const c = bytes[at + 2]!
    const d = bytes[at + 3]!
    const e = bytes[at + 4]!
    const f = bytes[at + 5]!
    const g = bytes[at + 6]!
    const h = bytes[at + 7]!
    if ((a | b | c | d | e | f | g | h) & 0x80) return text + decodeAny(bytes, at, end)
    text += String.fromCharCode(a, b, c, d, e, f, g, h)
    at += 8
  }
  for (; at < end; at++) {
    const byte = bytes[at]!
    if (byte & 0x80) return text + decodeAny(bytes, at, end)
    text += String.fromCharCode(byte)
  }
  return text
}

function decodeAny(bytes: Uint8Array, start: number, end: number): string {
  let text = ''
  let at = start
  while (at < end) {
    const lengthBytes = sequenceLengthAt(bytes, at, end)
    if (lengthBytes > 0) {
      text += String.fromCodePoint(codePointAt(bytes, at, lengthBytes))
      at += lengthBytes
    } else {
      text += String.fromCharCode(replacement)
      at -= lengthBytes
    }
  }
  return text
}

/** Bytes of the well-formed sequence at `at`; or minus the bytes that one U+FFFD replaces. */
function sequenceLengthAt(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at]!
  if (lead < 0x80) return 1
  const wanted = lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0
  if (wanted === 0) return -1
  for (let i = 1; i < wanted; i++) {
    const byte = at + i < end ? bytes[at + i]! : 0
    if (byte < (i === 1 ? secondByteMin(lead) : 0x80) || byte > (i === 1 ? secondByteMax(lead) : 0xbf)) return -i
  }
  // An encoded surrogate is one malformed unit of three bytes to Java (ZK clients see one U+FFFD for it).
  const isSurrogate = lead === 0xed && bytes[at + 1]! >= 0xa0
  return isSurrogate ? -3 : wanted
}

function secondByteMin(lead: number): number {
  return lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
}

function secondByteMax(lead: number): number {
  return lead === 0xf4 ? 0x8f : 0xbf
}

function codePointAt(bytes: Uint8Array, at: number, lengthBytes: number): number {
  const lead = bytes[at]!
  if (lengthBytes === 1) return lead
  let point = lead & (0xff >> (lengthBytes + 1))
  for (let i = 1; i < lengthBytes; i++) point = (point << 6) | (bytes[at + i]! & 0x3f)
  return point
}
