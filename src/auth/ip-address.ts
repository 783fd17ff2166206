/**
 * Numeric addresses and address blocks of the `ip` scheme (ZK: IPAuthenticationProvider).
 * Accepts what ZooKeeper accepts, since every server must read an ACL that one server accepted: IPv4 in four
 * decimal parts, IPv6 in hex groups with at most one `::`; no zones, no IPv4 inside IPv6.
 */
export interface AddressBlock {
  readonly bytes: readonly number[] // 4 or 16
  readonly prefixBits: number
}

/** `address` or `address/bits`; null if it is not one. */
export function parseAddressBlock(text: string): AddressBlock | null {
  const slash = text.indexOf('/')
  const bytes = parseAddress(slash < 0 ? text : text.slice(0, slash))
  if (bytes === null) return null
  const prefixBits = slash < 0 ? bytes.length * 8 : parseDecimal(text.slice(slash + 1), bytes.length * 8)
  return prefixBits === null ? null : { bytes, prefixBits }
}

/** As Java writes it: eight groups for IPv6, none left out (Java: Inet6Address.getHostAddress). */
export function javaAddressText(address: string): string {
  const bytes = address.includes(':') ? parseIpv6(address) : null
  if (bytes === null) return address
  return Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16)).join(':')
}

/** The two families never contain each other. */
export function blockContains(block: AddressBlock, address: string): boolean {
  const bytes = parseAddress(address)
  if (bytes === null || bytes.length !== block.bytes.length) return false
  for (let index = 0, bitsLeft = block.prefixBits; bitsLeft > 0; index++, bitsLeft -= 8) {
    const mask = bitsLeft >= 8 ? 0xff : (0xff << (8 - bitsLeft)) & 0xff
    if ((bytes[index]! & mask) !== (block.bytes[index]! & mask)) return false
  }
  return true
}

function parseAddress(text: string): readonly number[] | null {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

function parseIpv4(text: string): readonly number[] | null {
  const parts = text.split('.')
  if (parts.length !== 4) return null
  const bytes: number[] = []
  for (const part of parts) {
    const value = parseDecimal(part, 255)
    if (value === null) return null
    bytes.push(value)
  }
  return bytes
}

function parseIpv6(text: string): readonly number[] | null {
  const halves = text.split('::')
  if (halves.length > 2) return null
  const head = parseGroups(halves[0]!)
  const tail = parseGroups(halves[1] ?? '')
  if (head === null || tail === null) return null
  const missing = 16 - head.length - tail.length
  // `::` stands for at least one group; without it all eight are written.
  const fits = halves.length === 2 ? missing >= 2 : missing === 0
  return fits ? [...head, ...new Array<number>(missing).fill(0), ...tail] : null
}

function parseGroups(text: string): readonly number[] | null {
  if (text === '') return []
  const bytes: number[] = []
  for (const group of text.split(':')) {
    // A sign is legal: ZooKeeper reads up to four characters with Integer.parseInt.
    if (group.length > 4 || !/^[+-]?[0-9a-fA-F]+$/.test(group)) return null
    const value = Number.parseInt(group, 16)
    bytes.push((value >> 8) & 0xff, value & 0xff)
  }
  return bytes
}

/** A sign and leading zeros are legal: ZooKeeper reads the number with Integer.parseInt. */
function parseDecimal(text: string, max: number): number | null {
  if (!/^[+-]?[0-9]+$/.test(text)) return null
  const value = Number(text)
  return value >= 0 && value <= max ? Math.abs(value) : null
}
