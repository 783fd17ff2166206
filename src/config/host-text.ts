/**
 * Hosts as they are written in a configuration. Addresses have several spellings, such as ::1 and 0:0:0:0:0:0:0:1, so
 * they are compared in one spelling. Names are compared as text, without a name server.
 */

/** IPv6 addresses may stand in brackets. */
export function withoutBrackets(text: string): string {
  return text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text
}

/** An address in one spelling, IPv6 in brackets; a name in small letters. */
export function plainHost(host: string): string {
  const url = `http://${host.includes(':') ? `[${host}]` : host}`
  // A text that is no host in a URL, such as an address with a zone, has only one spelling.
  return URL.canParse(url) ? new URL(url).hostname : host.toLowerCase()
}

export function isSameHost(a: string, b: string): boolean {
  return plainHost(a) === plainHost(b)
}

export function isAnyAddress(host: string): boolean {
  return ['0.0.0.0', '[::]'].includes(plainHost(host))
}

/** Whether the text can be an address or a name. The zone of an IPv6 address is not checked. */
export function isHost(text: string): boolean {
  return text.includes(':') ? URL.canParse(`http://[${text.replace(/%.*$/, '')}]`) : !/[\s/\\]/.test(text)
}

/** Not a name. */
export function isAddress(host: string): boolean {
  return host.includes(':') || /^\d+(\.\d+){3}$/.test(plainHost(host))
}
