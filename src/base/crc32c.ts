/**
 * CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), slicing by sixteen. Guards log records and peer
 * frames. Continue a sum by passing the previous result as `seed`.
 */
const tableSize = 256
const sliceCount = 16
/** Table k follows table k - 1: what a byte adds to the sum when k more bytes come after it. One array is faster than 16. */
const table = buildTables()

export function crc32c(bytes: Uint8Array, seed = 0): number {
  let crc = ~seed
  let i = 0
  const whole = bytes.length - (sliceCount - 1)
  while (i < whole) {
    crc ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    crc =
      table[0xf00 | (crc & 0xff)]! ^
      table[0xe00 | ((crc >>> 8) & 0xff)]! ^
      table[0xd00 | ((crc >>> 16) & 0xff)]! ^
      table[0xc00 | (crc >>> 24)]! ^
      table[0xb00 | bytes[i + 4]!]! ^
      table[0xa00 | bytes[i + 5]!]! ^
      table[0x900 | bytes[i + 6]!]! ^
      table[0x800 | bytes[i + 7]!]! ^
      table[0x700 | bytes[i + 8]!]! ^
      table[0x600 | bytes[i + 9]!]! ^
      table[0x500 | bytes[i + 10]!]! ^
      table[0x400 | bytes[i + 11]!]! ^
      table[0x300 | bytes[i + 12]!]! ^
      table[0x200 | bytes[i + 13]!]! ^
      table[0x100 | bytes[i + 14]!]! ^
      table[bytes[i + 15]!]!
    i += sliceCount
  }
  for (; i < bytes.length; i++) crc = (crc >>> 8) ^ table[(crc ^ bytes[i]!) & 0xff]!
  return ~crc >>> 0
}

function buildTables(): Int32Array {
  const all = new Int32Array(sliceCount * tableSize)
  for (let n = 0; n < tableSize; n++) {
    let c = n
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1
    all[n] = c
  }
  for (let at = tableSize; at < all.length; at++) {
    const before = all[at - tableSize]!
    all[at] = (before >>> 8) ^ all[before & 0xff]!
  }
  return all
}
