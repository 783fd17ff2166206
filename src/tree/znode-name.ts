/**
 * Names of znodes as bytes: UTF-8, each UTF-16 unit encoded on its own, which is how jute writes a string
 * (protocol: CESU-8 for surrogates, though validated paths hold none). Written, compared and read in place,
 * so that a lookup neither encodes nor allocates.
 */
const slash = 0x2f

/** Bytes that the units of `path` in [start, end) take. */
export function nameLengthBytes(path: string, start: number, end: number): number {
  let lengthBytes = end - start
  for (let at = start; at < end; at += 1) {
    const unit = path.charCodeAt(at)
    if (unit >= 0x80) lengthBytes += unit >= 0x800 ? 2 : 1
  }
  return lengthBytes
}

export function writeName(path: string, start: number, end: number, bytes: Uint8Array, offset: number): void {
  let to = offset
  for (let at = start; at < end; at += 1) {
    const unit = path.charCodeAt(at)
    if (unit < 0x80) {
      bytes[to++] = unit
      continue
    }
    if (unit < 0x800) {
      bytes[to++] = 0xc0 | (unit >> 6)
    } else {
      bytes[to++] = 0xe0 | (unit >> 12)
      bytes[to++] = 0x80 | ((unit >> 6) & 0x3f)
    }
    bytes[to++] = 0x80 | (unit & 0x3f)
  }
}

/**
 * Whether the component of `path` that ends at `end` is the stored name, with a slash before it. Goes backwards,
 * because only the stored name knows where the component begins. Returns the position of that slash, or -1.
 */
export function matchNameBackwards(
  path: string,
  end: number,
  bytes: Uint8Array,
  offset: number,
  lengthBytes: number,
): number {
  let at = end
  let from = offset + lengthBytes
  while (from > offset) {
    from -= 1
    let unit = bytes[from]!
    if (unit >= 0x80) {
      const before = bytes[from - 1]!
      if (before >= 0xc0) {
        unit = ((before & 0x1f) << 6) | (unit & 0x3f)
        from -= 1
      } else {
        unit = ((bytes[from - 2]! & 0xf) << 12) | ((before & 0x3f) << 6) | (unit & 0x3f)
        from -= 2
      }
    }
    at -= 1
    if (at < 0 || path.charCodeAt(at) !== unit) return -1
  }
  at -= 1
  return at >= 0 && path.charCodeAt(at) === slash ? at : -1
}

export function readName(bytes: Uint8Array, offset: number, lengthBytes: number): string {
  const units: number[] = []
  const end = offset + lengthBytes
  let at = offset
  while (at < end) {
    const lead = bytes[at]!
    if (lead < 0x80) {
      units.push(lead)
      at += 1
    } else if (lead < 0xe0) {
      units.push(((lead & 0x1f) << 6) | (bytes[at + 1]! & 0x3f))
      at += 2
    } else {
      units.push(((lead & 0xf) << 12) | ((bytes[at + 1]! & 0x3f) << 6) | (bytes[at + 2]! & 0x3f))
      at += 3
    }
  }
  return textOfUnits(units)
}

/** In pieces: a name can be as long as a frame, and JavaScript limits the number of arguments of a call. */
function textOfUnits(units: readonly number[]): string {
  const piece = 4096
  if (units.length <= piece) return String.fromCharCode(...units)
  let text = ''
  for (let at = 0; at < units.length; at += piece) text += String.fromCharCode(...units.slice(at, at + piece))
  return text
}
